//! The asynchronous part of the process: one actix `System` on a multi-threaded tokio runtime.

use std::future::Future;

use tokio::runtime::Builder;

/// Runs `future` to its end. Actors live on this thread, everything that is `Send` on two more.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let runner = actix::System::with_tokio_rt(|| {
        Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("the operating system gives a process its first threads and descriptors")
    });
    runner.block_on(future)
}
