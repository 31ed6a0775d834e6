use serde_json::json;

use super::*;

fn execution(status: &str, outcome: Value) -> Execution {
    serde_json::from_value(json!({
        "id": 42, "action": "examples.hello", "status": status, "parameters": {}, "outcome": outcome,
        "result": {"greeting": "hi"}, "attempts": 1, "requirement": {"runtime": "shell"}, "requested_by": "ada",
        "requested_at": "2026-01-31T12:00:00.000Z",
    }))
    .expect("an execution")
}

fn attempt(fields: Value) -> Attempt {
    let mut whole = json!({
        "execution": 42, "attempt": 1, "state": "succeeded", "worker": "w3", "assigned_at": "2026-01-31T12:00:00.002Z",
        "claimed_at": "2026-01-31T12:00:00.004Z", "started_at": "2026-01-31T12:00:00.004Z",
        "ended_at": "2026-01-31T12:00:01.300Z", "outcome": {"cause": "exited", "code": 0},
        "resources": {"wall_ms": 1200, "user_ms": 3, "system_ms": 1, "peak_rss_bytes": 0},
        "evidence": {
            "environment_ms": 12, "start_ms": 14, "pid": 77, "sandbox": {"level": 3},
            "output": {
                "stdout_bytes": 1_258_291, "stderr_bytes": 0, "gaps": [{"stream": "stdout", "from": 100, "to": 350}],
            },
            "survivors": [{"pid": 78, "name": "sleep"}], "more_survivors": 1,
        },
    });
    for (name, value) in fields.as_object().expect("an object") {
        whole[name] = value.clone();
    }
    serde_json::from_value(whole).expect("an attempt")
}

fn events(rows: &[(i64, Option<i32>, &str, Value)]) -> Vec<ExecutionEvent> {
    let start: Timestamp = "2026-01-31T12:00:00.000Z".parse().expect("a time");
    rows.iter()
        .zip(1..)
        .map(|((millis, attempt, kind, detail), id)| ExecutionEvent {
            id,
            execution: crate::ExecutionId(42),
            attempt: attempt.map(AttemptNumber),
            kind: (*kind).into(),
            detail: detail.clone(),
            at: Timestamp(start.0 + millis * 1000),
        })
        .collect()
}

fn told(execution: &Execution, attempts: &[Attempt], events: &[ExecutionEvent]) -> Vec<String> {
    timeline(execution, attempts, events).into_iter().map(|line| format!("+{} {}", line.since_ms, line.text)).collect()
}

#[test]
fn a_story_without_trouble_tells_every_step_once() {
    let events = events(&[
        (0, None, "execution.requested", json!({})),
        (2, Some(1), "execution.scheduled", json!({"worker": 7})),
        (4, Some(1), "execution.running", json!({})),
        (1300, Some(1), "execution.completed", json!({"outcome": {"cause": "exited", "code": 0}})),
    ]);
    assert_eq!(
        told(&execution("completed", json!({"cause": "exited", "code": 0})), &[attempt(json!({}))], &events),
        [
            "+0 requested by ada",
            "+2 scheduled to w3",
            "+4 claimed and allowed to start",
            "+16 environment ready after 12 ms",
            "+18 started, pid 77, sandbox level 3",
            "+1218 exit 0, 1.2 s after its start",
            "+1218 output: 1.1 MiB on stdout, 0 B on stderr; 250 bytes of stdout left out (from byte 100 to 350)",
            "+1218 2 processes killed that it left behind: sleep (78), 1 more",
            "+1300 completed; result of 17 B stored",
        ]
    );
}

#[test]
fn an_environment_that_took_long_lies_between_claim_and_start() {
    let events = events(&[
        (0, None, "execution.requested", json!({})),
        (2, Some(1), "execution.scheduled", json!({"worker": 7})),
        (4, Some(1), "attempt.claimed", json!({})),
        (5004, Some(1), "execution.running", json!({})),
        (9000, Some(1), "attempt.failed", json!({"outcome": {"cause": "exited", "code": 3}})),
        (9000, Some(1), "execution.failed", json!({"outcome": {"cause": "exited", "code": 3}})),
    ]);
    let attempt = attempt(json!({
        "state": "failed", "outcome": {"cause": "exited", "code": 3}, "started_at": "2026-01-31T12:00:05.004Z",
        "ended_at": "2026-01-31T12:00:09.000Z", "evidence": {"environment_ms": 4990, "start_ms": 1, "pid": 77},
    }));
    assert_eq!(
        told(&execution("failed", json!({"cause": "exited", "code": 3})), &[attempt], &events)[2..],
        [
            "+4 claimed; its environment is being made ready",
            "+4994 environment ready after 4.9 s",
            "+5004 allowed to start",
            "+5005 started, pid 77",
            "+6205 exit 3, 1.2 s after its start",
            "+9000 failed",
        ]
    );
}

#[test]
fn retries_losses_and_what_never_started_are_told_with_their_reasons() {
    let lost = json!({"outcome": {"cause": "worker_lost"}});
    let events = events(&[
        (0, None, "execution.requested", json!({})),
        (2, Some(1), "execution.scheduled", json!({"worker": 7})),
        (15_000, Some(1), "attempt.superseded", json!({"reason": "not claimed in time"})),
        (15_000, Some(1), "execution.requested", json!({})),
        (15_001, Some(2), "execution.scheduled", json!({"worker": 8})),
        (15_004, Some(2), "execution.running", json!({})),
        (60_000, Some(2), "attempt.lost", lost.clone()),
        (60_000, Some(2), "execution.retrying", json!({"available_at_us": 1_769_860_865_000_000_i64})),
        (65_000, Some(3), "execution.scheduled", json!({"worker": 9})),
        (65_001, Some(3), "execution.canceling", json!({"by": "eve"})),
        (65_002, Some(3), "execution.cancelled", json!({"outcome": {"cause": "cancelled", "by": "eve"}})),
    ]);
    let attempts = [
        attempt(json!({"attempt": 1, "worker": "a", "evidence": null})),
        attempt(json!({"attempt": 2, "worker": "b", "evidence": null, "outcome": {"cause": "worker_lost"}})),
        attempt(json!({"attempt": 3, "worker": "c", "evidence": null})),
    ];
    assert_eq!(
        told(&execution("cancelled", json!({"cause": "cancelled", "by": "eve"})), &attempts, &events),
        [
            "+0 requested by ada",
            "+2 scheduled to a",
            "+15000 taken away: not claimed in time",
            "+15000 waits for a worker again",
            "+15001 scheduled to b",
            "+15004 claimed and allowed to start",
            "+60000 lost: outcome unknown: its worker vanished while it ran",
            "+60000 is tried again in 5.0 s",
            "+65000 scheduled to c",
            "+65001 cancel asked for by eve",
            "+65002 cancelled: cancelled by eve",
        ]
    );
}

#[test]
fn what_a_worker_says_never_leaves_its_place_in_the_story() {
    // A worker whose spans are nonsense still cannot have ended after its end was stored.
    let events = events(&[
        (4, Some(1), "execution.running", json!({})),
        (10, Some(1), "execution.completed", json!({"outcome": {"cause": "exited", "code": 0}})),
    ]);
    let attempt = attempt(json!({
        "resources": {"wall_ms": u64::MAX, "user_ms": 0, "system_ms": 0, "peak_rss_bytes": 0},
        "evidence": {"environment_ms": u64::MAX, "start_ms": u64::MAX, "pid": 7},
    }));
    let kinds: Vec<String> = timeline(&execution("completed", json!(null)), &[attempt], &events)
        .into_iter()
        .map(|line| format!("{} {}", line.since_ms, line.kind))
        .collect();
    assert_eq!(
        kinds,
        [
            "4 execution.running",
            "10 attempt.environment_ready",
            "10 attempt.started",
            "10 attempt.ended",
            "10 execution.completed",
        ]
    );
}
