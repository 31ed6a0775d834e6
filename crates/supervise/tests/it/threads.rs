//! More than one thread, and therefore real time: waits are for conditions only.

use std::{
    sync::{Arc, mpsc},
    thread::{self, ThreadId},
    time::Duration,
};

use actix::{Actor, Addr, Context, Handler, Message, Supervised, System};
use attune_supervise::{
    ChildSpec, ChildState, Manner, Placement, Policy, Probe, Restart, Shutdown, Strategy, Supervisor, TreeBuilder,
    TreeEnd,
};
use tokio::runtime::{Builder, Runtime};

use crate::{
    subject::{Break, Count, Habits, Subject},
    support::{Journal, child_in, status},
};

fn shared_runtime() -> Arc<Runtime> {
    Arc::new(Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime starts"))
}

/// An actor that can say where it runs and block there.
struct Blocker;

impl Actor for Blocker {
    type Context = Context<Self>;
}

impl Supervised for Blocker {}

/// Blocks the thread until the other end is dropped.
struct Block(mpsc::Receiver<()>);

impl Message for Block {
    type Result = ();
}

impl Handler<Block> for Blocker {
    type Result = ();

    fn handle(&mut self, block: Block, _: &mut Context<Self>) {
        let _ = block.0.recv();
    }
}

struct Where;

impl Message for Where {
    type Result = Result<ThreadId, ()>;
}

impl Handler<Where> for Blocker {
    type Result = Result<ThreadId, ()>;

    fn handle(&mut self, _: Where, _: &mut Context<Self>) -> Self::Result {
        Ok(thread::current().id())
    }
}

fn blocker(tree: &mut TreeBuilder, name: &str, placement: Placement) -> Addr<Blocker> {
    tree.child(ChildSpec::new(name, Restart::Permanent).on(placement), |_| Blocker)
}

async fn place(address: &Addr<Blocker>) -> ThreadId {
    address.send(Where).await.expect("it answers").expect("it knows")
}

async fn silent(supervisor: &Addr<Supervisor>) -> Vec<String> {
    let probe = Probe { within: Duration::from_millis(100) };
    supervisor.send(probe).await.expect("the supervisor answers").silent
}

#[test]
fn children_with_the_same_arbiter_share_a_thread_restart_on_it_and_it_ends_with_the_tree() {
    let runtime = shared_runtime();
    let shared = runtime.clone();
    System::with_tokio_rt(move || shared).block_on(async move {
        let mut tree = TreeBuilder::new("tree", Strategy::OneForAll, Policy::default()).runtime(runtime);
        let here = blocker(&mut tree, "here", Placement::Here);
        let beat = blocker(&mut tree, "beat", Placement::OwnArbiter("beat"));
        let same = blocker(&mut tree, "same", Placement::OwnArbiter("beat"));
        let spec = ChildSpec::new("subject", Restart::Permanent).on(Placement::OwnArbiter("other"));
        let subject = tree.child(spec, |life| Subject::new(life, "subject", &Journal::default(), Habits::default()));
        let arbiter = tree.arbiter("beat");
        let supervisor = tree.start();

        let (first, second) = (place(&here).await, place(&beat).await);
        assert_eq!(first, thread::current().id());
        assert!(second != first && place(&same).await == second);
        assert!(silent(&supervisor).await.is_empty());

        subject.do_send(Break::PanicInHandler);
        assert_eq!(subject.send(Count).await.expect("restarted over there"), (1, 1));
        for name in ["here", "beat", "same"] {
            child_in(&supervisor, name, ChildState::Running, 1).await;
        }
        assert_eq!(place(&beat).await, second, "a child stays on its thread");

        assert!(supervisor.send(Shutdown).await.expect("the supervisor answers").is_clean());
        assert!(!arbiter.alive(), "the thread is gone when the shutdown resolves");
    });
}

#[test]
fn a_blocked_thread_is_found_from_another_and_makes_the_tree_give_up() {
    let runtime = shared_runtime();
    let shared = runtime.clone();
    System::with_tokio_rt(move || shared).block_on(async move {
        let journal = Journal::default();
        let mut tree = TreeBuilder::new("tree", Strategy::OneForOne, Policy::default())
            .runtime(runtime)
            .probe_every(Duration::from_millis(50));
        let noted = journal.clone();
        let _subject = tree.child(ChildSpec::new("subject", Restart::Permanent), move |life| {
            Subject::new(life, "subject", &noted, Habits::default())
        });
        let blocked = blocker(&mut tree, "blocked", Placement::OwnArbiter("blocked"));
        let mut ending = tree.ending();
        let supervisor = tree.start();
        place(&blocked).await;
        let (release, block) = mpsc::channel();
        blocked.do_send(Block(block));
        let TreeEnd::GaveUp(give_up) = ending.wait().await else { panic!("it gives up") };
        assert_eq!(give_up.child, "blocked");
        assert_eq!(give_up.reason, "stuck, and its thread does not react");
        let seen = status(&supervisor).await;
        assert_eq!(seen.child("blocked").map(|child| child.state), Some(ChildState::Lost));
        assert!(journal.has("subject stopped"), "who still answers is stopped in order");
        let report = supervisor.send(Shutdown).await.expect("the supervisor answers");
        assert_eq!(report.children[0].manner, Manner::Lost);
        drop(release);
    });
}

#[test]
fn the_owner_hears_of_the_end_even_while_its_own_arbiter_is_blocked() {
    let runtime = shared_runtime();
    let shared = runtime.clone();
    let system = System::with_tokio_rt(move || shared);
    system.block_on(async move {
        let mut tree =
            TreeBuilder::new("tree", Strategy::OneForOne, Policy::default()).probe_every(Duration::from_millis(50));
        let blocked = blocker(&mut tree, "blocked", Placement::Here);
        let mut ending = tree.ending();
        let supervisor = tree.start();
        place(&blocked).await;
        let (release, block) = mpsc::channel::<()>();
        // The blocked thread is this one: it is released by the task that heard of the end.
        let heard = runtime.spawn(async move {
            let end = ending.wait().await;
            drop(release);
            end
        });
        blocked.do_send(Block(block));
        assert!(matches!(heard.await.expect("the task ends"), TreeEnd::GaveUp(give_up) if give_up.child == "blocked"));
        drop(supervisor);
    });
}

#[test]
fn a_probe_names_those_who_do_not_answer() {
    let runtime = shared_runtime();
    let shared = runtime.clone();
    System::with_tokio_rt(move || shared).block_on(async move {
        let mut tree = TreeBuilder::new("tree", Strategy::OneForOne, Policy::default())
            .runtime(runtime)
            .probe_every(Duration::ZERO);
        let _healthy = blocker(&mut tree, "healthy", Placement::Here);
        let blocked = blocker(&mut tree, "blocked", Placement::OwnArbiter("blocked"));
        let supervisor = tree.start();
        place(&blocked).await;
        let (release, block) = mpsc::channel();
        blocked.do_send(Block(block));
        assert_eq!(silent(&supervisor).await, ["blocked"]);
        drop(release);
        place(&blocked).await;
        assert!(silent(&supervisor).await.is_empty());
    });
}
