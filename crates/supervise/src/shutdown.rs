//! Stopping a tree.

use actix::Message;

use crate::Exit;

/// Stops the tree: children in reverse order of declaration, each as its [`Stop`](crate::Stop) says. Sent to the
/// [`Supervisor`](crate::Supervisor); resolves when all are down. Sent twice, it resolves twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shutdown;

impl Message for Shutdown {
    type Result = ShutdownReport;
}

/// Stops the tree at once: every child is aborted, also those that are draining because of a [`Shutdown`]. For the second Ctrl-C.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abort;

impl Message for Abort {
    type Result = ShutdownReport;
}

/// How every child went down, in the order in which they were stopped. Children that were down already are not in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use = "a drain that timed out has its own exit code"]
pub struct ShutdownReport {
    /// One entry for each child.
    pub children: Vec<StoppedChild>,
}

impl ShutdownReport {
    /// Says whether every child went by itself, in its time and without failing.
    pub fn is_clean(&self) -> bool {
        self.children.iter().all(|child| child.manner == Manner::Drained && !child.exit.is_failure())
    }
}

/// How one child went down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoppedChild {
    /// Its name.
    pub name: String,
    /// Whether it went by itself.
    pub manner: Manner,
    /// How its last life ended.
    pub exit: Exit,
}

/// Whether a child went down by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// It stopped when asked, within its time. Also a child that was between two lives.
    Drained,
    /// It was aborted, by its specification or because its time was over.
    Aborted,
    /// Its thread does not answer, so nothing could be done.
    Lost,
}
