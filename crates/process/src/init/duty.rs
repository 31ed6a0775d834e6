//! What an init does about a signal.

use std::ffi::c_int;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Duty {
    /// Some child has ended.
    Reap,
    /// Send it to the program.
    PassOn(c_int),
    /// It is not for the program.
    Nothing,
}

/// The signals an init takes: all there are, except those that cannot be taken and those by which the kernel reports a
/// fault of the init itself, which must not be passed off as the program's.
pub(super) const SIGNALS: &[c_int] = &[
    libc::SIGHUP,
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGUSR1,
    libc::SIGUSR2,
    libc::SIGPIPE,
    libc::SIGALRM,
    libc::SIGTERM,
    libc::SIGCHLD,
    libc::SIGCONT,
    libc::SIGTSTP,
    libc::SIGTTIN,
    libc::SIGTTOU,
    libc::SIGURG,
    libc::SIGXCPU,
    libc::SIGXFSZ,
    libc::SIGVTALRM,
    libc::SIGPROF,
    libc::SIGWINCH,
    libc::SIGIO,
    libc::SIGPWR,
];

/// What is to be done about a signal.
///
/// The terminal's "you are in the background" signals are about the init's own reading and writing. Its "stop" is
/// passed on: the program stops, and goes on when `SIGCONT` is passed on too; the init itself never stops, since
/// nobody would reap meanwhile.
pub(super) const fn duty(signal: c_int) -> Duty {
    match signal {
        libc::SIGCHLD => Duty::Reap,
        libc::SIGTTIN | libc::SIGTTOU => Duty::Nothing,
        signal => Duty::PassOn(signal),
    }
}

/// The exit code that says what a status of `waitpid` says.
pub(super) fn exit_code(status: c_int) -> u8 {
    let code = if libc::WIFSIGNALED(status) { 128 + libc::WTERMSIG(status) } else { libc::WEXITSTATUS(status) };
    u8::try_from(code).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_for_the_program_are_passed_on_and_the_others_are_not() {
        for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGQUIT, libc::SIGUSR1, libc::SIGUSR2] {
            assert_eq!(duty(signal), Duty::PassOn(signal));
        }
        for signal in [libc::SIGWINCH, libc::SIGCONT, libc::SIGTSTP] {
            assert_eq!(duty(signal), Duty::PassOn(signal));
        }
        assert_eq!(duty(libc::SIGCHLD), Duty::Reap);
        assert_eq!((duty(libc::SIGTTIN), duty(libc::SIGTTOU)), (Duty::Nothing, Duty::Nothing));
        for fault in [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE, libc::SIGABRT, libc::SIGKILL] {
            assert!(!SIGNALS.contains(&fault), "{fault}");
        }
    }

    #[test]
    fn the_exit_code_is_the_programs_or_names_the_signal() {
        // As the kernel encodes them: the code in the second byte, the signal in the first.
        for (status, code) in [(0, 0), (1 << 8, 1), (255 << 8, 255), (9, 137), (15, 143), (11 | 0x80, 139)] {
            assert_eq!(exit_code(status), code, "{status:#x}");
        }
    }
}
