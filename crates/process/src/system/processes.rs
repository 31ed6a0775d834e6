//! Processes: who they are, signals to them, their ends.

use std::ffi::{CStr, c_int, c_ulong};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;
use std::time::Duration;

use super::check;
use crate::how::How;

/// What the kernel says of a process that was reaped.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reaped {
    pub(crate) pid: i32,
    pub(crate) how: How,
    pub(crate) user: Duration,
    pub(crate) system: Duration,
    pub(crate) peak_rss_bytes: u64,
}

/// What waiting for any child came to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Waited {
    /// This one has ended.
    Ended(Reaped),
    /// There are children, and none of them has ended.
    NoneEnded,
    /// There is no child at all.
    NoChild,
}

fn duration(time: libc::timeval) -> Duration {
    Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or(0))
        + Duration::from_micros(u64::try_from(time.tv_usec).unwrap_or(0))
}

fn kibibytes(count: libc::c_long) -> u64 {
    u64::try_from(count).unwrap_or(0).saturating_mul(1024)
}

/// Reaps one child that has ended, if there is one. Only for processes of which every child is their own: launcher and
/// guards. In a worker it would take children from whoever else started them.
pub(crate) fn wait_any() -> Waited {
    let mut status: c_int = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    loop {
        // SAFETY: both pointers are to memory of the types that the kernel fills in. __WALL: a tree's processes need
        // not be born with SIGCHLD as their ending signal.
        let pid = unsafe { libc::wait4(-1, &raw mut status, libc::WNOHANG | libc::__WALL, usage.as_mut_ptr()) };
        match pid {
            0 => return Waited::NoneEnded,
            pid if pid > 0 => {
                // SAFETY: zeroed memory is a valid rusage, whatever the kernel wrote.
                let usage = unsafe { usage.assume_init() };
                let how = if libc::WIFSIGNALED(status) {
                    How::Signaled(libc::WTERMSIG(status))
                } else {
                    How::Exited(libc::WEXITSTATUS(status))
                };
                return Waited::Ended(Reaped {
                    pid,
                    how,
                    user: duration(usage.ru_utime),
                    system: duration(usage.ru_stime),
                    peak_rss_bytes: kibibytes(usage.ru_maxrss),
                });
            }
            _ if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
            _ => return Waited::NoChild,
        }
    }
}

/// Reaps exactly this child, which has ended or is about to.
pub(crate) fn reap_child(pid: i32) {
    loop {
        // SAFETY: a null pointer means that the status is not wanted.
        let result = unsafe { libc::waitpid(pid, ptr::null_mut(), libc::__WALL) };
        if result >= 0 || io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            return;
        }
    }
}

/// A descriptor that becomes readable when the process ends. `pid` is a child not yet reaped, or may be any process
/// when the caller checks afterwards whom it got.
pub(crate) fn pidfd_open(pid: i32) -> io::Result<OwnedFd> {
    // SAFETY: pidfd_open takes two integers and touches no memory of ours.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    let fd = check(c_int::try_from(fd).unwrap_or(-1))?;
    // SAFETY: the call succeeded, so this is an open descriptor that nobody else owns; the kernel sets CLOEXEC on it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Sends a signal to exactly the process behind `pidfd`.
pub(crate) fn pidfd_signal(pidfd: BorrowedFd<'_>, signal: c_int) -> io::Result<()> {
    // SAFETY: a null siginfo is allowed and means what kill(2) would send.
    let result = unsafe {
        libc::syscall(libc::SYS_pidfd_send_signal, pidfd.as_raw_fd(), signal, ptr::null::<libc::siginfo_t>(), 0)
    };
    check(c_int::try_from(result).unwrap_or(-1)).map(drop)
}

/// Blocks until the child behind `pidfd` has ended and reaps it. Leaves every other child alone.
pub(crate) fn reap(pidfd: BorrowedFd<'_>) -> io::Result<()> {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    loop {
        let Ok(id) = libc::id_t::try_from(pidfd.as_raw_fd()) else { return Ok(()) };
        // SAFETY: the pointer is to a zeroed structure of the type that the kernel fills in.
        match check(unsafe { libc::waitid(libc::P_PIDFD, id, info.as_mut_ptr(), libc::WEXITED) }) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result.map(drop),
        }
    }
}

/// Signals a child that is not yet reaped, so its number is certainly its own.
pub(crate) fn signal_child(pid: i32, signal: c_int) {
    // SAFETY: kill takes two integers and touches no memory of ours. An error means that it is a zombie already, or
    // not ours to signal; in both cases there is nothing to do about it here.
    unsafe { libc::kill(pid, signal) };
}

/// Signals everything that this process may signal, except itself. Only for a process inside a Landlock domain that
/// scopes signals: there it reaches what that process has started, at once and nothing else.
pub(crate) fn signal_all(signal: c_int) {
    // SAFETY: kill takes two integers and touches no memory of ours. The error means that nobody was left.
    unsafe { libc::kill(-1, signal) };
}

/// Signals a process group. The caller knows that it has a member which is ours and not yet reaped, so its number
/// belongs to nobody else.
pub(crate) fn signal_group(group: i32, signal: c_int) {
    // SAFETY: kill takes two integers and touches no memory of ours. `group` is never 0 or 1, see the callers. An error
    // means that all its members are zombies.
    unsafe { libc::kill(-group, signal) };
}

/// The process group of a process, 0 being this one; 0 when there is no such process.
pub(crate) fn group_of(pid: i32) -> i32 {
    // SAFETY: getpgid takes one integer.
    unsafe { libc::getpgid(pid) }.max(0)
}

/// Makes a child process that is a copy of this one. `None` in the child. Only for processes with a single thread.
pub(crate) fn fork() -> io::Result<Option<i32>> {
    // SAFETY: there is no other thread that could hold a lock which the copy would inherit.
    let pid = check(unsafe { libc::fork() })?;
    Ok((pid != 0).then_some(pid))
}

/// Ends this process at once, without running anything that was registered to run at exit: a copy made by [`fork`]
/// must not run what belongs to the original.
pub(crate) fn leave(code: c_int) -> ! {
    // SAFETY: _exit takes an integer and does not return.
    unsafe { libc::_exit(code) }
}

/// Begins a session of its own: no terminal's signals reach this process any more.
pub(crate) fn begin_session() -> io::Result<()> {
    // SAFETY: setsid takes nothing.
    check(unsafe { libc::setsid() }).map(drop)
}

fn process_option(option: c_int, value: c_ulong) -> io::Result<()> {
    let zero: c_ulong = 0;
    // SAFETY: the options used here take integers and touch no memory of ours.
    check(unsafe { libc::prctl(option, value, zero, zero, zero) }).map(drop)
}

/// From now on the orphans among this process's descendants become its children.
pub(crate) fn become_subreaper() -> io::Result<()> {
    process_option(libc::PR_SET_CHILD_SUBREAPER, 1)
}

/// From now on processes of the same user can neither trace this one nor read its memory, nor does it leave a core.
pub(crate) fn become_unreadable() -> io::Result<()> {
    process_option(libc::PR_SET_DUMPABLE, 0)
}

/// From now on neither this process nor what it starts leaves a core.
pub(crate) fn forbid_cores() -> io::Result<()> {
    let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the limit lives until the call returns.
    check(unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const none) }).map(drop)
}

/// The name by which the kernel shows this process; its first 15 bytes count.
pub(crate) fn set_name(name: &CStr) {
    // SAFETY: the name is a valid C string that outlives the call, of which at most 16 bytes are read. It is for
    // people who look at `ps`: a failure changes nothing.
    unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) };
}

/// Whether this process may enter a directory.
pub(crate) fn may_enter(directory: &CStr) -> io::Result<()> {
    // SAFETY: the path is a valid C string that outlives the call.
    check(unsafe { libc::access(directory.as_ptr(), libc::X_OK) }).map(drop)
}

/// The session that this process belongs to.
pub(crate) fn own_session() -> i32 {
    // SAFETY: getsid takes one integer; 0 means the caller.
    unsafe { libc::getsid(0) }
}

/// The largest resident set that this process has had, in bytes.
pub(crate) fn own_peak_rss() -> u64 {
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the pointer is to a zeroed rusage, which the call fills in.
    unsafe { libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()) };
    // SAFETY: zeroed memory is a valid rusage, whatever the kernel wrote.
    kibibytes(unsafe { usage.assume_init() }.ru_maxrss)
}
