//! Every panic, once, in the log.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    cell::Cell,
    panic::{self, PanicHookInfo},
    sync::Once,
    thread,
};

use crate::current_child::CurrentChild;

thread_local! {
    static REPORTING: Cell<bool> = const { Cell::new(false) };
}

/// Makes every panic of the process one `tracing` error with its message, its location, its thread and the child it happened in.
///
/// The supervisor logs what it decides, not the panic again. Where no subscriber listens to errors the hook that was there before is used,
/// so that a panic before logging is set up is not lost. Installing it twice does nothing.
pub fn install_panic_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            // A subscriber that panics would bring us back here, and a panic inside the hook aborts the process.
            let nested = REPORTING.try_with(|reporting| reporting.replace(true)).unwrap_or(true);
            if nested {
                return;
            }
            if tracing::enabled!(tracing::Level::ERROR) {
                report(info);
            } else {
                before(info);
            }
            let _ = REPORTING.try_with(|reporting| reporting.set(false));
        }));
    });
}

fn report(info: &PanicHookInfo<'_>) {
    let message = info.payload_as_str().unwrap_or("panic without a message");
    let location = info.location().map(ToString::to_string).unwrap_or_default();
    let child = CurrentChild::name();
    let thread = thread::current();
    let backtrace = Backtrace::capture();
    let backtrace = (backtrace.status() == BacktraceStatus::Captured).then(|| backtrace.to_string());
    tracing::error!(
        panic.message = message,
        panic.location = location,
        panic.backtrace = backtrace,
        child.name = child.as_deref(),
        thread.name = thread.name(),
        "panicked"
    );
}
