//! The tree below this process: who is in it, and signals to all of it.
//!
//! Everything here starts from the children of this process, which are its own to reap: their numbers cannot be given
//! to anybody else meanwhile. As this process is a subreaper, whatever is alive in the tree is below one of them.

use std::collections::HashSet;
use std::fs;
use std::os::fd::AsFd;

use crate::identity::ProcessIdentity;
use crate::process_table::Entry;
use crate::survivor::Survivor;
use crate::system;

/// The most names of survivors that are noted.
const MOST_NAMES: usize = 16;

fn own_pid() -> i32 {
    i32::try_from(std::process::id()).unwrap_or(0)
}

/// The children of all threads of a process; `None` when this kernel does not tell.
fn listed_children(pid: i32) -> Option<Vec<i32>> {
    let mut children = Vec::new();
    for task in fs::read_dir(format!("/proc/{pid}/task")).ok()? {
        let Ok(task) = task else { continue };
        match fs::read_to_string(task.path().join("children")) {
            Ok(line) => children.extend(line.split_ascii_whitespace().filter_map(|text| text.parse::<i32>().ok())),
            // The thread has ended.
            Err(_) if !task.path().exists() => {}
            Err(_) => return None,
        }
    }
    Some(children)
}

/// The children of a process that is of this tree.
fn children_of(pid: i32) -> Vec<i32> {
    if let Some(children) = listed_children(pid) {
        return children;
    }
    // A kernel without lists of children (CONFIG_PROC_CHILDREN), or a process that is gone: look through all.
    if fs::exists(format!("/proc/{pid}")).unwrap_or(false) {
        crate::process_table::everything()
            .into_iter()
            .filter(|entry| entry.parent == pid)
            .map(|it| it.identity.pid)
            .collect()
    } else {
        Vec::new()
    }
}

/// The children of this process, except those in `spared`.
pub(crate) fn children(spared: &HashSet<i32>) -> Vec<i32> {
    children_of(own_pid()).into_iter().filter(|pid| !spared.contains(pid)).collect()
}

/// Walks the living tree from the top down, without the children in `spared`. `visit` is given each process as it was
/// found and its parent at that moment, which is then still its parent or has ended.
fn walk(spared: &HashSet<i32>, mut visit: impl FnMut(&Entry) -> bool) {
    let own = own_pid();
    let mut seen = HashSet::new();
    let mut waiting: Vec<(i32, i32)> = children(spared).into_iter().map(|pid| (pid, own)).collect();
    waiting.reverse();
    while let Some((pid, parent)) = waiting.pop() {
        let Some(entry) = Entry::read(pid) else { continue };
        // A number that belongs to somebody else by now: found again below its real parent, if it is of this tree.
        if !(entry.parent == parent || entry.parent == own) || !seen.insert(pid) {
            continue;
        }
        let below = children_of(pid);
        if entry.is_alive() && !visit(&entry) {
            return;
        }
        waiting.extend(below.into_iter().map(|child| (child, pid)));
    }
}

/// The first few of those that are alive.
pub(crate) fn names() -> Vec<Survivor> {
    let mut names = Vec::new();
    walk(&HashSet::new(), |entry| {
        names.push(Survivor { identity: entry.identity, name: entry.name.clone() });
        names.len() < MOST_NAMES
    });
    names
}

/// Signals a process that was just seen to be of this tree, or nobody.
fn signal_seen(seen: ProcessIdentity, signal: i32) {
    let Ok(pidfd) = system::pidfd_open(seen.pid) else { return };
    // Whoever has the number now is behind the descriptor; it is the one that was seen if it started when that did.
    if Entry::read(seen.pid).is_some_and(|now| now.identity == seen) {
        // An error means that it has ended.
        drop(system::pidfd_signal(pidfd.as_fd(), signal));
    }
}

/// Asks everything to stop, each process once. `root` is not reaped.
pub(crate) fn terminate(root: i32) {
    let mut others = Vec::new();
    walk(&HashSet::new(), |entry| {
        if entry.group != root {
            others.push(entry.identity);
        }
        true
    });
    for signal in [libc::SIGTERM, libc::SIGCONT] {
        system::signal_group(root, signal);
        for other in &others {
            signal_seen(*other, signal);
        }
    }
}

/// Kills everything that is there, except the children in `spared` and what is below them. What is born meanwhile is
/// left to the next round. Returns how many children there were.
///
/// Process groups are killed first, each at once. A group that a child of ours is in has members of this tree alone,
/// because groups do not reach beyond a session, and the sessions of this tree were begun in it.
pub(crate) fn kill(spared: &HashSet<i32>) -> usize {
    let children = children(spared);
    let own = system::group_of(0);
    let groups: HashSet<i32> =
        children.iter().map(|child| system::group_of(*child)).filter(|group| *group > 1 && *group != own).collect();
    for group in groups {
        system::signal_group(group, libc::SIGKILL);
    }
    for child in &children {
        system::signal_child(*child, libc::SIGKILL);
    }
    if !children.is_empty() {
        walk(spared, |entry| {
            signal_seen(entry.identity, libc::SIGKILL);
            true
        });
    }
    children.len()
}
