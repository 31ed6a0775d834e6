//! The variables that Attune gives to every child.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use attune_store::Claimed;
use attune_types::Incarnation;

use crate::executions::Key;

/// Name of the variable by which a later life of this worker finds what this one left. A name alone would not do: two
/// deployments on one host may use the same, and must not kill each other's children.
pub(crate) const OWNER: &str = "ATTUNE_WORKER_HOME";
/// Name of the variable by which it tells that from its own.
pub(crate) const LIFE: &str = "ATTUNE_INCARNATION";
/// Name of the variable that no two children share.
pub(crate) const ATTEMPT_ID: &str = "ATTUNE_ATTEMPT_ID";

/// What the variables say about the worker.
#[derive(Debug, Clone)]
pub(crate) struct WorkerVariables {
    pub(crate) worker: String,
    /// The folder that this worker alone uses, whatever life it is in.
    pub(crate) home: PathBuf,
    pub(crate) incarnation: Incarnation,
    pub(crate) api_url: Option<String>,
}

/// Where the files of one attempt lie.
pub(crate) struct Places<'a> {
    pub(crate) pack_dir: Option<&'a Path>,
    pub(crate) artifacts_dir: PathBuf,
    pub(crate) result_file: &'a Path,
}

impl WorkerVariables {
    /// The variables of one attempt.
    pub(crate) fn of(&self, key: Key, work: &Claimed, places: Places<'_>) -> Vec<(OsString, OsString)> {
        let action = &work.spec.action;
        let mut variables: Vec<(OsString, OsString)> = Vec::with_capacity(16);
        let mut set = |name: &str, value: OsString| variables.push((name.into(), value));
        set("ATTUNE_EXECUTION_ID", key.execution.to_string().into());
        set("ATTUNE_ATTEMPT", key.attempt.to_string().into());
        set("ATTUNE_ACTION", action.to_string().into());
        set("ATTUNE_PACK", action.pack.clone().into());
        if let Some(directory) = places.pack_dir {
            set("ATTUNE_PACK_DIR", directory.into());
        }
        set("ATTUNE_ARTIFACTS_DIR", places.artifacts_dir.into());
        set("ATTUNE_RESULT_FILE", places.result_file.into());
        if let Some(url) = &self.api_url {
            set("ATTUNE_API_URL", url.into());
        }
        if let Some(trace) = &work.trace {
            set("TRACEPARENT", trace.into());
        }
        set("ATTUNE_WORKER", self.worker.clone().into());
        set(OWNER, self.home.clone().into());
        set(LIFE, self.incarnation.to_string().into());
        set(ATTEMPT_ID, format!("{key}.{}", self.incarnation).into());
        variables
    }
}
