//! What became of the program that was fetched last.

use serde::{Deserialize, Serialize};

use super::offer::Offer;

/// The program that was fetched last, and what is known about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// What the server said about it. It is held against the program again whenever that is to be executed.
    #[serde(flatten)]
    pub(super) offer: Offer,
    /// What is known about it.
    pub(super) standing: Standing,
}

/// What is known about a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Standing {
    /// It was started and has not come up yet. Whoever finds this and is not that program knows that it never did.
    Trying,
    /// It came up.
    Good,
    /// It did not.
    Refused,
}
