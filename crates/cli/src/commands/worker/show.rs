//! `attune worker show`.

use std::process::ExitCode;

use attune_types::{Enforcement, Environment, LimitKind, Timestamp, Worker};
use clap::Args;
use serde::Serialize;

use super::{Which, environments};
use crate::backend::Client;
use crate::error::CliError;
use crate::output::{Printer, Table, labelled, moment, remark};

/// Shows one worker: what it can run and hold, what it does, and the environments it has for packs
#[derive(Debug, Args)]
#[command(after_help = "Example:
  attune worker show builder-1")]
pub(crate) struct Arguments {
    #[command(flatten)]
    which: Which,
}

/// A worker and what it told of its environments.
#[derive(Debug, Serialize)]
struct Shown {
    #[serde(flatten)]
    worker: Worker,
    environments: Vec<Environment>,
}

/// Shows it.
pub(crate) fn run(client: &Client, printer: Printer, arguments: Arguments) -> Result<ExitCode, CliError> {
    let worker = client.worker(&arguments.which.name)?;
    let now = Timestamp(attune_process::clock::wall());
    // Who may see workers need not be allowed to see environments.
    let mut environments = client.environments().unwrap_or_else(|error| {
        remark(&format!("environments are not shown: {error}"));
        Vec::new()
    });
    environments.retain(|environment| environment.worker == worker.name);
    let shown = Shown { worker, environments };
    printer.one(&shown, |shown| shown.worker.name.clone(), |shown| people(shown, now))?;
    Ok(ExitCode::SUCCESS)
}

/// The worker at `now`, 80 columns wide.
fn people(Shown { worker, environments }: &Shown, now: Timestamp) -> String {
    let capabilities = &worker.capabilities;
    let mut text = String::new();
    let mut line = |name: &str, value: &str| text.push_str(&labelled(&format!("{name:<12} "), value));
    line("worker", &format!("{} (id {})", worker.name, worker.id));
    line("status", worker.status.as_str());
    line("slots", &format!("{} of {} used", worker.slots_used, capabilities.max_concurrent_executions));
    line("last beat", &moment(worker.last_beat_at, now));
    line("registered", &moment(worker.registered_at, now));
    line("host", &format!("{} ({})", worker.host, worker.worker_type));
    line("version", &capabilities.container_version);
    line("sandbox", &format!("level {} of 3", capabilities.sandbox_level));
    for (index, kind) in LimitKind::ALL.into_iter().enumerate() {
        let name = kind.word().replace('_', " ");
        let held = match capabilities.limits.get(&kind) {
            Some(Enforcement::Cgroup) => "by control group: the whole tree".to_owned(),
            Some(Enforcement::Rlimit) => "by resource limit: each process".to_owned(),
            Some(Enforcement::Nothing { why }) => format!("not enforced: {why}"),
            None => "not enforced: its version knows none".to_owned(),
        };
        line(if index == 0 { "limits" } else { "" }, &format!("{name:<11} {held}"));
    }
    let labels: Vec<String> = capabilities.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    line("labels", &if labels.is_empty() { "none".to_owned() } else { labels.join(", ") });
    let mut table = Table::new(&["runtime", "version", "libc", "interpreter"]);
    for interpreter in &capabilities.detected_interpreters {
        let libc = interpreter.libc.map(|libc| libc.to_string()).unwrap_or_default();
        table.row([interpreter.runtime.clone(), interpreter.version.clone(), libc, interpreter.path.clone()]);
    }
    if !table.is_empty() {
        text.push('\n');
        text.push_str(&table.render());
    }
    let tree = environments::tree(environments);
    if !tree.is_empty() {
        text.push('\n');
        text.push_str(&tree);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_says_what_it_can_hold_and_why_not_more() {
        let worker: Worker = serde_json::from_value(serde_json::json!({
            "id": 7, "name": "w3", "worker_type": "container", "host": "h", "status": "active",
            "incarnation": "0".repeat(32), "slots_used": 1,
            "registered_at": "2026-01-31T12:00:00.000Z", "last_beat_at": "2026-01-31T12:00:04.000Z",
            "capabilities": {
                "runtimes": ["shell"], "max_concurrent_executions": 4, "container_version": "0.3.0",
                "sandbox_level": 2, "limits": {
                    "memory": {"by": "cgroup"}, "cpu": {"by": "rlimit"},
                    "processes": {"by": "nothing", "why": "there is no control group here that this user may write to"},
                },
                "detected_interpreters": [{"runtime": "shell", "path": "/bin/sh", "version": "", "libc": "musl"}],
            },
        }))
        .expect("a worker");
        let now = "2026-01-31T12:00:05.000Z".parse().expect("a time");
        let expected = "\
worker       w3 (id 7)
status       active
slots        1 of 4 used
last beat    2026-01-31 12:00:04.000 UTC, 1s ago
registered   2026-01-31 12:00:00.000 UTC, 5s ago
host         h (container)
version      0.3.0
sandbox      level 2 of 3
limits       memory      by control group: the whole tree
             cpu         by resource limit: each process
             processes   not enforced: there is no control group here that this
             user may write to
             open files  not enforced: its version knows none
             file size   not enforced: its version knows none
labels       none

RUNTIME  VERSION  LIBC  INTERPRETER
shell             musl  /bin/sh
";
        assert_eq!(people(&Shown { worker, environments: Vec::new() }, now), expected);
    }
}
