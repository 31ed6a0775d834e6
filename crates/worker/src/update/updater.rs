//! The rhythm in which newer programs are looked for, the change to one, and the way back.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use attune_config::Config;
use tokio::time::{Instant, sleep};

use super::decision;
use super::folder::Folder;
use super::offer::Offer;
use super::public_key::{PublicKey, PublicKeyError};
use super::record::{Record, Standing};
use super::refusal::Refusal;
use super::search::{Found, search};
use super::source::{Source, SourceError};
use super::{BEFORE, COMES_UP_WITHIN, execute, trial};
use crate::handle::WorkerHandle;
use crate::mode::Mode;
use crate::settings::Settings;
use crate::version::version;

/// How soon after its start a worker looks for the first time, at the latest.
const FIRST_LOOK: Duration = Duration::from_secs(10);
/// How often a new program that has not come up yet is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Looks for newer programs, for a worker that is allowed to become one.
pub(crate) struct Updater {
    folder: Folder,
    every: Duration,
    /// The program that the image or the machine has, and to which every way back leads.
    first: PathBuf,
    /// Whether this program is one that was fetched.
    is_fetched: bool,
    arguments: Vec<OsString>,
    /// Without [`BEFORE`].
    variables: Vec<(OsString, OsString)>,
    source: Arc<Source>,
    key: Arc<PublicKey>,
}

/// Another program to become, once this one has left.
#[derive(Debug)]
pub(crate) struct Change {
    program: PathBuf,
    arguments: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
    folder: Folder,
    /// What is written down just before.
    note: Record,
    way: Way,
}

/// Where a change leads.
#[derive(Debug)]
enum Way {
    /// To the program that was tried just now.
    Candidate(Arc<PublicKey>),
    /// To the one that proved good before.
    Program(Arc<PublicKey>),
    /// To the program of the image.
    Back,
}

impl Updater {
    /// For this process, with the command line and the variables that it was started with; `None` when it is not to
    /// update itself, or cannot, which is said in the log.
    pub(crate) fn of(
        mode: Mode,
        config: &Config,
        arguments: &[OsString],
        variables: &[(OsString, OsString)],
    ) -> Result<Option<Self>, PublicKeyError> {
        if !config.worker.self_update {
            return Ok(None);
        }
        if mode != Mode::Agent {
            tracing::warn!("worker.self_update is for agents: this worker is replaced with its image");
            return Ok(None);
        }
        let key = config.worker.self_update_key.as_deref().ok_or(PublicKeyError::Missing).and_then(PublicKey::read)?;
        let before = variables.iter().find(|(name, _)| name == BEFORE).map(|(_, path)| PathBuf::from(path));
        let is_fetched = before.is_some();
        let first = match before.map_or_else(|| std::fs::read_link("/proc/self/exe"), Ok) {
            Ok(first) => first,
            Err(error) => {
                tracing::warn!(%error, "this agent does not update itself: its own file is not known");
                return Ok(None);
            }
        };
        let source = match Source::of(config) {
            Ok(source) => source,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "this agent does not update itself");
                return Ok(None);
            }
        };
        Ok(Some(Self {
            folder: Folder::of(&Settings::from_config(config).state_directory),
            every: config.worker.self_update_interval,
            first,
            is_fetched,
            arguments: arguments.to_vec(),
            variables: variables.iter().filter(|(name, _)| name != BEFORE).cloned().collect(),
            source: Arc::new(source),
            key: Arc::new(key),
        }))
    }

    /// The newer program that proved good before, when this one has just been started again.
    pub(crate) fn at_start(&self) -> Option<Change> {
        if self.is_fetched {
            return None;
        }
        let record = self.folder.record()?;
        if record.standing == Standing::Trying {
            tracing::error!(agent.version = record.offer.version, "the newer agent did not come up, and is refused");
            self.note(&Record { standing: Standing::Refused, ..record });
            return None;
        }
        let change = decision::goes_on(version(), &record).then(|| {
            let way = Way::Program(Arc::clone(&self.key));
            self.forward(record, way)
        })?;
        match change.examine() {
            Ok(()) => Some(change),
            Err(refusal) => {
                refused(&change.note.offer, &refusal);
                None
            }
        }
    }

    /// The way back from a program that did not come up; `None` when this is the first one.
    pub(crate) fn way_back(&self) -> Option<Change> {
        let record = self.folder.record().filter(|record| self.is_fetched && record.standing == Standing::Trying)?;
        tracing::error!(
            agent.version = record.offer.version, program = %self.first.display(),
            "this agent did not come up: it is refused, and the one before it goes on"
        );
        Some(Change {
            program: self.first.clone(),
            arguments: self.arguments.clone(),
            variables: self.variables.clone(),
            folder: self.folder.clone(),
            note: Record { standing: Standing::Refused, ..record },
            way: Way::Back,
        })
    }

    /// Returns when the worker has taken its last execution and another program is to go on.
    pub(crate) async fn follow(&self, worker: &WorkerHandle, has_broker: bool) -> Change {
        if self.is_fetched
            && let Err(back) = self.come_up(worker, has_broker).await
        {
            return back;
        }
        let mut pause = self.every.min(FIRST_LOOK);
        let (mut complaint, mut hopeless) = (None, None);
        loop {
            sleep(pause).await;
            pause = self.every;
            let offer = match self.look(hopeless.clone()).await {
                Ok(Found::Nothing) => continue,
                Ok(Found::Refused(offer, refusal)) => {
                    // Said once for each: on its way it may become better by itself.
                    let said = Some(format!("{} {refusal}", offer.sha256));
                    if complaint != said {
                        refused(&offer, &refusal);
                        complaint = said;
                    }
                    hopeless = (!refusal.may_pass()).then_some(offer);
                    continue;
                }
                Ok(Found::Candidate(offer)) => offer,
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "no newer agent can be looked for");
                    continue;
                }
            };
            let candidate = self.folder.candidate();
            if let Some(why) = trial::objection(&candidate, &offer.version, &self.arguments[1..], &self.variables).await
            {
                let said = Some(format!("{} {why}", offer.sha256));
                if complaint != said {
                    tracing::warn!(agent.version = offer.version, why, "a newer agent cannot work here");
                    complaint = said;
                }
                continue;
            }
            tracing::info!(
                agent.version = offer.version,
                "a newer agent takes over when everything that runs has ended"
            );
            worker.retire().await;
            let record = Record { offer, standing: Standing::Trying };
            return self.forward(record, Way::Candidate(Arc::clone(&self.key)));
        }
    }

    /// Waits until this new program is what the one before it was, and writes that down.
    async fn come_up(&self, worker: &WorkerHandle, has_broker: bool) -> Result<(), Change> {
        let deadline = Instant::now() + COMES_UP_WITHIN;
        while has_broker && worker.link().is_none() {
            if Instant::now() > deadline
                && let Some(back) = self.way_back()
            {
                return Err(back);
            }
            sleep(LOOK).await;
        }
        if let Some(record) = self.folder.record().filter(|record| record.standing == Standing::Trying) {
            tracing::info!(agent.version = record.offer.version, "this newer agent has taken over");
            self.note(&Record { standing: Standing::Good, ..record });
        }
        Ok(())
    }

    async fn look(&self, hopeless: Option<Offer>) -> Result<Found, SourceError> {
        let (source, folder, key) = (Arc::clone(&self.source), self.folder.clone(), Arc::clone(&self.key));
        let looking = tokio::task::spawn_blocking(move || search(&source, &folder, &key, hopeless.as_ref()));
        // It is not cancelled, and a panic was said where it happened.
        looking.await.unwrap_or(Ok(Found::Nothing))
    }

    fn forward(&self, record: Record, way: Way) -> Change {
        let mut variables = self.variables.clone();
        variables.push((BEFORE.into(), self.first.clone().into_os_string()));
        Change {
            program: self.folder.program(),
            arguments: self.arguments.clone(),
            variables,
            folder: self.folder.clone(),
            note: Record { standing: Standing::Trying, ..record },
            way,
        }
    }

    fn note(&self, record: &Record) {
        if let Err(error) = self.folder.note(record) {
            tracing::warn!(%error, "what became of the newer agent cannot be written down");
        }
    }
}

impl Change {
    /// Becomes the other program. Returns only when that is not possible, and then this one goes on from its beginning, if
    /// even that can be.
    pub(crate) fn make(self) -> io::Error {
        // It lay on the disk while executions ended: what is executed is what was examined.
        if let Err(refusal) = self.examine() {
            refused(&self.note.offer, &refusal);
            return self.begin_again();
        }
        // Without the note nobody would know the way back. It comes first: whoever starts in between finds a program that
        // never came up, and stays what it is.
        let promote = || if let Way::Candidate(_) = self.way { self.folder.promote() } else { Ok(()) };
        let error = match self.folder.note(&self.note).and_then(|()| promote()) {
            Ok(()) => {
                let error = execute(&self.program, &self.arguments, &self.variables);
                let _said_below = self.folder.note(&Record { standing: Standing::Refused, ..self.note.clone() });
                error
            }
            Err(error) => error,
        };
        tracing::error!(%error, program = %self.program.display(), "the other agent cannot be executed: this one goes on");
        self.begin_again()
    }

    /// Whether what is to be executed is signed. The program of the image, to which the way back leads, was never fetched.
    fn examine(&self) -> Result<(), Refusal> {
        match &self.way {
            Way::Candidate(key) => self.folder.examine_candidate(&self.note.offer, key),
            Way::Program(key) => self.folder.examine_program(&self.note.offer, key),
            Way::Back => Ok(()),
        }
    }

    fn begin_again(&self) -> io::Error {
        let variables: Vec<_> = self.variables.iter().filter(|(name, _)| name != BEFORE).cloned().collect();
        execute(std::path::Path::new("/proc/self/exe"), &self.arguments, &variables)
    }
}

fn refused(offer: &Offer, refusal: &Refusal) {
    tracing::warn!(agent.version = offer.version, why = %refusal, "a newer agent is refused");
}
