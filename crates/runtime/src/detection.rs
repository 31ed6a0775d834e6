//! What there is on this machine.

use std::ffi::OsString;
use std::path::PathBuf;

use attune_process::Launcher;
use attune_types::{DetectedInterpreter, RuntimeSpec};
use tokio::task::JoinSet;

use crate::candidates::{self, Candidate};
use crate::detect_options::{Depth, DetectOptions};
use crate::probe::Probe;

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Detection {
    /// Interpreters by runtime, in the order of the specifications; of one runtime the one that a shell would start is
    /// first. An empty version is not known. A runtime that needs no interpreter has an entry with an empty path.
    pub interpreters: Vec<DetectedInterpreter>,
    /// What was found but cannot be used, or was asked for but is not there, each with the reason.
    pub warnings: Vec<String>,
}

/// Looks for interpreters; version commands are run by `launcher`.
///
/// Files are looked at before anything is run; nothing is run from a folder that everybody may write to. Version
/// commands run side by side, each for [`DetectOptions::limit`] at most and with 4 KiB of output looked at. Must be
/// called inside a tokio runtime with I/O and time enabled when [`DetectOptions::depth`] is [`Depth::Everything`].
pub async fn detect(options: &DetectOptions, launcher: &Launcher) -> Detection {
    let specs = options.selection.admit(&options.specs);
    let (found, mut warnings) = candidates::find(options, &specs);
    for name in options.selection.unknown(&options.specs) {
        warnings.push(format!("there is no runtime called {name}"));
    }
    let proved = match options.depth {
        Depth::FirstUnproved => found.into_iter().map(|candidate| (candidate, String::new())).collect(),
        Depth::Everything => prove(options, launcher, &specs, found, &mut warnings).await,
    };
    let mut interpreters = Vec::new();
    for spec in specs {
        let runtime = spec.name.to_lowercase();
        if spec.execution_config.direct {
            interpreters.push(DetectedInterpreter {
                runtime,
                path: String::new(),
                version: String::new(),
                ..DetectedInterpreter::default()
            });
            continue;
        }
        for (candidate, version) in proved.iter().filter(|(candidate, _)| candidate.runtime == runtime) {
            match candidate.path.to_str() {
                Some(path) => interpreters.push(DetectedInterpreter {
                    runtime: runtime.clone(),
                    path: path.to_owned(),
                    version: version.clone(),
                    ..DetectedInterpreter::default()
                }),
                None => warnings.push(format!("{} is not used: its path is not UTF-8", candidate.path.display())),
            }
        }
    }
    Detection { interpreters, warnings }
}

/// Keeps those that answer to their version command, with what they answered.
async fn prove(
    options: &DetectOptions,
    launcher: &Launcher,
    specs: &[&RuntimeSpec],
    found: Vec<Candidate>,
    warnings: &mut Vec<String>,
) -> Vec<(Candidate, String)> {
    let mut asked = JoinSet::new();
    for (index, candidate) in found.iter().enumerate() {
        let Some(spec) = specs.iter().find(|spec| spec.name.eq_ignore_ascii_case(&candidate.runtime)) else { continue };
        match Probe::of(&spec.detection, options.limit) {
            Ok(probe) => {
                let (path, search) = (candidate.path.clone(), options.path.clone());
                asked.spawn(ask(launcher.clone(), index, path, search, probe));
            }
            Err(reason) => warnings.push(format!("{}: {reason}", spec.runtime_ref)),
        }
    }
    let mut answers: Vec<Option<Result<String, String>>> = found.iter().map(|_| None).collect();
    while let Some(joined) = asked.join_next().await {
        match joined {
            Ok((index, answer)) => answers[index] = Some(answer),
            Err(error) => tracing::warn!(%error, "a version command was lost"),
        }
    }
    let mut proved = Vec::new();
    for (candidate, answer) in found.into_iter().zip(answers) {
        match answer {
            Some(Ok(version)) => proved.push((candidate, version)),
            Some(Err(reason)) => warnings.push(format!("{} is not used: {reason}", candidate.path.display())),
            None => {}
        }
    }
    proved
}

async fn ask(
    launcher: Launcher,
    index: usize,
    path: PathBuf,
    search: OsString,
    probe: Probe,
) -> (usize, Result<String, String>) {
    (index, probe.ask(&launcher, &path, &search).await)
}
