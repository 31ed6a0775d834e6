//! What this machine and this user may do, for those who report it: nothing here changes anything.

use std::fs;
use std::io;
use std::path::Path;

use crate::system;

/// How many descriptors a process may have open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenFiles {
    /// The limit that holds now.
    pub soft: u64,
    /// What it may be raised to.
    pub hard: u64,
}

/// How many descriptors this process may have open.
///
/// # Errors
///
/// When the kernel does not tell.
pub fn open_files() -> io::Result<OpenFiles> {
    system::most_open_files().map(|(soft, hard)| OpenFiles { soft, hard })
}

/// Bytes that may still be written on the file system that `path` lies on.
///
/// # Errors
///
/// When `path` does not exist or its file system does not tell.
pub fn free_bytes(path: &Path) -> io::Result<u64> {
    system::free_bytes(path)
}

/// Whether this process may make files in the directory `path`.
///
/// # Errors
///
/// Why it may not.
pub fn may_write(path: &Path) -> io::Result<()> {
    system::may_write(path)
}

/// Whether a process can be named without a race.
///
/// # Errors
///
/// Why not: the kernel is older than Linux 5.3, or a filter forbids it.
pub fn pidfd() -> io::Result<()> {
    let own = i32::try_from(std::process::id()).unwrap_or(0);
    system::pidfd_open(own).map(drop)
}

/// Whether an ordinary user may make user namespaces.
///
/// # Errors
///
/// Why not, in words.
pub fn user_namespaces() -> Result<(), String> {
    let setting = |path: &str| fs::read_to_string(path).ok().and_then(|text| text.trim().parse::<u64>().ok());
    if !Path::new("/proc/self/ns/user").exists() {
        return Err("the kernel has none".to_owned());
    }
    for (path, forbidding) in [
        ("/proc/sys/user/max_user_namespaces", 0),
        ("/proc/sys/kernel/unprivileged_userns_clone", 0),
        ("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", 1),
    ] {
        if setting(path) == Some(forbidding) {
            return Err(format!("{path} is {forbidding}"));
        }
    }
    Ok(())
}

/// The name of the first process of this container or machine; `None` when `/proc` does not tell.
#[must_use]
pub fn first_process() -> Option<String> {
    fs::read_to_string("/proc/1/comm").ok().map(|name| name.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_runs_tests_tells_about_itself() {
        let open = open_files().expect("a limit");
        assert!(open.soft > 0 && open.soft <= open.hard);
        let folder = std::env::temp_dir();
        assert!(free_bytes(&folder).expect("free space") > 0);
        may_write(&folder).expect("writable");
        may_write(Path::new("/proc/self/stat")).expect_err("not a directory");
        free_bytes(Path::new("/nonexistent")).expect_err("not there");
        pidfd().expect("Linux 5.3 or newer");
        assert!(first_process().is_some());
    }
}
