use serde_json::json;

use super::*;

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("a document")
}

/// A script that had trouble of every kind: killed for memory on a worker that could do little, then tried again.
fn troubled() -> (Execution, Vec<Attempt>, Vec<ExecutionEvent>) {
    let killed = json!({"cause": "oom_killed", "limit_bytes": 67_108_864, "peak_bytes": 67_100_672});
    let done = json!({"cause": "exited", "code": 0});
    let execution = read(json!({
        "id": 42, "action": "examples.hungry", "status": "completed", "parameters": {"name": "Ada"},
        "outcome": done, "result": {"sum": 3}, "attempts": 2, "requirement": {"runtime": "shell"},
        "requested_by": "ada", "labels": {"team": "data"}, "requested_at": "2026-01-31T23:59:58.000Z",
        "started_at": "2026-02-01T00:00:04.204Z", "ended_at": "2026-02-01T00:00:05.000Z",
    }));
    let attempts = read(json!([
        {
            "execution": 42, "attempt": 1, "state": "failed", "worker": "w3", "outcome": killed,
            "assigned_at": "2026-01-31T23:59:58.002Z", "claimed_at": "2026-01-31T23:59:58.004Z",
            "started_at": "2026-01-31T23:59:58.104Z", "ended_at": "2026-01-31T23:59:59.200Z",
            "resources": {"wall_ms": 1080, "user_ms": 310, "system_ms": 95, "peak_rss_bytes": 9, "peak_memory_bytes": 67_100_672},
            "evidence": {
                "environment_ms": 96, "start_ms": 1, "pid": 77, "started_at": "2026-01-31T23:59:58.105Z",
                "sandbox": {"level": 1, "kill_way": "scan", "missing": ["Landlock is not in this kernel"]},
                "limits": [
                    {"limit": "memory", "asked": 67_108_864, "by": "cgroup"},
                    {"limit": "cpu", "asked": 10, "by": "rlimit", "why": "of each process, not of the tree"},
                    {"limit": "processes", "asked": 64, "by": "nothing", "why": "no control group here"},
                ],
                "output": {
                    "stdout_bytes": 1_258_291, "stderr_bytes": 12, "closed_early": true,
                    "gaps": [{"stream": "stdout", "from": 524_288, "to": 786_432}],
                },
                "survivors": [{"pid": 78, "name": "sleep"}, {"pid": 79, "name": "sh"}],
            },
            "late_outcome": {"cause": "exited", "code": 0},
        },
        {
            "execution": 42, "attempt": 2, "state": "succeeded", "worker": "w4", "outcome": done,
            "assigned_at": "2026-02-01T00:00:04.202Z", "claimed_at": "2026-02-01T00:00:04.204Z",
            "started_at": "2026-02-01T00:00:04.204Z", "ended_at": "2026-02-01T00:00:05.000Z",
            "resources": {"wall_ms": 780, "user_ms": 5, "system_ms": 2, "peak_rss_bytes": 0},
            "evidence": {
                "environment_ms": 0, "start_ms": 1, "pid": 12, "sandbox": {"level": 3, "kill_way": "scope"},
                "output": {"stdout_bytes": 0, "stderr_bytes": 0}, "artifacts": 3,
            },
        },
    ]));
    let rows = [
        ("2026-01-31T23:59:58.000Z", json!(null), "execution.requested", json!({})),
        ("2026-01-31T23:59:58.002Z", json!(1), "execution.scheduled", json!({"worker": 7})),
        ("2026-01-31T23:59:58.004Z", json!(1), "attempt.claimed", json!({})),
        ("2026-01-31T23:59:58.104Z", json!(1), "execution.running", json!({})),
        ("2026-01-31T23:59:59.200Z", json!(1), "attempt.failed", json!({"outcome": killed})),
        (
            "2026-01-31T23:59:59.200Z",
            json!(1),
            "execution.retrying",
            json!({"available_at_us": 1_769_904_004_200_000_i64}),
        ),
        ("2026-02-01T00:00:04.202Z", json!(2), "execution.scheduled", json!({"worker": 8})),
        ("2026-02-01T00:00:04.204Z", json!(2), "execution.running", json!({})),
        ("2026-02-01T00:00:05.000Z", json!(2), "execution.completed", json!({"outcome": done})),
    ];
    let events = rows
        .into_iter()
        .zip(1..)
        .map(|((at, attempt, kind, detail), id)| {
            read(json!({"id": id, "execution": 42, "attempt": attempt, "kind": kind, "detail": detail, "at": at}))
        })
        .collect();
    (execution, attempts, events)
}

#[test]
fn a_story_with_trouble_of_every_kind_reads_from_top_to_bottom() {
    let (execution, attempts, events) = troubled();
    let now = "2026-02-01T00:02:05.000Z".parse().expect("a time");
    let text = timeline(&execution, &attempts, &events, now);
    let expected = "\
execution   42
action      examples.hungry
status      completed, 7.0 s after the request
outcome     exit 0
requested   2026-01-31 23:59:58.000 UTC, 2m ago
ended       2026-02-01 00:00:05.000 UTC, 2m ago
parameters  {\"name\":\"Ada\"}
result      {\"sum\":3}
asked by    ada
labels      team=data

2026-01-31 (UTC)
  23:59:58.000      +0 ms  requested by ada
  23:59:58.002      +2 ms  attempt 1: scheduled to w3
  23:59:58.004      +4 ms  attempt 1: claimed; its environment is being made
                           ready
  23:59:58.100    +100 ms  attempt 1: environment ready after 96 ms
  23:59:58.104    +104 ms  attempt 1: allowed to start
  23:59:58.105    +105 ms  attempt 1: started, pid 77, sandbox level 1
";
    assert!(text.starts_with(expected), "{text}");
    let rest = "
2026-02-01 (UTC)
  00:00:04.202     +6.2 s  attempt 2: scheduled to w4
  00:00:04.204     +6.2 s  attempt 2: claimed and allowed to start
  00:00:04.204     +6.2 s  attempt 2: environment ready after 0 ms
  00:00:04.205     +6.2 s  attempt 2: started, pid 12, sandbox level 3
  00:00:04.985     +6.9 s  attempt 2: exit 0, 780 ms after its start
  00:00:05.000     +7.0 s  attempt 2: completed; result of 9 B stored

attempt 1 on w3: failed
";
    assert!(text.contains(rest), "{text}");
    let held = "  took       1.0 s, processor 405 ms (user 310 ms, system 95 ms), peak memory
             63.9 MiB (all processes)
  sandbox    level 1 of 3, tree held by scan
             missing: Landlock is not in this kernel
  limits     memory 64 MiB by cgroup
             cpu 10 s by rlimit (of each process, not of the tree)
             processes 64, not enforced: no control group here
  output     1.1 MiB on stdout, 12 B on stderr; 262144 bytes of stdout left out
             (from byte 524288 to 786432); closed early: a background process
             still held it
  left over  2 processes killed that it left behind: sleep (78), sh (79)
  late       its worker reported later, and was not believed: exit 0

attempt 2 on w4: succeeded
  outcome    exit 0
  took       780 ms, processor 7 ms (user 5 ms, system 2 ms)
  sandbox    level 3 of 3, tree held by scope
  output     0 B on stdout, 0 B on stderr
  artifacts  3 files
";
    assert!(text.ends_with(held), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn a_failed_execution_ends_with_what_to_do_next() {
    let execution: Execution = read(json!({
        "id": 42, "action": "examples.fail", "status": "failed", "parameters": {},
        "outcome": {"cause": "exited", "code": 7}, "result": null, "attempts": 1,
        "requirement": {"runtime": "shell"}, "requested_at": "2026-01-31T12:00:00.000Z",
    }));
    let text = timeline(&execution, &[], &[], execution.requested_at);
    assert!(text.contains("outcome     exit 7\n"), "{text}");
    assert!(text.contains("\n  no events\n"), "{text}");
    assert!(text.ends_with("\nhint: the script's own output says why: `attune execution logs 42`\n"), "{text}");
}

#[test]
fn what_has_not_ended_says_since_when() {
    let execution: Execution = read(json!({
        "id": 1, "action": "a.b", "status": "running", "parameters": {}, "result": null, "attempts": 1,
        "requirement": {"runtime": "shell"}, "requested_at": "2026-01-31T12:00:00.000Z",
        "started_at": "2026-01-31T12:00:01.000Z",
    }));
    let now = Timestamp(execution.requested_at.0 + 61_000_000);
    assert_eq!(status(&execution, now), "running, for 1m00s now");
}

#[test]
fn foreign_text_makes_no_lines_that_look_like_ours() {
    let execution: Execution = read(json!({
        "id": 1, "action": "a.b", "status": "failed", "parameters": {},
        "outcome": {"cause": "not_executable", "reason": "x\n  12:00:00.000      +0 ms  completed"}, "result": null,
        "attempts": 1, "requirement": {"runtime": "shell"}, "requested_at": "2026-01-31T12:00:00.000Z",
    }));
    let text = timeline(&execution, &[], &[], execution.requested_at);
    assert!(!text.contains("\n  12:00:00.000"), "{text}");
}

#[test]
fn the_evidence_of_what_never_started_is_shown() {
    let attempt: Attempt = read(json!({
        "execution": 1, "attempt": 1, "state": "failed", "worker": "w", "assigned_at": "2026-01-31T12:00:00.000Z",
        "outcome": {"cause": "environment_failed", "step": "pip install", "log": "no such package: nmpy\nbye"},
    }));
    let text = attempt::attempt(&attempt);
    let expected = "attempt 1 on w: failed\n  outcome    environment could not be prepared: pip install\n             \
                    | no such package: nmpy\n             | bye\n";
    assert_eq!(text, expected);
}
