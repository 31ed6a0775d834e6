//! Runs the work of an actor on the threads of the runtime, so that one actor's statements do not hold up the others
//! that share its thread.

use std::future::Future;

/// Runs `future` as a task of its own and waits for it. A panic in it is a panic of whoever waits; dropping the wait does
/// not cancel the work, because half a unit of work helps nobody.
pub(crate) async fn offload<Output: Send + 'static>(future: impl Future<Output = Output> + Send + 'static) -> Output {
    match tokio::spawn(future).await {
        Ok(output) => output,
        Err(error) => match error.try_into_panic() {
            Ok(payload) => std::panic::resume_unwind(payload),
            // The runtime is going away and takes whoever waits here with it.
            Err(_) => std::future::pending().await,
        },
    }
}
