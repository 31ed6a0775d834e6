//! Where control groups may be made, and what their files are called there.

use std::path::PathBuf;

/// Which of the kernel's two interfaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    /// One hierarchy per controller.
    V1,
    /// One hierarchy for all.
    V2,
}

/// A group in which groups of ours may be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) version: Version,
    /// Its directory.
    pub(crate) parent: PathBuf,
}

/// A value for one file of a new group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) file: &'static str,
    pub(crate) value: String,
    /// Whether the group is of no use without it. The others close holes that not every kernel has.
    pub(crate) is_required: bool,
}

impl Version {
    /// What limits the memory of a group. Memory that was moved out to swap counts too: in v1 by a limit on both
    /// together, in v2 by allowing no swap. In v2 the kernel kills the whole group at once rather than one process of
    /// it; in v1 it takes one, and the guard sees to the rest at the end.
    pub(crate) fn memory(self, bytes: u64) -> Vec<Setting> {
        let setting = |file, value: String, is_required| Setting { file, value, is_required };
        match self {
            Self::V1 => vec![
                setting("memory.limit_in_bytes", bytes.to_string(), true),
                setting("memory.memsw.limit_in_bytes", bytes.to_string(), false),
                setting("memory.swappiness", "0".into(), false),
                // Inherited, and with it disabled whoever reaches the limit sleeps for ever.
                setting("memory.oom_control", "0".into(), false),
            ],
            Self::V2 => vec![
                setting("memory.max", bytes.to_string(), true),
                setting("memory.swap.max", "0".into(), false),
                setting("memory.oom.group", "1".into(), false),
            ],
        }
    }

    /// What limits processes and threads.
    pub(crate) fn processes(self, most: u64) -> Vec<Setting> {
        vec![Setting { file: "pids.max", value: most.to_string(), is_required: true }]
    }

    /// File of the most memory that was ever used.
    pub(crate) const fn peak_file(self) -> &'static str {
        match self {
            Self::V1 => "memory.max_usage_in_bytes",
            Self::V2 => "memory.peak",
        }
    }

    /// File of the limit.
    pub(crate) const fn limit_file(self) -> &'static str {
        match self {
            Self::V1 => "memory.limit_in_bytes",
            Self::V2 => "memory.max",
        }
    }

    /// Files that count kills for memory in a group and not in those below it, best first. The key is `oom_kill`.
    pub(crate) const fn kills_files(self) -> &'static [&'static str] {
        match self {
            Self::V1 => &["memory.oom_control"],
            Self::V2 => &["memory.events.local", "memory.events"],
        }
    }
}

/// The number behind `key` in a file of `key number` lines.
pub(crate) fn keyed(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')?.trim().parse().ok())
}

/// A limit as a file tells it; `None` for none. In v1 that is the largest number of whole pages.
pub(crate) fn limit_of(text: &str) -> Option<u64> {
    text.trim().parse().ok().filter(|limit| *limit < (1 << 62))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_both_interfaces_are_read() {
        assert_eq!(keyed("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n", "oom_kill"), Some(3));
        assert_eq!(keyed("low 0\nmax 7\noom 1\noom_kill 1\noom_group_kill 1\n", "max"), Some(7));
        assert_eq!(keyed("oom_kill_disable 0\n", "oom_kill"), None, "older kernels do not count");
        assert_eq!(limit_of("67108864\n"), Some(64 << 20));
        assert_eq!(limit_of("max\n"), None);
        assert_eq!(limit_of("9223372036854771712\n"), None);
    }
}
