//! How an environment is made.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use async_trait::async_trait;

use super::slot::ReadyEnvironment;

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

/// A number that differs when what is needed may differ. Made from what `stat` tells, so asking costs little.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp(u64);

impl Stamp {
    /// The stamp of a value.
    #[must_use]
    pub fn of(value: &impl Hash) -> Self {
        let mut hasher = DefaultHasher::new();
        value.hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// Makes environments: installs a pack's dependencies for one interpreter. Called once at a time per key; what it made
/// is kept until it is not good any more.
#[async_trait]
pub trait Preparer: Send + Sync + 'static {
    /// What the pack asks for now; `None` when it needs no environment. Executions of what needs one that is not ready
    /// are claimed without starting, so that those whose environment fails are known not to have run; all others pay
    /// nothing. Looks at the disk and runs nothing.
    fn needs(&self, key: &EnvironmentKey) -> Option<Stamp>;

    /// Makes the environment; `None` when the pack needs none.
    ///
    /// # Errors
    /// Which step failed, with the tool's own words. Nothing is remembered of it: the next call tries again.
    async fn prepare(&self, key: &EnvironmentKey) -> Result<Option<Arc<ReadyEnvironment>>, EnvironmentFailure>;

    /// Whether what was made can still be used. Looks at the disk and runs nothing.
    fn is_good(&self, environment: &ReadyEnvironment) -> bool;
}

/// For packs that bring everything they need.
#[derive(Debug, Clone, Copy, Default)]
pub struct NothingToPrepare;

#[async_trait]
impl Preparer for NothingToPrepare {
    fn needs(&self, _: &EnvironmentKey) -> Option<Stamp> {
        None
    }

    async fn prepare(&self, _: &EnvironmentKey) -> Result<Option<Arc<ReadyEnvironment>>, EnvironmentFailure> {
        Ok(None)
    }

    fn is_good(&self, _: &ReadyEnvironment) -> bool {
        true
    }
}
