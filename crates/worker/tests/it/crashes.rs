//! Every actor is crashed while ten executions run.

use attune_supervise::{Crash, How};
use attune_testkit::eventually;
use attune_types::{ExecutionStatus, Outcome};
use attune_worker::WorkerHandle;
use serde_json::Map;

use crate::fixture::{Fixture, LONG, gated, in_system, shell};

/// Breaks a child and waits until it lives again.
pub(crate) async fn crash(worker: &WorkerHandle, child: &str, how: How) {
    let restarts = || async {
        let status = worker.status().await.tree.expect("the tree answers");
        status.child(child).unwrap_or_else(|| panic!("there is no child {child}")).restarts
    };
    let before = restarts().await;
    let order = Crash { child: child.to_owned(), how };
    worker.tree().send(order).await.expect("the supervisor answers").expect("it can be broken");
    eventually(&format!("another life of {child}"), LONG, || async { (restarts().await > before).then_some(()) }).await;
}

/// Crashes every actor in these ways, each time with ten executions running and ten more waiting.
pub(crate) async fn crash_each_actor(fixture: &Fixture, ways: &[How]) {
    let mut settings = fixture.settings();
    settings.slots = 10;
    let worker = fixture.builder(settings).fault_injection(true).start().await.expect("the worker starts");
    let link = eventually("a connection", LONG, || async { worker.link() }).await;
    for child in ["registration", "heartbeat", "artifact-sink", "env-setup", "executions", "consumer"] {
        for how in ways {
            let gate = fixture.directory.path().join(format!("gate-{child}-{how:?}"));
            let mut ids = Vec::new();
            for _ in 0..20 {
                ids.push(fixture.submit(shell(&gated(&gate)), Map::new()).await);
            }
            fixture.dispatch(&worker, &ids).await;
            for id in &ids[..10] {
                fixture.running(*id).await;
            }
            crash(&worker, child, *how).await;
            std::fs::write(&gate, b"").expect("the gate opens");
            fixture.assert_ended_once(&ids, ExecutionStatus::Completed).await;
            assert_eq!(worker.link().as_ref(), Some(&link), "{child} {how:?}: the same connection and consumer");
        }
    }
    assert_eq!(worker.counts().faults, 0);
    assert_eq!(worker.counts().links_lost, 0);
    assert!(fixture.tag.living().is_empty(), "no process is left");
    fixture.stop(&worker).await;
}

#[test]
fn ten_executions_survive_a_panic_of_every_actor() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        crash_each_actor(&fixture, &[How::PanicInHandler, How::PanicInFuture]).await;
    });
}

#[test]
fn ten_executions_survive_a_failure_of_every_actor() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        crash_each_actor(&fixture, &[How::Fail]).await;
    });
}

#[test]
fn a_crashed_executor_takes_its_process_along_and_nobody_else() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let worker = fixture.builder(fixture.settings()).fault_injection(true).start().await.expect("it starts");
        let gate = fixture.directory.path().join("gate");
        let doomed = fixture.run(&worker, "trap '' TERM; echo up; sleep 1000; sleep 1000").await;
        let other = fixture.run(&worker, &gated(&gate)).await;
        fixture.running(doomed).await;
        fixture.running(other).await;
        let order = Crash { child: format!("execution-{doomed}.1"), how: How::PanicInHandler };
        worker.tree().send(order).await.expect("the supervisor answers").expect("it can be broken");
        let execution = fixture.ended(doomed).await;
        assert_eq!(execution.status, ExecutionStatus::Failed);
        assert!(matches!(execution.outcome, Some(Outcome::WorkerFault { .. })), "{:?}", execution.outcome);
        assert!(!fixture.tag.living().iter().any(|process| process.command.contains("1000")), "its processes are gone");
        assert_eq!(fixture.execution(other).await.status, ExecutionStatus::Running);
        std::fs::write(&gate, b"").expect("the gate opens");
        fixture.assert_ended_once(&[other], ExecutionStatus::Completed).await;
        assert_eq!(worker.counts().faults, 1);
        fixture.stop(&worker).await;
    });
}
