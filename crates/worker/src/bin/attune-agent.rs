//! The agent: injected into any image, prepares on first use.

use std::process::ExitCode;

use attune_worker::Mode;

fn main() -> ExitCode {
    attune_names::replace_c_library();
    attune_process::serve_as_launcher_if_asked();
    match attune_process::init::become_init_if_pid_1() {
        Ok(None) => attune_worker::cli::main(Mode::Agent),
        Ok(Some(code)) => code,
        Err(error) => attune_worker::cli::no_init(&error),
    }
}
