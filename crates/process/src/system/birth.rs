//! The birth of an action: what happens between clone and exec.
//!
//! The child runs on the guard's memory while the guard is suspended (`CLONE_VM | CLONE_VFORK`, as `posix_spawn` does):
//! nothing is copied, so the cost does not depend on anybody's size. Everything it needs was made ready before; it makes
//! raw system calls only, and says through the shared memory which of them failed.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::OnceLock;

use super::memory::Stack;
use super::{check, processes};
use crate::limits::PreparedLimits;
use crate::sandbox::PreparedSandbox;
use crate::step::Step;

/// Pointers to texts, with the null pointer at the end that the kernel wants.
#[derive(Debug)]
pub(crate) struct Pointers(Vec<*const c_char>);

impl Pointers {
    pub(crate) fn to<'a>(texts: impl Iterator<Item = &'a CStr>) -> Self {
        let mut pointers: Vec<*const c_char> = texts.map(CStr::as_ptr).collect();
        pointers.push(std::ptr::null());
        Self(pointers)
    }
}

/// From this number on a process keeps descriptors that no child needs between its birth and its exec. A child that takes
/// over only the ones below is born faster when there are hundreds of the others.
pub(crate) const FIRST_PARKED: c_int = 64;

/// What is to be born. The pointers are into memory that `'a` keeps.
pub(crate) struct Birth<'a> {
    pub(crate) program: &'a CStr,
    pub(crate) arguments: &'a Pointers,
    pub(crate) environment: &'a Pointers,
    pub(crate) directory: &'a CStr,
    /// What become 0, 1 and 2. Their own numbers are 4 or more.
    pub(crate) streams: [BorrowedFd<'a>; 3],
    /// What becomes 3, likewise.
    pub(crate) helper: Option<BorrowedFd<'a>>,
    pub(crate) limits: &'a PreparedLimits,
    pub(crate) sandbox: &'a PreparedSandbox,
}

impl Birth<'_> {
    /// Whether the child needs nothing of what is parked.
    fn needs_nothing_parked(&self) -> bool {
        let needed = self.streams.iter().copied().chain(self.helper).map(|fd| fd.as_raw_fd());
        needed.chain(self.limits.descriptors()).chain(self.sandbox.descriptor()).all(|fd| fd < FIRST_PARKED)
    }
}

/// Which step failed, and the kernel's number for why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failed {
    pub(crate) step: Step,
    pub(crate) errno: i32,
}

/// What the child says, written by it into memory that it shares with its guard.
struct Shared<'a> {
    birth: &'a Birth<'a>,
    takes_all: bool,
    failed: Option<Failed>,
}

/// Starts the child, and returns when it has become its program. Its number is that of its session and group too.
pub(crate) fn give_birth(birth: &Birth<'_>, stack: &Stack) -> Result<i32, Failed> {
    let takes_all = !knows_close_range() || !birth.needs_nothing_parked();
    let mut shared = Shared { birth, takes_all, failed: None };
    // It shares the table of descriptors at first, and takes its own copy of the lower part as its first step.
    let descriptors = if takes_all { 0 } else { libc::CLONE_FILES };
    // SAFETY: the stack is ours and nothing else runs on it: this thread, the only one, is suspended until the child
    // has left this memory by exec or exit. `shared` outlives that. Signal handlers cannot run: all signals are blocked.
    let pid = unsafe {
        libc::clone(
            live,
            stack.top().cast(),
            libc::CLONE_VM | libc::CLONE_VFORK | descriptors | libc::SIGCHLD,
            (&raw mut shared).cast(),
        )
    };
    let pid = check(pid).map_err(|error| Failed { step: Step::Clone, errno: errno_of(&error) })?;
    // SAFETY: volatile, because another process has written it behind the compiler's back.
    let failed = unsafe { (&raw const shared.failed).read_volatile() };
    match failed {
        None => Ok(pid),
        Some(failed) => {
            processes::reap_child(pid);
            Err(failed)
        }
    }
}

/// Whether the kernel knows `close_range` (5.9), and whatever filters system calls around this process lets it through.
fn knows_close_range() -> bool {
    static KNOWS: OnceLock<bool> = OnceLock::new();
    // SAFETY: integers only, and no descriptor has that number.
    *KNOWS.get_or_init(|| unsafe { libc::syscall(libc::SYS_close_range, libc::c_uint::MAX, libc::c_uint::MAX, 0) } == 0)
}

fn errno_of(error: &io::Error) -> i32 {
    error.raw_os_error().unwrap_or(libc::EIO)
}

/// The child. Returns only when it could not become its program.
extern "C" fn live(shared: *mut c_void) -> c_int {
    // SAFETY: `give_birth` passes the address of its own value, which it does not touch before this has ended.
    let shared = unsafe { &mut *shared.cast::<Shared<'_>>() };
    let failed = become_program(shared.birth, shared.takes_all);
    // SAFETY: volatile, because the other side reads it in another process.
    unsafe { (&raw mut shared.failed).write_volatile(Some(failed)) };
    processes::leave(127)
}

/// Does every step in its order; the first that fails is returned. When all succeed, this does not return.
fn become_program(birth: &Birth<'_>, takes_all: bool) -> Failed {
    match prepare(birth, takes_all) {
        Err(failed) => failed,
        Ok(()) => {
            // SAFETY: all three are valid, null-terminated and outlive the call. It returns only when it failed.
            unsafe { libc::execve(birth.program.as_ptr(), birth.arguments.0.as_ptr(), birth.environment.0.as_ptr()) };
            Failed { step: Step::Execute, errno: errno_of(&io::Error::last_os_error()) }
        }
    }
}

/// Everything before exec.
fn prepare(birth: &Birth<'_>, takes_all: bool) -> Result<(), Failed> {
    let at = |step: Step| move |errno: i32| Failed { step, errno };
    let done = |step: Step, result: c_int| match check(result) {
        Ok(_) => Ok(()),
        Err(error) => Err(Failed { step, errno: errno_of(&error) }),
    };
    // SAFETY: each call takes integers, or pointers to values that live until it returns. This process shares no directory
    // or umask with its guard (CLONE_FS was not asked for), and no descriptor table after the first step.
    unsafe {
        if !takes_all {
            let unshared =
                libc::syscall(libc::SYS_close_range, FIRST_PARKED, libc::c_uint::MAX, libc::CLOSE_RANGE_UNSHARE);
            done(Step::Descriptors, c_int::from(unshared < 0).wrapping_neg())?;
        }
        done(Step::Session, libc::setsid())?;
        for (number, stream) in (0..).zip(birth.streams) {
            done(Step::Descriptors, libc::dup2(stream.as_raw_fd(), number))?;
        }
        if let Some(helper) = birth.helper {
            done(Step::Descriptors, libc::dup2(helper.as_raw_fd(), 3))?;
        }
        // Everything of ours is closed on exec already; this is for what a library may have opened otherwise. Kernels
        // before 5.9 do not know it.
        let first = if birth.helper.is_some() { 4 } else { 3 };
        libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC);
        libc::umask(0o077);
        birth.limits.apply().map_err(at(Step::Limits))?;
        done(Step::Directory, libc::chdir(birth.directory.as_ptr()))?;
        let zero: libc::c_ulong = 0;
        let one: libc::c_ulong = 1;
        done(Step::NoNewPrivileges, libc::prctl(libc::PR_SET_NO_NEW_PRIVS, one, zero, zero, zero))?;
        birth.sandbox.apply().map_err(at(Step::Sandbox))?;
        // Dispositions are at their defaults since the launcher began; only the mask is ours. Last: from here on
        // signals arrive, and the action may be killed.
        let mut none = std::mem::MaybeUninit::<libc::sigset_t>::zeroed();
        libc::sigemptyset(none.as_mut_ptr());
        done(Step::Signals, libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), std::ptr::null_mut()))
    }
}
