//! The actor that writes the trail.
//!
//! It owns the open file and lives as long as the worker. What survives its crashes is the path and the notice in hand.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use actix::{Actor, Context, Handler, Supervised};
use attune_supervise::Life;
use attune_worker::ExecutionNotice;

use crate::line::line;
use crate::trail_file::TrailFile;

/// The actor that writes the trail.
pub struct AuditTrail {
    // deps: survive
    path: PathBuf,
    life: Life<Self>,
    in_hand: Arc<Mutex<Option<ExecutionNotice>>>,
    // state: does not
    file: Option<TrailFile>,
}

impl AuditTrail {
    /// Writes to `path`, which is made with the first line.
    #[must_use]
    pub fn new(path: PathBuf, life: Life<Self>) -> Self {
        Self { path, life, in_hand: Arc::default(), file: None }
    }

    fn write_in_hand(&mut self, context: &mut Context<Self>) {
        let in_hand = self.in_hand.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(line) = in_hand.as_ref().and_then(line) else { return };
        let written = match &mut self.file {
            Some(file) => file.append(&line),
            None => TrailFile::open(&self.path).and_then(|file| self.file.insert(file).append(&line)),
        };
        match written {
            Ok(()) => *self.in_hand.lock().unwrap_or_else(PoisonError::into_inner) = None,
            // The next life tries again, after the supervisor's backoff; a full disk that stays full ends the worker,
            // because executions without their audit trail are not wanted here.
            Err(error) => self.life.fail(context, format_args!("{}: {error}", self.path.display())),
        }
    }
}

impl Actor for AuditTrail {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        self.write_in_hand(context);
    }
}

impl Supervised for AuditTrail {
    fn restarting(&mut self, _: &mut Self::Context) {
        self.file = None;
    }
}

impl Handler<ExecutionNotice> for AuditTrail {
    type Result = ();

    fn handle(&mut self, notice: ExecutionNotice, context: &mut Self::Context) {
        *self.in_hand.lock().unwrap_or_else(PoisonError::into_inner) = Some(notice);
        self.write_in_hand(context);
    }
}
