//! Runs a version command.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use attune_process::{Collected, Command, How, Launcher, OutputLimits};
use attune_types::CommandLine;
use attune_types::runtime::DetectionSpec;

use crate::placeholders::{FilledCommand, Placeholders};
use crate::version_text::{self, VersionPattern};

/// How much of a version command's output is looked at.
const OUTPUT_BYTES: u64 = 4 << 10;

/// How to ask an interpreter for its version.
#[derive(Debug, Clone)]
pub(crate) struct Probe {
    command: Option<CommandLine>,
    arguments: Vec<String>,
    input: String,
    pattern: Option<VersionPattern>,
    limit: Duration,
}

impl Probe {
    /// The probe of a runtime; in words, why there cannot be one.
    pub(crate) fn of(detection: &DetectionSpec, limit: Duration) -> Result<Self, String> {
        let pattern = detection.version_regex.as_deref().map(version_text::compile).transpose();
        let pattern = pattern.map_err(|error| format!("version_regex is not a pattern: {error}"))?;
        Ok(Self {
            command: detection.version_command.clone().filter(|command| !command.is_empty()),
            arguments: detection.version_arguments.clone(),
            input: detection.version_input.clone(),
            pattern,
            limit,
        })
    }

    /// What is run to ask `path`; `None` when there is nothing to ask.
    fn question(&self, path: &Path) -> Option<FilledCommand> {
        let Some(command) = &self.command else {
            let has_question = !self.arguments.is_empty() || !self.input.is_empty();
            let words = || std::iter::once(path.as_os_str().to_owned()).chain(self.arguments.iter().map(Into::into));
            return has_question.then(|| FilledCommand { words: words().collect(), variables: Vec::new() });
        };
        if let Some(words) = plain_words(command, path) {
            let words = std::iter::once(path.as_os_str().to_owned()).chain(words.into_iter().map(Into::into));
            return Some(FilledCommand { words: words.collect(), variables: Vec::new() });
        }
        let folder = path.parent().unwrap_or(Path::new("/"));
        Placeholders::default()
            .with("{interpreter}", Some(path))
            .with("{interpreter_dir}", Some(folder))
            .command(command)
    }

    /// Runs the version command of `path`. Returns the version, empty when the interpreter works but has none to tell;
    /// or, in words, why it cannot be used.
    ///
    /// A runtime with a pattern wants to know the version. One without takes whoever can be started: the small shells
    /// refuse every option that asks for a version.
    pub(crate) async fn ask(&self, launcher: &Launcher, path: &Path, search: &OsStr) -> Result<String, String> {
        let Some(question) = self.question(path) else { return Ok(String::new()) };
        let mut words = question.words.into_iter();
        let Some(program) = words.next() else { return Ok(String::new()) };
        let mut command = Command::new(program)
            .arguments(words)
            .variable("PATH", search)
            .variable("HOME", "/")
            .variable("LANG", "C.UTF-8");
        command.environment.extend(question.variables);
        command.input = self.input.clone().into_bytes();
        command.timeout = Some(self.limit);
        command.grace = Duration::ZERO;
        command.stdout = OutputLimits::of(OUTPUT_BYTES);
        command.stderr = OutputLimits::of(OUTPUT_BYTES);
        let said = launcher.run_to_end(command).await.map_err(|error| error.to_string())?;
        self.judge(&said)
    }

    fn judge(&self, said: &Collected) -> Result<String, String> {
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
            let complaint = version_text::first_line(&[&said.stderr[..], &said.stdout[..]].concat());
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
                let said = version_text::first_line(&[&said.stdout[..], &said.stderr[..]].concat());
                Err(format!("no version can be read from what it says: {said:?}"))
            }
        }
    }
}

/// The arguments of a text such as `ruby --version` when the shell would do nothing with it but start this very
/// interpreter. Then nothing else can answer in its place, and an image without a shell can be asked.
fn plain_words(command: &CommandLine, path: &Path) -> Option<Vec<String>> {
    let CommandLine::Shell(text) = command else { return None };
    let is_plain = |character: char| character.is_ascii_alphanumeric() || " -_./+:=,@".contains(character);
    let mut words = text.split_whitespace().map(str::to_owned);
    let first = words.next()?;
    let is_it = Path::new(&first) == path || path.file_name().is_some_and(|name| name.to_str() == Some(&first));
    (text.chars().all(is_plain) && is_it).then(|| words.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(command: CommandLine) -> Vec<String> {
        let detection = DetectionSpec { version_command: Some(command), ..DetectionSpec::default() };
        let probe = Probe::of(&detection, Duration::from_secs(1)).expect("a probe");
        let question = probe.question(Path::new("/opt/x/bin/ruby")).expect("a question");
        question.words.into_iter().map(|word| word.into_string().expect("text")).collect()
    }

    #[test]
    fn a_text_that_only_starts_the_interpreter_needs_no_shell() {
        for text in ["ruby --version", "/opt/x/bin/ruby --version"] {
            assert_eq!(question(CommandLine::Shell(text.into())), ["/opt/x/bin/ruby", "--version"], "{text}");
        }
        assert_eq!(question(CommandLine::List(vec!["{interpreter}".into(), "-v".into()])), ["/opt/x/bin/ruby", "-v"]);
        for text in ["jruby --version", "ruby --version | head -1", "ruby $X", "/usr/bin/ruby --version"] {
            assert_eq!(question(CommandLine::Shell(text.into())), ["/bin/sh", "-c", text, "sh"], "{text}");
        }
    }
}
