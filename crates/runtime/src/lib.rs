//! Finds interpreters, resolves what an action asks for to one of them, and says how to start it.
//!
//! # Theory of operation
//!
//! A runtime is data ([`RuntimeSpec`](attune_types::RuntimeSpec)): names, program names, a version command, places, how
//! a script is started. Packs declare them; the files of the core pack are built in ([`builtin_specs`]), so that nothing
//! needs a pack to run a script. A new language is a new file, never new code. What an image says of itself in
//! `.attune-runtime.yaml` ([`DetectOptions::with_hints`]) is put over both.
//!
//! [`detect`] looks for the program names in `PATH` and then in the places where images and version managers hide
//! interpreters, as plain names and with a version behind them, so that `python3.11` and `python3.12` are two. Files are
//! looked at before anything is run, and nothing is run that everybody could have put there. Then all version commands
//! run side by side, each for two seconds at most; who does not answer is reported and left out. The C library and the
//! processor are read from the interpreter's file. [`Selection`] decides beforehand which runtimes to look for at all:
//! `ATTUNE_WORKER_RUNTIMES` before the configuration before everything.
//!
//! For a single script ([`DetectOptions::for_one`]) nothing is run: the first program that a shell would start will do,
//! unless the script asks for a version.
//!
//! A [`Registry`] brings both together. It resolves a requirement (a name or an alias in any case, and a version
//! constraint) and builds the [`Command`](attune_process::Command): the interpreter, its options, the script, and an
//! environment that starts from a short allow-list ([`CleanEnvironment`]) and is changed as the runtime declares. It also
//! knows which of the runtimes that were found a store has never heard of ([`Registry::unknown_to`]). Whether it is worth
//! looking again, later, [`stamp()`] says without running anything.
//!
//! What it guarantees: a program in a folder that everybody may write to, or that a link in one leads to, is never run;
//! a file of hints can never keep a worker from starting; nothing that an interpreter
//! prints is shown or stored unless it is plain text; of what a worker offers ([`Registry::offers`]) everything resolves.

mod account;
mod builtin;
mod candidates;
mod clean_environment;
mod detect_options;
mod detection;
pub mod environment;
mod found_runtime;
mod guess;
mod hints;
mod image;
mod invocation;
mod network_variables;
mod placeholders;
mod places;
mod probe;
mod registry;
mod resolve_error;
mod resolved;
mod selection;
mod stamp;
mod trust;
mod version_text;

pub use builtin::{builtin_specs, with_builtin};
pub use clean_environment::CleanEnvironment;
pub use detect_options::{Depth, DetectOptions};
pub use detection::{Detection, detect};
pub use found_runtime::FoundRuntime;
pub use guess::guess_runtime;
pub use image::with_image;
pub use invocation::Script;
pub use network_variables::NETWORK_VARIABLES;
pub use places::Landmarks;
pub use registry::Registry;
pub use resolve_error::ResolveError;
pub use resolved::{Program, Resolved};
pub use selection::Selection;
pub use stamp::stamp;
