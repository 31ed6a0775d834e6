//! Plays the scenes of a row.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use super::row::{How, Row, Scene};
use crate::arguments::excused;
use crate::fault::Fault;
use crate::history::percentile;
use crate::load::Load;
use crate::plan::Plan;
use crate::report::{Report, Verdict};
use crate::run::run;
use crate::settings::{Backend, Settings};
use crate::strike::Strike;

/// Plays a row and says what was observed, as one JSON document.
pub(crate) async fn play(row: &Row, seed: u64, keep: Option<PathBuf>) -> Value {
    let How::Played(scenes) = row.how else { return json!({"row": row.id, "verdict": "named"}) };
    let mut figures: BTreeMap<String, f64> = BTreeMap::new();
    let mut broken: Vec<String> = Vec::new();
    let mut beside: BTreeMap<String, usize> = BTreeMap::new();
    let (mut executions, mut recovered, mut void) = (0, 0, false);
    for scene in scenes {
        match run(plan(row, scene, seed, keep.clone())).await {
            Ok(report) => {
                report.print();
                executions += report.accepted;
                recovered += report.counters.count("recovered");
                void |= report.verdict() == Verdict::Void;
                for (name, all) in report.counters.beside() {
                    *beside.entry(name.to_owned()).or_default() += all;
                }
                for name in report.counters.broken() {
                    let first =
                        report.counters.found.get(name).and_then(|all| all.first()).cloned().unwrap_or_default();
                    broken.push(format!("{name} {} ({first})", report.counters.count(name)));
                }
                broken.extend(report.missing.iter().map(|point| format!("not reached: {point}")));
                let failed = report.strikes.iter().filter_map(|struck| Some((struck.fault, struck.failed.as_ref()?)));
                broken.extend(failed.map(|(fault, why)| format!("{fault} was not injected: {why}")));
                for (name, value) in observe(&report) {
                    let entry = figures.entry(name).or_insert(value);
                    *entry = entry.max(value);
                }
            }
            Err(error) => {
                void = true;
                broken.push(format!("could not be made: {error}"));
            }
        }
    }
    let mut over = Vec::new();
    for (name, most) in row.limits {
        let value = figures.get(*name).copied();
        if value.is_none_or(|value| value > *most) {
            over.push(format!("{name} is {value:?}, not <= {most}"));
        }
    }
    let verdict = match (broken.is_empty(), over.is_empty(), void) {
        (true, true, false) => "held",
        (_, _, true) => "void",
        _ => "broken",
    };
    let limited: BTreeMap<&str, Option<f64>> =
        row.limits.iter().map(|(name, _)| (*name, figures.get(*name).copied())).collect();
    json!({
        "row": row.id, "verdict": verdict, "seed": seed, "executions": executions, "recovered": recovered,
        "broken": broken, "beside": beside, "over": over, "limited": limited, "figures": figures,
    })
}

fn plan(row: &Row, scene: &Scene, seed: u64, keep: Option<PathBuf>) -> Plan {
    let mut settings = Settings::of(Backend::Pg);
    settings.small_disk = scene.small_disk;
    let mut plan = Plan::new(row.id, seed, settings);
    plan.keep = keep;
    plan.strict = true;
    let end = scene.steps.iter().map(|step| step.at + step.lasts).fold(0.0, f64::max) + 10.0;
    let mut load = Load::new(seed, (end * scene.rate) as usize, scene.rate);
    if let Some(name) = scene.only {
        load = load.only(name);
    }
    if scene.seconds > 0.0 {
        load.parameters = Some(json!({"seconds": scene.seconds}));
    }
    plan.loads.push(load);
    let mut dice = crate::dice::Dice::of(seed, row.id);
    plan.strikes = scene
        .steps
        .iter()
        .filter_map(|step| {
            Some(Strike {
                fault: Fault::named(step.fault)?,
                at: Duration::from_secs_f64(step.at),
                lasts: Duration::from_secs_f64(step.lasts),
                dice: dice.next(),
                form: Some(step.form),
            })
        })
        .collect();
    plan.excused = excused(&plan);
    plan
}

/// Every figure of a run that a row may be judged by.
fn observe(report: &Report) -> Vec<(String, f64)> {
    let mut seen: Vec<(String, f64)> = report.figures.iter().map(|(name, value)| (name.clone(), *value)).collect();
    let reached = |point: &str| report.reach.get(point).copied().unwrap_or(0) as f64;
    seen.push(("attempts lost".to_owned(), reached("attempt-lost")));
    let mut back = Vec::new();
    let (mut meanwhile, mut first): (Vec<f64>, f64) = (Vec::new(), 0.0);
    for struck in &report.strikes {
        let target = Some(struck.target.as_str()).filter(|name| name.starts_with("worker"));
        back.extend(report.history.recovery_s(target, struck.from_us));
        // What was asked for just after the heal still feels it.
        meanwhile.extend(report.history.dispatch_ms(struck.from_us, struck.to_us + 1_000_000));
        first = first.max(report.history.first_claim_s(struck.to_us));
        seen.extend(struck.figures.iter().map(|(name, value)| ((*name).to_owned(), *value)));
    }
    back.sort_by(f64::total_cmp);
    meanwhile.sort_by(f64::total_cmp);
    seen.push(("hit".to_owned(), back.len() as f64));
    seen.push(("recovered s max".to_owned(), percentile(&back, 100.0)));
    seen.push(("recovered s p50".to_owned(), percentile(&back, 50.0)));
    seen.push(("dispatch p99 ms meanwhile".to_owned(), percentile(&meanwhile, 99.0)));
    seen.push(("dispatch p50 ms meanwhile".to_owned(), percentile(&meanwhile, 50.0)));
    seen.push(("first claim s after a heal".to_owned(), first));
    seen
}
