//! The shell that starts a server, kills it on order, and outlives us just long enough to clean up.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::programs;
use crate::start_error::StartError;

/// How long a server may take to come up on a busy machine before the test is called broken.
const START_LIMIT: Duration = Duration::from_secs(90);

/// A running guard. Dropping it ends the server and removes its directory; so does our death.
#[derive(Debug)]
pub(crate) struct Guard {
    program: &'static str,
    directory: PathBuf,
    shell: Mutex<Child>,
    orders: Mutex<Option<ChildStdin>>,
}

impl Guard {
    /// Makes a directory `name` below the temporary directory and starts `script` with it as `$1` and then `arguments`.
    pub(crate) fn start(
        program: &'static str,
        name: &str,
        script: &'static str,
        arguments: &[&OsStr],
    ) -> Result<Self, StartError> {
        let made = tempfile::Builder::new().prefix(name).tempdir();
        let directory =
            made.map_err(|source| StartError::Io { doing: "making a directory for a server", source })?.keep();
        let started = Self::shell(script, &directory, arguments);
        match started {
            Ok(mut shell) => {
                let orders = shell.stdin.take();
                Ok(Self { program, directory, shell: Mutex::new(shell), orders: Mutex::new(orders) })
            }
            Err(source) => {
                // Nothing runs in it, and the first error is the one that matters.
                let _ = std::fs::remove_dir_all(&directory);
                Err(StartError::Io { doing: "starting the guard of a server", source })
            }
        }
    }

    fn shell(script: &str, directory: &Path, arguments: &[&OsStr]) -> std::io::Result<Child> {
        // A server that drops to its own user must be able to pass through.
        std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o755))?;
        let log = File::create(directory.join("guard.log"))?;
        programs::command("/bin/sh")
            .arg("-c")
            .arg(script)
            .arg("guard")
            .arg(directory)
            .args(arguments)
            .stdin(Stdio::piped())
            // Never our own streams: whoever reads them to the end would wait for the server.
            .stdout(log.try_clone()?)
            .stderr(log)
            .current_dir(directory)
            // A group of its own: an interrupt from the terminal must not end it before us.
            .process_group(0)
            .spawn()
    }

    /// Where the server lives.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Gives the guard an order; they are listed in its script.
    pub(crate) fn order(&self, order: &str) -> Result<(), StartError> {
        let mut orders = self.orders.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match orders.as_mut() {
            Some(pipe) => {
                writeln!(pipe, "{order}").map_err(|source| StartError::Io { doing: "ordering a guard", source })
            }
            None => Ok(()),
        }
    }

    /// Stops all of the server's processes, and waits until they stand still: an order is carried out a moment later.
    pub(crate) async fn freeze(&self) -> Result<(), StartError> {
        self.order("freeze")?;
        self.wait_until(|| self.directory.join("frozen").exists()).await
    }

    /// Waits until `answers` says that the server is there, or until it is clear that it will not come.
    pub(crate) async fn wait_until<F: Fn() -> bool>(&self, answers: F) -> Result<(), StartError> {
        let begun = Instant::now();
        loop {
            if answers() {
                return Ok(());
            }
            if let Some(reason) = self.ended() {
                return Err(self.failed(reason));
            }
            if begun.elapsed() > START_LIMIT {
                return Err(self.failed(format!("no answer within {} s", START_LIMIT.as_secs())));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until nothing listens on `port` any more. Orders are carried out by the shell a moment after they are given,
    /// so a server that was just ordered to end may still answer, and must not be taken for its successor.
    pub(crate) async fn wait_until_silent(&self, port: u16) -> Result<(), StartError> {
        let begun = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            if begun.elapsed() > START_LIMIT {
                return Err(self.failed("it was not ended before it was started again".to_owned()));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    fn ended(&self) -> Option<String> {
        let mut shell = self.shell.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Ok(Some(status)) = shell.try_wait() {
            return Some(format!("its guard ended with {status}"));
        }
        let pid = std::fs::read_to_string(self.directory.join("server.pid")).ok()?;
        let state = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
        let running = state.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(" Z"));
        (!running).then(|| "it ended".to_owned())
    }

    fn failed(&self, reason: String) -> StartError {
        let text = ["server.log", "guard.log"]
            .iter()
            .filter_map(|name| std::fs::read_to_string(self.directory.join(name)).ok())
            .collect::<Vec<_>>()
            .join("\n");
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let log = lines[lines.len().saturating_sub(12)..].join("\n");
        StartError::Failed { program: self.program, reason, log }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // End of file is the order to clean up; the guard ends when nothing is left.
        drop(self.orders.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take());
        let _ = self.shell.lock().unwrap_or_else(std::sync::PoisonError::into_inner).wait();
    }
}
