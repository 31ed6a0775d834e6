//! Something that ended, together with the words for it.

use serde::Serialize;

use crate::execution::{Attempt, Execution, ExecutionEvent};
use crate::id::ExecutionId;
use crate::outcome::Outcome;
use crate::timeline::event_words;

/// Something that ended, together with the words for its outcome, so that no reader has to make its own.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Told<T> {
    #[serde(flatten)]
    what: T,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

impl<T> Told<T> {
    fn new(what: T, id: ExecutionId, outcome: Option<&Outcome>) -> Self {
        let (summary, hint) = (outcome.map(Outcome::summary), outcome.and_then(|outcome| hint(outcome, id)));
        Self { what, summary, hint }
    }
}

impl<'a> From<&'a Execution> for Told<&'a Execution> {
    fn from(execution: &'a Execution) -> Self {
        Self::new(execution, execution.id, execution.outcome.as_ref())
    }
}

impl<'a> From<&'a Attempt> for Told<&'a Attempt> {
    fn from(attempt: &'a Attempt) -> Self {
        Self::new(attempt, attempt.execution, attempt.outcome.as_ref())
    }
}

/// One event together with the words for it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ToldEvent<'a> {
    /// The event.
    #[serde(flatten)]
    pub event: &'a ExecutionEvent,
    /// The same for people.
    pub text: String,
}

impl<'a> ToldEvent<'a> {
    /// `attempts` give the workers their names.
    #[must_use]
    pub fn new(event: &'a ExecutionEvent, attempts: &[Attempt]) -> Self {
        Self { event, text: event_words(event, attempts) }
    }
}

/// What to do next about the end of one execution; [`Outcome::hint`] with its id put in.
#[must_use]
pub fn hint(outcome: &Outcome, id: ExecutionId) -> Option<String> {
    outcome.hint().map(|hint| hint.replace("ID", &id.to_string()))
}
