//! The page that shows the matrix.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use super::row::{How, rows};

const HEAD: &str = "# Fault matrix

This page is generated from the rows in `tests/chaos/src/matrix` and the results in `tests/chaos/results.json`; do not edit it.
`cargo run -p attune-chaos -- matrix --play F07` plays a row again (`--play all`: every one, about an hour) and keeps its
result; `cargo run -p attune-chaos -- matrix` writes the page.

Each row ran by itself on PostgreSQL and RabbitMQ with two servers, three workers and the default timing, under a steady load
of the whole workload mix unless it says otherwise. **Every row expects zeros** besides what its column says: lost,
unexpected, completed twice, overlap, started twice without being asked to, false success, wrong outcome, orphans, zombies,
leaked descriptors, queues, rows, files and processes, holes in logs, deaf workers, crashes; and everything terminal at most
60 s after the heal. What is observed is compared with the actions' own account, in a file that Attune knows nothing of.

| row | fault | how it is injected | expected | observed |
|---|---|---|---|---|
";

/// The page as the rows and the results make it.
pub(crate) fn page(results: &Value) -> String {
    let mut text = HEAD.to_owned();
    for row in rows() {
        let observed = match row.how {
            How::Named(reason) => format!("**not injected**: {reason}"),
            How::Played(_) => observed(&results[row.id]),
        };
        // A String takes everything.
        let _ = writeln!(text, "| {} | {} | {} | {} | {observed} |", row.id, row.fault, row.injected, row.expected);
    }
    let random = results["random"].as_array().cloned().unwrap_or_default();
    if !random.is_empty() {
        text.push_str(
            "\n## Random schedules\n\nFaults drawn from all rows, overlapping as chance has it; a seed replays its schedule.\n\n\
             | back end | seed | executions | faults | terminal after the last heal | consuming after | zeros | verdict |\n\
             |---|---|---|---|---|---|---|---|\n",
        );
        for run in random {
            let figure = |name: &str| run["figures"][name].as_f64().unwrap_or(0.0);
            let faults = run["faults"].as_array().map_or(0, Vec::len);
            let zeros = if run["verdict"] == "broken" { "no" } else { "all" };
            let _ = writeln!(
                text,
                "| {} | {} | {} | {faults} | {:.1} s | {:.1} s | {zeros} | {} |",
                run["backend"].as_str().unwrap_or_default(),
                run["seed"],
                run["executions"],
                figure("all ended s after the last heal"),
                figure("consuming again s after the last heal"),
                run["verdict"].as_str().unwrap_or_default()
            );
        }
    }
    text
}

fn observed(result: &Value) -> String {
    let Some(verdict) = result["verdict"].as_str() else { return "not played yet".to_owned() };
    let list = |name: &str| {
        let all = result[name].as_array().cloned().unwrap_or_default();
        all.iter().filter_map(|one| one.as_str().map(|text| text.replace('|', "/"))).collect::<Vec<_>>()
    };
    let mut parts = vec![format!("**{verdict}**")];
    let broken = list("broken");
    match broken.is_empty() {
        true => parts.push("all zeros".to_owned()),
        false => parts.extend(broken),
    }
    for (name, count) in result["beside"].as_object().into_iter().flatten() {
        parts.push(format!("beside the zeros: {} {count}", name.replace('_', " ")));
    }
    for (name, value) in result["limited"].as_object().into_iter().flatten() {
        let value = value.as_f64().unwrap_or(f64::NAN);
        parts.push(if value.fract() == 0.0 { format!("{name} {value}") } else { format!("{name} {value:.1}") });
    }
    let (executions, hit) = (&result["executions"], result["figures"]["hit"].as_f64().unwrap_or(0.0));
    parts.push(format!("{executions} executions, {hit} hit"));
    parts.join("; ")
}

/// Writes the page.
///
/// # Errors
/// When the results cannot be read or the page cannot be written.
pub(crate) fn write_page(root: &Path, results: &Value) -> std::io::Result<()> {
    std::fs::write(root.join("docs/fault-matrix.md"), page(results))
}
