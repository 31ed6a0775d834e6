//! The launcher alone, for programs that cannot be their own: tests, scripts' hosts, other languages.
//!
//! Started by hand it runs the program it is given, and as the first process of a container it stays as its init.

use std::os::unix::process::CommandExt;
use std::process::ExitCode;

fn main() -> ExitCode {
    attune_process::serve_as_launcher_if_asked();
    let mut arguments = std::env::args_os().skip(1);
    let Some(program) = arguments.next() else { return ExitCode::from(64) };
    match attune_process::init::become_init_if_pid_1() {
        Ok(Some(code)) => return code,
        Ok(None) => {}
        Err(_) => return ExitCode::from(71),
    }
    #[expect(clippy::disallowed_methods, reason = "this process becomes the program, nothing is started")]
    let _failed = std::process::Command::new(program).args(arguments).exec();
    ExitCode::from(127)
}
