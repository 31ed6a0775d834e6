//! Runs one program and says everything about its end: `cargo run --example run_one -- sh -c 'echo hello; sleep 9 &'`.

use std::error::Error;
use std::ffi::OsString;
use std::io::Write;
use std::time::Duration;

use attune_process::{Command, Launcher, LauncherProgram, Stream};

fn main() -> Result<(), Box<dyn Error>> {
    // Before anything else: the launcher is this program in another role.
    attune_process::serve_as_launcher_if_asked();
    let mut arguments = std::env::args_os().skip(1);
    let program = arguments.next().unwrap_or_else(|| "true".into());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(run(program, arguments.collect()))
}

/// Finds a program as a shell would.
fn found(program: OsString) -> std::path::PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places = std::env::split_paths(&path).map(|folder| folder.join(&program));
    places.find(|place| place.is_file()).unwrap_or_else(|| program.into())
}

async fn run(program: OsString, arguments: Vec<OsString>) -> Result<(), Box<dyn Error>> {
    let launcher = Launcher::start(LauncherProgram::Own)?;
    let mut command = Command::new(found(program)).arguments(arguments);
    command.environment = vec![("PATH".into(), std::env::var_os("PATH").unwrap_or_default())];
    command.timeout = Some(Duration::from_secs(10));
    command.grace = Duration::from_secs(2);

    let (sender, mut chunks) = tokio::sync::mpsc::channel(4);
    let child = launcher.spawn(command, sender).await?;
    let mut out = std::io::stdout();
    writeln!(out, "process {} guarded by {}", child.pid(), child.guard_pid())?;
    let printing = async {
        while let Some(chunk) = chunks.recv().await {
            let name = if chunk.stream == Stream::Stdout { "out" } else { "err" };
            writeln!(out, "{name} @{}: {:?}", chunk.offset, String::from_utf8_lossy(&chunk.bytes))?;
        }
        std::io::Result::Ok(())
    };
    let (ended, printed) = tokio::join!(child.wait(), printing);
    printed?;
    writeln!(std::io::stdout(), "{ended:#?}")?;
    Ok(())
}
