//! Pipes, sockets and files without a name. Every descriptor that is made here is closed on exec.

use std::ffi::{CStr, c_int};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::time::Duration;

use super::{check, clock};

/// Takes two descriptors that a successful call has just made.
///
/// # Safety
///
/// Both are open and nobody else owns them.
unsafe fn own(ends: [c_int; 2]) -> (OwnedFd, OwnedFd) {
    // SAFETY: the caller's promise.
    unsafe { (OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])) }
}

/// A pipe: (to read from, to write to).
pub(crate) fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut ends: [c_int; 2] = [-1; 2];
    // SAFETY: `ends` has room for the two descriptors that pipe2 writes.
    check(unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) })?;
    // SAFETY: pipe2 succeeded.
    Ok(unsafe { own(ends) })
}

/// Two connected sockets that keep messages apart and tell when the other end is gone.
pub(crate) fn socket_pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut ends: [c_int; 2] = [-1; 2];
    // SAFETY: `ends` has room for the two descriptors that socketpair writes.
    check(unsafe { libc::socketpair(libc::AF_UNIX, libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC, 0, ends.as_mut_ptr()) })?;
    // SAFETY: socketpair succeeded.
    Ok(unsafe { own(ends) })
}

/// Makes this end of a pipe or socket non-blocking. The other end, which somebody else gets, stays blocking: the flag
/// belongs to the open end, not to the pipe.
pub(crate) fn set_nonblocking(fd: &OwnedFd) -> io::Result<()> {
    // SAFETY: F_SETFL takes an int and touches no memory of ours. Such an end has no other flag worth keeping.
    check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) }).map(drop)
}

/// How many bytes lie in a pipe, unread.
pub(crate) fn unread(fd: BorrowedFd<'_>) -> usize {
    let mut bytes: c_int = 0;
    // SAFETY: FIONREAD writes one int to the address given, which is that of `bytes`.
    let result = unsafe { libc::ioctl(fd.as_raw_fd(), libc::FIONREAD, &raw mut bytes) };
    if result < 0 { 0 } else { usize::try_from(bytes).unwrap_or(0) }
}

/// Reads from a descriptor that does not block, as much as there is and fits.
pub(crate) fn read(fd: BorrowedFd<'_>, space: &mut [u8]) -> io::Result<usize> {
    // SAFETY: read writes at most so many bytes to the address given, and `space` has them.
    let count = unsafe { libc::read(fd.as_raw_fd(), space.as_mut_ptr().cast(), space.len()) };
    usize::try_from(count).map_err(|_| io::Error::last_os_error())
}

/// Makes a pipe hold so many bytes, when this user may.
pub(crate) fn widen(fd: BorrowedFd<'_>, bytes: usize) {
    let bytes = c_int::try_from(bytes).unwrap_or(c_int::MAX);
    // SAFETY: F_SETPIPE_SZ takes an int and touches no memory of ours.
    let _refused = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETPIPE_SZ, bytes) };
}

/// A file in memory that has no name in any directory.
pub(crate) fn memory_file(name: &CStr) -> io::Result<OwnedFd> {
    // SAFETY: the name is a valid C string that outlives the call.
    let fd = check(unsafe { libc::memfd_create(name.as_ptr(), libc::MFD_CLOEXEC) })?;
    // SAFETY: the call succeeded, so this is an open descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Ends a connection for everybody who holds this end of it.
pub(crate) fn shut_down(socket: BorrowedFd<'_>) {
    // SAFETY: shutdown takes two integers and touches no memory of ours. A socket that is not connected any more is
    // what was wanted.
    unsafe { libc::shutdown(socket.as_raw_fd(), libc::SHUT_RDWR) };
}

/// Takes over a descriptor that the program which started this one left at a known place.
///
/// # Errors
///
/// When there is no such descriptor.
pub(crate) fn inherited(number: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: F_SETFD takes an int and touches no memory of ours.
    check(unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) })?;
    // SAFETY: it is open, and called once per number at the very start of a program, when nobody else owns anything.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// A file that has nothing to read: `/dev/null`, and in a root directory without devices an empty file in memory that
/// stays empty.
pub(crate) fn nothing() -> io::Result<OwnedFd> {
    // SAFETY: the path is a C string constant.
    match check(unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC) }) {
        // SAFETY: it was opened a moment ago and nobody else owns it.
        Ok(fd) => Ok(unsafe { OwnedFd::from_raw_fd(fd) }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
            // SAFETY: the name is a C string constant.
            let fd = check(unsafe { libc::memfd_create(c"nothing".as_ptr(), flags) })?;
            // SAFETY: it was made a moment ago and nobody else owns it.
            let file = unsafe { OwnedFd::from_raw_fd(fd) };
            let seals = libc::F_SEAL_WRITE | libc::F_SEAL_GROW | libc::F_SEAL_SHRINK | libc::F_SEAL_SEAL;
            // SAFETY: F_ADD_SEALS takes an int and touches no memory of ours.
            check(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, seals) })?;
            Ok(file)
        }
        Err(error) => Err(error),
    }
}

/// Sees to it that the numbers below `end` are taken, so that no descriptor that is opened later gets one of them.
pub(crate) fn occupy_below(end: RawFd) -> io::Result<()> {
    loop {
        let taken = nothing()?;
        if taken.as_raw_fd() >= end {
            return Ok(());
        }
        // It stays open for as long as the process lives.
        let _number = taken.into_raw_fd();
    }
}

/// A copy of a descriptor, with a number of at least `least`.
pub(crate) fn duplicate_from(fd: BorrowedFd<'_>, least: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: F_DUPFD_CLOEXEC takes an int and touches no memory of ours.
    let copy = check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, least) })?;
    // SAFETY: the call succeeded, so this is an open descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}

/// Waits until one of `fds` is readable or its other end is gone, for ever when no time is given. Returns which are.
/// The time is not measured by the clock that counts suspend: for limits that must, see [`timer`](super::timer).
pub(crate) fn wait_readable<const COUNT: usize>(
    fds: [Option<BorrowedFd<'_>>; COUNT],
    longest: Option<Duration>,
) -> io::Result<[bool; COUNT]> {
    // A negative descriptor is passed over.
    let mut waiting =
        fds.map(|fd| libc::pollfd { fd: fd.map_or(-1, |fd| fd.as_raw_fd()), events: libc::POLLIN, revents: 0 });
    let milliseconds = longest.map_or(-1, |longest| c_int::try_from(longest.as_millis()).unwrap_or(c_int::MAX));
    // SAFETY: the pointer and the count describe `waiting`, which lives until the call returns.
    let result = unsafe { libc::poll(waiting.as_mut_ptr(), COUNT as libc::nfds_t, milliseconds) };
    match check(result) {
        Ok(_) => Ok(waiting.map(|entry| entry.revents != 0)),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok([false; COUNT]),
        Err(error) => Err(error),
    }
}

/// Blocks until all the processes behind `pidfds` have ended, or until `longest` has passed.
pub(crate) fn await_all(pidfds: &[OwnedFd], longest: Duration) {
    let end = clock(libc::CLOCK_BOOTTIME) + longest;
    let mut waiting: Vec<libc::pollfd> =
        pidfds.iter().map(|fd| libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 }).collect();
    while !waiting.is_empty() {
        let left = end.saturating_sub(clock(libc::CLOCK_BOOTTIME));
        let (Ok(count), Ok(milliseconds)) = (libc::nfds_t::try_from(waiting.len()), c_int::try_from(left.as_millis()))
        else {
            return;
        };
        // SAFETY: the pointer and the count describe `waiting`, which lives until the call returns.
        if unsafe { libc::poll(waiting.as_mut_ptr(), count, milliseconds) } <= 0 {
            return;
        }
        waiting.retain(|entry| entry.revents == 0);
    }
}
