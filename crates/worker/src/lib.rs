//! The actor system that executes.
//!
//! # Theory of operation
//!
//! A worker takes attempts that a scheduler assigned to it, runs a child process for each, and tells the store how it
//! ended. [`WorkerBuilder`] puts one together; `tree.rs` is its tree of supervised actors, top to bottom:
//!
//! | actor | owns |
//! |---|---|
//! | Registration | the announcement of this worker |
//! | Heartbeat | the rhythm in which leases are renewed, and what the store answers |
//! | ArtifactSink | output, on its way from the child to where it is kept |
//! | EnvSetup | builds of environments, one at a time per key |
//! | RuntimeWatch | the rhythm in which interpreters are looked for that came or went |
//! | Executions | the decision who runs next, and one Executor per execution |
//! | Consumer | its place in the conversation with the broker |
//!
//! Actors carry control; nothing that is *owed* is inside one. Attempts stand in a ledger, running process trees on a
//! leash, deliveries in the broker's link, ends in tasks and files, output in a journal: all outside, so that a crash
//! loses the message in hand and nothing else, and the next life goes on from what is written down.
//!
//! One execution: a delivery (or a heartbeat) offers it; Executions gives it a slot and claims it together with all
//! others of the moment in one commit; then the message is acknowledged; an Executor carries the pure state machine of
//! the attempt: environment, spawn, wait, outcome; its end is committed together with others; the slot is free.
//!
//! # Guarantees
//!
//! * A message is acknowledged after its claim was answered: never before, and never after the run.
//! * Everything that was claimed is completed or handed back exactly once, however often whoever carried it crashed.
//! * An end that the store cannot take lies on disk until it can, across restarts.
//! * Nothing runs on without a lease: SIGTERM and SIGKILL come before the store may give the attempt to another.
//! * A worker that leaves leaves no process behind; one that was killed is cleaned up after by its next life.
//! * An execution that prints nothing and needs no file never touches the disk, unless its sandbox protects files: then it
//!   gets a directory of its own, for its result at least.

mod artifacts;
mod builder;
pub mod cli;

mod commands;
mod consumer;
pub mod doctor;
mod environments;
mod error;
mod execution;
mod executions;
pub mod fence;
mod found_runtimes;
mod handle;
mod health;
mod hearing;
mod heartbeat;
pub mod helper;
mod home;
mod identity;
mod io_runtime;
mod limits;
mod mode;
mod notice;
mod overseer;
mod packs;
mod ports;
pub mod protocol;
mod pulse;
mod redaction;
mod registration;
mod runtime_watch;
mod runtimes;
mod sandbox;
mod settings;
mod stop_reason;
mod succession;
mod tree;
mod update;
mod version;

pub use artifacts::{ArtifactStore, StoreArtifacts};
pub use builder::WorkerBuilder;
pub use environments::{
    EnvironmentFailure, EnvironmentKey, EnvironmentVolume, NothingToPrepare, Preparation, Preparer, Pruned,
    ReadyEnvironment, Rebuild, Stamp, VolumeEntry,
};
pub use error::WorkerError;
pub use executions::Counts;
pub use handle::{WorkerHandle, WorkerStatus};
pub use mode::Mode;
pub use notice::ExecutionNotice;
pub use ports::Ports;
pub use sandbox::SandboxSettings;
pub use settings::Settings;
pub use stop_reason::StopReason;
