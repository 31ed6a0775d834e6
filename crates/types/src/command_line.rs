//! A command as YAML says it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A command: a list is run directly, a string by `/bin/sh -c`, and only then.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum CommandLine {
    /// The program and its arguments. A placeholder is filled inside its argument, which is never split again.
    List(Vec<String>),
    /// A text for the shell.
    Shell(String),
}

impl CommandLine {
    /// Whether there is nothing to run.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::List(words) => words.is_empty(),
            Self::Shell(text) => text.trim().is_empty(),
        }
    }
}

impl fmt::Display for CommandLine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(words) => formatter.write_str(&words.join(" ")),
            Self::Shell(text) => formatter.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_a_list_and_a_string_is_for_the_shell() {
        let read = |text: &str| serde_json::from_str::<CommandLine>(text).expect("reads");
        assert_eq!(read(r#"["a", "b c"]"#), CommandLine::List(vec!["a".into(), "b c".into()]));
        assert_eq!(read(r#""a b""#), CommandLine::Shell("a b".into()));
        assert!(read("[]").is_empty() && read(r#"" ""#).is_empty());
        assert!(serde_json::from_str::<CommandLine>("7").is_err());
    }
}
