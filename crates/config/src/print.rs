//! Nested YAML made of dotted paths, for `--print-config` and the example file.

use crate::setting::Setting;

/// Lines that open the sections of `path` which `previous` had not opened yet.
pub(crate) fn section_lines(previous: &str, path: &str) -> String {
    let parents = |path: &str| path.split('.').rev().skip(1).map(str::to_owned).collect::<Vec<_>>();
    let (mut before, mut now) = (parents(previous), parents(path));
    before.reverse();
    now.reverse();
    let shared = before.iter().zip(&now).take_while(|(left, right)| left == right).count();
    let mut lines = String::new();
    for (depth, name) in now.iter().enumerate().skip(shared) {
        lines.push_str(&format!("{}{name}:\n", "  ".repeat(depth)));
    }
    lines
}

/// The last part of a path, indented below its sections.
pub(crate) fn indented_name(path: &str) -> String {
    let depth = path.matches('.').count();
    format!("{}{}", "  ".repeat(depth), path.rsplit('.').next().unwrap_or(path))
}

/// Text that YAML reads back as the same text.
pub(crate) fn yaml_value(shown: &str) -> String {
    let plain = !shown.is_empty()
        && !shown.starts_with(|first: char| !(first.is_alphanumeric() || "/.[{".contains(first)))
        && !shown.contains(": ") | shown.starts_with('{')
        && !shown.contains(" #")
        && !shown.ends_with(':')
        && shown != "null"
        && !shown.chars().any(char::is_control);
    if plain { shown.to_owned() } else { serde_json::Value::from(shown).to_string() }
}

pub(crate) fn print(settings: &[Setting]) -> String {
    let lines: Vec<(String, String, &str)> = settings
        .iter()
        .scan("", |previous, setting| {
            let sections = section_lines(previous, setting.key.path);
            *previous = setting.key.path;
            let value = setting.shown.as_deref().map_or_else(|| "null".to_owned(), yaml_value);
            Some((sections, format!("{}: {value}", indented_name(setting.key.path)), setting.origin.as_str()))
        })
        .collect();
    // One long URL must not push every origin off the screen.
    let width = lines.iter().map(|(_, line, _)| line.chars().count()).filter(|width| *width <= 60).max().unwrap_or(0);
    lines.into_iter().map(|(sections, line, origin)| format!("{sections}{line:width$}  # {origin}\n")).collect()
}
