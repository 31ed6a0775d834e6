//! Keeps the secrets of one execution out of everything that is said about it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use attune_secret::Opened;
use attune_secret::redact::{Encoding, Leak, Needles, Redactor, Shield, ShieldGuard};
use attune_types::{Evidence, LeakEvidence, Outcome};
use serde_json::Value;

use crate::execution::EndedChild;

/// Where something is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    Stdout,
    Stderr,
    Log,
    Result,
    Outcome,
    ArtifactName,
    Artifact,
    ProcessName,
}

impl Place {
    const fn word(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
            Self::Log => "log",
            Self::Result => "result",
            Self::Outcome => "outcome",
            Self::ArtifactName => "artifact name",
            Self::Artifact => "artifact",
            Self::ProcessName => "process name",
        }
    }

    /// Whether it has lines that somebody can look up.
    const fn has_lines(self) -> bool {
        matches!(self, Self::Stdout | Self::Stderr)
    }
}

/// Keeps the secrets of one execution out of everything that is said about it, and remembers where they would have been.
/// For an execution that was given none it is nothing and does nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Redaction(Option<Arc<Inner>>);

/// By place, name of the secret and encoding: how often it was found, and in which line first.
type Finds = BTreeMap<(Place, String, Encoding), (u64, u64)>;

#[derive(Debug)]
struct Inner {
    needles: Needles,
    found: Mutex<Finds>,
    /// As long as this lives, log lines of this process are without them, too.
    _shield: ShieldGuard,
}

impl Redaction {
    /// Nothing to hide.
    pub(crate) const fn none() -> Self {
        Self(None)
    }

    /// Hides what an execution was given.
    pub(crate) fn of(opened: &Opened) -> Self {
        if opened.is_empty() { Self::default() } else { Self::looking_for(Needles::of(opened)) }
    }

    fn looking_for(needles: Needles) -> Self {
        if needles.is_empty() && needles.unmaskable().is_empty() {
            return Self::default();
        }
        let shield = Shield::raise(&needles);
        Self(Some(Arc::new(Inner { needles, found: Mutex::default(), _shield: shield })))
    }

    /// Whether there is nothing to hide.
    pub(crate) const fn is_idle(&self) -> bool {
        self.0.is_none()
    }

    /// For a stream.
    pub(crate) fn redactor(&self) -> Redactor {
        Redactor::new(&self.0.as_ref().map_or_else(Needles::none, |inner| inner.needles.clone()))
    }

    /// What is to be said in the log about secrets that cannot be hidden.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let names = self.0.as_ref().map_or(&[][..], |inner| inner.needles.unmaskable());
        let least = Needles::SHORTEST;
        names
            .iter()
            .map(|name| format!("secret {name} is shorter than {least} bytes and is not masked in output\n"))
            .collect()
    }

    /// A text without secrets.
    pub(crate) fn text(&self, place: Place, text: String) -> String {
        let Some(inner) = &self.0 else { return text };
        let (masked, leaks) = inner.needles.redact(&text);
        if leaks.is_empty() {
            return text;
        }
        let masked = masked.into_owned();
        self.note(place, leaks);
        masked
    }

    /// A value without secrets.
    pub(crate) fn value(&self, place: Place, mut value: Value) -> Value {
        if let Some(inner) = &self.0 {
            self.note(place, inner.needles.redact_value(&mut value));
        }
        value
    }

    /// An end without secrets in what is said about it.
    pub(crate) fn end(&self, end: EndedChild) -> EndedChild {
        if self.is_idle() {
            return end;
        }
        let text = |text: String| self.text(Place::Outcome, text);
        match end {
            EndedChild::NotStarted(outcome) => EndedChild::NotStarted(match outcome {
                Outcome::EnvironmentFailed { step, log } => {
                    Outcome::EnvironmentFailed { step: text(step), log: text(log) }
                }
                Outcome::InterpreterMissing { name } => Outcome::InterpreterMissing { name: text(name) },
                Outcome::NotExecutable { reason } => Outcome::NotExecutable { reason: text(reason) },
                Outcome::DiskFull { path } => Outcome::DiskFull { path: text(path) },
                Outcome::OutputInvalid { position } => Outcome::OutputInvalid { position: text(position) },
                Outcome::WorkerFault { message } => Outcome::WorkerFault { message: text(message) },
                other => other,
            }),
            EndedChild::Ran(mut ran) => {
                ran.invalid = ran.invalid.map(text);
                EndedChild::Ran(ran)
            }
        }
    }

    /// Remembers what was found.
    pub(crate) fn note(&self, place: Place, leaks: Vec<Leak>) {
        let Some(inner) = self.0.as_ref().filter(|_| !leaks.is_empty()) else { return };
        let mut found = inner.found.lock().unwrap_or_else(PoisonError::into_inner);
        for leak in leaks {
            let (times, line) = found.entry((place, leak.secret, leak.encoding)).or_insert((0, leak.line));
            *times += leak.times;
            *line = leak.line.min(*line);
        }
    }

    /// Adds to the evidence what was found, and takes secrets out of what it holds.
    pub(crate) fn complete(&self, evidence: &mut Evidence) {
        let Some(inner) = &self.0 else { return };
        for survivor in &mut evidence.survivors {
            survivor.name = self.text(Place::ProcessName, std::mem::take(&mut survivor.name));
        }
        let found = inner.found.lock().unwrap_or_else(PoisonError::into_inner);
        let leak =
            |((place, secret, encoding), (times, line)): (&(Place, String, Encoding), &(u64, u64))| LeakEvidence {
                secret: secret.clone(),
                place: place.word().to_owned(),
                encoding: encoding.word().to_owned(),
                times: *times,
                line: place.has_lines().then_some(*line),
            };
        evidence.leaks = found.iter().take(Evidence::MOST_LEAKS).map(leak).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use attune_secret::OpenedSecret;
    use serde_json::json;

    #[test]
    fn nothing_opened_costs_nothing() {
        let redaction = Redaction::of(&Opened::default());
        assert!(redaction.is_idle() && redaction.redactor().is_idle() && redaction.warnings().is_empty());
    }

    #[test]
    fn texts_values_ends_and_evidence_are_without_secrets_and_what_was_found_is_evidence() {
        let secrets = vec![OpenedSecret::new("db", "hunter2-hunter2"), OpenedSecret::new("pin", "1234")];
        let opened = Opened::new(secrets, [("key".to_owned(), json!("k3y-k3y-k3y"))].into_iter().collect());
        let redaction = Redaction::of(&opened);
        assert_eq!(redaction.warnings(), ["secret pin is shorter than 8 bytes and is not masked in output\n"]);
        assert_eq!(redaction.text(Place::Log, "x hunter2-hunter2".into()), "x ***");
        assert_eq!(redaction.value(Place::Result, json!({"a": ["k3y-k3y-k3y"]})), json!({"a": ["***"]}));
        let reason = "no file /tmp/hunter2-hunter2".to_owned();
        let end = redaction.end(EndedChild::NotStarted(Outcome::NotExecutable { reason }));
        assert_eq!(end, EndedChild::NotStarted(Outcome::NotExecutable { reason: "no file /tmp/***".into() }));
        let mut evidence = Evidence::default();
        evidence.survivors.push(attune_types::SurvivorEvidence { pid: 1, name: "k3y-k3y-k3y".into() });
        redaction.complete(&mut evidence);
        assert_eq!(evidence.survivors[0].name, "***");
        let found: Vec<(&str, &str, &str, u64)> = evidence
            .leaks
            .iter()
            .map(|leak| (leak.secret.as_str(), leak.place.as_str(), leak.encoding.as_str(), leak.times))
            .collect();
        let expected = [
            ("db", "log", "raw", 1),
            ("parameters.key", "result", "raw", 1),
            ("db", "outcome", "raw", 1),
            ("parameters.key", "process name", "raw", 1),
        ];
        assert_eq!(found, expected);
    }
}
