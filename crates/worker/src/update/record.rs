//! What became of the program that was fetched last.

use serde_json::Value;

use super::offer::Offer;

/// The program that was fetched last, and what is known about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    /// What the server said about it. It is held against the program again whenever that is to be executed.
    pub(super) offer: Offer,
    /// What is known about it.
    pub(super) standing: Standing,
}

/// What is known about a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It was started and has not come up yet. Whoever finds this and is not that program knows that it never did.
    Trying,
    /// It came up.
    Good,
    /// It did not.
    Refused,
}

impl Record {
    /// Reads it; `None` when something is missing.
    pub(super) fn read(value: &Value) -> Option<Self> {
        let standing = match value["standing"].as_str()? {
            "trying" => Standing::Trying,
            "good" => Standing::Good,
            "refused" => Standing::Refused,
            _ => return None,
        };
        Some(Self { offer: Offer::read(value)?, standing })
    }

    /// The offer as an object, and the standing in it.
    pub(super) fn to_value(&self) -> Value {
        let mut value = self.offer.to_value();
        let standing = match self.standing {
            Standing::Trying => "trying",
            Standing::Good => "good",
            Standing::Refused => "refused",
        };
        value["standing"] = Value::from(standing);
        value
    }
}
