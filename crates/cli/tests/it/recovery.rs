//! `attune dev` killed in the middle of its work, and started again.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::fixture::{Place, eventually};

const EXECUTIONS: usize = 50;

fn count(truth: &[String], what: &str) -> BTreeMap<String, usize> {
    let mut count = BTreeMap::new();
    for line in truth.iter().filter_map(|line| line.strip_prefix(what)) {
        *count.entry(line.trim().to_owned()).or_default() += 1;
    }
    count
}

#[test]
fn nothing_is_lost_completed_twice_or_silently_run_again() {
    let place = Place::new();
    let dev = place.dev(&[]);
    for number in 0..EXECUTIONS {
        let action = if number % 5 == 0 { "proof.quick" } else { "proof.slow" };
        let mut command = place.attune(&["run", action, "--detach"]);
        command.env("ATTUNE_API_URL", dev.line("listens")).env("ATTUNE_API_TOKEN", dev.line("token"));
        let output = command.output().expect("the program starts");
        assert!(output.status.success(), "{output:?}");
    }
    eventually("some to have ended while others run", || {
        let truth = place.truth();
        (count(&truth, "end").len() >= 5 && count(&truth, "start").len() > count(&truth, "end").len()).then_some(())
    });
    dev.kill();

    let _dev = place.dev(&[]);
    let executions = eventually("all to be terminal", || {
        let all = place.run(&["execution", "list", "--limit", "1000", "-o", "json"]).json();
        let all: Vec<Value> = all.as_array().expect("a list").clone();
        let over = ["completed", "failed", "timeout", "cancelled", "abandoned"];
        all.iter().all(|one| over.contains(&one["status"].as_str().unwrap_or_default())).then_some(all)
    });
    assert_eq!(executions.len(), EXECUTIONS);
    let truth = place.truth();
    let (starts, ends) = (count(&truth, "start"), count(&truth, "end"));
    let none = 0;
    for execution in &executions {
        let id = execution["id"].to_string();
        let (started, ended) = (starts.get(&id).unwrap_or(&none), ends.get(&id).unwrap_or(&none));
        let events = place.run(&["execution", "events", &id, "-o", "json"]).json();
        let terminal = events.as_array().expect("a list").iter().filter(|event| {
            let kind = event["kind"].as_str().unwrap_or_default();
            ["completed", "failed", "abandoned"].iter().any(|word| kind == format!("execution.{word}"))
        });
        assert_eq!(terminal.count(), 1, "one end of {execution}: {events}");
        match (execution["status"].as_str(), execution["action"].as_str()) {
            // An action that did not say that running it twice is harmless ran once at most, whatever became of it.
            (Some("completed"), Some("proof.slow")) => assert_eq!((*started, *ended), (1, 1), "{execution}"),
            (Some("abandoned"), Some("proof.slow")) => assert!(*started <= 1, "{execution}"),
            // One that did may have run again, and every start is an attempt that can be seen.
            (Some("completed"), Some("proof.quick")) => {
                assert!(*ended >= 1 && *started as i64 <= execution["attempts"].as_i64().unwrap_or(0), "{execution}");
            }
            other => panic!("{other:?}: {execution}"),
        }
    }
    assert!(executions.iter().any(|execution| execution["status"] == "completed"));
}
