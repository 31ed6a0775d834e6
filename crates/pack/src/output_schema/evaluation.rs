//! Applies a schema, and the schemas in it, to a value.

use std::cell::RefCell;
use std::collections::BTreeMap;

use regex::Regex;
use serde_json::{Map, Value};

use super::assertions::{self, count};
use super::breach::Breach;
use super::draft::Draft;
use super::evaluated::Evaluated;
use super::pattern;
use super::reference::resolve;
use super::shown::{shown, shown_text};
use super::way::Way;

type Fields = Map<String, Value>;

/// A schema that is known to be one, while a result is checked with it.
#[derive(Debug)]
pub(super) struct Evaluation<'a> {
    draft: Draft,
    root: &'a Value,
    /// Whether anything asks what was evaluated.
    tracks: bool,
    patterns: RefCell<BTreeMap<&'a str, Regex>>,
}

impl<'a> Evaluation<'a> {
    pub(super) fn new(draft: Draft, root: &'a Value) -> Self {
        Self { draft, root, tracks: mentions_unevaluated(root), patterns: RefCell::default() }
    }

    /// The first breach of the whole.
    pub(super) fn result(&self, value: &Value) -> Result<(), Breach> {
        self.apply(self.root, value, None).map(drop)
    }

    fn apply<'v>(
        &self,
        schema: &'a Value,
        value: &'v Value,
        before: Option<&Way<'_>>,
    ) -> Result<Evaluated<'v>, Breach> {
        let fields = match schema {
            Value::Bool(true) => return Ok(Evaluated::default()),
            Value::Object(fields) => fields,
            _ => return Err(Breach::here(format!("False schema does not allow {}", shown(value)))),
        };
        let way = Way::after(before, schema, value)?;
        let mut evaluated = Evaluated::default();
        if let Some(reference) = fields.get("$ref").and_then(Value::as_str) {
            let target = resolve(self.root, reference).map_err(Breach::of_schema)?;
            evaluated.add(self.apply(target, value, Some(&way))?);
            // What stands beside it means nothing in draft-07.
            if self.draft == Draft::Seven {
                return Ok(evaluated);
            }
        }
        assertions::check(fields, value)?;
        match value {
            Value::String(text) => self.text(fields, text)?,
            Value::Array(items) => self.items(fields, items, &way, &mut evaluated)?,
            Value::Object(properties) => self.properties(fields, properties, &way, &mut evaluated)?,
            _ => {}
        }
        self.combinations(fields, value, &way, &mut evaluated)?;
        match value {
            Value::Array(items) => self.unevaluated_items(fields, items, &way, &mut evaluated)?,
            Value::Object(properties) => self.unevaluated_properties(fields, properties, &way, &mut evaluated)?,
            _ => {}
        }
        Ok(evaluated)
    }

    /// What the schema evaluates, or `None` when the value breaks it.
    fn fits<'v>(&self, schema: &'a Value, value: &'v Value, way: &Way<'_>) -> Result<Option<Evaluated<'v>>, Breach> {
        match self.apply(schema, value, Some(way)) {
            Ok(evaluated) => Ok(Some(evaluated)),
            Err(breach) if breach.is_of_schema() => Err(breach),
            Err(_) => Ok(None),
        }
    }

    fn compiled(&self, text: &'a str) -> Result<Regex, Breach> {
        if let Some(known) = self.patterns.borrow().get(text) {
            return Ok(known.clone());
        }
        let regex = pattern::compile(text).map_err(Breach::of_schema)?;
        self.patterns.borrow_mut().insert(text, regex.clone());
        Ok(regex)
    }

    fn text(&self, fields: &'a Fields, text: &str) -> Result<(), Breach> {
        let Some(pattern) = fields.get("pattern").and_then(Value::as_str) else { return Ok(()) };
        if self.compiled(pattern)?.is_match(text) {
            return Ok(());
        }
        Err(Breach::here(format!("{} does not match {pattern:?}", shown_text(text))))
    }

    fn items<'v>(
        &self,
        fields: &'a Fields,
        items: &'v [Value],
        way: &Way<'_>,
        evaluated: &mut Evaluated<'v>,
    ) -> Result<(), Breach> {
        let (first, others) = match (fields.get("prefixItems"), fields.get("items")) {
            (None, Some(Value::Array(first))) => (first.as_slice(), fields.get("additionalItems")),
            (Some(Value::Array(first)), others) => (first.as_slice(), others),
            (_, others) => (&[][..], others),
        };
        for (index, item) in items.iter().enumerate() {
            if let Some(schema) = first.get(index).or(others) {
                self.apply(schema, item, Some(way)).map_err(|breach| breach.below(index))?;
                self.note(|| evaluated.item(index));
            }
        }
        let Some(contained) = fields.get("contains") else { return Ok(()) };
        let mut found = 0;
        for (index, item) in items.iter().enumerate() {
            if self.fits(contained, item, way)?.is_some() {
                found += 1;
                // Since 2020-12 only.
                if self.draft == Draft::Twenty {
                    self.note(|| evaluated.item(index));
                }
            }
        }
        let least = count(fields.get("minContains")).unwrap_or(1);
        let most = count(fields.get("maxContains")).unwrap_or(u64::MAX);
        match found {
            _ if found < least && least == 1 => {
                Err(Breach::here(format!("no item is valid under {}, which contains asks for", shown(contained))))
            }
            _ if found < least => Err(Breach::here(format!("contains {found} of what it must contain {least} of"))),
            _ if found > most => Err(Breach::here(format!("contains {found} of what it may contain {most} of"))),
            _ => Ok(()),
        }
    }

    fn properties<'v>(
        &self,
        fields: &'a Fields,
        properties: &'v Fields,
        way: &Way<'_>,
        evaluated: &mut Evaluated<'v>,
    ) -> Result<(), Breach> {
        let named = fields.get("properties").and_then(Value::as_object);
        let mut patterns = Vec::new();
        for (pattern, schema) in fields.get("patternProperties").and_then(Value::as_object).into_iter().flatten() {
            patterns.push((self.compiled(pattern)?, schema));
        }
        let mut unexpected = Vec::new();
        for (name, value) in properties {
            if let Some(schema) = fields.get("propertyNames") {
                self.apply(schema, &Value::from(name.as_str()), Some(way)).map(drop)?;
            }
            let by_name = named.and_then(|named| named.get(name));
            let by_pattern = patterns.iter().filter(|(pattern, _)| pattern.is_match(name)).map(|(_, schema)| *schema);
            let mut schemas: Vec<&'a Value> = by_name.into_iter().chain(by_pattern).collect();
            if schemas.is_empty() {
                match fields.get("additionalProperties") {
                    Some(Value::Bool(false)) => unexpected.push(name.as_str()),
                    additional => schemas.extend(additional),
                }
            }
            for schema in &schemas {
                self.apply(schema, value, Some(way)).map_err(|breach| breach.below(name))?;
            }
            if !schemas.is_empty() {
                self.note(|| evaluated.property(name));
            }
        }
        if unexpected.is_empty() { Ok(()) } else { Err(not_allowed("Additional properties", &unexpected)) }
    }

    fn combinations<'v>(
        &self,
        fields: &'a Fields,
        value: &'v Value,
        way: &Way<'_>,
        evaluated: &mut Evaluated<'v>,
    ) -> Result<(), Breach> {
        let several = |keyword: &str| fields.get(keyword).and_then(Value::as_array);
        for schema in several("allOf").into_iter().flatten() {
            evaluated.add(self.apply(schema, value, Some(way))?);
        }
        for (keyword, most) in [("anyOf", usize::MAX), ("oneOf", 1)] {
            let Some(schemas) = several(keyword) else { continue };
            let mut fitting = 0;
            for schema in schemas {
                if let Some(more) = self.fits(schema, value, way)? {
                    fitting += 1;
                    evaluated.add(more);
                    if fitting > most || (most > 1 && !self.tracks) {
                        break;
                    }
                }
            }
            if fitting == 0 || fitting > most {
                let number = if fitting == 0 { "any" } else { "only one" };
                let words = format!("{} is not valid under {number} of the schemas in {keyword}", shown(value));
                return Err(Breach::here(words));
            }
        }
        if let Some(refused) = fields.get("not")
            && self.fits(refused, value, way)?.is_some()
        {
            return Err(Breach::here(format!("{} is not allowed for {}", shown(refused), shown(value))));
        }
        if let Some(condition) = fields.get("if") {
            let consequence = match self.fits(condition, value, way)? {
                Some(more) => {
                    evaluated.add(more);
                    "then"
                }
                None => "else",
            };
            if let Some(schema) = fields.get(consequence) {
                evaluated.add(self.apply(schema, value, Some(way))?);
            }
        }
        let Value::Object(properties) = value else { return Ok(()) };
        for keyword in ["dependentSchemas", "dependencies"] {
            for (name, schema) in fields.get(keyword).and_then(Value::as_object).into_iter().flatten() {
                // A list of names is a rule of its own.
                if properties.contains_key(name) && !schema.is_array() {
                    evaluated.add(self.apply(schema, value, Some(way))?);
                }
            }
        }
        Ok(())
    }

    fn unevaluated_items<'v>(
        &self,
        fields: &'a Fields,
        items: &'v [Value],
        way: &Way<'_>,
        evaluated: &mut Evaluated<'v>,
    ) -> Result<(), Breach> {
        let Some(schema) = fields.get("unevaluatedItems") else { return Ok(()) };
        let others: Vec<usize> = (0..items.len()).filter(|index| !evaluated.has_item(*index)).collect();
        if let (Value::Bool(false), Some(first)) = (schema, others.first()) {
            let words = format!("Unevaluated items are not allowed ({} was unexpected)", shown(&items[*first]));
            return Err(Breach::here(words));
        }
        for index in others {
            self.apply(schema, &items[index], Some(way)).map_err(|breach| breach.below(index))?;
            evaluated.item(index);
        }
        Ok(())
    }

    fn unevaluated_properties<'v>(
        &self,
        fields: &'a Fields,
        properties: &'v Fields,
        way: &Way<'_>,
        evaluated: &mut Evaluated<'v>,
    ) -> Result<(), Breach> {
        let Some(schema) = fields.get("unevaluatedProperties") else { return Ok(()) };
        let others: Vec<&str> =
            properties.keys().map(String::as_str).filter(|name| !evaluated.has_property(name)).collect();
        if schema == &Value::Bool(false) && !others.is_empty() {
            return Err(not_allowed("Unevaluated properties", &others));
        }
        for name in others {
            self.apply(schema, &properties[name], Some(way)).map_err(|breach| breach.below(name))?;
            evaluated.property(name);
        }
        Ok(())
    }

    fn note(&self, note: impl FnOnce()) {
        if self.tracks {
            note();
        }
    }
}

fn not_allowed(what: &str, names: &[&str]) -> Breach {
    let first: Vec<String> =
        names.iter().take(5).map(|name| format!("{:?}", name.chars().take(60).collect::<String>())).collect();
    let more = if names.len() > 5 { " and others" } else { "" };
    let verb = if names.len() == 1 { "was" } else { "were" };
    Breach::here(format!("{what} are not allowed ({}{more} {verb} unexpected)", first.join(", ")))
}

fn mentions_unevaluated(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.iter().any(|(name, inner)| {
            matches!(name.as_str(), "unevaluatedItems" | "unevaluatedProperties") || mentions_unevaluated(inner)
        }),
        Value::Array(items) => items.iter().any(mentions_unevaluated),
        _ => false,
    }
}
