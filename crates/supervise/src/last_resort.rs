//! How a process ends that cannot end by itself.

use std::io;
use std::time::{Duration, Instant};

/// Ends the process with `code` if it is still there after `patience`, from a thread of its own.
///
/// For the owner of a tree that gave up: what blocked a child may block the thread that returns from `main` as well, and
/// then the exit code that was meant is never seen. Whoever can end in order has until then, and usually does. Children
/// must have been stopped before: destructors do not run.
///
/// # Errors
/// When the system gives no thread.
pub fn leave_within(patience: Duration, code: i32) -> io::Result<()> {
    let waiting = move || {
        let deadline = Instant::now() + patience;
        while let Some(left) = deadline.checked_duration_since(Instant::now()) {
            std::thread::park_timeout(left);
        }
        tracing::error!(code, "the process did not end by itself; it is ended");
        leave(code);
    };
    std::thread::Builder::new().name("last-resort".to_owned()).spawn(waiting)?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the thread that would return from main is blocked for good")]
fn leave(code: i32) {
    std::process::exit(code);
}
