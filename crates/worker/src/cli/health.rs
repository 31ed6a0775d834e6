//! `--health`: whether the worker that runs here can do its work.

use std::io;
use std::path::PathBuf;

use attune_config::Config;
use attune_process::clock;

use crate::health::{Report, file_in, judge};
use crate::settings::Settings;

/// Why the worker cannot do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unhealthy {
    /// No worker wrote anything down.
    #[error("no worker {name:?} says here that it runs ({})", path.display())]
    Silent {
        /// The worker's name by the configuration.
        name: String,
        /// Where it would say so.
        path: PathBuf,
        /// Why it cannot be read.
        #[source]
        source: io::Error,
    },
    /// What is there cannot be read.
    #[error("what worker {name:?} says about itself makes no sense")]
    Garbled {
        /// The worker's name by the configuration.
        name: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// It says so itself, or says nothing new.
    #[error("worker {name:?} cannot do its work: {}", wrong.join("; "))]
    Ill {
        /// The worker's name.
        name: String,
        /// What is wrong.
        wrong: Vec<String>,
    },
}

/// One line when it can.
pub(crate) fn run(config: &Config) -> Result<String, Unhealthy> {
    let settings = Settings::from_config(config);
    let (name, path) = (settings.name, file_in(&settings.state_directory));
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(source) => return Err(Unhealthy::Silent { name, path, source }),
    };
    let report: Report = match serde_json::from_slice(&text) {
        Ok(report) => report,
        Err(source) => return Err(Unhealthy::Garbled { name, source }),
    };
    let now = u64::try_from(clock::boot().as_millis()).unwrap_or(u64::MAX);
    let wrong = judge(&report, now);
    if wrong.is_empty() {
        Ok(format!("worker {:?} answers, beats and consumes\n", report.worker))
    } else {
        Err(Unhealthy::Ill { name: report.worker, wrong })
    }
}
