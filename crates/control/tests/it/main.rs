//! The control plane from outside: a real socket, a real store, and whoever else plays a part.

mod api;
mod artifacts;
mod auth;
mod client;
mod fixture;
mod logs;
mod matrix;
mod program;
mod recovery;
mod replicas;
mod scheduling;
