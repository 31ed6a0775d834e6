//! A child whose output is wanted whole.

use crate::chunk::Chunk;
use crate::command::Command;
use crate::ended::Ended;
use crate::launcher::Launcher;
use crate::spawn_error::SpawnError;
use crate::stream::Stream;

/// The end of a child, and what it wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collected {
    /// How it ended.
    pub ended: Ended,
    /// What it wrote to standard output: head and tail, the gap is in [`Ended::stdout_dropped`].
    pub stdout: Vec<u8>,
    /// What it wrote to standard error, likewise.
    pub stderr: Vec<u8>,
}

/// Runs `command` to its end and collects its output; see [`Launcher::run_to_end`].
pub(crate) async fn run_to_end(launcher: &Launcher, command: Command) -> Result<Collected, SpawnError> {
    let (sender, mut receiver) = tokio::sync::mpsc::channel::<Chunk>(4);
    let child = launcher.spawn(command, sender).await?;
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let collecting = async {
        while let Some(chunk) = receiver.recv().await {
            match chunk.stream {
                Stream::Stdout => stdout.extend_from_slice(&chunk.bytes),
                Stream::Stderr => stderr.extend_from_slice(&chunk.bytes),
            }
        }
    };
    let (ended, ()) = tokio::join!(child.wait(), collecting);
    Ok(Collected { ended, stdout, stderr })
}
