//! Files that an attempt left behind, on their way to where files are kept.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use attune_artifacts::{Found, Harvest, HarvestLimits, matches, quoted};
use attune_types::ArtifactRule;

use super::artifact_store::ArtifactStore;
use crate::executions::Key;

/// The most lines that are said about files that are not taken.
const MOST_LINES: usize = 20;

/// How the files of one attempt are kept.
pub(crate) struct Keeping {
    pub(crate) store: Arc<dyn ArtifactStore>,
    /// Where the action was asked to leave them.
    pub(crate) directory: PathBuf,
    pub(crate) rules: Vec<ArtifactRule>,
    pub(crate) limits: HarvestLimits,
    /// Names of files that were stored already, because the action handed them over while it ran.
    pub(crate) stored: BTreeSet<String>,
}

impl fmt::Debug for Keeping {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Keeping").field("directory", &self.directory).finish_non_exhaustive()
    }
}

/// What came of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    /// How many files were stored.
    pub(crate) count: u64,
    /// What there is to say in the execution's log, a line each, with its end.
    pub(crate) lines: Vec<String>,
    /// Why the execution did not keep its promise, when a file that is required is missing.
    pub(crate) invalid: Option<String>,
}

impl Keeping {
    /// Keeps what the attempt left behind. Nothing of it is fatal but a required file that is missing.
    pub(crate) async fn keep(self, key: Key) -> Kept {
        let Self { store, directory, rules, limits, stored } = self;
        let (looked_at, wanted) = (directory.clone(), rules.clone());
        let looking = tokio::task::spawn_blocking(move || Harvest::look(&looked_at, &wanted, limits));
        let harvest = match looking.await {
            Ok(Ok(harvest)) => harvest,
            Ok(Err(error)) => return unreadable(&rules, &error.to_string()),
            Err(error) => return unreadable(&rules, &error.to_string()),
        };
        let mut kept = Kept::default();
        let mut missing = harvest.missing.clone();
        let mut refused = harvest.refused.clone();
        for found in &harvest.found {
            match keep_one(&*store, key, &directory, &harvest, found).await {
                Ok(()) => kept.count += 1,
                Err(why) => {
                    let required = rules.iter().filter(|rule| rule.is_required() && matches(rule.glob(), &found.name));
                    missing.extend(required.map(|rule| rule.glob().to_owned()));
                    refused.push(format!("artifact {} was not stored: {why}", quoted(&found.name)));
                }
            }
        }
        missing.retain(|glob| !stored.iter().any(|name| matches(glob, name)));
        missing.sort_unstable();
        missing.dedup();
        if !missing.is_empty() {
            let names: Vec<String> = missing.iter().map(|glob| quoted(glob)).collect();
            kept.invalid = Some(format!("required artifact missing: {}", names.join(", ")));
        }
        let more = refused.len().saturating_sub(MOST_LINES);
        kept.lines.extend(refused.into_iter().take(MOST_LINES).map(|line| line + "\n"));
        if more > 0 {
            kept.lines.push(format!("{more} more artifacts were not taken\n"));
        }
        kept
    }
}

async fn keep_one(
    store: &dyn ArtifactStore,
    key: Key,
    directory: &Path,
    harvest: &Harvest,
    found: &Found,
) -> Result<(), String> {
    let file = harvest.open(found).map_err(|error| error.to_string())?;
    let (execution, attempt) = key.pair();
    let path = directory.join(&found.name);
    store.put_opened(execution, attempt, &found.name, file, path).await.map_err(|error| error.to_string())
}

fn unreadable(rules: &[ArtifactRule], why: &str) -> Kept {
    let line = format!("the artifact directory cannot be read: {why}");
    let is_required = rules.iter().any(ArtifactRule::is_required);
    Kept { count: 0, invalid: is_required.then(|| line.clone()), lines: vec![line + "\n"] }
}
