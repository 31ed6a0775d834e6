//! The program of the simulation.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::SUCCESS
}
