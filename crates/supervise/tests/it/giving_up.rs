//! The end of patience.

use std::time::Duration;

use attune_supervise::{Backoff, ChildSpec, GiveUp, Life, Policy, Restart, Strategy, TreeBuilder, TreeEnd};
use tokio::time::sleep;

use crate::{
    subject::{Break, Count, Habits, Subject},
    support::{CapturedLog, Journal, child_in, paused},
};
use attune_supervise::ChildState;

fn policy(intensity: u32) -> Policy {
    let backoff = Backoff { min: Duration::ZERO, jitter: 0.0, ..Backoff::default() };
    Policy { intensity, period: Duration::from_secs(600), healthy_after: Duration::from_secs(60), backoff }
}

#[test]
fn too_many_failures_stop_the_tree_in_reverse_and_tell_the_owner_why() {
    paused(async {
        let log = CapturedLog::start();
        let journal = Journal::default();
        let mut tree = TreeBuilder::new("worker", Strategy::OneForOne, policy(2));
        for name in ["first", "second"] {
            let journal = journal.clone();
            tree.child(ChildSpec::new(name, Restart::Permanent), move |life| {
                Subject::new(life, name, &journal, Habits::default())
            });
        }
        let noted = journal.clone();
        let weak = tree.child(ChildSpec::new("weak", Restart::Permanent), move |life| {
            Subject::new(life, "weak", &noted, Habits { bad_starts: 99, ..Habits::default() })
        });
        let mut ending = tree.ending();
        let _supervisor = tree.start();
        let reason = "panicked: bad start (after 2 restarts within 600s)".to_owned();
        let give_up = GiveUp { tree: "worker".into(), child: "weak".into(), reason };
        assert_eq!(ending.wait().await, TreeEnd::GaveUp(give_up));
        assert_eq!(journal.count("weak started"), 3, "one life and two restarts");
        let stopped: Vec<_> = journal.entries().into_iter().filter(|entry| entry.ends_with("stopped")).collect();
        assert_eq!(stopped, ["second stopped", "first stopped"]);
        assert!(weak.send(Count).await.is_err());
        assert_eq!(log.lines_with("supervisor gives up").len(), 1);
        assert_eq!(log.lines_with("child ended, restarting it").len(), 2);
    });
}

#[test]
fn a_healthy_spell_forgives_what_was_before() {
    paused(async {
        let mut tree = TreeBuilder::new("worker", Strategy::OneForOne, policy(1));
        let subject = tree.child(ChildSpec::new("subject", Restart::Permanent), |life| {
            Subject::new(life, "subject", &Journal::default(), Habits::default())
        });
        let mut ending = tree.ending();
        let supervisor = tree.start();
        for restarts in 1..=5 {
            subject.do_send(Break::PanicInHandler);
            child_in(&supervisor, "subject", ChildState::Running, restarts).await;
            sleep(Duration::from_secs(61)).await;
        }
        assert_eq!(subject.send(Count).await.expect("still there"), (5, 1));
        subject.do_send(Break::PanicInHandler);
        child_in(&supervisor, "subject", ChildState::Running, 6).await;
        subject.do_send(Break::PanicInHandler);
        assert!(matches!(ending.wait().await, TreeEnd::GaveUp(_)), "twice without a healthy spell");
    });
}

#[test]
fn one_child_does_not_spend_the_allowance_of_another() {
    paused(async {
        let mut tree = TreeBuilder::new("worker", Strategy::OneForOne, policy(1));
        let mut addresses = Vec::new();
        for name in ["a", "b", "c"] {
            let journal = Journal::default();
            addresses.push(tree.child(ChildSpec::new(name, Restart::Permanent), move |life| {
                Subject::new(life, name, &journal, Habits::default())
            }));
        }
        let _supervisor = tree.start();
        for address in &addresses {
            address.do_send(Break::Fail);
        }
        for address in &addresses {
            assert_eq!(address.send(Count).await.expect("restarted"), (1, 1));
        }
    });
}

#[test]
fn a_child_that_cannot_be_created_is_a_reason_to_give_up() {
    paused(async {
        let mut tree = TreeBuilder::new("worker", Strategy::OneForOne, Policy::default());
        tree.child(ChildSpec::new("subject", Restart::Permanent), |_: Life<Subject>| -> Subject { panic!("no disk") });
        let mut ending = tree.ending();
        let _supervisor = tree.start();
        let TreeEnd::GaveUp(give_up) = ending.wait().await else { panic!("it gives up") };
        assert_eq!(give_up.reason, "could not be created: panicked: no disk");
        assert_eq!(
            give_up.to_string(),
            "supervisor `worker` gave up on `subject`: could not be created: panicked: no disk"
        );
    });
}

#[test]
fn a_policy_of_its_own_goes_before_that_of_the_tree() {
    paused(async {
        let mut tree = TreeBuilder::new("worker", Strategy::OneForOne, Policy::default());
        let spec = ChildSpec::new("subject", Restart::Permanent).policy(policy(0));
        let subject = tree.child(spec, |life| Subject::new(life, "subject", &Journal::default(), Habits::default()));
        let mut ending = tree.ending();
        let _supervisor = tree.start();
        subject.do_send(Break::Stop);
        assert!(matches!(ending.wait().await, TreeEnd::GaveUp(_)));
    });
}
