//! TARGET of `attune run`: an action or a file.

use std::path::{Path, PathBuf};

use attune_types::{ActionRef, ActionSpec};

use crate::backend::Backend;
use crate::error::CliError;

/// What TARGET names.
#[derive(Debug)]
pub(crate) enum Target {
    /// An action that exists and is enabled.
    Action(Box<ActionSpec>),
    /// A file that exists.
    File(PathBuf),
}

/// Finds out what `text` names. A text with a slash is a file; otherwise an action wins over a file of the same name,
/// because `script.py` also has the form `pack.action`.
pub(crate) async fn resolve(backend: &impl Backend, text: &str) -> Result<Target, CliError> {
    let path = Path::new(text);
    if text.contains('/') {
        return if path.is_file() { Ok(Target::File(path.to_owned())) } else { Err(no_file(text)) };
    }
    if let Ok(action) = text.parse::<ActionRef>()
        && let Some(spec) = backend.action(&action).await?
    {
        if !spec.enabled {
            return Err(CliError::usage(
                format!("the action {action} is disabled"),
                "set `enabled: true` in its pack to run it",
            ));
        }
        return Ok(Target::Action(Box::new(spec)));
    }
    if path.is_file() {
        return Ok(Target::File(path.to_owned()));
    }
    let names = backend.action_names().await?;
    Err(no_action(text, &names))
}

fn no_file(text: &str) -> CliError {
    CliError::NotFound {
        what: "file",
        name: text.to_owned(),
        hint: "a TARGET with a slash is a file; an action is written pack.action".into(),
    }
}

fn no_action(text: &str, names: &[String]) -> CliError {
    let hint = match nearest(text, names) {
        Some(name) => format!("did you mean {name}? `attune action list` shows all actions"),
        None if names.is_empty() => {
            "no packs were found here: go to a folder with ./packs or pass --packs-dir DIR".into()
        }
        None => "`attune action list` shows all actions; a file is written ./file".into(),
    };
    CliError::NotFound { what: "action or file", name: text.to_owned(), hint }
}

/// The name that differs least, when it does not differ much.
fn nearest<'a>(text: &str, names: &'a [String]) -> Option<&'a str> {
    let bare = |name: &'a str| name.split_once('.').map_or(name, |(_, action)| action);
    names
        .iter()
        .map(|name| (distance(text, name).min(distance(text, bare(name))), name.as_str()))
        .filter(|(distance, name)| *distance <= 1 + name.len() / 5)
        .min()
        .map(|(_, name)| name)
}

/// Levenshtein distance.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, one) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, other) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(one != *other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_action_is_recognised_with_and_without_its_pack() {
        let names = ["core.echo".to_owned(), "examples.hello".to_owned()];
        for (text, expected) in [
            ("examples.helo", Some("examples.hello")),
            ("hello", Some("examples.hello")),
            ("core.ecko", Some("core.echo")),
            ("something.else", None),
        ] {
            assert_eq!(nearest(text, &names), expected, "{text}");
        }
    }
}
