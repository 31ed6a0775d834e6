//! The full worker: baked into an image, prepares everything before it takes work.

use std::process::ExitCode;

use attune_worker::Mode;

fn main() -> ExitCode {
    attune_worker::cli::main(Mode::Worker)
}
