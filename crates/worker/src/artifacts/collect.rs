//! Files that an attempt left behind.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::artifact_store::ArtifactStore;
use crate::executions::Key;

/// The most files of one attempt that are offered.
const MOST_FILES: usize = 10_000;

/// Offers every file below `directory` that one of `rules` names. Links are not followed: what they point at was not
/// left behind by the attempt.
pub(crate) async fn files(store: &dyn ArtifactStore, key: Key, directory: &Path, rules: &[attune_types::ArtifactRule]) {
    let mut found = Vec::new();
    if let Err(error) = walk(directory, "", &mut found) {
        tracing::warn!(execution.id = %key.execution, error = &error as &dyn std::error::Error, "what the execution left behind could not be read");
    }
    for (name, path) in found {
        if rules.iter().any(|rule| matches(rule.glob(), &name))
            && let Err(error) = store.put_file(key.execution, key.attempt, &name, path).await
        {
            tracing::warn!(execution.id = %key.execution, file = %name, error = &error as &dyn std::error::Error, "a file that the execution left behind was not taken");
        }
    }
}

fn walk(directory: &Path, prefix: &str, found: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        // A name that is no text can be matched by no glob and addressed by no API.
        let Ok(name) = entry.file_name().into_string() else { continue };
        let kind = entry.file_type()?;
        if kind.is_dir() {
            walk(&entry.path(), &format!("{prefix}{name}/"), found)?;
        } else if kind.is_file() {
            if found.len() == MOST_FILES {
                return Err(io::Error::other(format!("more than {MOST_FILES} files")));
            }
            found.push((format!("{prefix}{name}"), entry.path()));
        }
    }
    Ok(())
}

/// Whether a path fits a glob: `?` and `*` stand for anything but `/`, `**` for anything.
fn matches(glob: &str, path: &str) -> bool {
    if let Some(rest) = glob.strip_prefix("**") {
        let rest = rest.strip_prefix('/').unwrap_or(rest);
        return (0..=path.len()).filter(|at| path.is_char_boundary(*at)).any(|at| matches(rest, &path[at..]));
    }
    if let Some(rest) = glob.strip_prefix('*') {
        let end = path.find('/').unwrap_or(path.len());
        return (0..=end).filter(|at| path.is_char_boundary(*at)).any(|at| matches(rest, &path[at..]));
    }
    let (mut glob_characters, mut path_characters) = (glob.chars(), path.chars());
    match (glob_characters.next(), path_characters.next()) {
        (None, None) => true,
        (Some('?'), Some(character)) if character != '/' => matches(glob_characters.as_str(), path_characters.as_str()),
        (Some(wanted), Some(character)) if wanted == character => {
            matches(glob_characters.as_str(), path_characters.as_str())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_as_in_a_shell() {
        for (glob, path, expected) in [
            ("*.txt", "report.txt", true),
            ("*.txt", "a/report.txt", false),
            ("**/*.txt", "a/b/report.txt", true),
            ("**/*.txt", "report.txt", true),
            ("a/**", "a/b/c", true),
            ("a/**", "b/c", false),
            ("r?port*", "report.txt", true),
            ("?", "/", false),
            ("", "", true),
            ("*", "\u{e4}", true),
        ] {
            assert_eq!(matches(glob, path), expected, "{glob} {path}");
        }
    }
}
