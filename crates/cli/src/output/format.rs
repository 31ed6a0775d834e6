//! The forms in which data can be printed.

use clap::ValueEnum;

/// `-o`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// One JSON document.
    Json,
    /// One YAML document.
    Yaml,
    /// Only names or ids, one per line, for other programs.
    Name,
}
