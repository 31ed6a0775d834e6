//! The packs that this worker runs actions of.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use attune_pack::{Library, Shelf};
use attune_process::clock;

/// How often, at most, the folders are looked at for changes of packs that are known.
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

    /// The packs as they are, give or take [`EVERY`]. Reads the disk when the last look was longer ago: call it where
    /// blocking is allowed.
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
        if is_due {
            self.look();
        }
        self.shelf.library()
    }

    /// The same for somebody who needs this pack. One that is not known is looked for at once: work for a pack may arrive
    /// a moment after the pack, and who says that it is not there must have looked.
    pub(crate) fn library_with(&self, pack: &str) -> Arc<Library> {
        let library = self.library();
        if library.pack_dir(pack).is_some() {
            return library;
        }
        self.look();
        self.shelf.library()
    }

    fn look(&self) {
        let Some(change) = self.shelf.refresh() else { return };
        for error in &change.broken {
            tracing::warn!(error = error as &dyn std::error::Error, "pack cannot be used as it is now");
        }
        if !change.changed.is_empty() || !change.gone.is_empty() {
            tracing::info!(changed = change.changed.join(","), gone = change.gone.join(","), "packs changed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pack_that_came_a_moment_ago_is_found_by_who_needs_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let packs = Packs::new(Shelf::open(&[folder.path()]));
        assert!(packs.library_with("late").pack_dir("late").is_none());
        std::fs::create_dir(folder.path().join("late")).expect("made");
        std::fs::write(folder.path().join("late/pack.yaml"), "ref: late\nversion: 1.0.0\n").expect("written");
        assert!(packs.library_with("late").pack_dir("late").is_some());
    }
}
