use std::path::PathBuf;

use crate::problem::Problem;

/// The configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Values are wrong: every problem there is, one line each.
    #[error("{}", lines(problems))]
    Invalid {
        /// All of them.
        problems: Vec<Problem>,
    },
    /// The table of keys and the sections do not agree; a test keeps this from happening.
    #[error("the table of keys does not fit the sections: {message}")]
    Inconsistent {
        /// What does not fit.
        message: String,
    },
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}
