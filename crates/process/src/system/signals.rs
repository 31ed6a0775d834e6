//! Signals to this process.

use std::ffi::c_int;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

use super::check;

/// The kernel's own shape of a signal's disposition, with room for every machine's.
#[repr(C)]
struct Disposition([usize; 8]);

/// The number of signals there are, and so the bits of the kernel's signal set.
const SIGNALS: c_int = 64;

/// Puts every signal back to what it does by default: what is ignored here is ignored by everything started from here.
///
/// Asks the kernel and not the C library, which would keep the two signals it uses itself ignored.
pub(crate) fn reset_dispositions() {
    let default = Disposition([0; 8]);
    for signal in 1..=SIGNALS {
        // SAFETY: a disposition of nothing but zeros means "default, no flags, empty mask" on every machine; it lives
        // until the call returns. SIGKILL and SIGSTOP refuse to be set, which is as well.
        unsafe {
            libc::syscall(
                libc::SYS_rt_sigaction,
                signal,
                &raw const default,
                ptr::null_mut::<Disposition>(),
                usize::try_from(SIGNALS / 8).unwrap_or(8),
            )
        };
    }
}

/// Keeps every signal that can be kept from this thread, and those it starts, waiting.
pub(crate) fn block_all() -> io::Result<()> {
    let mut all = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: sigfillset initialises the set before it is read.
    check(unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::sigprocmask(libc::SIG_SETMASK, all.as_ptr(), ptr::null_mut())
    })
    .map(drop)
}

/// A descriptor that becomes readable when a child has ended. The signal must be blocked.
pub(crate) fn child_signals() -> io::Result<OwnedFd> {
    let mut set = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: sigemptyset initialises the set before it is read.
    let fd = check(unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), libc::SIGCHLD);
        libc::signalfd(-1, set.as_ptr(), libc::SFD_CLOEXEC | libc::SFD_NONBLOCK)
    })?;
    // SAFETY: the call succeeded, so this is an open descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Takes what made such a descriptor readable, so that it waits for the next.
pub(crate) fn drain(fd: BorrowedFd<'_>) {
    let mut buffer = [0_u8; 512];
    // SAFETY: the pointer and the length describe `buffer`. The descriptor does not block.
    unsafe { libc::read(fd.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len()) };
}
