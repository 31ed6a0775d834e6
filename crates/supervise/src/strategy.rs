//! Which siblings share the fate of a failed child.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// Which siblings are restarted together with a failed child.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// Only the failed child.
    OneForOne,
    /// The failed child and every child declared after it.
    RestForOne,
    /// Every child of the tree.
    OneForAll,
}

impl Strategy {
    /// Returns the positions that are restarted when the child at `failed` of `count` children failed.
    ///
    /// ```
    /// # use attune_supervise::Strategy;
    /// assert_eq!(Strategy::OneForOne.affected(1, 4), 1..2);
    /// assert_eq!(Strategy::RestForOne.affected(1, 4), 1..4);
    /// assert_eq!(Strategy::OneForAll.affected(1, 4), 0..4);
    /// ```
    pub fn affected(self, failed: usize, count: usize) -> Range<usize> {
        match self {
            Self::OneForOne => failed..failed + 1,
            Self::RestForOne => failed..count,
            Self::OneForAll => 0..count,
        }
    }
}
