//! From the command line to a request that can be accepted.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Arguments;
use crate::backend::{Backend, Request, What};
use crate::error::CliError;
use crate::output::remark;
use crate::target::{self, Target};
use crate::{parameters, script};

/// Finds the target and checks its parameters.
pub(super) async fn prepare(
    backend: &impl Backend,
    arguments: &Arguments,
    file: Map<String, Value>,
) -> Result<Request, CliError> {
    let labels = labels(&arguments.labels)?;
    // Before the target is looked for: what is written wrongly is wrong for every target.
    arguments.parameters.iter().try_for_each(|pair| parameters::parse_pair(pair).map(drop))?;
    let (what, parameters) = match target::resolve(backend, &arguments.target).await? {
        Target::Action(_) if arguments.runtime.is_some() => {
            return Err(CliError::usage("--runtime is for files", "an action says itself what runs it"));
        }
        Target::Action(action) => {
            let given = parameters::merge(file, &arguments.parameters, Some(&action))?;
            let checked = attune_pack::check_parameters(&action, given)
                .map_err(|problems| CliError::Parameters { action: action.action_ref.to_string(), problems })?;
            (What::Action(action), checked)
        }
        Target::File(path) => {
            let runtimes = backend.runtimes().await?;
            let guessed = script::read(&path, arguments.runtime.as_deref(), &runtimes)?;
            if !arguments.quiet {
                remark(&format!("{}: run by {}, says {}", path.display(), guessed.script.runtime, guessed.because));
            }
            (What::Script(guessed.script), parameters::merge(file, &arguments.parameters, None)?)
        }
    };
    Ok(Request { what, parameters, timeout: arguments.timeout, labels, idempotency_key: idempotency_key()? })
}

fn labels(pairs: &[String]) -> Result<BTreeMap<String, String>, CliError> {
    let mut labels = BTreeMap::new();
    for pair in pairs {
        match pair.split_once('=') {
            Some((name, value)) if !name.is_empty() => labels.insert(name.to_owned(), value.to_owned()),
            _ => return Err(CliError::usage(format!("{pair:?} is not a label"), "write --label name=value")),
        };
    }
    Ok(labels)
}

/// The request may be sent twice when an answer is lost; this keeps it one execution.
fn idempotency_key() -> Result<String, CliError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| CliError::internal("making an idempotency key", error))?;
    Ok(format!("run-{:032x}", u128::from_le_bytes(bytes)))
}
