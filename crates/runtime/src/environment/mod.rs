//! What a pack needs beside its interpreter: planned here, without running or writing anything.
//!
//! A pack says what it needs in a manifest; its runtime says as data how that is made ([`EnvironmentSpec`]). From both,
//! and from the interpreter, follow the **fingerprint** of the environment ([`Identity`]), the recipe ([`choose`]) and, for
//! a folder to make it in, the commands ([`EnvironmentPlan::steps`]). Two fingerprints are equal exactly when everything
//! is equal that the content of an environment depends on; what was made for glibc never meets musl.
//!
//! [`EnvironmentSpec`]: attune_types::EnvironmentSpec

mod environment_plan;
mod fill;
mod identity;
mod pack_files;
mod recipe_choice;
mod step;
mod tool_settings;

pub use environment_plan::{EnvironmentPlan, Places, find_program};
pub(crate) use fill::fill;
pub use identity::Identity;
pub use pack_files::{PackFiles, PackFilesError};
pub use recipe_choice::{Chosen, NoRecipe, choose};
pub use step::Step;
pub use tool_settings::{ToolSettings, masked};
