//! What becomes of scripts that take more than they may: `cargo run --example limits`.

use std::error::Error;
use std::io::Write;
use std::time::Duration;

use attune_process::{Command, Launcher, LauncherProgram, Limits};

const SCRIPTS: [(&str, &str); 4] = [
    ("memory", "x=$(head -c 300000000 /dev/zero | tr '\\0' x); echo ${#x}"),
    ("time", "trap '' TERM; while :; do sleep 1; done"),
    ("processor", "while :; do :; done"),
    ("processes", "i=0; while [ $i -lt 200 ]; do sleep 5 & i=$((i+1)); done; wait"),
];

fn main() -> Result<(), Box<dyn Error>> {
    attune_process::serve_as_launcher_if_asked();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(run())
}

async fn run() -> Result<(), Box<dyn Error>> {
    let launcher = Launcher::start(LauncherProgram::Own)?;
    let mut out = std::io::stdout();
    for (name, script) in SCRIPTS {
        let mut command = Command::new("/bin/sh").arguments(["-c", script]).variable("PATH", "/usr/bin:/bin");
        command.timeout = Some(Duration::from_secs(3));
        command.grace = Duration::from_millis(200);
        command.limits =
            Limits { memory_bytes: Some(64 << 20), cpu_seconds: Some(1), processes: Some(50), ..Limits::default() };
        match launcher.run_to_end(command).await {
            Ok(collected) => {
                let ended = collected.ended;
                writeln!(out, "{name}: {:?}, stopped by us: {:?}", ended.how, ended.stopped_because)?;
                writeln!(out, "    used {:?}", ended.usage)?;
                for entry in &ended.limits.entries {
                    writeln!(out, "    {} of {} held by {:?}", entry.name, entry.asked, entry.enforced)?;
                }
                if let Some(oom) = ended.oom {
                    writeln!(out, "    killed for memory: {oom:?}")?;
                }
            }
            // A limit that nothing here can hold is refused, not ignored.
            Err(error) => writeln!(out, "{name}: {error}")?,
        }
    }
    Ok(())
}
