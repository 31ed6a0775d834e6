//! Why a command did not do what it was asked, and what to do about it.

use std::error::Error;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::PathBuf;

use attune_pack::ParameterProblem;

use crate::{exit, output};

/// A boxed cause; the chain is printed once, at the edge.
pub(crate) type Cause = Box<dyn Error + Send + Sync>;

/// A failed command.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// The command line asks for something that makes no sense.
    #[error("{message}")]
    Usage { message: String, hint: String },
    /// Parameters do not fit the action.
    #[error("{action} cannot take these parameters; nothing was started")]
    Parameters { action: String, problems: Vec<ParameterProblem> },
    /// No such action, pack, execution or worker.
    #[error("there is no {what} {name:?}")]
    NotFound { what: &'static str, name: String, hint: String },
    /// A pack, a script or the configuration cannot be used.
    #[error("{what} cannot be used")]
    Input {
        what: String,
        hint: String,
        #[source]
        source: Cause,
    },
    /// A file could not be read or written.
    #[error("{doing} {} failed", path.display())]
    File {
        doing: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// Something that must be there is not.
    #[error("{what} is not available")]
    Unavailable {
        what: String,
        hint: String,
        #[source]
        source: Cause,
    },
    /// The server answered with an error.
    #[error("the server refused: {title}")]
    Server { status: u16, title: String, details: Vec<String>, hint: String },
    /// Something inside Attune failed.
    #[error("{doing} failed")]
    Internal {
        doing: &'static str,
        #[source]
        source: Cause,
    },
    /// Standard output is gone, usually because `head` had enough.
    #[error("standard output could not be written")]
    Output(#[source] io::Error),
}

impl CliError {
    /// A usage error.
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: hint.into() }
    }

    /// A failure inside Attune.
    pub(crate) fn internal(doing: &'static str, source: impl Into<Cause>) -> Self {
        Self::Internal { doing, source: source.into() }
    }

    /// A failed file operation, for `map_err`.
    pub(crate) fn file(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { doing, path, source }
    }

    /// The exit code that goes with it.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage { .. }
            | Self::Parameters { .. }
            | Self::NotFound { .. }
            | Self::Input { .. }
            | Self::File { .. } => exit::BAD_INPUT,
            Self::Unavailable { .. } => exit::UNAVAILABLE,
            Self::Server { status, .. } if *status < 500 => exit::BAD_INPUT,
            Self::Server { .. } => exit::UNAVAILABLE,
            Self::Internal { .. } => exit::GAVE_UP,
            // What a shell reports for a program that SIGPIPE ended.
            Self::Output(_) => 141,
        }
    }

    fn details(&self) -> Vec<String> {
        match self {
            Self::Parameters { problems, .. } => problems
                .iter()
                .map(|problem| format!("{}: {} [rule: {}]", problem.field, problem.message, problem.rule))
                .collect(),
            Self::Server { details, .. } => details.clone(),
            _ => Vec::new(),
        }
    }

    fn hint(&self) -> String {
        match self {
            Self::Usage { hint, .. }
            | Self::NotFound { hint, .. }
            | Self::Input { hint, .. }
            | Self::Unavailable { hint, .. }
            | Self::Server { hint, .. } => hint.clone(),
            Self::Parameters { action, problems } => parameters_hint(action, problems),
            Self::File { .. } => "check that it exists and that you may use it".to_owned(),
            Self::Internal { .. } => {
                "run it again with ATTUNE_LOG=debug to see more; if it stays, please report it".to_owned()
            }
            Self::Output(_) => String::new(),
        }
    }

    /// The whole message: `error:` with the chain of causes, details, `hint:`.
    pub(crate) fn render(&self) -> String {
        let mut text = format!("error: {self}");
        let mut cause: Option<&dyn Error> = self.source();
        while let Some(current) = cause {
            let _ = write!(text, ": {current}");
            cause = current.source();
        }
        text.push('\n');
        for detail in self.details() {
            let _ = writeln!(text, "  {detail}");
        }
        let hint = self.hint();
        if !hint.is_empty() {
            let _ = writeln!(text, "hint: {hint}");
        }
        text
    }

    /// Prints it on standard error. Nothing is said when a reader such as `head` closed standard output.
    pub(crate) fn print(&self, raw: bool) {
        if matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe) {
            return;
        }
        let text = self.render();
        let safe = output::foreign(&text, raw || !output::stderr_is_terminal());
        // Nothing sensible is left to do when even this cannot be printed.
        let _ = io::stderr().lock().write_all(safe.as_bytes());
    }
}

fn parameters_hint(action: &str, problems: &[ParameterProblem]) -> String {
    match problems.iter().find(|problem| problem.rule == "type") {
        Some(problem) => format!(
            "{name}=x passes text; {name}:=x passes JSON (a number, true, a list); `attune action show {action}` lists the parameters",
            name = problem.field
        ),
        None => format!("`attune action show {action}` lists the parameters"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_of_causes_is_printed_once_and_the_hint_last() {
        let error = CliError::Unavailable {
            what: "the server at http://127.0.0.1:1".into(),
            hint: "start it".into(),
            source: Box::new(io::Error::other("connection refused")),
        };
        assert_eq!(
            error.render(),
            "error: the server at http://127.0.0.1:1 is not available: connection refused\nhint: start it\n"
        );
        assert_eq!(error.exit_code(), exit::UNAVAILABLE);
    }
}
