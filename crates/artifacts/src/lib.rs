//! Where files that executions leave behind are kept: a directory, or a bucket of an S3-compatible service.
//!
//! # Theory of operation
//!
//! A [`Harvest`] looks through the directory in which an attempt left files, takes those that the action declared, and
//! says of every other one that fits why it is not taken. Nothing it meets there is trusted: not a name, not a type,
//! not a size. A [`Place`] stores content and answers with a location, which is all that is needed to read or remove it
//! later: `file:EXECUTION/ATTEMPT/NAME` below a directory, or `s3://BUCKET/KEY`.
//!
//! Everything here blocks: callers have threads for that. Content is never held in memory, only a buffer of it.
//!
//! # Guarantees
//!
//! * **Nothing leaves the directory.** Names are checked by [`check_name`]; files are opened one component after the
//!   other with `openat2` and `RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS`, without following links and without waiting.
//! * **Only regular files**, with no name outside the directory; no symbolic link, pipe, socket or device.
//! * **Sizes are counted before anything is read**, as they appear: a sparse file of a terabyte counts as one.
//! * **Nothing half is ever visible.** A file is written aside, flushed and renamed; a bucket checks the SHA-256 that is
//!   sent with the content.
//! * **A location cannot be made to point elsewhere.** In a directory, a file is called by the SHA-256 of its name.

mod glob;
mod harvest;
mod local_place;
mod name;
mod place;
mod place_error;
mod s3_place;
mod tree;
mod trust;

pub use glob::matches;
pub use harvest::{Found, Harvest, HarvestLimits};
pub use local_place::LocalPlace;
pub use name::{NameProblem, check_name, quoted};
pub use place::{Content, Place, Stored};
pub use place_error::PlaceError;
pub use s3_place::{S3Options, S3Place};
pub use trust::{TrustError, trusted};
