//! How a child's descendants are held together: the door through which stronger guards enter.
//!
//! Everything above this module (capture, deadlines, grace, the end) knows a tree of processes only through
//! [`Guarding`]. Today there is one way to hold a tree, a session of its own. A guard process between this one and the
//! child, or a cgroup, is one more variant: it brings its own way to start (a start barrier), to signal, to kill and to
//! tell the end, and nothing above changes.

use std::io;
use std::os::fd::BorrowedFd;

use crate::session::Session;
use crate::survivor::Survivor;
use crate::system::old::Reaped;

/// How well a child's descendants were held together, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GuardLevel {
    /// By the session that they were born into. A descendant that starts a session of its own leaves it; it is found
    /// again only by its environment ([`Command::marker`](crate::Command::marker)), and only when there is reason to
    /// search: the child was stopped, others of its group were left, or something still held its output.
    Session,
}

/// A tree of processes that can be signalled, killed and reaped as one.
#[derive(Debug)]
pub(crate) enum Guarding {
    /// Held by its session.
    Session(Session),
}

impl Guarding {
    pub(crate) const fn level(&self) -> GuardLevel {
        match self {
            Self::Session(_) => GuardLevel::Session,
        }
    }

    /// Number of the process at the root.
    pub(crate) const fn pid(&self) -> i32 {
        match self {
            Self::Session(session) => session.pid(),
        }
    }

    /// Becomes readable when the root has ended.
    pub(crate) fn pidfd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Session(session) => session.pidfd(),
        }
    }

    /// Signals everything that can be reached at once. Does nothing once the root was reaped.
    pub(crate) fn signal(&self, signal: i32) {
        match self {
            Self::Session(session) => session.signal(signal),
        }
    }

    /// Signals also what left the root's process group. Reads all of `/proc`: call it where blocking is allowed.
    pub(crate) fn signal_everywhere(&self, signal: i32) {
        match self {
            Self::Session(session) => session.signal_everywhere(signal),
        }
    }

    /// Reaps the root; `None` when it has not ended and `block` is false.
    pub(crate) fn reap(&self, block: bool) -> io::Result<Option<Reaped>> {
        match self {
            Self::Session(session) => session.reap(block),
        }
    }

    /// Whether something of the tree is known to be left after the root was reaped.
    pub(crate) fn is_anything_left(&self) -> bool {
        match self {
            Self::Session(session) => session.is_anything_left(),
        }
    }

    /// Kills everything that can be found, until nothing is found twice. Reads all of `/proc`: as above.
    pub(crate) fn kill_everywhere(&self) -> Vec<Survivor> {
        match self {
            Self::Session(session) => session.kill_everywhere(),
        }
    }
}
