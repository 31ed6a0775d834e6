//! What starting the same process costs with nothing around it.
#![expect(clippy::disallowed_methods, reason = "the floor is measured without Attune's own spawning")]

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::json;

use crate::Options;
use crate::report::{Report, Samples};

/// Where both sides look for programs: shims of version managers would be measured instead of interpreters.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A child with two pipes, read to the end, given `input` on stdin.
pub(crate) struct Bare<'a> {
    pub(crate) program: &'a str,
    pub(crate) arguments: Vec<String>,
    /// What it is given on stdin; empty: it does not read.
    pub(crate) input: &'a str,
}

impl Bare<'_> {
    fn command(&self) -> Command {
        let mut command = Command::new(self.program);
        command.args(&self.arguments);
        clean(&mut command);
        command
    }

    /// Milliseconds of one run after the other.
    pub(crate) fn one_at_a_time(&self, count: usize) -> io::Result<Samples> {
        let mut samples = Vec::with_capacity(count);
        for _ in 0..count {
            let start = Instant::now();
            let mut child =
                self.command().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
            if let Some(mut stdin) = child.stdin.take() {
                use io::Write;
                // A script that does not read its input may be gone already.
                let _ = stdin.write_all(self.input.as_bytes());
            }
            let output = child.wait_with_output()?;
            if !output.status.success() {
                return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
            }
            samples.push(start.elapsed().as_secs_f64() * 1000.0);
        }
        Ok(Samples::new(samples))
    }

    /// Runs per second of `count` runs, `at_once` at a time, started by `xargs`.
    pub(crate) fn xargs_rate(&self, count: usize, at_once: usize) -> io::Result<f64> {
        let folder = tempfile::tempdir()?;
        let input = folder.path().join("input");
        std::fs::write(&input, self.input)?;
        let list: String = (0..count).map(|_| format!("{}\n", input.display())).collect();
        let names = folder.path().join("names");
        std::fs::write(&names, list)?;
        let mut command = Command::new("xargs");
        command.args(["-P", &at_once.to_string(), "-n", "1"]);
        if self.input.is_empty() {
            command.arg(self.program).args(&self.arguments);
        } else {
            // xargs gives its children no stdin; a shell that replaces itself does, for half a millisecond.
            let line = format!("exec {} {} <\"$0\"", self.program, self.arguments.join(" "));
            command.args(["/bin/sh", "-c", &line]);
        }
        clean(&mut command);
        command.stdin(std::fs::File::open(&names)?).stdout(Stdio::null()).stderr(Stdio::null());
        let start = Instant::now();
        let status = command.status()?;
        if !status.success() {
            return Err(io::Error::other(format!("xargs ended with {status}")));
        }
        Ok(count as f64 / start.elapsed().as_secs_f64())
    }
}

fn clean(command: &mut Command) {
    command.env_clear().env("PATH", PATH);
    command.env("HOME", "/").env("LANG", "C.UTF-8").current_dir(Path::new("/"));
}

/// What tokio's own spawning reaches, beside xargs.
pub(crate) fn tokio_spawn(options: &Options, report: &Report) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    for at_once in [1, 2, 8] {
        report.rounds(
            "floor_tokio_spawn",
            "per_second",
            &json!({"child": "sh -c true", "at_once": at_once}),
            || {
                let start = Instant::now();
                runtime.block_on(tokio_rate(options.executions, at_once))?;
                Ok(options.executions as f64 / start.elapsed().as_secs_f64())
            },
        )?;
    }
    Ok(())
}

async fn tokio_rate(count: usize, at_once: usize) -> io::Result<()> {
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..count {
        if running.len() >= at_once
            && let Some(ended) = running.join_next().await
        {
            ended??;
        }
        running.spawn(async {
            let mut command = tokio::process::Command::new("/bin/sh");
            command.args(["-c", "true"]).env_clear().process_group(0);
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn()?.wait_with_output().await.map(|_| ())
        });
    }
    while let Some(ended) = running.join_next().await {
        ended??;
    }
    Ok(())
}
