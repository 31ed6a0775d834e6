//! Nested YAML made of dotted paths, for `--print-config` and the example file.

use crate::kind::Kind;
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

/// Text that YAML reads back as the same text: plain where that is safe, else in double quotes.
pub(crate) fn yaml_text(text: &str) -> String {
    const WORDS: [&str; 7] = ["true", "false", "null", "yes", "no", "on", "off"];
    let starts_plain = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/');
    let is_plain = text.chars().all(|character| character.is_ascii_alphanumeric() || "/._@=%&?+-".contains(character));
    let is_word = WORDS.contains(&text.to_lowercase().as_str());
    if starts_plain && is_plain && !is_word { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}

fn yaml_value(setting: &Setting) -> String {
    match (&setting.shown, setting.key.kind) {
        (None, _) => "null".to_owned(),
        (Some(shown), Kind::Text | Kind::Path | Kind::Url(_) | Kind::Secret { .. } | Kind::SecretUrl(_)) => {
            yaml_text(shown)
        }
        (Some(shown), _) => shown.clone(),
    }
}

pub(crate) fn print(settings: &[Setting]) -> String {
    let lines: Vec<(String, String, &str)> = settings
        .iter()
        .scan("", |previous, setting| {
            let sections = section_lines(previous, setting.key.path);
            *previous = setting.key.path;
            let value = yaml_value(setting);
            Some((sections, format!("{}: {value}", indented_name(setting.key.path)), setting.origin.as_str()))
        })
        .collect();
    // One long URL must not push every origin off the screen.
    let width = lines.iter().map(|(_, line, _)| line.chars().count()).filter(|width| *width <= 60).max().unwrap_or(0);
    lines.into_iter().map(|(sections, line, origin)| format!("{sections}{line:width$}  # {origin}\n")).collect()
}
