//! Panics on top of panics, and how they are told.

use actix::{Actor, Context, Handler, Message, Supervised};
use attune_supervise::{ChildSpec, ChildState, Children, Exit, Restart, Shutdown, Strategy, install_panic_hook};

use crate::{
    subject::{Break, Count, Habits, Subject},
    support::{CapturedLog, Journal, child_in, paused, tree},
};

#[test]
fn a_panic_in_a_handler_of_an_actor_whose_stopped_hook_panics_does_not_abort_the_process() {
    paused(async {
        let journal = Journal::default();
        let habits = Habits { panics_when_stopped: true, ..Habits::default() };
        let mut tree = tree(Strategy::OneForOne);
        let noted = journal.clone();
        let subject = tree.child(ChildSpec::new("subject", Restart::Permanent), move |life| {
            Subject::new(life, "subject", &noted, habits)
        });
        let supervisor = tree.start();
        subject.do_send(Break::PanicInHandler);
        child_in(&supervisor, "subject", ChildState::Running, 1).await;
        assert_eq!(subject.send(Count).await.expect("alive"), (1, 1));
        assert!(!journal.has("subject stopped"), "the hook is never run on the broken value");
        let report = supervisor.send(Shutdown).await.expect("the supervisor answers");
        assert_eq!(report.children[0].exit, Exit::Panicked("bad stop".into()), "and its own panic is reported");
        assert!(!report.is_clean());
    });
}

/// An actor whose handler panics, and whose destructor panics too.
struct Brittle;

impl Actor for Brittle {
    type Context = Context<Self>;
}

impl Supervised for Brittle {}

impl Drop for Brittle {
    fn drop(&mut self) {
        panic!("panic in the destructor");
    }
}

struct Touch;

impl Message for Touch {
    type Result = ();
}

impl Handler<Touch> for Brittle {
    type Result = ();

    fn handle(&mut self, _: Touch, _: &mut Context<Self>) {
        panic!("panic in the handler");
    }
}

#[test]
fn a_destructor_that_panics_after_the_unwinding_is_contained() {
    paused(async {
        let group = Children::new("group");
        let child = group.spawn("brittle", |_| Brittle);
        child.address.do_send(Touch);
        assert_eq!(child.exit.await, Exit::Panicked("panic in the handler".into()));
    });
}

#[test]
fn a_payload_that_is_no_text_is_still_a_panic() {
    struct Odd;
    impl Actor for Odd {
        type Context = Context<Self>;
        fn started(&mut self, _: &mut Context<Self>) {
            std::panic::panic_any(42);
        }
    }
    paused(async {
        let child = Children::new("group").clone().spawn("odd", |_| Odd);
        let exit = child.exit.await;
        assert!(matches!(exit, Exit::Panicked(_) | Exit::Shutdown));
        let group = Children::new("group");
        assert_eq!(group.spawn("odd", |_| Odd).exit.await, Exit::Panicked("panic without a message".into()));
    });
}

#[test]
fn every_panic_is_logged_once_with_its_place_and_its_child() {
    install_panic_hook();
    install_panic_hook();
    paused(async {
        let log = CapturedLog::start();
        let mut tree = tree(Strategy::OneForOne);
        let subject = tree.child(ChildSpec::new("subject", Restart::Permanent), |life| {
            Subject::new(life, "subject", &Journal::default(), Habits::default())
        });
        let supervisor = tree.start();
        subject.do_send(Break::PanicInHandler);
        child_in(&supervisor, "subject", ChildState::Running, 1).await;
        let lines = log.lines_with("panic.location");
        assert_eq!(lines.len(), 1, "{lines:?}");
        for part in ["boom in a handler", "tests/it/subject.rs:", "child.name=\"subject\""] {
            assert!(lines[0].contains(part), "{part} in {}", lines[0]);
        }
        assert_eq!(log.lines_with("boom in a handler").len(), 2, "the panic, and the decision");
    });
}
