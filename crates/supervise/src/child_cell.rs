//! What is known about one child, readable from every thread.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::{ChildState, ChildStatus, Exit, Restart};

/// What is known about one child. Written by its task, read by the supervisor, so that a picture never waits for an actor.
#[derive(Debug)]
pub(crate) struct ChildCell {
    pub(crate) name: Arc<str>,
    restart: Restart,
    facts: Mutex<Facts>,
}

#[derive(Debug)]
struct Facts {
    state: ChildState,
    alive_since: Option<Instant>,
    answered: Option<Instant>,
    restarts: u64,
    last_exit: Option<Exit>,
    last_panic: Option<String>,
}

impl ChildCell {
    pub(crate) fn new(name: &str, restart: Restart) -> Arc<Self> {
        let facts = Facts {
            state: ChildState::Starting,
            alive_since: None,
            answered: None,
            restarts: 0,
            last_exit: None,
            last_panic: None,
        };
        Arc::new(Self { name: Arc::from(name), restart, facts: Mutex::new(facts) })
    }

    pub(crate) fn state(&self) -> ChildState {
        self.facts().state
    }

    pub(crate) fn set_state(&self, state: ChildState) {
        self.facts().state = state;
    }

    /// Notes the beginning of life number `life`.
    pub(crate) fn begin_life(&self, life: u64) {
        let mut facts = self.facts();
        facts.state = ChildState::Running;
        facts.alive_since = Some(Instant::now());
        facts.answered = None;
        facts.restarts = life;
    }

    /// Notes the end of a life.
    pub(crate) fn end_life(&self, exit: &Exit, state: ChildState) {
        let mut facts = self.facts();
        facts.state = state;
        facts.alive_since = None;
        facts.answered = None;
        if let Exit::Panicked(message) = exit {
            facts.last_panic = Some(message.clone());
        }
        facts.last_exit = Some(exit.clone());
    }

    /// Notes that a probe was answered.
    pub(crate) fn answered(&self) {
        self.facts().answered = Some(Instant::now());
    }

    pub(crate) fn last_exit(&self) -> Option<Exit> {
        self.facts().last_exit.clone()
    }

    pub(crate) fn status(&self) -> ChildStatus {
        let facts = self.facts();
        ChildStatus {
            name: self.name.to_string(),
            restart: self.restart,
            state: facts.state,
            uptime_ms: facts.alive_since.map(milliseconds_since),
            restarts: facts.restarts,
            last_exit: facts.last_exit.clone(),
            last_panic: facts.last_panic.clone(),
            mailbox_age_ms: facts.alive_since.map(|alive| milliseconds_since(facts.answered.unwrap_or(alive))),
        }
    }

    /// A panic while the lock was held cannot leave the facts half written: every write is a plain assignment.
    fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the whole milliseconds since `moment`.
pub(crate) fn milliseconds_since(moment: Instant) -> u64 {
    u64::try_from(moment.elapsed().as_millis()).unwrap_or(u64::MAX)
}
