//! Breaking an actor on purpose.

use actix::Message;
use thiserror::Error;

use crate::How;

/// Breaks the child with this name, on purpose. Sent to the [`Supervisor`](crate::Supervisor).
///
/// Works only when the tree was built with [`TreeBuilder::fault_injection`](crate::TreeBuilder::fault_injection). Resolves when the fault is
/// in place, which is before it strikes. Finds children of the tree and temporary children of its groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crash {
    /// The name of the child.
    pub child: String,
    /// What to do to it.
    pub how: How,
}

impl Message for Crash {
    type Result = Result<(), CrashError>;
}

/// Why a child was not broken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CrashError {
    /// The tree was built without fault injection, as every production tree is.
    #[error("fault injection is not enabled for this tree")]
    Disabled,
    /// No child has this name.
    #[error("no child is called `{0}`")]
    Unknown(String),
    /// The child is not alive at the moment: it backs off, stops or is down.
    #[error("child `{0}` is not running")]
    NotRunning(String),
}
