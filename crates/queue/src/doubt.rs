//! When a connection is given up: the decision, without any connection.

use std::time::Duration;

/// For a whole batch, from the call to the last answer.
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(5);

/// What a consumer hears from its stream of deliveries when it is no delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// An error: the channel, or the connection, was closed by somebody.
    Error,
    /// The stream ended.
    End,
    /// The client complains, or the broker does not answer a probe.
    Complaint,
}

/// Whether the whole connection is given up and made anew. Any doubt is enough: what is left of a connection after an
/// error may look alive for ever and deliver nothing.
#[must_use]
pub fn is_doubt(_heard: Heard) -> bool {
    #[cfg(attune_mutants)]
    if attune_types::mutant::is("deaf_on_channel_close") {
        return false;
    }
    true
}

/// How long whoever publishes waits for confirms when nobody said otherwise.
#[must_use]
pub fn confirm_timeout() -> Duration {
    confirm_timeout_of(CONFIRM_TIMEOUT)
}

/// How long whoever publishes waits for confirms. No answer by then means that nobody knows.
#[must_use]
pub(crate) fn confirm_timeout_of(configured: Duration) -> Duration {
    #[cfg(attune_mutants)]
    if attune_types::mutant::is("publish_no_timeout") {
        return Duration::from_secs(365 * 24 * 60 * 60);
    }
    configured
}
