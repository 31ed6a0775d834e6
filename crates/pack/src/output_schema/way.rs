//! The way from the whole schema to the one that is applied.

use serde_json::Value;

use super::breach::Breach;

/// More steps than any readable schema takes, and few enough for the stack of a thread.
const MOST_STEPS: usize = 400;

/// One step, with all before it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way<'w> {
    schema: *const Value,
    value: *const Value,
    before: Option<&'w Way<'w>>,
    steps: usize,
}

impl<'w> Way<'w> {
    /// One step further.
    ///
    /// # Errors
    /// When it would never end, because the schema leads back to itself for the same value, or is too long.
    pub(super) fn after(before: Option<&'w Way<'w>>, schema: &Value, value: &Value) -> Result<Self, Breach> {
        let (schema, value) = (std::ptr::from_ref(schema), std::ptr::from_ref(value));
        let mut earlier = before;
        while let Some(step) = earlier.filter(|step| step.value == value) {
            if step.schema == schema {
                return Err(Breach::of_schema("output_schema refers to itself without end".to_owned()));
            }
            earlier = step.before;
        }
        let steps = before.map_or(1, |before| before.steps + 1);
        if steps > MOST_STEPS {
            return Err(Breach::of_schema("output_schema is nested too deeply".to_owned()));
        }
        Ok(Self { schema, value, before, steps })
    }
}
