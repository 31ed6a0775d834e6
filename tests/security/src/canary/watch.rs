//! Looks at what passes: environments and arguments of all processes, and files that do not stay.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::haystack::Haystack;

/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// Looks until it is told to stop.
pub(super) struct Watch {
    stop: Sender<()>,
    thread: JoinHandle<Looked>,
}

/// How often was looked, and at how many processes of actions.
#[derive(Default)]
pub(super) struct Looked {
    pub(super) looks: u64,
    pub(super) actions: u64,
}

impl Watch {
    /// Begins to look at all processes, and at the files below these folders.
    pub(super) fn begin(haystack: &Arc<Haystack>, folders: Vec<PathBuf>) -> Self {
        let (stop, stopped) = channel();
        let haystack = Arc::clone(haystack);
        let thread = std::thread::spawn(move || {
            let mut looked = Looked::default();
            while stopped.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
                looked.actions += processes(&haystack);
                for folder in &folders {
                    haystack.search_below("spool and work folders", folder, &is_not_the_actions_own);
                }
                looked.looks += 1;
            }
            looked
        });
        Self { stop, thread }
    }

    /// Stops; what was looked at.
    pub(super) fn end(self) -> Looked {
        drop(self.stop);
        self.thread.join().unwrap_or_default()
    }
}

/// Files that the actions make themselves in their own folders are called what they are called, as long as those are there.
/// What the worker makes of them is searched in the end.
fn is_not_the_actions_own(path: &Path) -> bool {
    !path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"report-"))
}

/// Looks at every process once; how many of them are actions.
fn processes(haystack: &Haystack) -> u64 {
    let mut actions = 0;
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let path = entry.path();
        if !entry.file_name().as_encoded_bytes().iter().all(u8::is_ascii_digit) {
            continue;
        }
        for file in ["environ", "cmdline"] {
            // Processes end while they are looked at, and some may not be read.
            let Ok(bytes) = std::fs::read(path.join(file)) else { continue };
            actions += u64::from(bytes.windows(20).any(|window| window == b"ATTUNE_EXECUTION_ID="));
            haystack.search("/proc", &path.join(file).display().to_string(), &bytes);
        }
    }
    actions
}
