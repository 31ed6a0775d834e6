//! What a run found.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::checker::Counters;
use crate::history::History;
use crate::inflict::Struck;

/// How many of what was counted are shown.
const SHOWN: usize = 5;

/// Everything that is known of a run when it is over.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) name: String,
    pub(crate) seed: u64,
    pub(crate) backend: &'static str,
    pub(crate) accepted: usize,
    pub(crate) counters: Counters,
    pub(crate) history: History,
    pub(crate) strikes: Vec<Struck>,
    pub(crate) reach: BTreeMap<&'static str, u64>,
    /// Whether a fault that could not be made to happen makes the run void.
    pub(crate) strict: bool,
    /// Rare points that had to be reached and were not.
    pub(crate) missing: Vec<&'static str>,
    pub(crate) figures: BTreeMap<String, f64>,
    /// Where everything is, when it was kept.
    pub(crate) folder: Option<String>,
}

/// How a run is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Everything held.
    Held,
    /// Something that must hold did not.
    Broken,
    /// It did not go where it should have gone, so it says nothing.
    Void,
}

impl Verdict {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Broken => "broken",
            Self::Void => "void",
        }
    }
}

impl Report {
    pub(crate) fn verdict(&self) -> Verdict {
        if !self.counters.broken().is_empty() {
            Verdict::Broken
        } else if !self.missing.is_empty() || self.too_few() {
            Verdict::Void
        } else {
            Verdict::Held
        }
    }

    /// Whether so many faults could not be made to happen that the run says nothing.
    fn too_few(&self) -> bool {
        let failed = self.strikes.iter().filter(|struck| struck.failed.is_some()).count();
        failed > if self.strict { 0 } else { self.strikes.len() / 5 }
    }

    /// How many executions have each status.
    pub(crate) fn statuses(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for known in self.history.executions.values() {
            *counts.entry(known.status.clone()).or_default() += 1;
        }
        counts
    }

    /// One line for machines.
    pub(crate) fn json(&self) -> Value {
        let counters: serde_json::Map<String, Value> = Counters::ZERO
            .iter()
            .chain(self.counters.found.keys())
            .map(|name| ((*name).to_owned(), json!(self.counters.count(name))))
            .collect();
        let strikes: Vec<Value> = self
            .strikes
            .iter()
            .map(|struck| {
                let figures: serde_json::Map<String, Value> =
                    struck.figures.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
                json!({
                    "fault": struck.fault, "target": struck.target, "figures": figures, "failed": struck.failed,
                    "lasted_s": (struck.to_us - struck.from_us) as f64 / 1e6,
                })
            })
            .collect();
        json!({
            "run": self.name, "verdict": self.verdict().word(), "seed": self.seed, "backend": self.backend,
            "executions": self.accepted, "statuses": self.statuses(), "counters": counters, "missing": self.missing,
            "reach": self.reach, "figures": self.figures, "faults": strikes,
        })
    }

    /// For people.
    pub(crate) fn print(&self) {
        eprintln!("--- {}: {} ---", self.name, self.verdict().word());
        eprintln!("executions: {} accepted, {:?}", self.accepted, self.statuses());
        for name in Counters::ZERO {
            let count = self.counters.count(name);
            eprintln!("{}{name}: {count}", if count > 0 { "!! " } else { "   " });
            for what in self.counters.found.get(name).into_iter().flatten().take(SHOWN) {
                eprintln!("       {what}");
            }
        }
        eprintln!("   recovered: {}", self.counters.count("recovered"));
        eprintln!("reached: {:?}", self.reach);
        if !self.missing.is_empty() {
            eprintln!("!! void: not reached: {:?}", self.missing);
        }
        for struck in &self.strikes {
            let failed = struck.failed.as_ref().map(|why| format!("  !! FAILED: {why}")).unwrap_or_default();
            let seconds = (struck.to_us - struck.from_us) as f64 / 1e6;
            eprintln!("fault {:<26} {:<8} {seconds:>6.1} s {:?}{failed}", struck.fault, struck.target, struck.figures);
        }
        for (name, value) in &self.figures {
            eprintln!("figure: {name}: {value:.3}");
        }
        if let Some(folder) = &self.folder {
            eprintln!("everything is kept in {folder}");
        }
    }
}
