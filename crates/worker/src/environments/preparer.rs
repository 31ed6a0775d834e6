//! How an environment is made.

use std::path::PathBuf;

use async_trait::async_trait;

/// What an environment is made for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EnvironmentKey {
    /// The pack; `None` for inline code.
    pub pack: Option<String>,
    /// The runtime's name, lower case.
    pub runtime: String,
    /// Constraint on its version, as written.
    pub version: String,
}

/// An environment that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentFailure {
    /// Which step failed.
    pub step: String,
    /// The tool's last output.
    pub log: String,
}

/// Makes environments: installs a pack's dependencies for one interpreter. Called once at a time per key; what it made
/// is kept until the worker ends.
#[async_trait]
pub trait Preparer: Send + Sync + 'static {
    /// Whether an environment that is not yet known may need work. `true` makes the worker claim without starting, so
    /// that an execution whose environment fails is known not to have run.
    fn may_be_needed(&self) -> bool;

    /// Makes the environment; `None` when the pack needs none.
    ///
    /// # Errors
    /// Which step failed, with the tool's own words.
    async fn prepare(&self, key: &EnvironmentKey) -> Result<Option<PathBuf>, EnvironmentFailure>;
}

/// For packs that bring everything they need.
#[derive(Debug, Clone, Copy, Default)]
pub struct NothingToPrepare;

#[async_trait]
impl Preparer for NothingToPrepare {
    fn may_be_needed(&self) -> bool {
        false
    }

    async fn prepare(&self, _: &EnvironmentKey) -> Result<Option<PathBuf>, EnvironmentFailure> {
        Ok(None)
    }
}
