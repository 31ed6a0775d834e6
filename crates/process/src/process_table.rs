//! What `/proc` says of other processes.

use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use crate::clock;
use crate::identity::ProcessIdentity;
use crate::survivor::Survivor;
use crate::system;

/// How long a search goes on when what it kills does not go away (uninterruptible sleep, or faster than the killing).
const GIVE_UP_AFTER: Duration = Duration::from_secs(2);

/// One line of the process table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) identity: ProcessIdentity,
    pub(crate) name: String,
    pub(crate) state: u8,
    pub(crate) parent: i32,
    pub(crate) group: i32,
    pub(crate) session: i32,
}

impl Entry {
    /// Reads the entry of one process; `None` when there is no such process (any more).
    pub(crate) fn read(pid: i32) -> Option<Self> {
        Self::parse(pid, &fs::read(format!("/proc/{pid}/stat")).ok()?)
    }

    /// Reads one line of `/proc/PID/stat`. The name is whatever the process likes, parentheses and blanks included, so
    /// the fields are counted from the last closing parenthesis.
    fn parse(pid: i32, line: &[u8]) -> Option<Self> {
        let opening = line.iter().position(|byte| *byte == b'(')?;
        let closing = line.iter().rposition(|byte| *byte == b')')?;
        let name = String::from_utf8_lossy(line.get(opening + 1..closing)?);
        let name = name.chars().map(|character| if character.is_control() { '?' } else { character }).collect();
        let rest = std::str::from_utf8(line.get(closing + 1..)?).ok()?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        let number = |index: usize| fields.get(index)?.parse::<i32>().ok();
        Some(Self {
            identity: ProcessIdentity { pid, start_time: fields.get(19)?.parse().ok()? },
            name,
            state: *fields.first()?.as_bytes().first()?,
            parent: number(1)?,
            group: number(2)?,
            session: number(3)?,
        })
    }

    /// Whether it still runs: a zombie has nothing left to kill and belongs to its parent.
    pub(crate) const fn is_alive(&self) -> bool {
        !matches!(self.state, b'Z' | b'X' | b'x')
    }

    /// Signals this process if `still` holds for whoever has the number now. The descriptor is taken before the look,
    /// so the signal reaches the process that was looked at or nobody. Returns the descriptor of whom it reached.
    pub(crate) fn signal(&self, signal: i32, still: impl Fn(&Self) -> bool) -> Option<OwnedFd> {
        let pidfd = system::pidfd_open(self.identity.pid).ok()?;
        let now = Self::read(self.identity.pid)?;
        let is_reached =
            now.identity == self.identity && still(&now) && system::pidfd_signal(pidfd.as_fd(), signal).is_ok();
        is_reached.then_some(pidfd)
    }
}

/// The environment that a process was started with, as it lies in memory; `None` when we may not read it.
pub(crate) fn environment(pid: i32) -> Option<Vec<u8>> {
    fs::read(format!("/proc/{pid}/environ")).ok()
}

/// Every process.
pub(crate) fn everything() -> Vec<Entry> {
    let Ok(directory) = fs::read_dir("/proc") else { return Vec::new() };
    directory
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok())
        .filter_map(Entry::read)
        .collect()
}

/// Every living process, except this one, that `wanted` holds for.
pub(crate) fn scan(wanted: impl Fn(&Entry) -> bool) -> Vec<Entry> {
    let own = i32::try_from(std::process::id()).unwrap_or(0);
    let found = everything().into_iter();
    found.filter(|entry| entry.identity.pid != own && entry.is_alive() && wanted(entry)).collect()
}

/// Kills everything that `wanted` holds for and looks again, until nothing was found twice in a row: what was forked
/// while the first look went on is seen by the second. `kill_group` kills at once whatever can be killed at once.
/// Returns what was found.
pub(crate) fn kill_until_none_is_left(wanted: impl Fn(&Entry) -> bool, kill_group: impl Fn()) -> Vec<Survivor> {
    let begun = clock::boot();
    let mut killed: Vec<Survivor> = Vec::new();
    let mut empty_scans = 0;
    while empty_scans < 2 {
        let found = scan(&wanted);
        kill_group();
        if found.is_empty() {
            empty_scans += 1;
            continue;
        }
        empty_scans = 0;
        // Stopped first, all of them: what cannot run cannot fork while its neighbours are being killed.
        for entry in &found {
            drop(entry.signal(libc::SIGSTOP, &wanted));
        }
        let dying: Vec<OwnedFd> = found.iter().filter_map(|entry| entry.signal(libc::SIGKILL, &wanted)).collect();
        for entry in found {
            if !killed.iter().any(|known| known.identity == entry.identity) {
                killed.push(Survivor { identity: entry.identity, name: entry.name });
            }
        }
        let left = GIVE_UP_AFTER.saturating_sub(clock::boot().saturating_sub(begun));
        if left.is_zero() {
            tracing::warn!(processes = killed.len(), "processes do not go away although they were killed");
            break;
        }
        system::await_all(&dying, left);
    }
    killed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        let line = b"42 (a) R 1 (b)) S 1 7 8 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 9876 1 2 3";
        let entry = Entry::parse(42, line).expect("parses");
        assert_eq!(entry.name, "a) R 1 (b)");
        assert_eq!((entry.state, entry.group, entry.session, entry.identity.start_time), (b'S', 7, 8, 9876));
    }

    #[test]
    fn control_characters_in_a_name_are_not_shown() {
        let line = b"42 (\x1b[31m\n) S 1 7 8 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 9876 1";
        assert_eq!(Entry::parse(42, line).expect("parses").name, "?[31m?");
    }

    #[test]
    fn half_a_line_is_no_process() {
        assert_eq!(Entry::parse(42, b"42 (sh) S 1"), None);
        assert_eq!(Entry::parse(42, b""), None);
    }

    #[test]
    fn this_process_has_an_entry() {
        let pid = i32::try_from(std::process::id()).expect("a pid fits");
        let entry = Entry::read(pid).expect("readable");
        assert!(entry.is_alive() && entry.identity.start_time > 0);
    }
}
