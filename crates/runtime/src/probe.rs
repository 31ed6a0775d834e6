//! Runs a version command.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use attune_process::{Command, How, Launcher, OutputLimits};
use attune_types::action::DetectionSpec;
use regex::Regex;

use crate::version_text;

/// How much of a version command's output is looked at.
const OUTPUT_BYTES: u64 = 4 << 10;

/// How to ask an interpreter for its version.
#[derive(Debug, Clone)]
pub(crate) struct Probe {
    arguments: Vec<String>,
    pattern: Option<Regex>,
    limit: Duration,
}

impl Probe {
    /// The probe of a runtime; in words, why there cannot be one.
    pub(crate) fn of(detection: &DetectionSpec, limit: Duration) -> Result<Self, String> {
        let pattern = detection.version_regex.as_deref().map(Regex::new).transpose();
        let pattern = pattern.map_err(|error| format!("version_regex is not a pattern: {error}"))?;
        Ok(Self { arguments: detection.version_arguments.clone(), pattern, limit })
    }

    /// Runs the version command of `path`. Returns the version, empty when the interpreter works but has none to tell;
    /// or, in words, why it cannot be used.
    ///
    /// A runtime with a pattern wants to know the version. One without takes whoever can be started: the small shells
    /// refuse every option that asks for a version.
    pub(crate) async fn ask(&self, launcher: &Launcher, path: &Path, search: &OsStr) -> Result<String, String> {
        if self.arguments.is_empty() {
            return Ok(String::new());
        }
        let mut command = Command::new(path)
            .arguments(self.arguments.iter().cloned())
            .variable("PATH", search)
            .variable("HOME", "/")
            .variable("LANG", "C.UTF-8");
        command.timeout = Some(self.limit);
        command.grace = Duration::ZERO;
        command.stdout = OutputLimits::of(OUTPUT_BYTES);
        command.stderr = OutputLimits::of(OUTPUT_BYTES);
        let said = launcher.run_to_end(command).await.map_err(|error| error.to_string())?;
        if said.ended.stopped_because.is_some() {
            return Err(format!("did not tell its version within {} s", self.limit.as_secs_f32()));
        }
        let has_run = match said.ended.how {
            How::Exited(0) => true,
            // 126 and 127 are what loaders, `env` and shims say when there is nothing behind the name.
            How::Exited(code) => self.pattern.is_none() && code != 126 && code != 127,
            How::Signaled(_) | How::Unknown | How::GuardLost(_) => false,
        };
        if !has_run {
            let complaint = version_text::first_line(&[said.stderr, said.stdout].concat());
            return Err(format!("its version command failed: {complaint}"));
        }
        // Java tells it on standard error, everybody else on standard output.
        let pattern = self.pattern.as_ref();
        let version = [&said.stdout, &said.stderr]
            .into_iter()
            .filter(|_| said.ended.is_success())
            .find_map(|printed| version_text::version_in(&String::from_utf8_lossy(printed), pattern));
        match version {
            Some(version) => Ok(version),
            None if pattern.is_none() => Ok(String::new()),
            None => {
                let said = version_text::first_line(&[said.stdout, said.stderr].concat());
                Err(format!("no version can be read from what it says: {said:?}"))
            }
        }
    }
}
