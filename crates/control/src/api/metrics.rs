//! `GET /metrics`: what waits and who is there, in the text that Prometheus reads. Autoscalers read it too.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use actix_web::{HttpResponse, web};
use attune_store::{PlacementView, QueueDepth};
use attune_types::WorkerStatus;

use super::problem::Problem;
use super::state::ApiState;

/// What is counted for one runtime.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
struct OfRuntime {
    waiting: u64,
    oldest_micros: i64,
    slots: u64,
    free: u64,
}

/// `GET /metrics`
pub(crate) async fn metrics(state: web::Data<ApiState>) -> Result<HttpResponse, Problem> {
    let (depths, view) = state
        .ask(|store| async move { Ok((store.queue_depths().await?, store.placement_view(0, &[]).await?)) })
        .await?;
    let text = exposition(&by_runtime(&depths, &view), &view);
    Ok(HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(text))
}

/// A worker's slots count for every runtime it has: whichever needs them first gets them.
fn by_runtime(depths: &[QueueDepth], view: &PlacementView) -> BTreeMap<String, OfRuntime> {
    let mut runtimes: BTreeMap<String, OfRuntime> = BTreeMap::new();
    for depth in depths {
        let of = runtimes.entry(depth.requirement.runtime.to_lowercase()).or_default();
        of.waiting += depth.waiting;
        of.oldest_micros = of.oldest_micros.max(depth.oldest_micros);
    }
    for worker in view.workers.iter().filter(|worker| worker.status == WorkerStatus::Active) {
        let slots = worker.capabilities.max_concurrent_executions;
        for runtime in &worker.capabilities.runtimes {
            let of = runtimes.entry(runtime.to_lowercase()).or_default();
            of.slots += u64::from(slots);
            of.free += u64::from(slots.saturating_sub(worker.live));
        }
    }
    runtimes
}

fn exposition(runtimes: &BTreeMap<String, OfRuntime>, view: &PlacementView) -> String {
    let mut text = String::new();
    let mut family = |name: &str, help: &str, label: &str, values: &mut dyn Iterator<Item = (&str, String)>| {
        let _never_fails = write!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n");
        for (of, value) in values {
            let of = of.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _never_fails = writeln!(text, "{name}{{{label}=\"{of}\"}} {value}");
        }
    };
    let each = |value: fn(&OfRuntime) -> String| runtimes.iter().map(move |(name, of)| (name.as_str(), value(of)));
    family(
        "attune_queue_ready",
        "Executions that wait for a worker and could start now.",
        "runtime",
        &mut each(|of| of.waiting.to_string()),
    );
    family(
        "attune_queue_oldest_seconds",
        "How long the oldest of them has waited.",
        "runtime",
        &mut each(|of| format!("{:.3}", of.oldest_micros as f64 / 1e6)),
    );
    family(
        "attune_slots",
        "Slots of active workers that have the runtime; a worker counts for each runtime it has.",
        "runtime",
        &mut each(|of| of.slots.to_string()),
    );
    family("attune_slots_free", "Those of them that are free.", "runtime", &mut each(|of| of.free.to_string()));
    let count = |status| view.workers.iter().filter(|worker| worker.status == status).count().to_string();
    let of_status = [("active", count(WorkerStatus::Active)), ("draining", count(WorkerStatus::Draining))];
    family("attune_workers", "Workers that are there.", "status", &mut of_status.into_iter());
    let live = view.workers.iter().map(|worker| (worker.name.as_str(), worker.live.to_string()));
    family("attune_slots_used", "Executions that a worker holds.", "worker", &mut live.into_iter());
    text
}

#[cfg(test)]
mod tests {
    use attune_store::Placeable;
    use attune_types::{Capabilities, Incarnation, Requirement, WorkerId};

    use super::*;

    fn worker(name: &str, runtimes: &[&str], slots: u32, live: u32, status: WorkerStatus) -> Placeable {
        let capabilities = Capabilities {
            runtimes: runtimes.iter().map(|name| (*name).to_owned()).collect(),
            max_concurrent_executions: slots,
            ..Capabilities::default()
        };
        let (worker, incarnation) = (WorkerId(1), Incarnation([0; 16]));
        Placeable { worker, name: name.to_owned(), incarnation, capabilities, status, live, unclaimed: 0 }
    }

    #[test]
    fn an_autoscaler_can_read_what_waits_and_what_is_free() {
        let requirement = |runtime: &str| Requirement { runtime: runtime.to_owned(), ..Requirement::default() };
        let depths = [
            QueueDepth { requirement: requirement("Python"), waiting: 2, oldest_micros: 1_500_000 },
            QueueDepth { requirement: requirement("python"), waiting: 3, oldest_micros: 9_000 },
        ];
        let workers = vec![
            worker("a \"1\"", &["shell", "python"], 10, 4, WorkerStatus::Active),
            worker("b", &["shell"], 2, 3, WorkerStatus::Active),
            worker("c", &["shell"], 5, 1, WorkerStatus::Draining),
        ];
        let view = PlacementView { waiting: Vec::new(), workers };
        let text = exposition(&by_runtime(&depths, &view), &view);
        for line in [
            "# TYPE attune_queue_ready gauge",
            "attune_queue_ready{runtime=\"python\"} 5",
            "attune_queue_ready{runtime=\"shell\"} 0",
            "attune_queue_oldest_seconds{runtime=\"python\"} 1.500",
            "attune_slots{runtime=\"shell\"} 12",
            "attune_slots_free{runtime=\"shell\"} 6",
            "attune_slots_free{runtime=\"python\"} 6",
            "attune_workers{status=\"active\"} 2",
            "attune_workers{status=\"draining\"} 1",
            "attune_slots_used{worker=\"a \\\"1\\\"\"} 4",
        ] {
            assert!(text.lines().any(|said| said == line), "{line} is not in\n{text}");
        }
    }
}
