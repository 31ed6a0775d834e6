//! Puts places into templates.

use std::ffi::{OsStr, OsString};

/// Puts values in the places of their placeholders. What was put in is not looked at again. `None` when the template
/// needs one that is not there.
pub(crate) fn fill(template: &str, values: &[(&str, Option<&OsStr>)]) -> Option<OsString> {
    let mut filled = OsString::new();
    let mut rest = template;
    while let Some((at, (name, value))) =
        values.iter().filter_map(|value| Some((rest.find(value.0)?, value))).min_by_key(|(at, _)| *at)
    {
        filled.push(&rest[..at]);
        filled.push((*value)?);
        rest = &rest[at + name.len()..];
    }
    filled.push(rest);
    Some(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_placeholder_is_filled_once_and_nothing_in_what_was_filled() {
        let values = [("{a}", Some(OsStr::new("{b} $(x) y"))), ("{b}", Some(OsStr::new("2"))), ("{c}", None)];
        for (template, expected) in
            [("plain", Some("plain")), ("{a}/{b}{b}", Some("{b} $(x) y/22")), ("{d}", Some("{d}")), ("x{c}", None)]
        {
            assert_eq!(fill(template, &values), expected.map(OsString::from), "{template}");
        }
    }
}
