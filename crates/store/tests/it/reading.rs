//! Pages, cursors and logs.

use std::collections::HashSet;

use attune_store::{Answered, ExecutionFilter, NewExecution};
use attune_testkit::eventually;
use attune_types::{AttemptNumber, ExecutionId, ExecutionStatus, LogChunk, LogStream, Outcome, RetryCause, Timestamp};

use crate::stage::{PATIENCE, Stage, completion, request, retried, success};

async fn of_action(stage: &Stage, action: &str, count: usize) -> Vec<ExecutionId> {
    let mut one = request();
    one.spec.action = action.parse().expect("an action");
    let requests: Vec<NewExecution> = vec![one; count];
    stage.store.submit(requests).await.expect("submitted").into_iter().map(|one| one.id).collect()
}

pub(crate) async fn pages_hold_every_execution_once_newest_first(stage: &Stage) {
    let mut ids = of_action(stage, "core.echo", 25).await;
    ids.reverse();
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let filter = ExecutionFilter { before, limit: 10, ..ExecutionFilter::default() };
        let page = stage.store.executions(&filter).await.expect("listed");
        seen.extend(page.executions.iter().map(|one| one.id));
        // What is submitted meanwhile does not disturb the pages.
        of_action(stage, "core.echo", 1).await;
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(seen, ids);
    let page = stage.store.executions(&ExecutionFilter::default()).await.expect("listed");
    assert_eq!((page.executions.len(), page.next), (28, None));
}

pub(crate) async fn filters_choose_by_status_action_and_pack(stage: &Stage) {
    let echo = of_action(stage, "core.echo", 2).await;
    let http = of_action(stage, "core.http.get", 1).await;
    let core2 = of_action(stage, "core2.echo", 1).await;
    let hand = stage.worker("w", 1).await;
    let work = stage.run_again(echo[0], hand).await;
    assert_eq!(stage.complete(success(&work)).await, Answered::Accepted);
    let list = async |action: Option<&str>, statuses: &[ExecutionStatus]| {
        let filter = ExecutionFilter {
            action: action.map(str::to_owned),
            statuses: statuses.to_vec(),
            ..ExecutionFilter::default()
        };
        let page = stage.store.executions(&filter).await.expect("listed");
        page.executions.into_iter().map(|one| one.id).collect::<Vec<_>>()
    };
    assert_eq!(list(Some("core"), &[]).await, [http[0], echo[1], echo[0]]);
    assert_eq!(list(Some("core.echo"), &[]).await, [echo[1], echo[0]]);
    assert_eq!(list(Some("core.http"), &[]).await, []);
    assert_eq!(list(Some("core2"), &[ExecutionStatus::Requested]).await, core2);
    assert_eq!(list(None, &[ExecutionStatus::Completed]).await, [echo[0]]);
    assert_eq!(list(None, &[ExecutionStatus::Completed, ExecutionStatus::Requested]).await.len(), 4);
    assert_eq!(list(Some("core.http.get"), &[ExecutionStatus::Failed]).await, []);
}

pub(crate) async fn events_can_be_followed_without_a_gap(stage: &Stage) {
    let writers: Vec<_> = (0..8)
        .map(|_| {
            let store = stage.store.clone();
            tokio::spawn(async move {
                for _ in 0..10 {
                    store.submit(vec![request(), request()]).await.expect("submitted");
                }
            })
        })
        .collect();
    let mut seen = HashSet::new();
    let mut cursor = 0;
    while seen.len() < 160 {
        let after = cursor;
        let events = eventually("more events", PATIENCE, || async move {
            let events = stage.store.events(None, after, 7).await.expect("events").events;
            (!events.is_empty()).then_some(events)
        });
        let events = events.await;
        assert!(events.len() <= 7);
        cursor = events.last().expect("not empty").id;
        seen.extend(events.into_iter().map(|event| event.id));
    }
    for writer in writers {
        writer.await.expect("joined");
    }
    assert_eq!(stage.number("SELECT count(*) FROM execution_event").await, 160);
    assert!(stage.store.events(None, cursor, 10).await.expect("events").events.is_empty());
}

fn chunk(execution: ExecutionId, attempt: i32, sequence: i64, bytes: &[u8]) -> LogChunk {
    LogChunk {
        execution,
        attempt: AttemptNumber(attempt),
        sequence,
        stream: if sequence % 2 == 0 { LogStream::Stdout } else { LogStream::System },
        offset: u64::try_from(sequence).expect("small") * 10,
        at: Timestamp(1_000 + sequence),
        bytes: bytes.to_vec(),
    }
}

pub(crate) async fn log_pieces_are_kept_once_and_read_in_order(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let work = stage.run(retried(&[RetryCause::Failed], true), hand).await;
    assert_eq!(stage.complete(completion(&work, Outcome::Exited { code: 3 })).await, Answered::Accepted);
    let id = work.execution;
    stage.pass(60_000).await;
    assert_eq!(stage.run_again(id, hand).await.attempt, AttemptNumber(2));
    let other = stage.run(request(), hand).await.execution;
    let everything: Vec<u8> = (0..=255).collect();
    let pieces: Vec<LogChunk> = (0..5).map(|sequence| chunk(id, 1, sequence, &everything)).collect();
    // Out of order, twice, and with other words the second time.
    stage.store.append_logs(vec![pieces[2].clone(), pieces[0].clone(), pieces[1].clone()]).await.expect("appended");
    let mut second = pieces.clone();
    second[0].bytes = b"changed".to_vec();
    second.push(chunk(id, 2, 0, b""));
    second.push(chunk(other, 1, 0, b"other"));
    stage.store.append_logs(second).await.expect("appended");
    stage.store.append_logs(pieces.clone()).await.expect("appended");

    let mut read = Vec::new();
    let mut cursor = 0;
    loop {
        let page = stage.store.logs(id, cursor, 2).await.expect("logs");
        let Some((last, _)) = page.last() else { break };
        cursor = *last;
        read.extend(page.into_iter().map(|(_, chunk)| chunk));
    }
    let mut expected = pieces;
    expected.push(chunk(id, 2, 0, b""));
    assert_eq!(read, expected);
    assert_eq!(stage.store.logs(other, 0, 10).await.expect("logs").len(), 1);
    assert!(stage.store.logs(ExecutionId(987_654), 0, 10).await.expect("logs").is_empty());
}

pub(crate) async fn output_of_an_attempt_that_nobody_knows_is_left_out_and_the_rest_is_kept(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let known = stage.run(request(), hand).await.execution;
    // What an execution printed that the database was made to forget must not be shown as what its number's next one did.
    let next = stage.submit(request()).await;
    let pieces = vec![chunk(next, 1, 0, b"forgotten"), chunk(known, 1, 0, b"kept"), chunk(known, 2, 0, b"no such try")];
    stage.store.append_logs(pieces).await.expect("appended");
    assert_eq!(stage.number("SELECT count(*) FROM log_chunk").await, 1);
    stage.run_again(next, hand).await;
    stage.store.append_logs(vec![chunk(next, 1, 0, b"its own")]).await.expect("appended");
    let read = async |id| stage.store.logs(id, 0, 10).await.expect("logs").remove(0).1.bytes;
    assert_eq!((read(known).await, read(next).await), (b"kept".to_vec(), b"its own".to_vec()));
}
