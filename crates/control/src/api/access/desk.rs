//! Where refusals are handed in for the audit trail.

use actix::{Message, Recipient};
use attune_store::AuditNote;

/// A refusal for the audit trail.
#[derive(Debug)]
pub(crate) struct Note(pub(crate) AuditNote);

impl Message for Note {
    type Result = ();
}

/// Hands refusals in. Nobody waits for them to be written: whoever is refused would otherwise decide how much the
/// database has to do. Whoever takes them bounds how many are kept.
#[derive(Clone)]
pub(crate) struct Desk(pub(crate) Recipient<Note>);

impl Desk {
    /// Hands one in.
    pub(crate) fn refused(&self, note: AuditNote) {
        self.0.do_send(Note(note));
    }
}
