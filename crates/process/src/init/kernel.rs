//! The system calls of the init, each by its thinnest safe face.

use std::ffi::c_int;
use std::io;
use std::mem::MaybeUninit;
use std::ptr;

fn check(result: c_int) -> io::Result<c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Whether this is the first process of its PID namespace.
pub(super) fn is_first_process() -> bool {
    // SAFETY: takes and touches nothing.
    unsafe { libc::getpid() == 1 }
}

fn set(signals: &[c_int]) -> libc::sigset_t {
    let mut set = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: sigemptyset initialises the set before anything else sees it.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        for signal in signals {
            libc::sigaddset(set.as_mut_ptr(), *signal);
        }
        set.assume_init()
    }
}

/// Keeps these signals waiting from now on. Returns what was kept waiting before.
pub(super) fn block(signals: &[c_int]) -> io::Result<libc::sigset_t> {
    let signals = set(signals);
    let mut before = set(&[]);
    // SAFETY: both sets are valid and live until the call returns.
    check(unsafe { libc::sigprocmask(libc::SIG_BLOCK, &raw const signals, &raw mut before) })?;
    Ok(before)
}

/// Undoes [`block`].
pub(super) fn restore(before: &libc::sigset_t) -> io::Result<()> {
    // SAFETY: the set is valid and lives until the call returns.
    check(unsafe { libc::sigprocmask(libc::SIG_SETMASK, before, ptr::null_mut()) }).map(drop)
}

/// Waits for one of these signals, which are blocked.
pub(super) fn next_signal(signals: &[c_int]) -> io::Result<c_int> {
    let signals = set(signals);
    loop {
        // SAFETY: the set is valid; a null pointer means that the details are not wanted.
        match check(unsafe { libc::sigwaitinfo(&raw const signals, ptr::null_mut()) }) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// `None` in the child. The caller has no thread but its first.
pub(super) fn fork() -> io::Result<Option<i32>> {
    // SAFETY: with a single thread the child is a complete copy, in which everything goes on as here.
    let pid = check(unsafe { libc::fork() })?;
    Ok((pid != 0).then_some(pid))
}

/// Makes this process the leader of a group of its own and, if there is a terminal, the one that it belongs to.
pub(super) fn lead_group_and_terminal() {
    // SAFETY: integers only. Both may fail, when there is no terminal above all, and nothing is lost then. The signal
    // that the terminal would send a process in the background is blocked.
    unsafe {
        libc::setpgid(0, 0);
        libc::tcsetpgrp(libc::STDIN_FILENO, libc::getpgrp());
    }
}

/// Reaps one child that has ended: its number and its status. `None`: there is none.
pub(super) fn reap_one() -> Option<(i32, c_int)> {
    loop {
        let mut status: c_int = 0;
        // SAFETY: the pointer is to an int that lives until the call returns.
        match check(unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG | libc::__WALL) }) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(pid) if pid > 0 => return Some((pid, status)),
            _ => return None,
        }
    }
}

/// Sends a signal to the program, which is not yet reaped: its number is its own.
pub(super) fn send(program: i32, signal: c_int) {
    // SAFETY: two integers. It fails only for a program that has ended, which the next SIGCHLD tells.
    unsafe { libc::kill(program, signal) };
}
