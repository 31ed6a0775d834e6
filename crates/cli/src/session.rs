//! The asynchronous part of the process: one actix `System` on a multi-threaded tokio runtime.

use std::future::Future;

use tokio::runtime::{Builder, Runtime};

/// Runs `future` to its end. Actors live on this thread, everything that is `Send` on two more.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let runner = actix::System::with_tokio_rt(runtime);
    runner.block_on(future)
}

/// A runtime without actors, for commands that only ask the database something.
pub(crate) fn runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("the operating system gives a process its first threads and descriptors")
}
