//! What the kernel offers for watching and limiting processes.

use std::fs;
use std::io;
use std::path::Path;

use super::check::Check;

/// Everything about the kernel.
pub(super) fn checks() -> Vec<Check> {
    vec![proc_files(), pidfd(), cgroup(), landlock()]
}

fn proc_files() -> Check {
    match fs::read_to_string("/proc/self/stat") {
        Ok(_) => Check::ok("/proc", "mounted"),
        Err(error) => Check::fail(
            "/proc",
            error.to_string(),
            "mount it: the processes that a script leaves behind are found there",
        ),
    }
}

fn pidfd() -> Check {
    // SAFETY: pidfd_open takes two integers and touches no memory of this process.
    let descriptor = unsafe { libc::syscall(libc::SYS_pidfd_open, libc::getpid(), 0) };
    if descriptor >= 0 {
        // SAFETY: the descriptor was made by the call above and is used nowhere else.
        unsafe { libc::close(descriptor as libc::c_int) };
        return Check::ok("pidfd", "processes can be named without a race");
    }
    Check::fail(
        "pidfd",
        io::Error::last_os_error().to_string(),
        "use Linux 5.4 or newer, and allow pidfd_open in seccomp",
    )
}

fn cgroup() -> Check {
    let Ok(own) = fs::read_to_string("/proc/self/cgroup") else {
        return Check::warn("cgroup", "unknown", "limits are enforced by rlimits instead");
    };
    let Some(path) = own.lines().find_map(|line| line.strip_prefix("0::")) else {
        return Check::warn("cgroup", "version 1", "use cgroup version 2; limits are enforced by rlimits instead");
    };
    let directory = Path::new("/sys/fs/cgroup").join(path.trim_start_matches('/'));
    if is_writable(&directory) {
        Check::ok("cgroup", "version 2, writable")
    } else {
        Check::warn(
            "cgroup",
            "version 2, not writable",
            "delegate a cgroup to this user or container; limits are enforced by rlimits instead",
        )
    }
}

fn landlock() -> Check {
    /// `LANDLOCK_CREATE_RULESET_VERSION`.
    const ASK_FOR_VERSION: libc::c_uint = 1;
    // SAFETY: with a null attribute of size 0 and this flag the call only returns the version.
    let version = unsafe {
        libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<libc::c_void>(), 0_usize, ASK_FOR_VERSION)
    };
    match version {
        1.. => Check::ok("Landlock", format!("ABI {version}")),
        _ => Check::warn(
            "Landlock",
            io::Error::last_os_error().to_string(),
            "use Linux 5.13 or newer with Landlock enabled; scripts run without its sandbox",
        ),
    }
}

/// Whether this process may write into `path`.
pub(super) fn is_writable(path: &Path) -> bool {
    use std::os::unix::ffi::OsStrExt as _;
    let Ok(text) = std::ffi::CString::new(path.as_os_str().as_bytes()) else { return false };
    // SAFETY: the pointer is to a string that ends with NUL and lives until the call returns.
    unsafe { libc::access(text.as_ptr(), libc::W_OK) == 0 }
}
