//! A whole deployment under load while workers go.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use attune_end_to_end::repository;
use serde_json::{Value, json};

use crate::Outcome;
use crate::docker::Docker;
use crate::images::Images;
use crate::programs::{Programs, build};
use crate::site::{Site, until};
use crate::worker_container::{Surroundings, WorkerContainer};

/// How many executions, over these runtimes.
const EXECUTIONS: usize = 500;
const RUNTIMES: [&str; 4] = ["shell", "python", "node", "ruby"];

/// Shows it.
pub(super) fn show(docker: &Docker, programs: &Programs) -> Outcome<Vec<String>> {
    Images::ensure(docker, &["python", "node", "ruby"])?;
    let site = Site::start(docker, programs)?;
    let baked = bake(&site)?;
    let injected = Surroundings { from_volume: true, ..Surroundings::default() };
    // What is killed must be missed soon.
    let timing = ["ATTUNE__WORKER__HEARTBEAT_INTERVAL=1s".to_owned()];
    let injected = Surroundings { variables: timing.to_vec(), ..injected };
    let full = Surroundings { is_baked: true, variables: timing.to_vec(), ..Surroundings::default() };
    let _baked = WorkerContainer::start(&site, "baked-python", &baked, &full)?;
    let python = WorkerContainer::start(&site, "injected-python", &Images::name("python"), &injected)?;
    let node = WorkerContainer::start(&site, "injected-node", &Images::name("node"), &injected)?;
    let _ruby = WorkerContainer::start(&site, "injected-ruby", &Images::name("ruby"), &injected)?;

    let begun = Instant::now();
    let client = site.client();
    let mut ids = Vec::new();
    for runtime in RUNTIMES {
        let parameters = json!({"seconds": 0.05});
        let share = client.submit_many(&format!("proof.{runtime}"), &parameters, EXECUTIONS / RUNTIMES.len())?;
        ids.extend(share.into_iter().map(|id| (runtime, id)));
    }
    let done = || client.list("completed").map_or(0, |all| all.len());
    until("a fifth to be done", Duration::from_secs(120), || done() >= EXECUTIONS / 5)?;
    // In the middle: one is asked to leave, and one is killed and comes back.
    python.signal("TERM")?;
    let drained = Instant::now();
    let code = python.ended()?;
    let drained = drained.elapsed();
    if code != 0 {
        return Err(format!("the drained worker ended with {code}: {}", python.said()).into());
    }
    until("two fifths to be done", Duration::from_secs(120), || done() >= EXECUTIONS * 2 / 5)?;
    node.signal("KILL")?;
    let code = node.ended()?;
    if code != 137 {
        return Err(format!("the killed worker ended with {code}").into());
    }
    node.begin()?;
    node.registered()?;

    let mut by_worker: BTreeMap<String, usize> = BTreeMap::new();
    let mut again = 0;
    for (runtime, id) in &ids {
        let ended = client.wait(*id)?;
        if ended["status"] != "completed" || ended["result"]["runtime"] != *runtime {
            return Err(format!("execution {id} of {runtime} ended as {ended}").into());
        }
        let attempts = client.get(&format!("/executions/{id}/attempts"))?;
        let attempts = attempts["items"].as_array().cloned().unwrap_or_default();
        again += attempts.len() - 1;
        let last = attempts.last().and_then(|attempt| attempt["worker"].as_str()).unwrap_or_default().to_owned();
        let could = match *runtime {
            "python" => ["baked-python", "injected-python"].contains(&last.as_str()),
            "node" => last == "injected-node",
            "ruby" => last == "injected-ruby",
            _ => !last.is_empty(),
        };
        if !could {
            return Err(format!("execution {id} of {runtime} was run by {last}").into());
        }
        *by_worker.entry(last).or_default() += 1;
    }
    let took = begun.elapsed();
    let counted: usize = by_worker.values().sum();
    Ok(vec![
        format!("{counted} of {EXECUTIONS} executions completed in {:.1} s: {by_worker:?}", took.as_secs_f64()),
        format!("SIGTERM in the middle: drained with exit code 0 after {} ms", drained.as_millis()),
        format!("docker kill in the middle: nothing lost, {again} attempts were made again"),
    ])
}

/// The baked worker by the Dockerfile that ships.
fn bake(site: &Site) -> Outcome<String> {
    let tag = "attune-test/worker-python";
    let file = repository().join("docker/Dockerfile.worker").display().to_string();
    let mut options = vec!["--file", file.as_str(), "--target", "worker-python", "--tag", tag];
    options.extend(["--build-arg", "BINARIES=attune-test/binaries"]);
    options.extend(["--build-arg", "PYTHON_IMAGE=attune-test/python"]);
    build(site.docker(), &repository(), &options)?;
    Ok(tag.to_owned())
}

/// Whether a worker is known and in this state.
pub(super) fn is(site: &Site, worker: &str, status: &str) -> bool {
    site.client().get(&format!("/workers/{worker}")).is_ok_and(|known: Value| known["status"] == status)
}
