//! What there is on this machine.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use attune_process::{Launcher, clock};
use attune_types::{DetectedInterpreter, RuntimeSpec, Version};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use crate::candidates::{self, Candidate};
use crate::detect_options::{Depth, DetectOptions};
use crate::image::Image;
use crate::probe::Probe;
use crate::selection::Selection;
use crate::trust;

/// How many version commands run at once.
const AT_ONCE: usize = 24;

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Detection {
    /// Interpreters by runtime, in the order of the specifications; of one runtime the one that a shell would start is
    /// first. An empty version is not known. A runtime that needs no interpreter has an entry with an empty path.
    pub interpreters: Vec<DetectedInterpreter>,
    /// What was found but cannot be used, or was asked for but is not there, each with the reason.
    pub warnings: Vec<String>,
    /// How long the version command took that took longest, with its program. All of them run side by side, so looking
    /// took at least as long.
    pub slowest: Option<(PathBuf, Duration)>,
}

/// Looks for interpreters; version commands are run by `launcher`.
///
/// Files are looked at before anything is run; nothing is run that everybody could have put there. Version commands run
/// side by side, each for [`DetectOptions::limit`] at most, all together for three times as long, and with 4 KiB of output
/// looked at. Must be called inside a tokio runtime with I/O and time enabled when [`DetectOptions::depth`] is
/// [`Depth::Everything`].
pub async fn detect(options: &DetectOptions, launcher: &Launcher) -> Detection {
    let specs = options.selection.admit(&options.specs);
    let mut warnings = options.remarks.clone();
    for name in options.selection.unknown(&options.specs) {
        warnings.push(format!("there is no runtime called {name}"));
    }
    let (found, complaints) = candidates::find(options, &specs);
    warnings.extend(complaints);
    let tried: HashSet<String> = found.iter().map(|candidate| candidate.runtime.clone()).collect();
    let mut slowest = None;
    let proved = match options.depth {
        Depth::FirstUnproved => found.into_iter().map(|candidate| (candidate, String::new())).collect(),
        Depth::Everything => prove(options, launcher, &specs, found, &mut warnings, &mut slowest).await,
    };
    let proved = without_shims(proved);
    let mut interpreters: Vec<DetectedInterpreter> = Vec::new();
    for spec in &specs {
        let runtime = spec.name.to_lowercase();
        if interpreters.iter().any(|one| one.runtime == runtime) {
            continue;
        }
        if spec.execution_config.direct {
            interpreters.push(DetectedInterpreter { runtime, ..DetectedInterpreter::default() });
            continue;
        }
        let mut unfit = Vec::new();
        for (candidate, version) in proved.iter().filter(|(candidate, _)| candidate.runtime == runtime) {
            // An interpreter that was not asked gets the benefit of the doubt.
            if options.depth == Depth::Everything && !admits(&specs, &runtime, version) {
                unfit.push(version.as_str());
                continue;
            }
            let note = options.notes.get(&runtime).cloned().unwrap_or_default();
            match described(candidate, version, note, options) {
                Some(interpreter) => interpreters.push(interpreter),
                None => warnings.push(format!("{} is not used: its path is not UTF-8", candidate.path.display())),
            }
        }
        let is_there = interpreters.iter().any(|one| one.runtime == runtime);
        let is_wanted = options.selection != Selection::Everything || spec.execution_config.interpreter.is_some();
        // What was tried and did not answer has been told already.
        if is_there || (unfit.is_empty() && (!is_wanted || tried.contains(&runtime))) {
            continue;
        }
        let named = || spec.detection.binaries.join(", ");
        let looked_for = spec.execution_config.interpreter.clone().unwrap_or_else(named);
        warnings.push(match unfit.is_empty() {
            true => format!("{} was asked for, but none was found (looked for {looked_for})", spec.name),
            false => format!(
                "no {} of a version that its definition is for was found (there is {})",
                spec.name,
                unfit.join(", ")
            ),
        });
    }
    if options.selection == Selection::Everything && interpreters.iter().all(|one| one.path.is_empty()) {
        interpreters.extend(last_resort(options));
    }
    Detection { interpreters, warnings, slowest }
}

/// Whether a version is one that a definition of the runtime is for.
fn admits(specs: &[&RuntimeSpec], runtime: &str, version: &str) -> bool {
    let parsed: Option<Version> = version.parse().ok();
    specs.iter().filter(|spec| spec.name.eq_ignore_ascii_case(runtime)).any(|spec| {
        let is_met = |version: &Version| spec.versions.iter().any(|constraint| constraint.allows(version));
        spec.versions.is_empty() || parsed.as_ref().is_some_and(is_met)
    })
}

fn described(
    candidate: &Candidate,
    version: &str,
    note: String,
    options: &DetectOptions,
) -> Option<DetectedInterpreter> {
    let image = match options.depth {
        Depth::Everything => Image::of(&candidate.real_path, &options.path),
        Depth::FirstUnproved => Image::default(),
    };
    Some(DetectedInterpreter {
        runtime: candidate.runtime.clone(),
        path: candidate.path.to_str()?.to_owned(),
        version: version.to_owned(),
        real_path: candidate.real_path.to_str()?.to_owned(),
        libc: image.libc,
        architecture: image.architecture,
        note,
    })
}

/// What a version manager's script starts is better started itself, when it is known: the script takes longer than most
/// actions, and starts something else once another version is switched on.
fn without_shims(proved: Vec<(Candidate, String)>) -> Vec<(Candidate, String)> {
    let mut kept: Vec<(Candidate, String)> = Vec::new();
    for (candidate, version) in &proved {
        let is_of = |(other, told): &&(Candidate, String)| {
            !other.is_shim && other.runtime == candidate.runtime && told == version && !version.is_empty()
        };
        let chosen = match candidate.is_shim {
            true => proved.iter().find(is_of).map_or(candidate, |(other, _)| other),
            false => candidate,
        };
        if !kept.iter().any(|(known, _)| known.runtime == chosen.runtime && known.path == chosen.path) {
            kept.push((chosen.clone(), version.clone()));
        }
    }
    kept
}

/// The shell that every image has, unasked, when nothing that was found would answer.
fn last_resort(options: &DetectOptions) -> Option<DetectedInterpreter> {
    let is_known = options.specs.iter().any(|spec| spec.name == "shell");
    let path = std::env::split_paths(&options.path)
        .filter(|folder| folder.is_absolute())
        .chain(["/bin".into()].into_iter().filter(|_| !options.places.is_empty()))
        .map(|folder| folder.join("sh"))
        .find(|path| trust::real_program(path).is_ok())
        .filter(|_| is_known)?;
    let real_path = trust::real_program(&path).ok()?.path;
    let candidate = Candidate { runtime: "shell".to_owned(), path, real_path, is_shim: false };
    described(&candidate, "", "nothing answered; taken as it is".to_owned(), options)
}

/// Keeps those that answer to their version command, with what they answered.
async fn prove(
    options: &DetectOptions,
    launcher: &Launcher,
    specs: &[&RuntimeSpec],
    found: Vec<Candidate>,
    warnings: &mut Vec<String>,
    slowest: &mut Option<(PathBuf, Duration)>,
) -> Vec<(Candidate, String)> {
    let mut asked = JoinSet::new();
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let deadline = Instant::now() + options.limit * 3;
    for (index, candidate) in found.iter().enumerate() {
        let Some(spec) = specs.iter().find(|spec| spec.name.eq_ignore_ascii_case(&candidate.runtime)) else { continue };
        match Probe::of(&spec.detection, options.limit) {
            Ok(probe) => {
                let question = Question {
                    launcher: launcher.clone(),
                    path: candidate.path.clone(),
                    search: searched(&candidate.path, &options.path),
                    probe,
                };
                let turns = Arc::clone(&turns);
                asked.spawn(async move { (index, question.ask(&turns, deadline).await) });
            }
            Err(reason) => {
                let warning = format!("{}: {reason}", spec.runtime_ref);
                if !warnings.contains(&warning) {
                    warnings.push(warning);
                }
            }
        }
    }
    let mut answers: Vec<Option<Result<String, String>>> = found.iter().map(|_| None).collect();
    while let Some(joined) = asked.join_next().await {
        match joined {
            Ok((index, (answer, took))) => {
                if slowest.as_ref().is_none_or(|(_, most)| took > *most) {
                    *slowest = Some((found[index].path.clone(), took));
                }
                answers[index] = Some(answer);
            }
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

/// `PATH` of a version command: the interpreter's own folder first, because many are scripts that start their neighbours
/// by name.
fn searched(program: &Path, path: &std::ffi::OsStr) -> OsString {
    let own = program.parent().map(Path::to_path_buf);
    std::env::join_paths(own.into_iter().chain(std::env::split_paths(path).filter(|folder| folder.is_absolute())))
        .unwrap_or_else(|_| path.to_owned())
}

/// One version command that waits for its turn.
struct Question {
    launcher: Launcher,
    path: PathBuf,
    search: OsString,
    probe: Probe,
}

impl Question {
    /// The answer, and how long it took from the turn on.
    async fn ask(self, turns: &Semaphore, deadline: Instant) -> (Result<String, String>, Duration) {
        match timeout_at(deadline, turns.acquire()).await {
            Ok(Ok(_turn)) => {
                let begun = clock::boot();
                let answer = self.probe.ask(&self.launcher, &self.path, &self.search).await;
                (answer, clock::boot().saturating_sub(begun))
            }
            _ => (Err("too many others took too long to tell their versions".to_owned()), Duration::ZERO),
        }
    }
}
