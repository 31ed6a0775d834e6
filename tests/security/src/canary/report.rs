//! What came of a canary.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// What was searched in one place, and what was found there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceReport {
    /// Bytes that were searched.
    pub bytes: u64,
    /// Files, environments or connections that were searched.
    pub pieces: u64,
    /// How often a secret was found.
    pub hits: u64,
    /// Where, at most ten of them, and in which encodings.
    pub found: Vec<String>,
    /// In how many encodings the decoy was found.
    pub decoys: usize,
}

/// What came of a canary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// How many executions there were.
    pub executions: usize,
    /// How many encodings each value was written in.
    pub encodings: usize,
    /// How often all processes were looked at.
    pub looks: u64,
    /// How many processes of actions were looked at.
    pub actions: u64,
    /// Everything that was searched.
    pub places: BTreeMap<&'static str, PlaceReport>,
    /// What was not as it must be, apart from finds.
    pub wrong: Vec<String>,
}

impl Report {
    /// How often a secret was found anywhere.
    #[must_use]
    pub fn hits(&self) -> u64 {
        self.places.values().map(|place| place.hits).sum()
    }

    /// Whether everything is as it must be.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.hits() == 0 && self.wrong.is_empty()
    }

    /// As one JSON object.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let places: BTreeMap<&str, Value> = self
            .places
            .iter()
            .map(|(name, place)| {
                let shown = json!({"bytes": place.bytes, "pieces": place.pieces, "hits": place.hits,
                    "found": place.found, "decoy_encodings": place.decoys});
                (*name, shown)
            })
            .collect();
        json!({"executions": self.executions, "encodings": self.encodings, "chunkings": 3, "looks_at_proc": self.looks,
            "processes_of_actions": self.actions, "hits": self.hits(), "wrong": self.wrong, "places": places})
    }
}
