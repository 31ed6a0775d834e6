//! Clocks and timers.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;
use std::time::Duration;

use super::check;

/// The time on `clock`. The clocks asked for here exist on every supported kernel, so there is no error to return.
pub(crate) fn clock(clock: libc::clockid_t) -> Duration {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a valid timespec that lives until the call returns; on error it keeps its zeros.
    unsafe { libc::clock_gettime(clock, &raw mut now) };
    Duration::new(u64::try_from(now.tv_sec).unwrap_or(0), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// A descriptor that becomes readable at a set reading of `CLOCK_BOOTTIME`, suspended time included.
pub(crate) fn timer() -> io::Result<OwnedFd> {
    // SAFETY: timerfd_create takes two integers and touches no memory of ours.
    let fd = check(unsafe { libc::timerfd_create(libc::CLOCK_BOOTTIME, libc::TFD_CLOEXEC | libc::TFD_NONBLOCK) })?;
    // SAFETY: the call succeeded, so this is an open descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Sets a timer; `None`: to never. It stops being readable until then.
pub(crate) fn set_timer(timer: BorrowedFd<'_>, at: Option<Duration>) -> io::Result<()> {
    let zero = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let at = at.map_or(zero, |at| libc::timespec {
        tv_sec: libc::time_t::try_from(at.as_secs()).unwrap_or(libc::time_t::MAX),
        // Zero would mean "never".
        tv_nsec: libc::c_long::from(at.subsec_nanos().max(1).cast_signed()),
    });
    let setting = libc::itimerspec { it_interval: zero, it_value: at };
    // SAFETY: the setting lives until the call returns, and the old one is not wanted.
    check(unsafe {
        libc::timerfd_settime(timer.as_raw_fd(), libc::TFD_TIMER_ABSTIME, &raw const setting, ptr::null_mut())
    })
    .map(drop)
}
