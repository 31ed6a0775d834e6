//! `{pack_dir}` and its like in the commands and variables of a runtime.

use std::ffi::{OsStr, OsString};

use attune_types::CommandLine;
use attune_types::environment::PLACEHOLDERS;

use crate::environment::fill;

/// The script itself, beside what environments know too.
const SCRIPT: (&str, &str) = ("{script}", "ATTUNE_SCRIPT");

/// What the placeholders stand for in one case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Placeholders {
    values: Vec<(&'static str, &'static str, OsString)>,
}

/// A command that is ready to run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FilledCommand {
    /// The program and its arguments.
    pub(crate) words: Vec<OsString>,
    /// Variables in which a shell finds the places; empty for a list.
    pub(crate) variables: Vec<(OsString, OsString)>,
}

impl Placeholders {
    /// The same with `placeholder` standing for `value`, when there is one. What no definition may use is passed over.
    pub(crate) fn with(mut self, placeholder: &str, value: Option<impl Into<OsString>>) -> Self {
        let known = PLACEHOLDERS.iter().chain([&SCRIPT]).find(|(known, _)| *known == placeholder);
        if let (Some((placeholder, variable)), Some(value)) = (known, value) {
            self.values.push((placeholder, variable, value.into()));
        }
        self
    }

    /// Puts the values into a template. `None` when it needs one that is not there.
    pub(crate) fn fill(&self, template: &str) -> Option<OsString> {
        let value = |wanted: &str| -> Option<&OsStr> {
            self.values.iter().find(|(known, ..)| *known == wanted).map(|(_, _, value)| value.as_os_str())
        };
        let all: Vec<(&str, Option<&OsStr>)> =
            PLACEHOLDERS.iter().chain([&SCRIPT]).map(|(placeholder, _)| (*placeholder, value(placeholder))).collect();
        fill(template, &all)
    }

    /// Puts the values into a command. In a list each stays inside its argument, whatever it holds. A text for the shell
    /// stays as it is and finds the values in variables: a value is never text that the shell reads. `None` when a value
    /// is needed that is not there, or nothing is to be run.
    pub(crate) fn command(&self, command: &CommandLine) -> Option<FilledCommand> {
        match command {
            _ if command.is_empty() => None,
            CommandLine::List(words) => {
                let words: Option<Vec<OsString>> = words.iter().map(|word| self.fill(word)).collect();
                Some(FilledCommand { words: words?, variables: Vec::new() })
            }
            CommandLine::Shell(text) => {
                let variables =
                    self.values.iter().map(|(_, variable, value)| (OsString::from(variable), value.clone()));
                let words = ["/bin/sh", "-c", text, "sh"].map(OsString::from);
                Some(FilledCommand { words: words.to_vec(), variables: variables.collect() })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_a_list_a_value_is_one_argument_and_for_a_shell_it_is_a_variable() {
        let places = Placeholders::default()
            .with("{pack_dir}", Some("/p/$(touch x) 'y'"))
            .with("{tool}", None::<&str>)
            .with("{evil}", Some("x"));
        let list = CommandLine::List(vec!["/bin/x".into(), "--x={pack_dir}".into(), "{evil}".into()]);
        assert_eq!(places.command(&list).expect("filled").words, ["/bin/x", "--x=/p/$(touch x) 'y'", "{evil}"]);
        let shell = places.command(&CommandLine::Shell("ls \"$ATTUNE_PACK_DIR\"".into())).expect("filled");
        assert_eq!(shell.words, ["/bin/sh", "-c", "ls \"$ATTUNE_PACK_DIR\"", "sh"]);
        assert_eq!(shell.variables, [("ATTUNE_PACK_DIR".into(), "/p/$(touch x) 'y'".into())]);
        assert!(places.command(&CommandLine::List(vec!["{tool}".into()])).is_none());
        assert!(places.command(&CommandLine::List(Vec::new())).is_none());
    }
}
