//! Going down.

use std::time::Duration;

use actix::{Addr, System};
use attune_supervise::{
    Abort, ChildSpec, ChildState, Exit, Manner, Restart, Shutdown, Stop, StoppedChild, Strategy, Supervisor, TreeEnd,
};
use tokio::time::{Instant, sleep};

use crate::{
    subject::{Break, Count, Habits, Subject},
    support::{Journal, child_in, eventually, paused, status, tree},
};

const LIMIT: Duration = Duration::from_secs(10);

/// Three children that drain by message within these times.
fn draining(times: [Option<Duration>; 3], journal: &Journal) -> (Vec<Addr<Subject>>, Addr<Supervisor>) {
    let mut tree = tree(Strategy::OneForOne);
    let mut addresses = Vec::new();
    for (name, drains_within) in ["a", "b", "c"].into_iter().zip(times) {
        let journal = journal.clone();
        let habits = Habits { drains_within, ..Habits::default() };
        let spec = ChildSpec::new(name, Restart::Permanent).stop(Stop::Drain(LIMIT)).drain_by_message();
        addresses.push(tree.child(spec, move |life| Subject::new(life, name, &journal, habits)));
    }
    (addresses, tree.start())
}

fn without_starts(journal: &Journal) -> Vec<String> {
    journal.entries().into_iter().filter(|entry| !entry.ends_with("started")).collect()
}

#[test]
fn children_drain_in_reverse_order_each_after_the_one_behind_it_is_gone() {
    paused(async {
        let journal = Journal::default();
        let (addresses, supervisor) = draining([Some(Duration::from_secs(3)); 3], &journal);
        addresses[2].send(Count).await.expect("all run");
        let report = supervisor.send(Shutdown).await.expect("the supervisor answers");
        assert!(report.is_clean());
        let expected: Vec<_> = ["c", "b", "a"]
            .iter()
            .flat_map(|name| ["draining", "drained", "stopped", "state dropped"].map(|what| format!("{name} {what}")))
            .collect();
        assert_eq!(without_starts(&journal), expected);
        assert!(addresses.iter().all(|address| !address.connected()));
        let again = supervisor.send(Shutdown).await.expect("the supervisor answers");
        assert_eq!(again, report, "sent twice, answered twice");
    });
}

#[test]
fn a_child_that_does_not_drain_in_time_is_aborted_and_the_report_says_so() {
    paused(async {
        let journal = Journal::default();
        let (addresses, supervisor) = draining([Some(Duration::ZERO), None, Some(Duration::ZERO)], &journal);
        addresses[2].send(Count).await.expect("all run");
        let begun = Instant::now();
        let report = supervisor.send(Shutdown).await.expect("the supervisor answers");
        assert!(begun.elapsed() >= LIMIT && begun.elapsed() < LIMIT * 2);
        assert!(!report.is_clean());
        let manners: Vec<_> = report.children.iter().map(|child| (child.name.as_str(), child.manner)).collect();
        assert_eq!(manners, [("c", Manner::Drained), ("b", Manner::Aborted), ("a", Manner::Drained)]);
        assert!(!journal.has("b stopped") && journal.has("b state dropped"));
    });
}

#[test]
fn a_hanging_child_cannot_hold_up_the_shutdown() {
    paused(async {
        let journal = Journal::default();
        let (addresses, supervisor) = draining([Some(Duration::ZERO); 3], &journal);
        addresses[1].do_send(Break::Hang);
        addresses[2].send(Count).await.expect("it runs");
        let report = supervisor.send(Shutdown).await.expect("the supervisor answers");
        assert_eq!(report.children[1].manner, Manner::Aborted);
        assert!(journal.has("a drained"));
    });
}

#[test]
fn without_a_drain_message_the_queue_is_worked_off_and_the_context_stopped() {
    paused(async {
        let journal = Journal::default();
        let mut tree = tree(Strategy::OneForOne);
        let noted = journal.clone();
        let subject = tree.child(ChildSpec::new("subject", Restart::Permanent), move |life| {
            Subject::new(life, "subject", &noted, Habits::default())
        });
        let mut ending = tree.ending();
        let supervisor = tree.start();
        subject.send(Count).await.expect("it runs");
        let queued: Vec<_> = (0..10).map(|_| subject.send(Count)).collect();
        let report = supervisor.send(Shutdown).await.expect("the supervisor answers");
        let stopped = StoppedChild { name: "subject".into(), manner: Manner::Drained, exit: Exit::Shutdown };
        assert_eq!(report.children, [stopped]);
        assert!(journal.has("subject stopped"));
        for queued in queued {
            queued.await.expect("answered before the stop");
        }
        assert_eq!(ending.wait().await, TreeEnd::ShutDown);
        assert_eq!(status(&supervisor).await.children[0].state, ChildState::Ended);
    });
}

#[test]
fn a_brutal_stop_runs_no_hooks_and_drops_everything() {
    paused(async {
        let journal = Journal::default();
        let mut tree = tree(Strategy::OneForOne);
        let noted = journal.clone();
        let spec = ChildSpec::new("subject", Restart::Permanent).stop(Stop::Brutal);
        let subject = tree.child(spec, move |life| Subject::new(life, "subject", &noted, Habits::default()));
        let supervisor = tree.start();
        subject.send(Count).await.expect("it runs");
        let report = supervisor.send(Shutdown).await.expect("the supervisor answers");
        assert_eq!(report.children[0].manner, Manner::Aborted);
        assert_eq!(without_starts(&journal), ["subject state dropped"]);
    });
}

#[test]
fn an_abort_cuts_a_running_drain_short() {
    paused(async {
        let journal = Journal::default();
        let (addresses, supervisor) = draining([None; 3], &journal);
        addresses[2].send(Count).await.expect("all run");
        let begun = Instant::now();
        let shutdown = supervisor.send(Shutdown);
        sleep(Duration::from_secs(1)).await;
        let report = supervisor.send(Abort).await.expect("the supervisor answers");
        assert!(begun.elapsed() < LIMIT);
        assert!(report.children.iter().all(|child| child.manner == Manner::Aborted));
        assert_eq!(shutdown.await.expect("the first one resolves too"), report);
    });
}

#[test]
fn a_child_between_two_lives_is_stopped_without_waiting_for_its_backoff() {
    paused(async {
        let journal = Journal::default();
        let (addresses, supervisor) = draining([Some(Duration::ZERO); 3], &journal);
        addresses[0].do_send(Break::Fail);
        child_in(&supervisor, "a", ChildState::BackingOff, 0).await;
        let report = supervisor.send(Shutdown).await.expect("the supervisor answers");
        assert_eq!(report.children[2].exit, Exit::Failed("out of luck".into()));
        assert_eq!(journal.count("a started"), 1);
    });
}

#[test]
fn dropping_the_supervisor_leaves_nothing_running() {
    paused(async {
        let journal = Journal::default();
        let mut tree = tree(Strategy::OneForOne);
        let group = tree.group("group");
        let noted = journal.clone();
        let subject = tree.child(ChildSpec::new("subject", Restart::Permanent), move |life| {
            Subject::new(life, "subject", &noted, Habits::default())
        });
        let mut ending = tree.ending();
        let supervisor = tree.start();
        let noted = journal.clone();
        let child = group.spawn("guest", move |life| Subject::new(life, "guest", &noted, Habits::default()));
        subject.send(Count).await.expect("it runs");
        drop(group);
        drop(supervisor);
        assert_eq!(ending.wait().await, TreeEnd::Abandoned);
        assert_eq!(child.exit.await, Exit::Shutdown);
        eventually("the end of both", || journal.has("subject state dropped") && journal.has("guest state dropped"))
            .await;
        assert!(!subject.connected() && !child.address.connected());
    });
}

#[test]
fn a_tree_that_is_never_started_leaves_nothing_behind() {
    paused(async {
        let mut tree = tree(Strategy::OneForOne);
        let subject = tree.child(ChildSpec::new("subject", Restart::Permanent), |life| {
            Subject::new(life, "subject", &Journal::default(), Habits::default())
        });
        let supervisor = tree.supervisor();
        drop(tree);
        assert!(!subject.connected() && !supervisor.connected());
    });
}

#[test]
fn the_end_of_the_system_runs_the_hooks_of_live_actors_and_survives_their_panics() {
    let journal = Journal::default();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    let system = System::with_tokio_rt(runtime);
    let noted = journal.clone();
    let supervisor = system.block_on(async move {
        let mut tree = tree(Strategy::OneForOne);
        let habits = Habits { panics_when_stopped: true, ..Habits::default() };
        let subject = tree.child(ChildSpec::new("subject", Restart::Permanent), move |life| {
            Subject::new(life, "subject", &noted, habits)
        });
        let supervisor = tree.start();
        subject.send(Count).await.expect("it runs");
        supervisor
    });
    drop(system);
    assert_eq!(without_starts(&journal), ["subject stopped", "subject state dropped"]);
    assert!(!supervisor.connected());
}
