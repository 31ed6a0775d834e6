//! Writes the child's standard input.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;

use tokio::net::unix::pipe;

use crate::system;

/// What is still to be written once the child runs; empty when everything fitted into the pipe beforehand.
#[derive(Debug)]
pub(crate) struct Feed {
    rest: Option<(pipe::Sender, Vec<u8>, usize)>,
}

/// What the child gets as its standard input.
pub(crate) enum StdinEnd {
    /// There is nothing to read: one descriptor of `/dev/null` for all children.
    Nothing(&'static File),
    /// The reading end of a pipe.
    Pipe(OwnedFd),
}

impl StdinEnd {
    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Nothing(file) => file.as_fd(),
            Self::Pipe(end) => end.as_fd(),
        }
    }
}

fn nothing() -> io::Result<&'static File> {
    static NOTHING: OnceLock<File> = OnceLock::new();
    match NOTHING.get() {
        Some(file) => Ok(file),
        None => {
            let file = match File::open("/dev/null") {
                Err(error) if error.kind() == io::ErrorKind::NotFound => File::from(system::nothing()?),
                opened => opened?,
            };
            Ok(NOTHING.get_or_init(|| file))
        }
    }
}

impl Feed {
    /// Prepares standard input. As much as the pipe holds (64 KiB as a rule) is written now, which costs one system
    /// call and no registration; only what does not fit is left to [`Feed::run`].
    pub(crate) fn new(input: Vec<u8>) -> io::Result<(Self, StdinEnd)> {
        if input.is_empty() {
            return Ok((Self { rest: None }, StdinEnd::Nothing(nothing()?)));
        }
        let (reading, writing) = system::pipe()?;
        system::set_nonblocking(&writing)?;
        let mut file = File::from(writing);
        let mut written = 0;
        while written < input.len() {
            match file.write(&input[written..]) {
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        let rest = if written < input.len() {
            let sender = pipe::Sender::from_owned_fd_unchecked(OwnedFd::from(file))?;
            Some((sender, input, written))
        } else {
            None
        };
        Ok((Self { rest }, StdinEnd::Pipe(reading)))
    }

    /// Writes the rest, as fast as the child reads. A child that closes its standard input, or never reads it, is
    /// within its rights: neither is an error.
    pub(crate) async fn run(self) {
        let Some((sender, input, mut written)) = self.rest else { return };
        while written < input.len() {
            match sender.try_write(&input[written..]) {
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if sender.writable().await.is_err() {
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return,
                Err(error) => {
                    tracing::warn!(%error, "the standard input of a child cannot be written any more");
                    return;
                }
            }
        }
    }
}
