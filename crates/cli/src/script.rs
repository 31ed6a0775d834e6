//! A bare file: reads it and guesses what runs it.

use std::fs;
use std::path::Path;

use attune_runtime::guess_runtime;
use attune_types::{InlineCode, RuntimeSpec};

use crate::backend::Script;
use crate::error::CliError;

/// A script, and the reason why its runtime was chosen.
#[derive(Debug)]
pub(crate) struct Guessed {
    /// The script.
    pub(crate) script: Script,
    /// `its first line`, `its extension .py`, `--runtime`.
    pub(crate) because: String,
}

/// Reads `path` and chooses its runtime: the one that was asked for, else by its extension, else by its
/// first line (`#!`).
pub(crate) fn read(path: &Path, wanted: Option<&str>, runtimes: &[RuntimeSpec]) -> Result<Guessed, CliError> {
    let unusable = |hint: &str, reason: String| CliError::Input {
        what: format!("the file {}", path.display()),
        hint: hint.to_owned(),
        source: reason.into(),
    };
    let size = fs::metadata(path).map_err(CliError::file("reading", path))?.len();
    if size > InlineCode::MAX_BYTES as u64 {
        let reason = format!("it has {size} bytes; a bare script may have {}", InlineCode::MAX_BYTES);
        return Err(unusable("put it into a pack as the entry point of an action", reason));
    }
    let bytes = fs::read(path).map_err(CliError::file("reading", path))?;
    let content = String::from_utf8(bytes).map_err(|_| {
        unusable("put a program that is not text into a pack, with runner_type: native", "it is not text".into())
    })?;
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("script").to_owned();
    let (runtime, because) = choose(&name, &content, wanted, runtimes).ok_or_else(|| {
        let known: Vec<&str> = runtimes.iter().map(|runtime| runtime.name.as_str()).collect();
        let reason =
            format!("neither its first line nor its extension says what runs it (known: {})", known.join(", "));
        unusable("give it a first line such as `#!/usr/bin/env python3`, or pass --runtime NAME", reason)
    })?;
    let code = InlineCode { name, content };
    Ok(Guessed { script: Script { code, runtime, output_format: attune_types::OutputFormat::Text }, because })
}

fn choose(name: &str, content: &str, wanted: Option<&str>, runtimes: &[RuntimeSpec]) -> Option<(String, String)> {
    if let Some(wanted) = wanted {
        let goes_by = |runtime: &&RuntimeSpec| {
            runtime.name.eq_ignore_ascii_case(wanted)
                || runtime.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(wanted))
        };
        // An unknown one passes: the worker says better than we can what it has instead.
        let name = runtimes.iter().find(goes_by).map_or(wanted, |runtime| runtime.name.as_str());
        return Some((name.to_lowercase(), "--runtime".to_owned()));
    }
    let first_line = content.lines().next().unwrap_or_default();
    let by_extension = guess_runtime(runtimes, name, "").map(|runtime| (runtime, "its extension"));
    let (runtime, because) = by_extension
        .or_else(|| guess_runtime(runtimes, name, first_line).map(|runtime| (runtime, "its first line")))?;
    Some((runtime.to_lowercase(), because.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_argument_wins_over_the_extension_and_that_over_the_first_line() {
        let runtimes = attune_runtime::builtin_specs();
        for (name, content, wanted, expected) in [
            ("a.py", "print(1)", None, Some(("python", "its extension"))),
            ("a", "#!/usr/bin/env python3\n", None, Some(("python", "its first line"))),
            ("a.txt", "#!/bin/sh", None, Some(("shell", "its first line"))),
            ("a.py", "", Some("SH"), Some(("shell", "--runtime"))),
            ("a.py", "", Some("Cobol"), Some(("cobol", "--runtime"))),
            ("a.txt", "hello", None, None),
            ("a", "", None, None),
        ] {
            let chosen = choose(name, content, wanted, &runtimes);
            let chosen = chosen.as_ref().map(|(runtime, because)| (runtime.as_str(), because.as_str()));
            assert_eq!(chosen, expected, "{name} {content:?} {wanted:?}");
        }
    }
}
