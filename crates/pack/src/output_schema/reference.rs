//! Where a `$ref` leads: into the same document, never elsewhere.

use serde_json::Value;

/// Keywords whose values are data and not schemas: an anchor in an example is none.
const DATA: &[&str] = &["const", "enum", "default", "examples"];

/// The schema that a reference of this document leads to.
pub(super) fn resolve<'a>(root: &'a Value, reference: &str) -> Result<&'a Value, String> {
    let within = match root.get("$id").and_then(Value::as_str) {
        Some(id) => reference.strip_prefix(id.trim_end_matches('#')).unwrap_or(reference),
        None => reference,
    };
    let fragment = match (within.strip_prefix('#'), within.is_empty()) {
        (Some(fragment), _) => fragment,
        (None, true) => "",
        (None, false) => return Err(format!("{reference:?} is not in this schema, and nothing is fetched")),
    };
    let fragment = percent_decoded(fragment).ok_or_else(|| format!("{reference:?} is no reference"))?;
    let found = if fragment.is_empty() || fragment.starts_with('/') {
        root.pointer(&fragment)
    } else {
        anchored(root, &fragment)
    };
    found.ok_or_else(|| format!("{reference:?} leads nowhere in this schema"))
}

fn anchored<'a>(value: &'a Value, anchor: &str) -> Option<&'a Value> {
    match value {
        Value::Object(fields) => {
            let is_it = fields.get("$anchor").and_then(Value::as_str) == Some(anchor);
            // The way draft-07 has it.
            let is_old = fields.get("$id").and_then(Value::as_str).and_then(|id| id.strip_prefix('#')) == Some(anchor);
            if is_it || is_old {
                return Some(value);
            }
            let inner = fields.iter().filter(|(name, _)| !DATA.contains(&name.as_str())).map(|(_, inner)| inner);
            inner.into_iter().find_map(|inner| anchored(inner, anchor))
        }
        Value::Array(items) => items.iter().find_map(|inner| anchored(inner, anchor)),
        _ => None,
    }
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let value = digit()? * 16 + digit()?;
        bytes.push(u8::try_from(value).ok()?);
    }
    String::from_utf8(bytes).ok()
}
