//! What one run does.

use std::path::PathBuf;
use std::time::Duration;

use crate::load::Load;
use crate::settings::Settings;
use crate::strike::Strike;

/// One run: a deployment, what it is given to do, and what happens to it meanwhile.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) name: String,
    pub(crate) seed: u64,
    pub(crate) settings: Settings,
    pub(crate) loads: Vec<Load>,
    pub(crate) strikes: Vec<Strike>,
    /// Causes of ends that a fault of this run brings about.
    pub(crate) excused: Vec<&'static str>,
    /// Whether a fault that cannot be made to happen makes the run void. By chance, faults meet what others have stopped.
    pub(crate) strict: bool,
    /// Where the run's folder is kept; absent: it is removed.
    pub(crate) keep: Option<PathBuf>,
    /// How long after the last heal everything must have ended.
    pub(crate) settle: Duration,
}

impl Plan {
    pub(crate) fn new(name: &str, seed: u64, settings: Settings) -> Self {
        Self {
            name: name.to_owned(),
            seed,
            settings,
            loads: Vec::new(),
            strikes: Vec::new(),
            excused: Vec::new(),
            strict: false,
            keep: None,
            settle: Duration::from_secs(60),
        }
    }
}
