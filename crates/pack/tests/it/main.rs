//! The packs that come with Attune, run for real: parameters in as the worker delivers them, results checked.

mod actions;
mod delivery;
mod installing;
mod runner;
