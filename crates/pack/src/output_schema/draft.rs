//! Which edition of JSON Schema a schema is written in.

use serde_json::Value;

/// An edition that is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Draft {
    /// draft-07.
    Seven,
    /// 2019-09.
    Nineteen,
    /// 2020-12: what is meant when a schema does not say.
    Twenty,
}

impl Draft {
    /// The draft that the schema names.
    pub(super) fn of(schema: &Value) -> Result<Self, String> {
        let Some(named) = schema.get("$schema") else { return Ok(Self::Twenty) };
        let name = named.as_str().unwrap_or_default().trim_end_matches('#');
        let name = name.strip_prefix("https://").or_else(|| name.strip_prefix("http://")).unwrap_or(name);
        match name {
            "json-schema.org/draft/2020-12/schema" => Ok(Self::Twenty),
            "json-schema.org/draft/2019-09/schema" => Ok(Self::Nineteen),
            "json-schema.org/draft-07/schema" => Ok(Self::Seven),
            _ => Err(format!("/$schema: {named} is none of draft 2020-12, 2019-09 and draft-07")),
        }
    }
}
