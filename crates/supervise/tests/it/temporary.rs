//! Children that come and go.

use std::time::Duration;

use actix::{Actor, Arbiter, Context, Handler, Message, ResponseFuture, Supervised};
use attune_supervise::{ChildSpec, ChildState, Children, Crash, Exit, How, Life, Restart, Shutdown, Strategy};

use crate::{
    subject::{Break, Count, Habits, Subject},
    support::{Journal, child_in, paused, status, tree},
};

fn subject(life: Life<Subject>) -> Subject {
    Subject::new(life, "guest", &Journal::default(), Habits::default())
}

#[test]
fn every_end_of_a_temporary_child_is_a_value_and_is_never_a_restart() {
    paused(async {
        let group = Children::new("group");
        let table = [
            (Break::PanicInHandler, Exit::Panicked("boom in a handler".into())),
            (Break::PanicInFuture, Exit::Panicked("boom in a future".into())),
            (Break::PanicInTimer, Exit::Panicked("boom in a timer".into())),
            (Break::Stop, Exit::Normal),
            (Break::Fail, Exit::Failed("out of luck".into())),
        ];
        for (how, expected) in table {
            let child = group.spawn("guest", subject);
            assert_eq!(group.running(), 1, "counted from the moment it was spawned");
            child.address.do_send(how);
            assert_eq!(child.exit.await, expected);
            assert_eq!(group.running(), 0);
        }
        let status = group.status();
        assert_eq!((status.spawned, status.panicked, status.children.len()), (5, 3, 0));
    });
}

#[test]
fn a_factory_that_panics_is_an_end_too() {
    paused(async {
        let group = Children::new("group");
        let child = group.spawn("guest", |_: Life<Subject>| -> Subject { panic!("no room") });
        assert_eq!(child.exit.await, Exit::Panicked("no room".into()));
        assert!(!child.address.connected());
        group.idle().await;
    });
}

#[test]
fn one_child_or_all_can_be_aborted_and_a_hanging_one_too() {
    paused(async {
        let group = Children::new("group");
        let children: Vec<_> = (0..5).map(|number| group.spawn(format!("guest-{number}"), subject)).collect();
        children[0].address.do_send(Break::Hang);
        children[4].address.send(Count).await.expect("the others run");
        assert!(group.abort("guest-3") && !group.abort("nobody"));
        let mut exits = Vec::new();
        let mut addresses = Vec::new();
        for child in children {
            exits.push(child.exit);
            addresses.push(child.address);
        }
        assert_eq!(exits.remove(3).await, Exit::Shutdown);
        assert_eq!(group.running(), 4);
        group.abort_all();
        group.idle().await;
        for exit in exits {
            assert_eq!(exit.await, Exit::Shutdown);
        }
        assert!(addresses.iter().all(|address| !address.connected()));
    });
}

#[test]
fn a_child_ends_by_itself_when_nobody_holds_its_address() {
    paused(async {
        let group = Children::new("group");
        let attune_supervise::Child { address, exit } = group.spawn("guest", subject);
        drop(address);
        assert_eq!(exit.await, Exit::Normal);
    });
}

#[test]
fn dropping_the_last_handle_of_a_group_aborts_its_children() {
    paused(async {
        let group = Children::new("group");
        let child = group.spawn("guest", subject);
        child.address.send(Count).await.expect("it runs");
        drop(group.clone());
        child.address.send(Count).await.expect("one handle is left");
        drop(group);
        assert_eq!(child.exit.await, Exit::Shutdown);
    });
}

/// An actor that spawns, with its group among its deps.
struct Host {
    guests: Children,
}

impl Actor for Host {
    type Context = Context<Self>;
}

impl Supervised for Host {}

struct Invite;

impl Message for Invite {
    type Result = Exit;
}

impl Handler<Invite> for Host {
    type Result = ResponseFuture<Exit>;

    fn handle(&mut self, _: Invite, _: &mut Context<Self>) -> Self::Result {
        let child = self.guests.spawn("guest", subject);
        Box::pin(async move {
            let exit = child.exit.await;
            drop(child.address);
            exit
        })
    }
}

#[test]
fn guests_survive_the_restart_of_their_host_can_be_crashed_by_name_and_end_with_the_tree() {
    paused(async {
        let mut tree = tree(Strategy::OneForOne);
        let guests = tree.group("guests");
        let kept = guests.clone();
        let host = tree.child(ChildSpec::new("host", Restart::Permanent), move |_| Host { guests: kept });
        let supervisor = tree.start();
        let crash = |child: &str| Crash { child: child.into(), how: How::PanicInHandler };

        let mut first = Box::pin(host.send(Invite));
        assert!(tokio::time::timeout(Duration::from_secs(1), &mut first).await.is_err());
        supervisor.send(crash("host")).await.expect("answers").expect("in place");
        child_in(&supervisor, "host", ChildState::Running, 1).await;
        let seen = status(&supervisor).await;
        assert_eq!(seen.groups[0].children[0].state, ChildState::Running, "the guest did not notice");

        supervisor.send(crash("guest")).await.expect("answers").expect("in place");
        assert_eq!(first.await, Ok(Exit::Panicked("injected panic in a handler".into())));

        let mut second = Box::pin(host.send(Invite));
        assert!(tokio::time::timeout(Duration::from_secs(1), &mut second).await.is_err());
        assert_eq!(guests.running(), 1);
        assert!(supervisor.send(Shutdown).await.expect("answers").is_clean());
        assert_eq!(guests.running(), 0);
        assert_eq!(second.await, Ok(Exit::Shutdown));
    });
}

#[test]
fn a_child_on_another_arbiter_ends_with_it_and_says_so() {
    actix::System::new().block_on(async {
        let group = Children::new("group");
        let arbiter = Arbiter::new();
        let child = group.spawn_on(&arbiter.handle(), "guest", subject);
        assert_eq!(child.address.send(Count).await.expect("it runs over there"), (0, 1));
        arbiter.stop();
        assert_eq!(child.exit.await, Exit::Shutdown);
        arbiter.join().expect("the thread ends");
        let handle = {
            let gone = Arbiter::new();
            let handle = gone.handle();
            gone.stop();
            gone.join().expect("the thread ends");
            handle
        };
        let child = group.spawn_on(&handle, "late guest", subject);
        assert_eq!(child.exit.await, Exit::Shutdown);
        assert_eq!(group.running(), 0);
    });
}
