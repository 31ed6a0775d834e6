//! A canary: secrets that nobody could guess, given to many executions that do all they can to write them down, and a search
//! of everything that they could have been written to.
//!
//! Each execution has four secrets (by the helper or on standard input, and as parameters) and one decoy, which looks like
//! them and is none. It writes each of the five in twelve encodings and one of three chunkings to both streams, the log,
//! its progress, its result and the name of a file. Afterwards the decoy must be found in every encoding (the search
//! sees what there is), and the others nowhere.

mod forms;
mod haystack;
mod pack;
mod report;
mod run;
mod tap;
mod watch;

pub use report::{PlaceReport, Report};
pub use run::{Order, run};
