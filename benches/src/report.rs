//! Figures and how they are printed.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::Options;

/// Prints one JSON line per figure.
pub(crate) struct Report {
    rounds: usize,
}

/// Several measurements of one figure.
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    pub(crate) fn new(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        Self(values)
    }

    /// The value below which `share` of the samples lie.
    pub(crate) fn quantile(&self, share: f64) -> f64 {
        let last = self.0.len().saturating_sub(1);
        let index = (share * last as f64).round() as usize;
        self.0.get(index.min(last)).copied().unwrap_or(f64::NAN)
    }

    pub(crate) fn median(&self) -> f64 {
        self.quantile(0.5)
    }
}

impl Report {
    /// Prints the line that says what was measured where.
    pub(crate) fn start(options: &Options) -> Self {
        let model = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
            text.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1).map(str::to_owned))
        });
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        println!(
            "{}",
            json!({
                "figure": "machine",
                "processors": std::thread::available_parallelism().map_or(0, usize::from),
                "model": model,
                "kernel": kernel.trim(),
                "version": env!("CARGO_PKG_VERSION"),
                "executions": options.executions,
                "slots": options.slots,
            })
        );
        Self { rounds: options.rounds.max(1) }
    }

    /// Takes one sample per round and prints their median; returns it.
    pub(crate) fn rounds(
        &self,
        figure: &str,
        unit: &str,
        extra: &Value,
        mut sample: impl FnMut() -> std::io::Result<f64>,
    ) -> std::io::Result<f64> {
        let mut values = Vec::with_capacity(self.rounds);
        for _ in 0..self.rounds {
            values.push(sample()?);
        }
        Ok(self.figure(figure, unit, &Samples::new(values), extra))
    }

    /// Prints samples that were taken already; returns their median.
    pub(crate) fn figure(&self, figure: &str, unit: &str, samples: &Samples, extra: &Value) -> f64 {
        let mut line = json!({
            "figure": figure,
            "value": round(samples.median()),
            "unit": unit,
            "min": round(samples.quantile(0.0)),
            "max": round(samples.quantile(1.0)),
            "rounds": samples.0.len(),
        });
        if let (Some(line), Some(extra)) = (line.as_object_mut(), extra.as_object()) {
            line.extend(extra.clone());
        }
        println!("{line}");
        samples.median()
    }

    /// Prints a single number.
    pub(crate) fn single(&self, figure: &str, unit: &str, value: f64, extra: &Value) {
        self.figure(figure, unit, &Samples::new(vec![value]), extra);
    }

    /// Prints the size of each program.
    pub(crate) fn binary_sizes(&self, folder: &Path) {
        for name in ["attune", "attune-agent", "attune-worker", "attune-server"] {
            if let Ok(metadata) = fs::metadata(folder.join(name)) {
                self.single("binary_size", "bytes", metadata.len() as f64, &json!({"program": name}));
            }
        }
    }
}

/// Three digits after the point.
pub(crate) fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
