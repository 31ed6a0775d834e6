//! What the way without guards needs; it goes away with it.

use std::ffi::{CStr, CString, c_char, c_int};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;
use std::sync::OnceLock;
use std::time::Duration;

use super::check;
use crate::how::How;

/// What the kernel says of a process that was reaped.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reaped {
    pub(crate) how: How,
    pub(crate) user: Duration,
    pub(crate) system: Duration,
    pub(crate) peak_rss_bytes: u64,
}

fn duration(time: libc::timeval) -> Duration {
    Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or(0))
        + Duration::from_micros(u64::try_from(time.tv_usec).unwrap_or(0))
}

/// Sends a signal to a process group. The caller knows that `group` cannot have been given to anybody else: its
/// leader is our child and not yet reaped.
pub(crate) fn signal_group(group: i32, signal: c_int) -> io::Result<()> {
    // SAFETY: kill takes two integers and touches no memory of ours. `group` is never 0 or 1, see `spawn`.
    check(unsafe { libc::kill(-group, signal) }).map(drop)
}

/// Blocks until the child behind `pidfd` has ended, and leaves it to be reaped.
pub(crate) fn await_end(pidfd: BorrowedFd<'_>) -> io::Result<()> {
    wait(pidfd, libc::WNOWAIT).map(drop)
}

/// Reaps the child behind `pidfd`. `None`: it has not ended.
pub(crate) fn reap(pidfd: BorrowedFd<'_>) -> io::Result<Option<Reaped>> {
    wait(pidfd, libc::WNOHANG)
}

fn wait(pidfd: BorrowedFd<'_>, options: c_int) -> io::Result<Option<Reaped>> {
    loop {
        let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
        let mut usage = MaybeUninit::<libc::rusage>::zeroed();
        // The C library's waitid hides the fifth argument, the usage, hence the bare call.
        // SAFETY: both pointers are to zeroed structures of the types that the kernel fills in.
        let result = unsafe {
            libc::syscall(
                libc::SYS_waitid,
                libc::P_PIDFD,
                pidfd.as_raw_fd(),
                info.as_mut_ptr(),
                libc::WEXITED | options,
                usage.as_mut_ptr(),
            )
        };
        if result < 0 {
            let error = io::Error::last_os_error();
            if error.kind() == io::ErrorKind::Interrupted {
                continue;
            }
            return Err(error);
        }
        // SAFETY: zeroed memory is a valid value of both plain C structures, whatever the kernel wrote.
        let (info, usage) = unsafe { (info.assume_init(), usage.assume_init()) };
        // SAFETY: after a successful waitid the SIGCHLD fields are the ones that are set (zero when nothing ended).
        let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
        if pid == 0 {
            return Ok(None);
        }
        let how = if info.si_code == libc::CLD_EXITED { How::Exited(status) } else { How::Signaled(status) };
        return Ok(Some(Reaped {
            how,
            user: duration(usage.ru_utime),
            system: duration(usage.ru_stime),
            peak_rss_bytes: kibibytes(usage.ru_maxrss),
        }));
    }
}

/// Kills and reaps a child for which there is not even a descriptor to hold it by.
pub(crate) fn kill_and_reap(pid: i32) {
    // SAFETY: both take integers and a null pointer that is allowed; `pid` is our child and not yet reaped.
    unsafe {
        libc::kill(-pid, libc::SIGKILL);
        libc::waitpid(pid, ptr::null_mut(), 0);
    }
}

fn kibibytes(count: libc::c_long) -> u64 {
    u64::try_from(count).unwrap_or(0).saturating_mul(1024)
}

/// The descriptors that the child gets as 0, 1 and 2.
pub(crate) struct ChildEnds<'a> {
    pub(crate) stdin: BorrowedFd<'a>,
    pub(crate) stdout: BorrowedFd<'a>,
    pub(crate) stderr: BorrowedFd<'a>,
}

/// Attributes that are the same for every child: new session, no signal blocked, every signal at its default.
struct Attributes(libc::posix_spawnattr_t);

// SAFETY: the structure is written once, before it is shared, and posix_spawn only reads it.
unsafe impl Send for Attributes {}
// SAFETY: as above.
unsafe impl Sync for Attributes {}

impl Attributes {
    fn new() -> Self {
        let mut attributes = MaybeUninit::<libc::posix_spawnattr_t>::zeroed();
        let mut signals = MaybeUninit::<libc::sigset_t>::zeroed();
        let flags = libc::c_int::from(libc::POSIX_SPAWN_SETSID)
            | libc::POSIX_SPAWN_SETSIGMASK as c_int
            | libc::POSIX_SPAWN_SETSIGDEF as c_int;
        let flags = libc::c_short::try_from(flags).unwrap_or(libc::POSIX_SPAWN_SETSID);
        // SAFETY: init makes `attributes` valid before the setters see it; the sets are initialised by sigemptyset
        // and sigfillset before they are read; none of these can fail for these arguments.
        unsafe {
            libc::posix_spawnattr_init(attributes.as_mut_ptr());
            libc::sigemptyset(signals.as_mut_ptr());
            libc::posix_spawnattr_setsigmask(attributes.as_mut_ptr(), signals.as_ptr());
            libc::sigfillset(signals.as_mut_ptr());
            // These two can be neither caught nor ignored, and one C library refuses a set that names them.
            libc::sigdelset(signals.as_mut_ptr(), libc::SIGKILL);
            libc::sigdelset(signals.as_mut_ptr(), libc::SIGSTOP);
            libc::posix_spawnattr_setsigdefault(attributes.as_mut_ptr(), signals.as_ptr());
            libc::posix_spawnattr_setflags(attributes.as_mut_ptr(), flags);
            Self(attributes.assume_init())
        }
    }

    fn shared() -> &'static Self {
        static SHARED: OnceLock<Attributes> = OnceLock::new();
        SHARED.get_or_init(Self::new)
    }
}

/// File actions of one spawn; freed on drop.
struct FileActions(libc::posix_spawn_file_actions_t);

impl FileActions {
    fn new() -> io::Result<Self> {
        let mut actions = MaybeUninit::<libc::posix_spawn_file_actions_t>::zeroed();
        // SAFETY: init makes the structure valid.
        returned(unsafe { libc::posix_spawn_file_actions_init(actions.as_mut_ptr()) })?;
        // SAFETY: init succeeded.
        Ok(Self(unsafe { actions.assume_init() }))
    }

    fn duplicate(&mut self, from: BorrowedFd<'_>, to: c_int) -> io::Result<()> {
        // SAFETY: the structure is valid since `new`. When both numbers are equal, posix_spawn clears CLOEXEC.
        returned(unsafe { libc::posix_spawn_file_actions_adddup2(&raw mut self.0, from.as_raw_fd(), to) })
    }

    fn change_directory(&mut self, directory: &CStr) -> io::Result<()> {
        // SAFETY: the structure is valid since `new`; the path is copied.
        returned(unsafe { libc::posix_spawn_file_actions_addchdir_np(&raw mut self.0, directory.as_ptr()) })
    }

    /// Closes whatever some library opened without CLOEXEC. musl has no such action; there, CLOEXEC must do.
    #[cfg(target_env = "gnu")]
    fn close_the_rest(&mut self) -> io::Result<()> {
        // SAFETY: the structure is valid since `new`.
        returned(unsafe { libc::posix_spawn_file_actions_addclosefrom_np(&raw mut self.0, 3) })
    }

    #[cfg(not(target_env = "gnu"))]
    fn close_the_rest(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for FileActions {
    fn drop(&mut self) {
        // SAFETY: the structure is valid since `new` and not used afterwards.
        unsafe { libc::posix_spawn_file_actions_destroy(&raw mut self.0) };
    }
}

/// The posix_spawn family returns the error instead of setting errno.
fn returned(error: c_int) -> io::Result<()> {
    if error == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(error)) }
}

/// A null-terminated vector of pointers into `texts`.
fn pointers(texts: &[CString]) -> Vec<*mut c_char> {
    texts.iter().map(|text| text.as_ptr().cast_mut()).chain([ptr::null_mut()]).collect()
}

/// Starts a child in a new session with exactly these arguments (the first is its own name), environment and
/// descriptors. Returns its number, which is that of its session and process group too.
pub(crate) fn spawn(
    program: &CStr,
    arguments: &[CString],
    environment: &[CString],
    directory: &CStr,
    ends: &ChildEnds<'_>,
) -> io::Result<i32> {
    let mut actions = FileActions::new()?;
    actions.duplicate(ends.stdin, 0)?;
    actions.duplicate(ends.stdout, 1)?;
    actions.duplicate(ends.stderr, 2)?;
    actions.close_the_rest()?;
    actions.change_directory(directory)?;
    let arguments = pointers(arguments);
    let environment = pointers(environment);
    let mut pid: libc::pid_t = 0;
    // SAFETY: every pointer is to a valid, null-terminated structure that outlives the call, and the C library
    // writes through none of them but `pid`. The child shares our memory until exec, but runs only the C library's
    // own code there, while this thread is suspended.
    returned(unsafe {
        libc::posix_spawn(
            &raw mut pid,
            program.as_ptr(),
            &raw const actions.0,
            &raw const Attributes::shared().0,
            arguments.as_ptr(),
            environment.as_ptr(),
        )
    })?;
    Ok(pid)
}
