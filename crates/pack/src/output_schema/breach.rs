//! What of a result breaks its schema.

use std::fmt::Write as _;

use crate::pointer;

/// The first thing that is wrong, and where.
#[derive(Debug)]
pub(super) struct Breach {
    message: String,
    /// From the inside to the outside, because it is collected on the way back.
    steps: Vec<String>,
    is_of_schema: bool,
}

impl Breach {
    /// The value is wrong right here.
    pub(super) const fn here(message: String) -> Self {
        Self { message, steps: Vec::new(), is_of_schema: false }
    }

    /// The schema cannot say whether the value is right, so that not even `not` makes it good.
    pub(super) const fn of_schema(message: String) -> Self {
        Self { message, steps: Vec::new(), is_of_schema: true }
    }

    /// Whether the schema is to blame.
    pub(super) const fn is_of_schema(&self) -> bool {
        self.is_of_schema
    }

    /// The same, seen from one level further out.
    pub(super) fn below(mut self, step: impl ToString) -> Self {
        self.steps.push(step.to_string());
        self
    }

    /// What is wrong, in words.
    pub(super) fn message(&self) -> &str {
        &self.message
    }

    /// A JSON pointer to it; empty for the whole.
    pub(super) fn position(&self) -> String {
        let mut position = String::new();
        for step in self.steps.iter().rev() {
            let _never_fails = write!(position, "/{}", pointer::step(step));
        }
        position
    }
}
