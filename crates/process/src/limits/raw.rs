//! The system calls of limits, and every `unsafe` block of them.

use std::ffi::{CString, c_int, c_long};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::rlimit::{ResolvedRlimit, Resource};
use crate::system;

/// The kernel's pair of a soft and a hard limit, the same on every architecture.
#[repr(C)]
struct Pair {
    soft: u64,
    hard: u64,
}

fn number(resource: Resource) -> c_long {
    let number = match resource {
        Resource::Cpu => libc::RLIMIT_CPU,
        Resource::FileSize => libc::RLIMIT_FSIZE,
        Resource::Data => libc::RLIMIT_DATA,
        Resource::Core => libc::RLIMIT_CORE,
        Resource::OpenFiles => libc::RLIMIT_NOFILE,
        Resource::Processes => libc::RLIMIT_NPROC,
    };
    // The C libraries do not agree on the type of these small numbers.
    #[allow(clippy::useless_conversion, clippy::cast_lossless, reason = "u32 with glibc, i32 with musl")]
    let number = number as c_long;
    number
}

fn error_number() -> i32 {
    io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO)
}

/// Moves the calling process into the control group whose `cgroup.procs` is `procs`. Allocates nothing.
pub(super) fn join(procs: RawFd) -> Result<(), i32> {
    // SAFETY: the buffer is one byte long and static; "0" means the writer itself.
    let written = unsafe { libc::syscall(libc::SYS_write, procs, c"0".as_ptr(), 1_usize) };
    if written == 1 { Ok(()) } else { Err(error_number()) }
}

/// Lowers one limit of the calling process; a hard limit that is lower already stays. Allocates nothing.
pub(super) fn limit(rlimit: &ResolvedRlimit) -> Result<(), i32> {
    let mut now = Pair { soft: 0, hard: 0 };
    // SAFETY: process 0 is the caller; `now` is a valid place for the old pair, and there is no new one.
    let read = unsafe {
        libc::syscall(libc::SYS_prlimit64, 0, number(rlimit.resource), std::ptr::null::<Pair>(), &raw mut now)
    };
    if read != 0 {
        return Err(error_number());
    }
    let hard = rlimit.hard.min(now.hard);
    let pair = Pair { soft: rlimit.soft.min(hard), hard };
    // SAFETY: `pair` is a valid new pair, and the old one is not asked for.
    let set = unsafe {
        libc::syscall(libc::SYS_prlimit64, 0, number(rlimit.resource), &raw const pair, std::ptr::null_mut::<Pair>())
    };
    if set == 0 { Ok(()) } else { Err(error_number()) }
}

/// Runs `work` in a child and returns what it returned. `work` may be called while other threads hold locks, so it
/// makes nothing but system calls.
pub(super) fn in_child(work: impl FnOnce() -> u64) -> io::Result<u64> {
    let (mut answer, question) = system::pipe().map(|(read, write)| (File::from(read), write))?;
    // SAFETY: the child calls `work`, which by contract neither allocates nor locks, and then leaves without destructors.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        let bytes = work().to_ne_bytes();
        // SAFETY: the buffer is as long as is said; then this process ends at once.
        unsafe {
            libc::write(question.as_raw_fd(), bytes.as_ptr().cast(), bytes.len());
            libc::_exit(0)
        }
    }
    if pid < 0 {
        return Err(io::Error::last_os_error());
    }
    drop(question);
    let mut bytes = [0; 8];
    let read = answer.read_exact(&mut bytes);
    let mut status: c_int = 0;
    // SAFETY: `status` is a valid place for the status of our own child.
    while unsafe { libc::waitpid(pid, &raw mut status, 0) } < 0 && error_number() == libc::EINTR {}
    read.map(|()| u64::from_ne_bytes(bytes))
}

/// Whether the calling process could have one more child now. For use inside [`in_child`].
pub(super) fn can_fork() -> bool {
    // SAFETY: the grandchild leaves at once; the child only waits for it.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        // SAFETY: ends this process at once.
        unsafe { libc::_exit(0) }
    }
    if pid > 0 {
        let mut status: c_int = 0;
        // SAFETY: `status` is a valid place for the status of our own child.
        unsafe { libc::waitpid(pid, &raw mut status, 0) };
    }
    pid > 0
}

/// Blocks the calling thread. Only guards, launchers and processes that are starting call it: none has a runtime.
pub(super) fn pause_millis(millis: c_int) {
    // SAFETY: no descriptor is watched, so nothing is read or written.
    let _interrupted = unsafe { libc::poll(std::ptr::null_mut(), 0, millis) };
}

/// Whether the file has an extended attribute of this name.
pub(super) fn has_attribute(path: &Path, name: &std::ffi::CStr) -> bool {
    let Ok(path) = CString::new(path.as_os_str().as_bytes()) else { return false };
    // SAFETY: both texts end with a zero byte; a length of zero asks for the size only, so nothing is written.
    unsafe { libc::getxattr(path.as_ptr(), name.as_ptr(), std::ptr::null_mut(), 0) >= 0 }
}
