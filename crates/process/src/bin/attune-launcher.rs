//! The launcher alone, for programs that cannot be their own: tests, scripts' hosts, other languages.

use std::process::ExitCode;

fn main() -> ExitCode {
    attune_process::serve_as_launcher_if_asked();
    // Reached only when somebody starts it by hand.
    ExitCode::from(2)
}
