//! Packs: YAML in, checked specifications out.
//!
//! # Theory of operation
//!
//! A pack is a folder with a `pack.yaml`, actions in `actions/*.yaml` with their entry points beside them, runtimes in
//! `runtimes/*.yaml`, and shared code in `lib/`. [`Pack::load`] reads all of it and either answers with a pack that keeps
//! every rule, or with **everything** that is wrong with it at once, each complaint with file, line and column, and with
//! the key that was probably meant. [`Library::scan`] does so for folders of packs; a broken pack never hides a good one.
//!
//! Requests pass through here on their way in: [`check_parameters`] refuses what an action does not declare before
//! anything is stored or started, and [`execution_spec`] fixes what a worker will need to know, so that a pack that
//! changes later changes nothing for executions that exist. On the way to the script, [`render()`] and [`environment`]
//! write the parameters in the format the action asked for.
//!
//! # Guarantees
//!
//! * Nothing here runs anything, opens a socket or follows a link out of a pack.
//! * Documents are bounded: size, nesting, aliases, patterns.
//! * The value of a parameter that is marked `secret` is never part of a message.
//! * Data never becomes code: values are quoted for their format and nothing else; what cannot be said is refused.
//! * Nothing is changed on the way in: [`read_json`] and [`read_yaml`] refuse what other readers round, drop or replace.

mod document;
mod environment_rules;
mod error;
mod exact;
pub mod install;
mod keywords;
mod library;
mod output_schema;
mod pack;
#[cfg(feature = "parameters")]
mod parameters;
mod pointer;
mod positions;
mod render;
mod rules;
mod runtime_rules;
mod secret_outputs;
mod shelf;
mod submission;
mod suggestion;
mod yaml_text;

pub use attune_types::has_secret_outputs;
pub use document::parse as parse_document;
pub use error::{PackError, PackProblem};
pub use exact::{Misread, read_json, read_yaml};
pub use library::Library;
pub use output_schema::check_result;
pub use pack::Pack;
#[cfg(feature = "parameters")]
pub use parameters::{ParameterProblem, check_parameters, coerce_text};
pub use render::{MOST_ENVIRONMENT_BYTES, MOST_ENVIRONMENT_TOGETHER, RenderError, check_delivery, environment, render};
pub use secret_outputs::{put_secret_outputs, take_secret_outputs};
pub use shelf::{Change, Shelf};
pub use submission::{Overrides, execution_spec, inline_spec};
