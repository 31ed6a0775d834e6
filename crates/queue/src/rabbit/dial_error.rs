//! Why a connection could not be made.

use lapin::ErrorKind;

use crate::error::QueueError;

/// A failed try. Shown whole as the reason of something else, so the cause is part of its text and no source.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DialError {
    /// Nobody answered, or something in between failed. Another try may help.
    #[error("{0}")]
    Unreachable(String),
    /// It did not prove who it is.
    #[error("{0}")]
    Untrusted(String),
    /// Nothing would be encrypted.
    #[error("{0}")]
    PlainText(String),
    /// The broker answered with an error.
    #[error("the broker refused while {doing}: {cause}")]
    Refused { doing: &'static str, cause: lapin::Error },
}

impl DialError {
    /// Whether trying again is pointless until somebody changes something: wrong password, no such virtual host, no
    /// permission, a queue of that name with other properties.
    pub(crate) fn is_final(&self) -> bool {
        match self {
            Self::Unreachable(_) => false,
            Self::Untrusted(_) | Self::PlainText(_) => true,
            Self::Refused { cause, .. } => match cause.kind() {
                ErrorKind::ProtocolError(error) => {
                    matches!(error.get_id(), ACCESS_REFUSED | NOT_ALLOWED | PRECONDITION_FAILED)
                }
                _ => false,
            },
        }
    }

    /// For the caller of the crate.
    pub(crate) fn into_queue_error(self, address: String) -> QueueError {
        match self {
            Self::Refused { doing, cause } => QueueError::Refused { address, doing, source: cause },
            Self::Unreachable(reason) => QueueError::Unreachable { address, reason },
            Self::Untrusted(reason) => QueueError::Untrusted { address, reason },
            Self::PlainText(reason) => QueueError::Url { url: format!("amqp://{address}"), reason },
        }
    }

    /// Marks an error of the client with what was being done.
    pub(crate) fn while_doing(doing: &'static str) -> impl FnOnce(lapin::Error) -> Self {
        move |cause| Self::Refused { doing, cause }
    }
}

const ACCESS_REFUSED: u16 = 403;
const PRECONDITION_FAILED: u16 = 406;
const NOT_ALLOWED: u16 = 530;
