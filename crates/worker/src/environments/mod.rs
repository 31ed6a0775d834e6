//! What actions need beside their interpreter, and the actor that makes it once.

mod env_setup;
mod pack_preparer;
mod preparer;
mod ready;
mod slot;
mod step_runner;
mod teller;
mod volume;

pub(crate) use env_setup::{EnvSetup, EnvSetupDeps, Prepare};
pub(crate) use pack_preparer::PackPreparer;
pub use preparer::{EnvironmentFailure, EnvironmentKey, NothingToPrepare, Preparer, Stamp};
pub(crate) use ready::Environments;
pub use slot::ReadyEnvironment;
pub(crate) use step_runner::StepRunner;
pub use teller::Preparation;
pub(crate) use teller::Teller;
pub use volume::{EnvironmentVolume, Pruned, Rebuild, VolumeEntry};
