//! What to run.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crate::limits::Limits;
use crate::output_limits::OutputLimits;
use crate::sandbox::Sandbox;

/// One child to run. Nothing is inherited: what is not said here, the child does not get.
#[derive(Debug, Clone)]
pub struct Command {
    /// The file to execute. It is not looked up in `PATH`; a relative path is relative to `directory`.
    pub program: PathBuf,
    /// Its arguments, without the program's own name.
    pub arguments: Vec<OsString>,
    /// Its complete environment.
    pub environment: Vec<(OsString, OsString)>,
    /// Where it starts. `/` by default.
    pub directory: PathBuf,
    /// What it can read on standard input before end of file.
    pub input: Vec<u8>,
    /// How long it may run, on a clock that counts suspend. Absent: for ever.
    pub timeout: Option<Duration>,
    /// From when on it is not started any more, as a reading of [`clock::boot`](crate::clock::boot). Absent: never. Whoever
    /// asks for a start may be suspended together with whoever makes it, and when both wake up it may be somebody else's.
    pub start_before: Option<Duration>,
    /// How long it may go on after it was asked to stop, before it is killed. 5 s by default.
    pub grace: Duration,
    /// How much of its standard output is kept.
    pub stdout: OutputLimits,
    /// How much of its standard error is kept.
    pub stderr: OutputLimits,
    /// What it and its descendants may use. Nothing is limited by default.
    pub limits: Limits,
    /// What it may not do.
    pub sandbox: Sandbox,
    /// Whether it gets a socket as descriptor 3, by which it can call whoever runs it.
    pub has_helper_socket: bool,
}

impl Command {
    /// A command with no arguments, an empty environment, no input, no timeout and the default limits.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            directory: PathBuf::from("/"),
            input: Vec::new(),
            timeout: None,
            start_before: None,
            grace: Duration::from_secs(5),
            stdout: OutputLimits::default(),
            stderr: OutputLimits::default(),
            limits: Limits::default(),
            sandbox: Sandbox::default(),
            has_helper_socket: false,
        }
    }

    /// The same with these arguments instead.
    #[must_use]
    pub fn arguments<I, A>(mut self, arguments: I) -> Self
    where
        I: IntoIterator<Item = A>,
        A: Into<OsString>,
    {
        self.arguments = arguments.into_iter().map(Into::into).collect();
        self
    }

    /// The same with one more variable.
    #[must_use]
    pub fn variable(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }
}
