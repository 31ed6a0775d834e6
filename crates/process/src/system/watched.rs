//! Descriptors that the runtime watches.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Keeps the owner of a descriptor, and with it the descriptor, for as long as the runtime watches it.
#[derive(Debug)]
pub(crate) struct Watched<T>(T);

impl<T: AsFd> AsFd for Watched<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl<T> Watched<T> {
    /// Gives the owner back.
    pub(crate) fn into_inner(self) -> T {
        self.0
    }
}

impl<T: AsFd> AsRawFd for Watched<T> {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

/// Lets the runtime watch the descriptor of `owner` for being readable. `owner` always shows the same descriptor.
pub(crate) fn watch<T: AsFd>(owner: T) -> io::Result<AsyncFd<Watched<T>>> {
    // SAFETY: the descriptor belongs to `owner`, which is moved into the AsyncFd and dropped after the registration.
    unsafe { AsyncFd::register_with_interest(Watched(owner), Interest::READABLE) }.map_err(io::Error::from)
}
