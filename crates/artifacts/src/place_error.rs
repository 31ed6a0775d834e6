//! Why content could not be stored, read or removed.

use std::io;

/// Why content could not be stored, read or removed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlaceError {
    /// The disk or the service has no room left.
    #[error("no room is left in {place}")]
    Full {
        /// Where.
        place: String,
    },
    /// A file could not be read or written.
    #[error("failed to {doing}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// The service did not answer, or answered that it cannot do it now.
    #[error("{place} does not answer: {reason}")]
    Away {
        /// Where.
        place: String,
        /// Why.
        reason: String,
    },
    /// The service refused.
    #[error("{place} refused: {reason}")]
    Refused {
        /// Where.
        place: String,
        /// What it said.
        reason: String,
    },
    /// Nothing is there.
    #[error("nothing is at {location}")]
    Missing {
        /// The location.
        location: String,
    },
    /// The location is not one of this place.
    #[error("{location:?} is not in {place}")]
    Foreign {
        /// The location.
        location: String,
        /// The place.
        place: String,
    },
    /// The place cannot be used as it is configured.
    #[error("{0}")]
    Misconfigured(String),
    /// The content is not what it was when it was looked at first.
    #[error("it changed while it was stored")]
    Changed,
}

impl PlaceError {
    /// Whether the same may succeed later.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Away { .. } | Self::Full { .. } | Self::Io { .. })
    }

    pub(crate) fn io(doing: &'static str) -> impl Fn(io::Error) -> Self {
        move |source| {
            if matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
                return Self::Full { place: "the artifacts directory".to_owned() };
            }
            Self::Io { doing, source }
        }
    }
}
