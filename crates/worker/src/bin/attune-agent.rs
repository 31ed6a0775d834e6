//! The agent: injected into any image, prepares on first use.

use std::process::ExitCode;

use attune_worker::Mode;

fn main() -> ExitCode {
    attune_worker::cli::main(Mode::Agent)
}
