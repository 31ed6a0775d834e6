//! The state directory of `attune dev`: one process at a time, a token that stays, and where the process listens.

mod kept;
mod lock;
mod running;
mod temporary;
mod vault;

pub(crate) use kept::{token, worker_name};
pub(crate) use lock::Lock;
pub(crate) use running::Running;
pub(crate) use temporary::TemporaryDirectory;
pub(crate) use vault::{make_directory, vault};

/// Where `attune dev` keeps its state unless told otherwise, and where other commands look for it.
pub(crate) const DEFAULT_DIRECTORY: &str = ".attune";
