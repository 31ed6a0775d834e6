//! How an action calls whoever runs it.

use std::future::Future;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::oneshot;

/// Waits until a child first uses its descriptor 3; see [`Child::calls`](crate::Child::calls). `None`: it has ended
/// without.
///
/// What it gives is the other end: a socket that keeps messages apart (`SOCK_SEQPACKET`), with the child's first message
/// waiting in it. Everything in the child's tree that inherited the descriptor talks through the same socket. A child
/// that never calls costs two descriptors of its guard and nothing here.
#[derive(Debug)]
pub struct Calls(pub(crate) oneshot::Receiver<OwnedFd>);

impl Future for Calls {
    type Output = Option<OwnedFd>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(Result::ok)
    }
}
