//! `attune pack test`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use attune_pack::Pack;
use attune_types::{Execution, ExecutionStatus, LogStream};
use clap::Args;
use serde::Serialize;

use super::case::{self, Case, Seen};
use crate::arguments::Global;
use crate::backend::{Backend, Embedded, Followed, Local, Need, Request, What};
use crate::error::CliError;
use crate::output::{human_millis, remark};
use crate::{exit, session};

/// How many cases run at once.
const SLOTS: u32 = 4;

/// Runs the cases in the pack's tests folder, each for real, in this process
///
/// Exit code 0 when every case came out as expected, 1 when one did not. A case whose runtime is not installed here is
/// listed as skipped.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  attune pack test .
  attune pack test packs/examples --only 'hello*' -o json")]
pub(crate) struct Arguments {
    /// The pack's folder: the one that holds pack.yaml
    #[arg(value_name = "DIR", default_value = ".")]
    directory: PathBuf,
    /// Only the cases whose name or action holds this text
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
}

/// One line of the table.
#[derive(Debug, Serialize)]
struct Line {
    case: String,
    action: String,
    /// `ok`, `failed` or `skipped`.
    verdict: &'static str,
    breaches: Vec<String>,
    millis: Option<i64>,
}

/// Runs them.
pub(crate) fn run(global: &Global, arguments: Arguments) -> Result<ExitCode, CliError> {
    let directory = &arguments.directory;
    let pack = Pack::load(directory).map_err(|error| CliError::Input {
        what: format!("the pack in {}", directory.display()),
        hint: "`attune pack check` lists the problems one by one".to_owned(),
        source: error.into(),
    })?;
    let mut cases = case::read(directory)?;
    if let Some(text) = &arguments.only {
        cases.retain(|case| case.name.contains(text.as_str()) || case.action.to_string().contains(text.as_str()));
    }
    if cases.is_empty() {
        return Err(CliError::NotFound {
            what: "case in",
            name: directory.join("tests").display().to_string(),
            hint: "`attune pack init` makes a pack with a first case to start from".to_owned(),
        });
    }
    let mut local = Local::load(global, &[])?;
    local.library.put(pack);
    let lines = session::block_on(async {
        let mut backend = Embedded::new(local);
        let lines = run_all(&mut backend, cases).await;
        backend.close().await;
        lines
    })?;
    report(global, directory, &lines)
}

fn report(global: &Global, directory: &Path, lines: &[Line]) -> Result<ExitCode, CliError> {
    global.printer().list(
        lines,
        |line| line.case.clone(),
        &["case", "action", "verdict", "time"],
        |line| {
            let time = line.millis.map_or_else(|| "-".to_owned(), human_millis);
            vec![line.case.clone(), line.action.clone(), line.verdict.to_owned(), time]
        },
    )?;
    for line in lines {
        line.breaches.iter().for_each(|breach| remark(&format!("{}: {breach}", line.case)));
    }
    let count = |verdict: &str| lines.iter().filter(|line| line.verdict == verdict).count();
    let failed = count("failed");
    remark(&format!("{} ok, {failed} failed, {} skipped in {}", count("ok"), count("skipped"), directory.display()));
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(exit::FAILED) })
}

/// What became of a case before anything ran.
enum Begun {
    Over(Line),
    Runs(Case, tokio::sync::mpsc::Receiver<Followed>),
}

async fn run_all(backend: &mut Embedded, cases: Vec<Case>) -> Result<Vec<Line>, CliError> {
    let capabilities = backend.start(Need::Everything { slots: SLOTS }).await?;
    let mut begun = Vec::with_capacity(cases.len());
    for (number, case) in cases.into_iter().enumerate() {
        let Some(action) = backend.action(&case.action).await? else {
            begun.push(Begun::Over(line(&case, vec![format!("there is no action {}", case.action)], None)));
            continue;
        };
        let lacks = capabilities.lacks(&action.requirement());
        if !lacks.is_empty() {
            let skipped = Line { verdict: "skipped", ..line(&case, Vec::new(), None) };
            begun.push(Begun::Over(Line { breaches: lacks, ..skipped }));
            continue;
        }
        match (attune_pack::check_parameters(&action, case.parameters.clone()), &case.expect.refused) {
            (Err(problems), Some(field)) if problems.iter().any(|problem| problem.field == *field) => {
                begun.push(Begun::Over(line(&case, Vec::new(), None)));
            }
            (Err(problems), _) => {
                let told = problems.iter().map(|problem| format!("{} is refused: {}", problem.field, problem.message));
                begun.push(Begun::Over(line(&case, told.collect(), None)));
            }
            (Ok(_), Some(field)) => {
                begun.push(Begun::Over(line(&case, vec![format!("{field} is not refused")], None)));
            }
            (Ok(parameters), None) => {
                let request = Request {
                    parameters,
                    what: What::Action(Box::new(action)),
                    timeout: None,
                    labels: Default::default(),
                    idempotency_key: format!("test-{number}"),
                };
                let id = backend.submit(&request).await?;
                begun.push(Begun::Runs(case, backend.follow(id)));
            }
        }
    }
    let mut lines = Vec::with_capacity(begun.len());
    for one in begun {
        lines.push(match one {
            Begun::Over(line) => line,
            Begun::Runs(case, followed) => {
                let (seen, millis) = end_of(followed).await?;
                line(&case, case.expect.breaches(&seen), millis)
            }
        });
    }
    Ok(lines)
}

async fn end_of(mut followed: tokio::sync::mpsc::Receiver<Followed>) -> Result<(Seen, Option<i64>), CliError> {
    let mut seen = Seen::default();
    while let Some(next) = followed.recv().await {
        match next {
            Followed::Output(LogStream::Stdout, bytes) => seen.stdout.extend(bytes),
            Followed::Output(LogStream::Stderr, bytes) => seen.stderr.extend(bytes),
            Followed::Output(..) => {}
            Followed::Failed(error) => return Err(error),
            Followed::Ended(execution) => {
                let Execution { status, outcome, result, started_at, ended_at, .. } = *execution;
                seen.exit = match &outcome {
                    Some(outcome) => outcome.exit_code(),
                    None => u8::from(status != ExecutionStatus::Completed),
                };
                seen.summary = outcome.map_or_else(|| status.to_string(), |outcome| outcome.summary());
                seen.result = result;
                let millis = started_at.zip(ended_at).map(|(started, ended)| ended.millis_since(started));
                return Ok((seen, millis));
            }
        }
    }
    Err(CliError::internal("following a case", "the follower went away"))
}

fn line(case: &Case, breaches: Vec<String>, millis: Option<i64>) -> Line {
    let verdict = if breaches.is_empty() { "ok" } else { "failed" };
    Line { case: case.name.clone(), action: case.action.to_string(), verdict, breaches, millis }
}
