//! Why a server could not be started for a test.

use std::path::PathBuf;

/// A server that did not come up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A program is not installed.
    #[error("{program} is not installed; run scripts/install-test-services.sh, or set {variable} to a running server")]
    Missing {
        /// The program.
        program: &'static str,
        /// The variable that names a running server instead.
        variable: &'static str,
    },
    /// It was started and ended, or did not answer in time.
    #[error("{program} did not come up: {reason}; the end of its log:\n{log}")]
    Failed {
        /// The program.
        program: &'static str,
        /// What happened.
        reason: String,
        /// The last lines it wrote.
        log: String,
    },
    /// Something around it failed.
    #[error("{doing} failed")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
    /// A tool that drives the server failed.
    #[error("{tool} failed: {said}")]
    Tool {
        /// The tool.
        tool: PathBuf,
        /// What it wrote to its error stream.
        said: String,
    },
}

impl StartError {
    /// Ends a test with this error and everything that caused it.
    pub(crate) fn abort_test(&self) -> ! {
        let cause = std::error::Error::source(self).map(|source| format!(": {source}")).unwrap_or_default();
        panic!("{self}{cause}")
    }
}
