//! What an action can ask of the worker that runs it, from inside any image: set its result, keep a file, say how far
//! it is, read a secret.
//!
//! # Theory of operation
//!
//! Every action has one end of a socket as descriptor 3; whatever it starts inherits it. The worker's own program,
//! called `attune-agent` and first in `PATH`, sends a request (`protocol`) over it and waits for the answer (`client`);
//! nothing needs to be in the image, not even a shell. Modules for Python, Node, Ruby, Perl and the shell are thin: they
//! run that program. They and the program's name lie in a folder (`places`) of the worker's home.
//!
//! The worker answers for as long as the execution runs (`server`); what the calls do is in `calls`, and what came
//! of them is taken at the end. Every request brings its own reply socket, so that any number of processes may call at
//! once.
//!
//! # Guarantees
//!
//! * No path of the action's is opened by the worker: files come as descriptors, opened with the action's rights.
//! * An action that sends garbage, floods or never reads its answers slows down itself and nobody else.
//! * A result that was acknowledged is the result; one that was refused leaves the earlier one as it was.
//! * Nothing is accepted after the end of the execution.

mod artifact;
mod calls;
mod client;
mod draft;
mod places;
mod progress;
mod protocol;
mod secret_source;
mod server;
#[cfg(test)]
mod server_tests;
mod system;

pub(crate) use calls::{Calls, CallsDeps};
pub use client::run_if_called;
pub(crate) use places::HelperPlaces;
pub use places::HelperProgram;
pub use secret_source::{NoSecrets, SecretBytes, SecretRefusal, SecretRequest, SecretSource};
pub(crate) use server::serve;
