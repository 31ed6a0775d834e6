//! Why the broker could not be used.

/// A failed call.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueueError {
    /// The broker URL cannot be used.
    #[error("broker URL {url:?} cannot be used: {reason}")]
    Url {
        /// The URL with its password masked.
        url: String,
        /// Why.
        reason: String,
    },
    /// The broker could not be reached.
    #[error("the broker at {address} could not be reached: {reason}")]
    Unreachable {
        /// Host and port.
        address: String,
        /// Why.
        reason: String,
    },
    /// Nothing is said to this broker, since it did not prove who it is.
    #[error("the broker at {address} is not trusted: {reason}")]
    Untrusted {
        /// Host and port.
        address: String,
        /// What is wrong with its certificate.
        reason: String,
    },
    /// The broker answered and refused.
    #[error("the broker at {address} refused while {doing}")]
    Refused {
        /// Host and port.
        address: String,
        /// What was being done.
        doing: &'static str,
        /// The client's error.
        #[source]
        source: lapin::Error,
    },
    /// The queue was closed.
    #[error("the queue is closed")]
    Closed,
}
