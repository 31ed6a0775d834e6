//! The protocol without its machines: the same decisions, a modelled world.
//!
//! # Theory of operation
//!
//! Whatever decides in Attune is a function of plain data (`attune_store::rules`, and the `protocol` modules of
//! `attune_worker`, `attune_control`, `attune_queue` and `attune_process`); actors, statements and sockets are shells around
//! it. This package puts other shells around the same functions: a database that is three tables in memory, a broker that is
//! a map of queues, process trees that are a row each, and one clock that jumps from event to event. A minute of a small
//! installation takes milliseconds, and with the same seed it is the same minute, to the byte.
//!
//! [`World`](world::World) is that; [`run`] draws the faults of a seed, runs it, and makes a schedule that fails as short as
//! it can. What really happened is written down where nobody who could be wrong about it has a say ([`truth`]), and every
//! run must have taken the rare paths that it is there for ([`reach`]).
//!
//! [`model`] takes one execution and leaves nothing to chance: every order of everything that can happen to it, without time.
//! [`mutant`] names known faults, and [`caught`] tells whether all this notices them.
//!
//! [`database`] is a second writing of what the SQL does; `tests/differential.rs` holds the two together.
//!
//! docs/proof.md tells what is checked and what is not.

pub mod caught;
pub mod database;
pub mod model;
pub mod mutant;
pub mod random;
pub mod reach;
pub mod run;
pub mod trace;
pub mod truth;
pub mod work;
pub mod world;
