//! Writes refusals into the audit trail, and no more of them than it should hold.
//!
//! Owns the refusals of the last second. A crash loses those; what was done, as opposed to what was refused, is written by
//! whoever does it before it is answered.

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use attune_store::{AuditNote, Store};
use attune_supervise::Life;

use crate::api::Note;
use crate::offload::offload;
use crate::trouble::Trouble;

/// How long refusals are gathered before they are written together.
const GATHER: Duration = Duration::from_secs(1);

/// How many refusals a minute are written one by one. The rest is one line that says how many there were: whoever is
/// turned away a million times shall not fill a disk with it.
const MOST_A_MINUTE: usize = 120;

const MINUTE: Duration = Duration::from_secs(60);

#[derive(Debug)]
struct Write;

impl Message for Write {
    type Result = ();
}

/// What it needs; survives its restarts.
#[derive(Clone)]
pub(crate) struct AuditorDeps {
    pub(crate) store: Arc<dyn Store>,
}

/// What was handed in and is not written.
#[derive(Debug, Default)]
struct Basket {
    notes: Vec<AuditNote>,
    /// Taken in this minute.
    taken: usize,
    /// Left out in this minute.
    left_out: usize,
}

impl Basket {
    fn put(&mut self, note: AuditNote) {
        if self.taken < MOST_A_MINUTE {
            self.taken += 1;
            self.notes.push(note);
        } else {
            self.left_out += 1;
        }
    }

    /// A new minute begins.
    fn turn(&mut self) {
        if self.left_out > 0 {
            let detail = format!("{} more in the minute before were not written one by one", self.left_out);
            self.notes.push(AuditNote::new("auditor", "authorization.refused", "many", detail));
        }
        (self.taken, self.left_out) = (0, 0);
    }
}

#[derive(Debug)]
struct Turn;

impl Message for Turn {
    type Result = ();
}

/// The actor.
pub(crate) struct Auditor {
    deps: AuditorDeps,
    life: Life<Self>,
    trouble: Trouble,
    basket: Basket,
    waits: bool,
}

impl Auditor {
    pub(crate) fn new(deps: AuditorDeps, life: Life<Self>) -> Self {
        Self { deps, life, trouble: Trouble::default(), basket: Basket::default(), waits: false }
    }

    fn write_soon(&mut self, context: &mut Context<Self>) {
        if !self.waits && !self.basket.notes.is_empty() {
            self.waits = true;
            context.notify_later(Write, GATHER);
        }
    }
}

impl Actor for Auditor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        tracing::debug!(actor = self.life.name(), life = self.life.number(), "auditor started");
        context.notify_later(Turn, MINUTE);
    }
}

impl Supervised for Auditor {
    fn restarting(&mut self, _: &mut Self::Context) {
        self.basket = Basket::default();
        self.waits = false;
        self.trouble = Trouble::default();
    }
}

impl Handler<Note> for Auditor {
    type Result = ();

    fn handle(&mut self, note: Note, context: &mut Self::Context) {
        self.basket.put(note.0);
        self.write_soon(context);
    }
}

impl Handler<Turn> for Auditor {
    type Result = ();

    fn handle(&mut self, _: Turn, context: &mut Self::Context) {
        self.basket.turn();
        self.write_soon(context);
        context.notify_later(Turn, MINUTE);
    }
}

impl Handler<Write> for Auditor {
    type Result = ();

    fn handle(&mut self, _: Write, context: &mut Self::Context) {
        let (notes, store) = (std::mem::take(&mut self.basket.notes), Arc::clone(&self.deps.store));
        let writing = offload(async move { store.admission().audit(notes).await });
        context.spawn(writing.into_actor(self).map(|result, actor, context| {
            // What could not be written is gone: the database was away, and so was everything that could be reached.
            actor.trouble.note("writing the audit trail", result);
            actor.waits = false;
            actor.write_soon(context);
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_refusals_becomes_one_line() {
        let mut basket = Basket::default();
        for _ in 0..1_000_000 {
            basket.put(AuditNote::new("203.0.113.7", "authorization.refused", "GET /", ""));
        }
        assert_eq!(basket.notes.len(), MOST_A_MINUTE);
        basket.turn();
        let last = basket.notes.last().expect("a line");
        assert_eq!(last.detail, "999880 more in the minute before were not written one by one");
        basket.turn();
        assert_eq!(basket.notes.len(), MOST_A_MINUTE + 1, "a quiet minute writes nothing");
    }
}
