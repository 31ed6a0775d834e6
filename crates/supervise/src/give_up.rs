//! Why a tree gave up.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a tree gave up: which child, and what it did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GiveUp {
    /// The name of the tree.
    pub tree: String,
    /// The name of the child that could not be kept alive.
    pub child: String,
    /// What it did, and how often.
    pub reason: String,
}

impl fmt::Display for GiveUp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "supervisor `{}` gave up on `{}`: {}", self.tree, self.child, self.reason)
    }
}
