//! What the databases themselves refuse, whoever asks.

use attune_types::{AttemptState, ExecutionStatus};

use crate::stage::{Stage, request, success};

/// The shortest legal way from a start to each state.
fn ways<S: Copy + PartialEq>(all: &[S], start: S, may_become: impl Fn(S, S) -> bool) -> Vec<Vec<S>> {
    let mut found = vec![vec![start]];
    let mut next = 0;
    while next < found.len() {
        let way = found[next].clone();
        next += 1;
        for state in all {
            let last = *way.last().expect("a way has a start");
            if may_become(last, *state) && !found.iter().any(|known| known.last() == Some(state)) {
                found.push(way.iter().copied().chain([*state]).collect());
            }
        }
    }
    assert_eq!(found.len(), all.len(), "every state can be reached");
    found
}

pub(crate) async fn executions_move_exactly_as_the_table_says(stage: &Stage) {
    let ways = ways(ExecutionStatus::ALL, ExecutionStatus::Requested, ExecutionStatus::may_become);
    for way in ways {
        let from = *way.last().expect("a way has an end");
        for to in ExecutionStatus::ALL {
            if *to == from && !from.is_terminal() {
                continue;
            }
            let id = stage.submit(request()).await;
            for step in &way[1..] {
                let sql = format!("UPDATE execution SET status = '{step}', worker_id = 1 WHERE id = {id}");
                assert_eq!(stage.sql(&sql).await.expect("a legal step"), 1);
            }
            let tried = stage.sql(&format!("UPDATE execution SET status = '{to}' WHERE id = {id}")).await;
            assert_eq!(tried.is_ok(), from.may_become(*to), "{from} to {to}");
        }
    }
    assert!(stage.sql("UPDATE execution SET status = 'nonsense'").await.is_err());
    let born_running = "INSERT INTO execution (action, status, requirement_key, available_at, requested_at) \
                        VALUES ('a.b', 'running', 'k', 0, 0)";
    assert!(stage.sql(born_running).await.is_err());
}

pub(crate) async fn attempts_move_exactly_as_the_table_says(stage: &Stage) {
    let mut execution = 1_000_000;
    for way in ways(AttemptState::ALL, AttemptState::Assigned, AttemptState::may_become) {
        let from = *way.last().expect("a way has an end");
        for to in AttemptState::ALL {
            if *to == from {
                continue;
            }
            execution += 1;
            insert_attempt(stage, execution, 1).await.expect("inserted");
            for step in &way[1..] {
                let sql = format!("UPDATE execution_attempt SET state = '{step}' WHERE execution_id = {execution}");
                assert_eq!(stage.sql(&sql).await.expect("a legal step"), 1);
            }
            let sql = format!("UPDATE execution_attempt SET state = '{to}' WHERE execution_id = {execution}");
            assert_eq!(stage.sql(&sql).await.is_ok(), from.may_become(*to), "{from} to {to}");
        }
    }
}

async fn insert_attempt(stage: &Stage, execution: i64, attempt: i64) -> Result<u64, sqlx::Error> {
    // Sixteen zero bytes, written so that both databases read them.
    let zeros = match stage.store.kind() {
        "postgres" => "decode(repeat('00', 16), 'hex')",
        _ => "zeroblob(16)",
    };
    let sql = format!(
        "INSERT INTO execution_attempt (execution_id, attempt, worker_id, incarnation, assigned_at, \
         dispatch_deadline) VALUES ({execution}, {attempt}, 1, {zeros}, 0, 0)"
    );
    stage.sql(&sql).await
}

pub(crate) async fn an_execution_never_has_two_live_attempts(stage: &Stage) {
    insert_attempt(stage, 7, 1).await.expect("inserted");
    assert!(insert_attempt(stage, 7, 2).await.is_err());
    stage.sql("UPDATE execution_attempt SET state = 'superseded' WHERE execution_id = 7").await.expect("ended");
    insert_attempt(stage, 7, 2).await.expect("inserted");
    assert!(insert_attempt(stage, 7, 2).await.is_err());
}

pub(crate) async fn what_has_ended_never_changes(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let work = stage.run(request(), hand).await;
    let _applied = stage.complete(success(&work)).await;
    let before = stage.execution(work.execution).await;
    for change in ["status = 'running'", "status = 'completed'", "outcome = '{}'", "result = '1'", "ended_at = 0"] {
        assert!(stage.sql(&format!("UPDATE execution SET {change}")).await.is_err(), "{change}");
    }
    for change in ["outcome = '{}'", "started_at = 0", "state = 'running'", "worker_id = 9", "ended_at = 0"] {
        assert!(stage.sql(&format!("UPDATE execution_attempt SET {change}")).await.is_err(), "{change}");
    }
    assert!(stage.sql("UPDATE execution_request SET parameters = '{}'").await.is_err());
    assert_eq!(stage.execution(work.execution).await, before);
}

pub(crate) async fn history_is_written_by_the_database_and_only_grows(stage: &Stage) {
    let id = stage.submit(request()).await;
    stage
        .sql(&format!("UPDATE execution SET status = 'scheduled', worker_id = 5 WHERE id = {id}"))
        .await
        .expect("moved");
    stage.sql(&format!("UPDATE execution SET attempts = 1 WHERE id = {id}")).await.expect("not a move");
    stage.sql(&format!("UPDATE execution SET status = 'running' WHERE id = {id}")).await.expect("moved");
    assert_eq!(stage.kinds(id).await, ["execution.requested", "execution.scheduled", "execution.running"]);
    let events = stage.store.events(Some(id), 0, 10).await.expect("events").events;
    assert_eq!(events[1].detail, serde_json::json!({"worker": 5}));
    assert_eq!((events[1].attempt, events[2].attempt.map(|number| number.0)), (None, Some(1)));
    assert!(events.is_sorted_by_key(|event| (event.id, event.at)));
    assert!(stage.sql("UPDATE execution_event SET kind = 'x'").await.is_err());
    assert!(stage.sql("DELETE FROM execution_event").await.is_err());
}
