//! Running code that may panic.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use crate::current_child::CurrentChild;

/// Runs `code` on behalf of the child called `name` and returns the message of its panic, if it panics.
///
/// `AssertUnwindSafe` is true here only because of the contract of this crate: a value that saw a panic is replaced by
/// `Supervised::restarting` before anything else looks at it, or dropped.
pub(crate) fn caught<T>(name: &Arc<str>, code: impl FnOnce() -> T) -> Result<T, String> {
    let _current = CurrentChild::enter(name.clone());
    catch_unwind(AssertUnwindSafe(code)).map_err(message_of)
}

/// Reads the message out of a panic's payload. Payloads that are neither kind of string have none.
fn message_of(payload: Box<dyn Any + Send>) -> String {
    let message = if let Some(text) = payload.downcast_ref::<&'static str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "panic without a message".to_owned()
    };
    // The payload may be a value whose destructor panics; that must not escape either.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(payload)));
    message
}
