//! What actions need beside their interpreter, and the actor that makes it once.

mod env_setup;
mod preparer;
mod ready;

pub(crate) use env_setup::{EnvSetup, EnvSetupDeps, Prepare};
pub use preparer::{EnvironmentFailure, EnvironmentKey, NothingToPrepare, Preparer};
pub(crate) use ready::Environments;
