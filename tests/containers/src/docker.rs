//! The `docker` command.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// A docker command that failed.
#[derive(Debug)]
pub struct DockerError {
    command: String,
    said: String,
}

impl std::fmt::Display for DockerError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} failed: {}", self.command, self.said)
    }
}

impl std::error::Error for DockerError {}

/// Speaks to one engine with the `docker` command.
#[derive(Debug, Clone)]
pub struct Docker {
    program: PathBuf,
    host: Option<String>,
}

impl Docker {
    /// The command on the search path that can build images, for the engine at `host` or the usual one.
    #[must_use]
    pub fn find(host: Option<String>) -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/bin")]);
        let programs = folders.map(|folder| folder.join("docker")).filter(|program| program.is_file());
        let all: Vec<Self> = programs.map(|program| Self { program, host: host.clone() }).collect();
        // Newer ones build with a plugin that Debian does not have; older ones do it themselves.
        let builds = |docker: &&Self| docker.run(["buildx", "version"]).is_ok() || docker.is_old();
        all.iter().find(builds).or(all.first()).cloned()
    }

    fn is_old(&self) -> bool {
        let version = self.run(["version", "--format", "{{.Client.Version}}"]).unwrap_or_default();
        // Without an engine it prints its own version and fails; then `--version` helps.
        let version = if version.is_empty() { self.run(["--version"]).unwrap_or_default() } else { version };
        let digits = version.trim_start_matches(|letter: char| !letter.is_ascii_digit());
        digits.split('.').next().and_then(|major| major.parse::<u32>().ok()).is_some_and(|major| major < 23)
    }

    /// The command itself, for scripts that use it.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Where the engine listens, if not in the usual place.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// A command for this engine, to be completed.
    #[must_use]
    pub fn command(&self) -> Command {
        self.for_program(&self.program)
    }

    /// Another program that speaks to this engine, such as `docker-compose`.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the engine's client is no child of an Attune worker")]
    pub fn for_program(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        if let Some(host) = &self.host {
            command.env("DOCKER_HOST", host);
        }
        command.env("DOCKER_BUILDKIT", "1").stdin(std::process::Stdio::null());
        command
    }

    /// Runs it to its end; what it printed, without the last line break.
    ///
    /// # Errors
    /// When it cannot be started or does not end with 0.
    pub fn run<I, S>(&self, arguments: I) -> Result<String, DockerError>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let mut command = self.command();
        command.args(arguments);
        finished(&mut command)
    }

    /// What `docker inspect` says about a container.
    ///
    /// # Errors
    /// When there is none.
    pub fn inspect(&self, container: &str) -> Result<Value, DockerError> {
        let text = self.run(["inspect", "--type", "container", container])?;
        let all: Value = serde_json::from_str(&text)
            .map_err(|error| DockerError { command: "docker inspect".to_owned(), said: error.to_string() })?;
        Ok(all[0].clone())
    }

    /// Everything that a container printed.
    #[must_use]
    pub fn logs(&self, container: &str) -> String {
        let mut command = self.command();
        command.args(["logs", container]);
        match command.output() {
            Ok(Output { stdout, stderr, .. }) => {
                format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr))
            }
            Err(error) => error.to_string(),
        }
    }
}

/// Runs a command to its end; what it printed.
///
/// # Errors
/// When it cannot be started or does not end with 0.
pub(crate) fn finished(command: &mut Command) -> Result<String, DockerError> {
    let shown = || {
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
    };
    let shown = shown();
    match command.output() {
        Ok(output) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).trim_end_matches('\n').to_owned())
        }
        Ok(output) => {
            let (printed, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            Err(DockerError { command: shown, said: format!("{}: {}{}", output.status, printed.trim(), said.trim()) })
        }
        Err(error) => Err(DockerError { command: shown, said: error.to_string() }),
    }
}
