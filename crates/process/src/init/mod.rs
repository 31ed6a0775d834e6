//! The tiny init that an agent needs when it is the first process of a container.
//!
//! # Theory of operation
//!
//! The first process of a container (number 1 of its PID namespace) is special twice. Signals it has no handler for are
//! dropped, so that `SIGTERM` would do nothing; and every process whose parent ended becomes its child, to be reaped by
//! it or to stay a zombie. A program that waits for children of its own must not reap everything, so the first
//! process forks: the copy goes on as the program, and the original stays behind, without threads, as its init:
//!
//! * it passes on every signal that somebody sends it, but for those that report a fault of its own,
//! * it reaps whatever ends,
//! * it ends when the program has ended, with its exit code, or 128 plus the number of the signal that killed it, as
//!   shells do and container engines expect. The kernel then kills what is left in the container.
//!
//! The program gets a process group of its own, and the terminal if there is one: otherwise the signals of Ctrl-C would
//! reach it twice, and a second one means "now, at once" to many programs.

mod duty;
mod kernel;

use std::io;
use std::process::ExitCode;

use duty::{Duty, duty};

use crate::sandbox::keep_memory_private;

/// If this process is number 1, forks: the child returns `None` and is the program; the parent stays as the init, and
/// returns the exit code for `main` when the program has ended. Anything but number 1 returns `None` at once.
///
/// To be called first thing in `main`, before any thread exists.
///
/// ```no_run
/// # use std::process::ExitCode;
/// fn main() -> ExitCode {
///     attune_process::serve_as_launcher_if_asked();
///     match attune_process::init::become_init_if_pid_1() {
///         Ok(None) => ExitCode::SUCCESS, // Here the program begins.
///         Ok(Some(code)) => code,
///         Err(_) => ExitCode::from(71),
///     }
/// }
/// ```
///
/// # Errors
///
/// When there is no process to spare.
pub fn become_init_if_pid_1() -> io::Result<Option<ExitCode>> {
    if !kernel::is_first_process() {
        return Ok(None);
    }
    // Blocked before the fork, so that no signal is lost between it and the first wait: blocked ones are kept even for
    // the first process, which drops the others.
    let before = kernel::block(duty::SIGNALS)?;
    match kernel::fork()? {
        None => {
            kernel::lead_group_and_terminal();
            kernel::restore(&before)?;
            Ok(None)
        }
        Some(program) => {
            // Its environment is a copy of the program's, credentials included.
            keep_memory_private()?;
            serve(program).map(Some)
        }
    }
}

/// The life of the init.
fn serve(program: i32) -> io::Result<ExitCode> {
    loop {
        match duty(kernel::next_signal(duty::SIGNALS)?) {
            Duty::Reap => {
                let mut ended = None;
                while let Some((pid, status)) = kernel::reap_one() {
                    if pid == program {
                        ended = Some(duty::exit_code(status));
                    }
                }
                if let Some(code) = ended {
                    return Ok(ExitCode::from(code));
                }
            }
            Duty::PassOn(signal) => kernel::send(program, signal),
            Duty::Nothing => {}
        }
    }
}
