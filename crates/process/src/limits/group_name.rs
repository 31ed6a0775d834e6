//! Names of control groups, which tell whose they are.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicU64, Ordering};

/// Whose a control group is: the guard that made it. With the process namespace in it, because processes of several
/// containers may make groups in the same place, and each would find the other's numbers dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GroupName {
    namespace: u64,
    pid: i32,
    start_time: u64,
    sequence: u64,
}

const PREFIX: &str = "attune-x-";

impl GroupName {
    /// A name that this process has not used and nobody else uses.
    pub(super) fn next() -> Self {
        static SEQUENCE: AtomicU64 = AtomicU64::new(0);
        let pid = i32::try_from(std::process::id()).unwrap_or(0);
        Self {
            namespace: own_namespace(),
            pid,
            start_time: start_time(pid).unwrap_or(0),
            sequence: SEQUENCE.fetch_add(1, Ordering::Relaxed),
        }
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        let mut parts = name.strip_prefix(PREFIX)?.split('-');
        let parsed = Self {
            namespace: parts.next()?.parse().ok()?,
            pid: parts.next()?.parse().ok()?,
            start_time: parts.next()?.parse().ok()?,
            sequence: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(parsed)
    }

    /// Whether whoever made the group can be known to be gone: a process of this namespace that is no more.
    pub(super) fn is_abandoned(&self) -> bool {
        self.namespace == own_namespace() && start_time(self.pid) != Some(self.start_time)
    }
}

impl std::fmt::Display for GroupName {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{PREFIX}{}-{}-{}-{}", self.namespace, self.pid, self.start_time, self.sequence)
    }
}

fn own_namespace() -> u64 {
    fs::metadata("/proc/self/ns/pid").map_or(0, |file| file.ino())
}

/// When the process was started, in ticks; `None` when it is gone or a zombie.
fn start_time(pid: i32) -> Option<u64> {
    let line = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let closing = line.iter().rposition(|byte| *byte == b')')?;
    let fields = std::str::from_utf8(line.get(closing + 1..)?).ok()?;
    let mut fields = fields.split_ascii_whitespace();
    if matches!(fields.next()?, "Z" | "X" | "x") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_whether_its_maker_lives() {
        let own = GroupName::next();
        assert_ne!(own, GroupName::next());
        assert_eq!(GroupName::parse(&own.to_string()), Some(own));
        assert!(!own.is_abandoned());
        assert!(GroupName { start_time: own.start_time + 1, ..own }.is_abandoned(), "the number has another owner now");
        assert!(!GroupName { start_time: 0, namespace: own.namespace + 1, ..own }.is_abandoned(), "not ours to tell");
        for foreign in ["attune-own", "attune-x-1-2-3", "attune-x-1-2-3-4-5", "attune-x-1-2-x-4", "user.slice"] {
            assert_eq!(GroupName::parse(foreign), None, "{foreign}");
        }
    }
}
