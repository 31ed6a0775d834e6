//! One stream of an attempt on its way through redaction.

use attune_process::Gap;
use attune_secret::redact::Redactor;

use crate::redaction::{Place, Redaction};

/// Both streams of an attempt that has secrets.
pub(super) struct StreamRedactions {
    pub(super) stdout: StreamRedaction,
    pub(super) stderr: StreamRedaction,
}

impl StreamRedactions {
    /// `None` when there is nothing to hide: then output takes no detour.
    pub(super) fn of(redaction: &Redaction) -> Option<Box<Self>> {
        let stream = |place| StreamRedaction { place, redactor: redaction.redactor(), read: 0, stored: 0, gap_at: 0 };
        (!redaction.is_idle()).then(|| Box::new(Self { stdout: stream(Place::Stdout), stderr: stream(Place::Stderr) }))
    }

    /// Whether some byte waits that a pause may let go.
    pub(super) fn is_holding(&self) -> bool {
        self.stdout.redactor.is_holding() || self.stderr.redactor.is_holding()
    }
}

/// One stream of an attempt on its way through redaction. What is stored counts its own bytes.
pub(super) struct StreamRedaction {
    place: Place,
    redactor: Redactor,
    /// How many bytes the child had written, with what is missing.
    read: u64,
    /// How many bytes were handed on, with what is missing.
    stored: u64,
    /// Where in what is stored something is missing.
    gap_at: u64,
}

/// Bytes to store and where they begin.
pub(super) type Piece = (u64, Vec<u8>);

impl StreamRedaction {
    /// Takes bytes that the child wrote at `offset`, and says what to store.
    pub(super) fn push(&mut self, offset: u64, bytes: &[u8]) -> Vec<Piece> {
        let mut pieces = Vec::new();
        if offset > self.read {
            let mut out = Vec::new();
            self.redactor.gap(&mut out);
            self.add(out, &mut pieces);
            self.gap_at = self.stored;
            self.stored += offset - self.read;
        }
        self.read = offset + bytes.len() as u64;
        let mut out = Vec::with_capacity(bytes.len() + 64);
        self.redactor.push(bytes, &mut out);
        self.add(out, &mut pieces);
        pieces
    }

    /// Nothing came for a while.
    pub(super) fn pause(&mut self) -> Vec<Piece> {
        let (mut out, mut pieces) = (Vec::new(), Vec::new());
        self.redactor.pause(&mut out);
        self.add(out, &mut pieces);
        pieces
    }

    /// The stream is over; tells `redaction` what was found.
    pub(super) fn finish(&mut self, redaction: &Redaction) -> Vec<Piece> {
        let (mut out, mut pieces) = (Vec::new(), Vec::new());
        self.redactor.finish(&mut out);
        self.add(out, &mut pieces);
        redaction.note(self.place, self.redactor.report());
        pieces
    }

    /// What is missing, by the bytes of what is stored.
    pub(super) const fn place(&self, gap: Gap) -> Gap {
        Gap { from: self.gap_at, to: self.gap_at + (gap.to - gap.from) }
    }

    fn add(&mut self, bytes: Vec<u8>, pieces: &mut Vec<Piece>) {
        if !bytes.is_empty() {
            let offset = self.stored;
            self.stored += bytes.len() as u64;
            pieces.push((offset, bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use attune_secret::{Opened, OpenedSecret};

    #[test]
    fn offsets_are_those_of_what_is_stored_and_what_is_missing_keeps_its_size() {
        let opened = Opened::new(vec![OpenedSecret::new("db", "hunter2-hunter2")], serde_json::Map::new());
        let redaction = Redaction::of(&opened);
        let mut stream = StreamRedactions::of(&redaction).expect("something to hide").stdout;
        assert_eq!(stream.push(0, b"a hunter2-"), [(0, b"a ".to_vec())]);
        assert_eq!(stream.push(10, b"hunter2 b hunt"), [(2, b"*** b ".to_vec())]);
        assert!(stream.pause().is_empty());
        assert_eq!(stream.push(1_024, b"r2 c\nhunter2-hunter2\n"), [(8, b"***".to_vec())], "the gap cut a secret");
        assert_eq!(stream.finish(&redaction), [(1_011, b"r2 c\n***\n".to_vec())]);
        assert_eq!(stream.place(Gap { from: 24, to: 1_024 }), Gap { from: 11, to: 1_011 });
        let mut evidence = attune_types::Evidence::default();
        redaction.complete(&mut evidence);
        assert_eq!((evidence.leaks[0].times, evidence.leaks[0].place.as_str()), (2, "stdout"));
        assert_eq!(evidence.leaks.len(), 1);
    }

    #[test]
    fn without_secrets_there_is_no_detour() {
        assert!(StreamRedactions::of(&Redaction::default()).is_none());
    }
}
