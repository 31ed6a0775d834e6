//! Why a requirement cannot be met.

/// This machine cannot run what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// No runtime has this name or alias.
    #[error("no runtime is called {wanted} (known: {})", known.join(", "))]
    UnknownRuntime {
        /// What was asked for.
        wanted: String,
        /// The names of the runtimes that are known.
        known: Vec<String>,
    },
    /// The runtime is known, but no interpreter of it was found.
    #[error("no interpreter for {runtime} was found (looked for {})", binaries.join(", "))]
    NoInterpreter {
        /// The runtime's name.
        runtime: String,
        /// The program names that were looked for.
        binaries: Vec<String>,
    },
    /// There are interpreters, but none of a fitting version.
    #[error("no {runtime} {constraint} was found (there is {})", has.join(", "))]
    NoFittingVersion {
        /// The runtime's name.
        runtime: String,
        /// The version constraint.
        constraint: String,
        /// The versions that there are.
        has: Vec<String>,
    },
}

impl ResolveError {
    /// The runtime that could not be had.
    #[must_use]
    pub fn runtime(&self) -> &str {
        match self {
            Self::UnknownRuntime { wanted, .. } => wanted,
            Self::NoInterpreter { runtime, .. } | Self::NoFittingVersion { runtime, .. } => runtime,
        }
    }
}
