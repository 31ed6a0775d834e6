//! What a test must not leave behind.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long what was told to go may take.
const GRACE: Duration = Duration::from_secs(20);

/// Everything that could be left behind, as it was at some moment: processes (zombies too), this process's descriptors,
/// and what lies in some directories.
///
/// Only meaningful inside of an [`Enclosure`](crate::Enclosure), where all processes are the test's own.
#[derive(Debug)]
pub struct Leaks {
    processes: BTreeMap<u32, String>,
    descriptors: BTreeSet<String>,
    files: BTreeSet<PathBuf>,
    directories: Vec<PathBuf>,
}

impl Leaks {
    /// Remembers what is there now.
    #[must_use]
    pub fn before(directories: &[&Path]) -> Self {
        let directories: Vec<PathBuf> = directories.iter().map(|path| path.to_path_buf()).collect();
        Self { processes: processes(), descriptors: descriptors(), files: files_in(&directories), directories }
    }

    /// What is there now and was not.
    #[must_use]
    pub fn now(&self) -> Vec<String> {
        let processes = processes().into_iter().filter(|(pid, _)| !self.processes.contains_key(pid));
        let mut left: Vec<String> = processes.map(|(pid, what)| format!("process {pid} {what}")).collect();
        left.extend(descriptors().difference(&self.descriptors).map(|what| format!("descriptor {what}")));
        left.extend(files_in(&self.directories).difference(&self.files).map(|path| format!("file {}", path.display())));
        left
    }

    /// Insists that nothing is left, after a grace.
    ///
    /// # Panics
    /// When something is; all of it is named.
    pub fn assert_none(&self) {
        wait_until_none("left behind", || self.now());
    }

    /// Insists that no process is left, after a grace.
    ///
    /// # Panics
    /// When one is; each is named.
    pub fn assert_no_process(&self) {
        wait_until_none("left behind", || {
            let processes = processes().into_iter().filter(|(pid, _)| !self.processes.contains_key(pid));
            processes.map(|(pid, what)| format!("process {pid} {what}")).collect()
        });
    }
}

/// Waits until `list` is empty.
///
/// # Panics
/// When it is not within a grace.
pub fn wait_until_none(what: &str, list: impl Fn() -> Vec<String>) {
    let begun = Instant::now();
    // A channel that nobody sends on is a pause that works with and without a runtime.
    let (_sender, never) = std::sync::mpsc::channel::<()>();
    loop {
        let left = list();
        if left.is_empty() {
            return;
        }
        assert!(begun.elapsed() < GRACE, "{what}: {left:#?}");
        let _ = never.recv_timeout(Duration::from_millis(5));
    }
}

/// All processes, zombies too: name, state and parent by number.
#[must_use]
pub fn processes() -> BTreeMap<u32, String> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            let name = stat.get(stat.find('(')?..=stat.rfind(')')?)?;
            let mut fields = stat.rsplit(')').next()?.split_whitespace();
            let (state, parent) = (fields.next()?, fields.next()?);
            Some((pid, format!("{name} {state} of {parent}")))
        })
        .collect()
}

/// The children of a process, zombies too.
#[must_use]
pub fn children_of(parent: u32) -> Vec<u32> {
    let wanted = format!(" of {parent}");
    processes().into_iter().filter(|(_, what)| what.ends_with(&wanted)).map(|(pid, _)| pid).collect()
}

fn descriptors() -> BTreeSet<String> {
    let entries = fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    entries
        // The descriptor of this very listing is closed by the time its target is asked for.
        .filter_map(|entry| {
            let target = fs::read_link(entry.path()).ok()?;
            let number = entry.file_name().to_str()?.to_owned();
            (!target.starts_with(format!("/proc/{}/fd", std::process::id())))
                .then(|| format!("{number} -> {}", target.display()))
        })
        .collect()
}

fn files_in(directories: &[PathBuf]) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut open: Vec<PathBuf> = directories.to_vec();
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                open.push(entry.path());
            }
            found.insert(entry.path());
        }
    }
    found
}
