//! The configuration as its users meet it: files, variables and command lines in; values, origins and errors out.

mod defaults;
mod documents;
mod errors;
mod layers;
mod secrets;
mod support;
