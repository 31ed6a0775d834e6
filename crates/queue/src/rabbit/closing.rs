//! Waiting for a watched value, without keeping it locked.

use tokio::sync::watch;

/// Waits until the queue is closed or gone.
pub(crate) async fn closed(closing: &mut watch::Receiver<bool>) {
    until(closing, |closing| *closing).await;
}

/// Waits until a value is as wanted, or nobody can change it any more. The guard that the channel's own method answers
/// with must not live across an await.
pub(crate) async fn until<T>(watched: &mut watch::Receiver<T>, wanted: impl FnMut(&T) -> bool) {
    let _ = watched.wait_for(wanted).await;
}
