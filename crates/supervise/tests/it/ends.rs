//! Every way to end, one child at a time.

use std::time::Duration;

use actix::Addr;
use attune_supervise::{
    ChildSpec, ChildState, Crash, CrashError, Exit, How, Policy, Restart, Strategy, Supervisor, TreeBuilder,
};

use crate::{
    subject::{Break, Count, Habits, HoldGuard, Subject},
    support::{CapturedLog, Journal, child_in, eventually, paused, status, tree},
};

fn one(restart: Restart, journal: &Journal, habits: Habits) -> (Addr<Subject>, Addr<Supervisor>) {
    let mut tree = tree(Strategy::OneForOne);
    let journal = journal.clone();
    let subject =
        tree.child(ChildSpec::new("subject", restart), move |life| Subject::new(life, "subject", &journal, habits));
    (subject, tree.start())
}

fn exit_of(how: Break) -> Exit {
    match how {
        Break::PanicInHandler => Exit::Panicked("boom in a handler".into()),
        Break::PanicInFuture => Exit::Panicked("boom in a future".into()),
        Break::PanicInTimer => Exit::Panicked("boom in a timer".into()),
        Break::Stop => Exit::Normal,
        Break::Fail => Exit::Failed("out of luck".into()),
        Break::Hang => Exit::Stuck,
    }
}

#[test]
fn after_every_way_to_end_the_same_address_answers_with_fresh_state_and_nothing_queued_is_lost() {
    for how in Break::ALL {
        paused(async move {
            let log = CapturedLog::start();
            let journal = Journal::default();
            let (subject, supervisor) = one(Restart::Permanent, &journal, Habits::default());
            assert_eq!(subject.send(Count).await.expect("it runs"), (0, 1));

            let broken = subject.send(how);
            let queued: Vec<_> = (0..50).map(|_| subject.send(Count)).collect();
            let answer = broken.await;
            // The timer answers before it strikes; every other way takes the answer in flight with it.
            let expected_lost = how != Break::PanicInTimer;
            assert_eq!(answer.is_err(), expected_lost, "{how:?}: only the message in hand is lost");
            let mut answers = Vec::new();
            for (number, queued) in queued.into_iter().enumerate() {
                answers.push(queued.await.unwrap_or_else(|error| panic!("{how:?}: message {number} behind: {error}")));
            }

            let child = child_in(&supervisor, "subject", ChildState::Running, 1).await;
            assert_eq!(child.last_exit, Some(exit_of(how)), "{how:?}");
            let in_new_life = answers.iter().filter(|(life, _)| *life == 1).count();
            if matches!(how, Break::PanicInHandler | Break::Stop | Break::Fail | Break::Hang) {
                assert_eq!(answers, (1..=50).map(|count| (1, count)).collect::<Vec<_>>(), "{how:?}: in order, fresh");
            }
            let next = subject.send(Count).await.expect("the same address answers");
            assert_eq!(next, (1, u32::try_from(in_new_life).expect("few") + 1), "{how:?}: fresh state");
            let logged = log.lines_with("child ended, restarting it");
            assert_eq!(logged.len(), 1, "{how:?}: logged once: {logged:?}");
            assert_eq!(journal.count("subject restarting"), 1, "{how:?}");
            assert_eq!(journal.count("subject started"), 2, "{how:?}");
        });
    }
}

#[test]
fn every_fault_can_be_injected_by_name_without_a_line_in_the_actor() {
    for how in How::ALL {
        paused(async move {
            let (subject, supervisor) = one(Restart::Permanent, &Journal::default(), Habits::default());
            assert_eq!(subject.send(Count).await.expect("it runs"), (0, 1));
            let crash = Crash { child: "subject".into(), how };
            supervisor.send(crash).await.expect("the supervisor answers").expect("the fault is in place");
            let child = child_in(&supervisor, "subject", ChildState::Running, 1).await;
            let expected = match how {
                How::PanicInHandler => Exit::Panicked("injected panic in a handler".into()),
                How::PanicInFuture => Exit::Panicked("injected panic in a future".into()),
                How::PanicInTimer => Exit::Panicked("injected panic in a timer".into()),
                How::Stop => Exit::Normal,
                How::Fail => Exit::Failed("injected failure".into()),
                How::Hang => Exit::Stuck,
            };
            assert_eq!(child.last_exit, Some(expected), "{how:?}");
            assert_eq!(subject.send(Count).await.expect("the same address answers"), (1, 1), "{how:?}");
        });
    }
}

#[test]
fn faults_are_refused_where_they_are_not_allowed_or_make_no_sense() {
    paused(async {
        let journal = Journal::default();
        let mut tree = TreeBuilder::new("production", Strategy::OneForOne, Policy::default());
        let _subject = tree.child(ChildSpec::new("subject", Restart::Permanent), move |life| {
            Subject::new(life, "subject", &journal, Habits::default())
        });
        let supervisor = tree.start();
        let crash = |child: &str| Crash { child: child.into(), how: How::Stop };
        assert_eq!(supervisor.send(crash("subject")).await, Ok(Err(CrashError::Disabled)));

        let (subject, supervisor) = one(Restart::Permanent, &Journal::default(), Habits::default());
        assert_eq!(supervisor.send(crash("nobody")).await, Ok(Err(CrashError::Unknown("nobody".into()))));
        subject.do_send(Break::Stop);
        child_in(&supervisor, "subject", ChildState::BackingOff, 0).await;
        assert_eq!(supervisor.send(crash("subject")).await, Ok(Err(CrashError::NotRunning("subject".into()))));
    });
}

#[test]
fn a_crash_drops_the_broken_state_and_every_future_before_the_backoff() {
    paused(async {
        let journal = Journal::default();
        let (subject, supervisor) = one(Restart::Permanent, &journal, Habits::default());
        subject.send(HoldGuard).await.expect("it runs");
        subject.do_send(Break::PanicInHandler);
        child_in(&supervisor, "subject", ChildState::BackingOff, 0).await;
        assert!(journal.has("subject state dropped") && journal.has("subject future dropped"));
        assert_eq!(journal.count("subject started"), 1, "the next life has not begun");
        assert!(!journal.has("subject stopped"), "no hook runs on a value that saw a panic");
    });
}

#[test]
fn a_panic_in_the_stopped_hook_is_an_end_like_any_other() {
    paused(async {
        let journal = Journal::default();
        let habits = Habits { panics_when_stopped: true, ..Habits::default() };
        let (subject, supervisor) = one(Restart::Permanent, &journal, habits);
        subject.do_send(Break::Stop);
        let child = child_in(&supervisor, "subject", ChildState::Running, 1).await;
        assert_eq!(child.last_panic.as_deref(), Some("bad stop"));
        assert_eq!(subject.send(Count).await.expect("it lives again"), (1, 1));
    });
}

#[test]
fn a_panic_in_the_started_hook_is_survived_once_it_stops() {
    paused(async {
        let journal = Journal::default();
        let (subject, supervisor) = one(Restart::Permanent, &journal, Habits { bad_starts: 2, ..Habits::default() });
        assert_eq!(subject.send(Count).await.expect("the queue waited"), (2, 1));
        child_in(&supervisor, "subject", ChildState::Running, 2).await;
    });
}

#[test]
fn a_panic_while_the_state_is_replaced_is_tried_again() {
    paused(async {
        let journal = Journal::default();
        let habits = Habits { panics_when_renewed: true, ..Habits::default() };
        let (subject, supervisor) = one(Restart::Permanent, &journal, habits);
        subject.do_send(Count);
        subject.do_send(Break::PanicInHandler);
        child_in(&supervisor, "subject", ChildState::Running, 1).await;
        assert_eq!(subject.send(Count).await.expect("it lives again"), (1, 1));
        assert_eq!(journal.count("subject restarting"), 2);
    });
}

#[test]
fn a_transient_child_may_end_and_a_temporary_one_always_stays_down() {
    paused(async {
        let ended = |restart, how| async move {
            let (subject, supervisor) = one(restart, &Journal::default(), Habits::default());
            subject.do_send(how);
            child_in(&supervisor, "subject", ChildState::Ended, 0).await;
            assert!(subject.send(Count).await.is_err(), "nobody is there");
        };
        ended(Restart::Transient, Break::Stop).await;
        ended(Restart::Temporary, Break::Stop).await;
        ended(Restart::Temporary, Break::PanicInHandler).await;

        let (subject, supervisor) = one(Restart::Transient, &Journal::default(), Habits::default());
        subject.do_send(Break::PanicInHandler);
        child_in(&supervisor, "subject", ChildState::Running, 1).await;
        assert_eq!(subject.send(Count).await.expect("restarted"), (1, 1));
    });
}

#[test]
fn the_age_of_a_mailbox_grows_only_while_nobody_answers() {
    paused(async {
        let (subject, supervisor) = one(Restart::Permanent, &Journal::default(), Habits::default());
        tokio::time::sleep(Duration::from_secs(60)).await;
        let age = |status: attune_supervise::TreeStatus| status.children[0].mailbox_age_ms.expect("it is alive");
        assert!(age(status(&supervisor).await) <= 5_000, "probed every five seconds");
        subject.do_send(Break::Hang);
        tokio::time::sleep(Duration::from_secs(9)).await;
        assert!(age(status(&supervisor).await) > 5_000, "one probe is missed");
    });
}

#[test]
fn messages_sent_before_the_start_are_answered_after_it() {
    paused(async {
        let mut tree = tree(Strategy::OneForOne);
        let subject = tree.child(ChildSpec::new("subject", Restart::Permanent), |life| {
            Subject::new(life, "subject", &Journal::default(), Habits::default())
        });
        let early = subject.send(Count);
        let _supervisor = tree.start();
        assert_eq!(early.await.expect("the queue existed before the actor"), (0, 1));
    });
}

#[test]
fn a_child_whose_address_nobody_keeps_lives_on() {
    paused(async {
        let journal = Journal::default();
        let (subject, supervisor) = one(Restart::Permanent, &journal, Habits::default());
        drop(subject);
        tokio::time::sleep(Duration::from_secs(60)).await;
        child_in(&supervisor, "subject", ChildState::Running, 0).await;
        drop(supervisor);
        eventually("the end of the child", || journal.has("subject state dropped")).await;
    });
}
