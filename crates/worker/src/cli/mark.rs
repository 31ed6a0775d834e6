//! The program's version, where it is found without running the program.

use std::hint::black_box;

/// A server that gives this program out reads its version here, also of a program for another architecture. A zero byte
/// ends it.
static MARK: &str = concat!("attune-agent-version=", env!("CARGO_PKG_VERSION"), "\0");

/// Has the mark stay in the program, which does nothing else with it.
pub(crate) fn keep() {
    black_box(MARK);
}
