//! Prints the commented example file that `config/attune.yaml` holds.

use std::io::Write;

fn main() -> std::io::Result<()> {
    std::io::stdout().write_all(attune_config::example_yaml().as_bytes())
}
