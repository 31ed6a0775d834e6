//! `attune demo`: every example, in every runtime that is here.

use std::path::PathBuf;
use std::process::ExitCode;

use attune_types::{ActionSpec, Capabilities, Execution, ExecutionStatus, Outcome};
use clap::Args;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::arguments::Global;
use crate::backend::{Backend, Embedded, Followed, Local, Need, Request, What};
use crate::error::CliError;
use crate::output::{Live, human_millis, remark};
use crate::{exit, session};

/// What an example that cannot do without parameters is given.
const PARAMETERS: &[(&str, &str, &str)] = &[("examples.hello", "name", "Ada")];

/// How many examples run at once.
const SLOTS: u32 = 4;

/// Runs the example pack in every runtime found here and shows a table
///
/// Exit code 0 when everything that could run completed; a runtime that is not installed is listed as skipped.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  attune demo
  attune demo -o json | jq -r '.[] | select(.outcome == \"skipped\") | .runtime'")]
pub(crate) struct Arguments {
    /// The pack to run
    #[arg(long, default_value = "examples", value_name = "PACK")]
    pack: String,
    /// A folder of packs; may be given several times and wins over the configuration
    #[arg(long, value_name = "DIR")]
    packs_dir: Vec<PathBuf>,
}

/// One line of the table.
#[derive(Debug, Serialize)]
struct Line {
    action: String,
    runtime: String,
    version: Option<String>,
    outcome: String,
    completed: Option<bool>,
    millis: Option<i64>,
}

/// Runs them.
pub(crate) fn run(global: &Global, arguments: Arguments) -> Result<ExitCode, CliError> {
    let local = Local::load(global, &arguments.packs_dir)?;
    let Some(pack) = local.library.pack(&arguments.pack) else {
        return Err(CliError::NotFound {
            what: "pack",
            name: arguments.pack,
            hint: "run it in the repository, or name a folder of packs: attune demo --packs-dir DIR".into(),
        });
    };
    let actions: Vec<ActionSpec> = pack.actions.iter().filter(|action| action.enabled).cloned().collect();
    let lines = session::block_on(async {
        let mut backend = Embedded::new(local);
        let lines = run_all(&mut backend, actions).await;
        backend.close().await;
        lines
    })?;
    global.printer().list(
        &lines,
        |line| line.action.clone(),
        &["action", "runtime", "version", "outcome", "time"],
        |line| {
            vec![
                line.action.clone(),
                line.runtime.clone(),
                line.version.clone().unwrap_or_else(|| "-".to_owned()),
                line.outcome.clone(),
                line.millis.map_or_else(|| "-".to_owned(), human_millis),
            ]
        },
    )?;
    let (failed, completed) = (count(&lines, Some(false)), count(&lines, Some(true)));
    remark(&format!("{completed} completed, {failed} failed, {} skipped", count(&lines, None)));
    Ok(if failed == 0 && completed > 0 { ExitCode::SUCCESS } else { ExitCode::from(exit::UNAVAILABLE) })
}

fn count(lines: &[Line], completed: Option<bool>) -> usize {
    lines.iter().filter(|line| line.completed == completed).count()
}

async fn run_all(backend: &mut Embedded, actions: Vec<ActionSpec>) -> Result<Vec<Line>, CliError> {
    remark("looking for interpreters");
    let capabilities = backend.start(Need::Everything { slots: SLOTS }).await?;
    let mut submitted = Vec::new();
    for action in actions {
        let lacks = capabilities.lacks(&action.requirement());
        if !lacks.is_empty() {
            submitted.push((action, None));
            continue;
        }
        let request = Request {
            parameters: parameters(&action)?,
            what: What::Action(Box::new(action.clone())),
            timeout: None,
            labels: Default::default(),
            idempotency_key: format!("demo-{}", action.action_ref),
        };
        let id = backend.submit(&request).await?;
        submitted.push((action, Some(backend.follow(id))));
    }
    let mut lines = Vec::with_capacity(submitted.len());
    for (action, followed) in submitted {
        let ended = match followed {
            Some(mut followed) => Some(end_of(&action, &mut followed).await?),
            None => None,
        };
        lines.push(line(&action, &capabilities, ended.as_deref()));
    }
    Ok(lines)
}

/// Waits for the end; what a failed example wrote is shown.
async fn end_of(
    action: &ActionSpec,
    followed: &mut tokio::sync::mpsc::Receiver<Followed>,
) -> Result<Box<Execution>, CliError> {
    let mut output = Vec::new();
    while let Some(next) = followed.recv().await {
        match next {
            Followed::Output(stream, bytes) => output.push((stream, bytes)),
            Followed::Failed(error) => return Err(error),
            Followed::Ended(execution) => {
                if execution.status != ExecutionStatus::Completed {
                    remark(&format!("{} wrote:", action.action_ref));
                    let mut live = Live::new(false, false, false);
                    output.iter().for_each(|(stream, bytes)| live.piece(*stream, bytes));
                    live.finish(false);
                }
                return Ok(execution);
            }
        }
    }
    Err(CliError::internal("following an example", "the follower went away"))
}

fn parameters(action: &ActionSpec) -> Result<Map<String, Value>, CliError> {
    let name = action.action_ref.to_string();
    let given = PARAMETERS.iter().filter(|(action, ..)| *action == name);
    let given = given.map(|(_, parameter, value)| ((*parameter).to_owned(), Value::from(*value))).collect();
    attune_pack::check_parameters(action, given).map_err(|problems| CliError::Parameters { action: name, problems })
}

fn line(action: &ActionSpec, capabilities: &Capabilities, ended: Option<&Execution>) -> Line {
    let runtime = action.runner_type.to_lowercase();
    let version = capabilities.runtime_versions.get(&runtime).and_then(|versions| versions.first()).cloned();
    let (outcome, completed) = match ended {
        None => ("skipped: not installed".to_owned(), None),
        Some(execution) if execution.status == ExecutionStatus::Completed => ("completed".to_owned(), Some(true)),
        Some(execution) => {
            let summary = execution.outcome.as_ref().map_or_else(|| execution.status.to_string(), Outcome::summary);
            (summary, Some(false))
        }
    };
    let millis = ended.and_then(|execution| Some(execution.ended_at?.millis_since(execution.started_at?)));
    Line {
        action: action.action_ref.to_string(),
        runtime,
        version: version.filter(|version| !version.is_empty()),
        outcome,
        completed,
        millis,
    }
}
