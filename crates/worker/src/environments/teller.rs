//! Tells the store about environments.

use std::sync::Arc;

use attune_store::Store;
use attune_types::{Environment, WorkerId};
use tokio::sync::{mpsc, watch};

/// How many words may wait for a store that does not answer; more are left out, the newest last.
const MOST_WAITING: usize = 256;

/// What is being prepared, for whoever shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preparation {
    /// How many environments are to be made ready before the worker takes work.
    pub wanted: usize,
    /// How many of them are ready.
    pub ready: usize,
    /// How many could not be made.
    pub failed: usize,
    /// What is happening now: pack, runtime and step.
    pub now: String,
}

impl Preparation {
    /// Whether nothing is left to wait for.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.ready + self.failed >= self.wanted
    }
}

#[derive(Debug)]
enum Word {
    IsSo(Box<Environment>),
    Gone(String),
}

/// Tells the store, and whoever watches, about environments. Never waits: what it tells is for people.
#[derive(Debug, Clone)]
pub(crate) struct Teller {
    words: mpsc::Sender<Word>,
    shown: watch::Sender<Preparation>,
}

impl Teller {
    /// One that tells `store` in the name of a worker.
    pub(crate) fn start(store: Arc<dyn Store>, worker: WorkerId) -> Self {
        let (words, mut waiting) = mpsc::channel::<Word>(MOST_WAITING);
        tokio::spawn(async move {
            while let Some(word) = waiting.recv().await {
                let told = match word {
                    Word::IsSo(environment) => store.put_environments(worker, vec![*environment]).await,
                    Word::Gone(fingerprint) => store.forget_environments(worker, vec![fingerprint]).await,
                };
                if let Err(error) = told {
                    let error = &error as &dyn std::error::Error;
                    tracing::debug!(error, "what became of an environment was not noted");
                }
            }
        });
        Self { words, shown: watch::Sender::default() }
    }

    pub(crate) fn tell(&self, environment: Environment) {
        self.shown.send_modify(|shown| {
            shown.now = format!("{} for {}: {}", environment.runtime, environment.pack, environment.step);
        });
        let _left_out = self.words.try_send(Word::IsSo(Box::new(environment)));
    }

    /// What is not there any more, or not asked for.
    pub(crate) fn forget(&self, fingerprint: String) {
        let _left_out = self.words.try_send(Word::Gone(fingerprint));
    }

    /// Where the preparation before the first work stands.
    pub(crate) fn preparation(&self) -> &watch::Sender<Preparation> {
        &self.shown
    }
}
