//! The audit trail: what was done, by whom, in a chain that shows when a link was bent.

use attune_types::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// Something to be noted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditNote {
    /// Who did it: the owner of a token, a worker, an address.
    pub actor: String,
    /// What was done: `token.create`, `authorization.refused`, `fencing.violation`, ...
    pub action: String,
    /// To what: `token/7`, `GET /api/v1/secrets`, `execution/42/1`.
    pub target: String,
    /// More, for people. Never a secret.
    pub detail: String,
}

impl AuditNote {
    /// A note.
    #[must_use]
    pub fn new(
        actor: impl Into<String>,
        action: impl Into<String>,
        target: impl Into<String>,
        detail: impl Into<String>,
    ) -> Self {
        Self { actor: actor.into(), action: action.into(), target: target.into(), detail: detail.into() }
    }
}

/// A link of the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditEntry {
    /// Its number; the first is 1, and there are no gaps.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// Who did it.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// To what.
    pub target: String,
    /// More.
    pub detail: String,
    /// The hash of the link before, 64 hexadecimal digits; empty for the first.
    pub previous_hash: String,
    /// The hash of this link, 64 hexadecimal digits.
    pub hash: String,
}

/// What a walk along the chain found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum AuditVerdict {
    /// Every link fits the one before it. Whoever keeps `head` elsewhere can later see that none was cut off at the end.
    Whole {
        /// How many links there are.
        entries: i64,
        /// The hash of the last; empty when there is none.
        head: String,
    },
    /// From here on nothing can be believed.
    Broken {
        /// The link.
        id: i64,
        /// What is wrong with it.
        reason: String,
    },
}

/// The hash of a link.
pub(crate) fn link_hash(previous: &[u8], id: i64, at: i64, note: &AuditNote) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(previous);
    hash.update(id.to_be_bytes());
    hash.update(at.to_be_bytes());
    for text in [&note.actor, &note.action, &note.target, &note.detail] {
        hash.update(Sha256::digest(text.as_bytes()));
    }
    hash.finalize().into()
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes_of(text: &str) -> Vec<u8> {
    text.as_bytes().chunks(2).filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// A walk along the chain, page by page.
#[derive(Debug, Clone, Default)]
pub(crate) struct AuditWalk {
    entries: i64,
    head: String,
}

impl AuditWalk {
    /// Goes on; the verdict when a link does not fit.
    pub(crate) fn step(&mut self, entry: &AuditEntry) -> Option<AuditVerdict> {
        let broken = |reason: &str| Some(AuditVerdict::Broken { id: entry.id, reason: reason.to_owned() });
        if entry.id != self.entries + 1 {
            return broken(&format!("link {} is missing", self.entries + 1));
        }
        if entry.previous_hash != self.head {
            return broken("it does not name the link before it");
        }
        let note = AuditNote::new(&*entry.actor, &*entry.action, &*entry.target, &*entry.detail);
        if hexadecimal(&link_hash(&bytes_of(&self.head), entry.id, entry.at.0, &note)) != entry.hash {
            return broken("its text was altered");
        }
        self.entries = entry.id;
        self.head.clone_from(&entry.hash);
        None
    }

    /// The number of the last link.
    pub(crate) fn place(&self) -> i64 {
        self.entries
    }

    /// The verdict when every link fitted.
    pub(crate) fn end(self) -> AuditVerdict {
        AuditVerdict::Whole { entries: self.entries, head: self.head }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(count: i64) -> Vec<AuditEntry> {
        let mut entries: Vec<AuditEntry> = Vec::new();
        for id in 1..=count {
            let note = AuditNote::new("ada", "token.create", format!("token/{id}"), "{}");
            let previous = entries.last().map_or_else(String::new, |entry| entry.hash.clone());
            let hash = hexadecimal(&link_hash(&bytes_of(&previous), id, id * 1000, &note));
            let AuditNote { actor, action, target, detail } = note;
            let at = Timestamp(id * 1000);
            entries.push(AuditEntry { id, at, actor, action, target, detail, previous_hash: previous, hash });
        }
        entries
    }

    fn walk(entries: &[AuditEntry]) -> AuditVerdict {
        let mut walk = AuditWalk::default();
        entries.iter().find_map(|entry| walk.step(entry)).unwrap_or_else(|| walk.end())
    }

    fn broken_at(entries: &[AuditEntry]) -> i64 {
        match walk(entries) {
            AuditVerdict::Broken { id, .. } => id,
            AuditVerdict::Whole { .. } => 0,
        }
    }

    #[test]
    fn a_chain_that_nobody_touched_is_whole() {
        let entries = chain(4);
        let head = entries[3].hash.clone();
        assert_eq!(walk(&entries), AuditVerdict::Whole { entries: 4, head });
        assert_eq!(walk(&[]), AuditVerdict::Whole { entries: 0, head: String::new() });
    }

    #[test]
    fn whoever_alters_removes_or_swaps_a_link_is_seen() {
        let mut altered = chain(4);
        altered[1].actor = "eve".into();
        assert_eq!(broken_at(&altered), 2);
        let mut removed = chain(4);
        removed.remove(1);
        assert_eq!(broken_at(&removed), 3);
        let mut swapped = chain(4);
        swapped.swap(1, 2);
        assert_eq!(broken_at(&swapped), 3);
        let mut first = chain(4);
        first.remove(0);
        assert_eq!(broken_at(&first), 2);
    }

    #[test]
    fn a_text_cannot_flow_from_one_field_into_the_next() {
        let (one, other) = (AuditNote::new("ab", "c", "", ""), AuditNote::new("a", "bc", "", ""));
        assert_ne!(link_hash(&[], 1, 1, &one), link_hash(&[], 1, 1, &other));
    }
}
