//! Finds processes by a mark in their environment, and insists that none is left.

use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// How long processes that were told to die may take to vanish.
const GRACE: Duration = Duration::from_secs(5);

static NUMBER: AtomicU32 = AtomicU32::new(1);

/// A mark to put into the environment of processes; it is inherited by whatever they start. When it is dropped, no
/// living process may carry it.
#[derive(Debug)]
pub struct Tag {
    value: String,
}

/// A process that carries a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Living {
    /// Its id.
    pub pid: u32,
    /// Its command line.
    pub command: String,
}

impl Tag {
    /// Name of the environment variable.
    pub const VARIABLE: &'static str = "ATTUNE_TEST_TAG";

    /// Makes one that no other test has.
    #[must_use]
    pub fn new() -> Self {
        Self { value: format!("{}-{}", std::process::id(), next_number()) }
    }

    /// What to set [`Tag::VARIABLE`] to.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Name and value, for `Command::env`.
    #[must_use]
    pub fn variable(&self) -> (&'static str, &str) {
        (Self::VARIABLE, &self.value)
    }

    /// Processes that carry it now. Zombies have no environment any more and are not found.
    #[must_use]
    pub fn living(&self) -> Vec<Living> {
        living_with(Self::VARIABLE, &self.value)
    }
}

impl Default for Tag {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Tag {
    fn drop(&mut self) {
        let left = wait_for_none(|| self.living());
        if !left.is_empty() && !std::thread::panicking() {
            panic!("processes of this test are still alive: {left:?}");
        }
    }
}

/// Processes, other than this one, in whose initial environment `variable` has `value`.
#[must_use]
pub fn living_with(variable: &str, value: &str) -> Vec<Living> {
    let wanted = format!("{variable}={value}");
    let own = std::process::id();
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|entry| std::str::from_utf8(entry.file_name().as_bytes()).ok()?.parse::<u32>().ok())
        .filter(|pid| *pid != own)
        .filter_map(|pid| {
            let environment = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
            environment.split(|byte| *byte == 0).any(|entry| entry == wanted.as_bytes()).then_some(())?;
            let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            Some(Living { pid, command: String::from_utf8_lossy(&command).replace('\0', " ").trim().to_owned() })
        })
        .collect()
}

/// Insists that no process has `value` for `variable`, after a short grace.
///
/// # Panics
/// When one has.
pub fn assert_none_left(variable: &str, value: &str) {
    let left = wait_for_none(|| living_with(variable, value));
    assert!(left.is_empty(), "processes with {variable}={value} are still alive: {left:?}");
}

/// A number that nobody in this process had before.
pub(crate) fn next_number() -> u32 {
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

fn wait_for_none(find: impl Fn() -> Vec<Living>) -> Vec<Living> {
    let begun = Instant::now();
    // A channel that nobody sends on is a pause that works in `Drop`, with and without a runtime.
    let (_sender, never) = mpsc::channel::<()>();
    loop {
        let left = find();
        if left.is_empty() || begun.elapsed() > GRACE {
            return left;
        }
        let _ = never.recv_timeout(Duration::from_millis(10));
    }
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::*;

    #[test]
    fn a_marked_process_is_found_until_it_is_gone() {
        let tag = Tag::new();
        let (name, value) = tag.variable();
        let mut child =
            crate::programs::command("cat").env(name, value).stdin(Stdio::piped()).spawn().expect("cat starts");
        // A process has no environment yet in the instant in which it is being replaced by its program.
        while tag.living().is_empty() {
            std::thread::yield_now();
        }
        let found = tag.living();
        assert_eq!(found, [Living { pid: child.id(), command: "cat".into() }]);
        drop(child.stdin.take());
        child.wait().expect("cat ends");
        assert_none_left(name, value);
    }

    #[test]
    #[should_panic(expected = "still alive")]
    fn a_process_that_stays_is_reported() {
        let mut child = crate::programs::command("cat")
            .env("ATTUNE_TEST_STAYS", "yes")
            .stdin(Stdio::piped())
            .spawn()
            .expect("cat starts");
        // A process has no environment yet in the instant in which it is being replaced by its program.
        while living_with("ATTUNE_TEST_STAYS", "yes").is_empty() {
            std::thread::yield_now();
        }
        let answer = std::panic::catch_unwind(|| assert_none_left("ATTUNE_TEST_STAYS", "yes"));
        child.kill().and_then(|()| child.wait()).expect("cat is killed");
        std::panic::resume_unwind(answer.expect_err("it was alive"));
    }
}
