//! What an action promises to give back, checked where it runs.
//!
//! Every worker checks results, so this is a small validator of JSON Schema and not the large one that requests are checked
//! with: it knows 2020-12, 2019-09 and draft-07 without what is fetched from elsewhere, and follows no `$dynamicRef`.
//! What it does not know of those drafts is refused with the pack ([`problem`]), and never passed over; words that are in
//! no draft mean nothing, as JSON Schema has it. The large validator is what the tests compare it with.

mod assertions;
mod breach;
mod category;
mod draft;
mod equality;
mod evaluated;
mod evaluation;
mod keywords;
mod number;
mod pattern;
mod reference;
mod shown;
mod way;

use serde_json::Value;

use self::draft::Draft;
use self::evaluation::Evaluation;

/// Why a schema cannot be used, with the place in it; `None` when it can.
pub(crate) fn problem(schema: &Value) -> Option<String> {
    let draft = match Draft::of(schema) {
        Ok(draft) => draft,
        Err(problem) => return Some(problem),
    };
    keywords::problem(draft, schema)
}

/// Checks a result against the action's `output_schema`.
///
/// # Errors
/// Where the first breach is, and why, in words; or why the schema cannot be used.
pub fn check_result(schema: &Value, result: &Value) -> Result<(), String> {
    let unusable = |problem: String| format!("output_schema: {problem}");
    let draft = Draft::of(schema).map_err(unusable)?;
    keywords::problem(draft, schema).map_or(Ok(()), |problem| Err(unusable(problem)))?;
    let breach = match Evaluation::new(draft, schema).result(result) {
        Ok(()) => return Ok(()),
        Err(breach) => breach,
    };
    let position = breach.position();
    let place = if position.is_empty() { "the result" } else { &position };
    Err(format!("{place}: {}", breach.message()))
}

#[cfg(test)]
mod tests;
