//! Packs: YAML in, checked specifications out.

mod parameters;
mod render;
mod submission;
mod suggestion;

pub use parameters::{ParameterProblem, check_parameters, check_result, coerce_text};
pub use render::{MOST_ENVIRONMENT_BYTES, RenderError, environment, render};
pub use submission::{Overrides, execution_spec, inline_spec};
