//! The packs that this worker runs actions of.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use attune_pack::{Library, Shelf};
use attune_process::clock;

/// How often, at most, the folders are looked at for changes. They are looked at when an attempt is about to start, so a
/// pack that nobody uses costs nothing, and a change is seen by every attempt that starts this long after it.
const EVERY: Duration = Duration::from_secs(2);

/// The packs that this worker runs actions of: what lies in their folders now, without a restart. An attempt keeps the
/// folder that it started with.
#[derive(Debug)]
pub(crate) struct Packs {
    shelf: Shelf,
    looked_at: Mutex<Duration>,
}

impl Packs {
    pub(crate) fn new(shelf: Shelf) -> Self {
        Self { shelf, looked_at: Mutex::new(clock::boot()) }
    }

    /// The packs as they are, give or take [`EVERY`]. Reads the disk: call it where blocking is allowed.
    pub(crate) fn library(&self) -> Arc<Library> {
        let now = clock::boot();
        let is_due = {
            let mut looked_at = self.looked_at.lock().unwrap_or_else(PoisonError::into_inner);
            let is_due = now.saturating_sub(*looked_at) >= EVERY;
            if is_due {
                *looked_at = now;
            }
            is_due
        };
        if is_due && let Some(change) = self.shelf.refresh() {
            for error in &change.broken {
                tracing::warn!(error = error as &dyn std::error::Error, "pack cannot be used as it is now");
            }
            if !change.changed.is_empty() || !change.gone.is_empty() {
                tracing::info!(changed = change.changed.join(","), gone = change.gone.join(","), "packs changed");
            }
        }
        self.shelf.library()
    }
}
