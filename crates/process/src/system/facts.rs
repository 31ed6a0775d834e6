//! What this machine and this user may do.

use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::check;

/// How many descriptors a process of this one may have open: now, and after asking for more.
pub(crate) fn most_open_files() -> io::Result<(u64, u64)> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is a valid rlimit that lives until the call returns.
    check(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) })?;
    Ok((limit.rlim_cur, limit.rlim_max))
}

/// Bytes that an ordinary user may still write on the file system that `path` lies on.
pub(crate) fn free_bytes(path: &Path) -> io::Result<u64> {
    let text = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: statvfs is plain data for which all zeros is a value.
    let mut answer: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: the text ends with NUL, and both live until the call returns.
    check(unsafe { libc::statvfs(text.as_ptr(), &raw mut answer) })?;
    Ok(answer.f_bavail.saturating_mul(answer.f_frsize))
}

/// Whether this process may write into `path`, by its effective user.
pub(crate) fn may_write(path: &Path) -> io::Result<()> {
    let text = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: the text ends with NUL and lives until the call returns.
    check(unsafe { libc::faccessat(libc::AT_FDCWD, text.as_ptr(), libc::W_OK | libc::X_OK, libc::AT_EACCESS) })
        .map(drop)
}
