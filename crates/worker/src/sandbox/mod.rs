//! From the configuration of a worker and the demand of an action to the sandbox of one child.

mod sandbox_settings;
mod sandboxes;

pub use sandbox_settings::SandboxSettings;
pub(crate) use sandboxes::{Sandboxes, Surroundings};
