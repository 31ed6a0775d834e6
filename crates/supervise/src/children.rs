//! A group of temporary children.

use std::{
    collections::BTreeMap,
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context as TaskContext, Poll},
};

use actix::{Actor, Addr, AsyncContext, Context, dev::channel::channel};
use actix_rt::ArbiterHandle;
use tokio::sync::{Semaphore, oneshot, watch};

use crate::{
    Exit, GroupStatus, Life, Restart,
    body::Body,
    caught::caught,
    child_cell::ChildCell,
    child_handle::ChildHandle,
    child_task::{ChildTask, Phase},
    report::Report,
};

/// A group of temporary children: actors that come and go, are never restarted, and whose end is a value to somebody.
///
/// Cloneable and `Send`. Keep it among the handles of the actor that spawns: the children then survive a restart of that actor. When the
/// last clone is dropped, the children that are left are aborted.
///
/// ```
/// # use actix::prelude::*;
/// # use attune_supervise::{Children, Exit};
/// # struct Executor;
/// # impl Actor for Executor {
/// #     type Context = Context<Self>;
/// #     fn started(&mut self, _: &mut Context<Self>) { panic!("disk is gone") }
/// # }
/// # actix::System::new().block_on(async {
/// let executors = Children::new("executors");
/// let child = executors.spawn("execution-1", |_life| Executor);
/// assert_eq!(child.exit.await, Exit::Panicked("disk is gone".to_owned()));
/// assert_eq!(executors.running(), 0);
/// # });
/// ```
#[derive(Clone)]
pub struct Children {
    group: Arc<Group>,
}

/// A temporary child that was just spawned.
pub struct Child<A: Actor> {
    /// Its address. The child ends, as any actor does, when nobody holds it and nothing is left to do.
    pub address: Addr<A>,
    /// Resolves when it has ended and everything it owned is dropped.
    pub exit: ChildExit,
}

/// Resolves with the end of a temporary child. `Send`; dropping it does nothing to the child.
#[derive(Debug)]
#[must_use = "the end of a temporary child is its result"]
pub struct ChildExit(oneshot::Receiver<Exit>);

impl Future for ChildExit {
    type Output = Exit;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Exit> {
        Pin::new(&mut self.0).poll(cx).map(|exit| exit.unwrap_or(Exit::Shutdown))
    }
}

struct Group {
    name: String,
    members: Mutex<BTreeMap<u64, ChildHandle>>,
    spawned: AtomicU64,
    panicked: AtomicU64,
    running: watch::Sender<usize>,
}

impl Children {
    /// Creates a group that belongs to no tree. [`TreeBuilder::group`](crate::TreeBuilder::group) creates one that does.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            group: Arc::new(Group {
                name: name.into(),
                members: Mutex::new(BTreeMap::new()),
                spawned: AtomicU64::new(0),
                panicked: AtomicU64::new(0),
                running: watch::Sender::new(0),
            }),
        }
    }

    /// Starts a child on the present arbiter. A panic of the factory is an end like any other.
    ///
    /// # Panics
    /// Outside of an actix system, as every spawning of actors does.
    pub fn spawn<A, F>(&self, name: impl AsRef<str>, factory: F) -> Child<A>
    where
        A: Actor<Context = Context<A>>,
        F: FnOnce(Life<A>) -> A,
    {
        let (birth, exit) = self.announce(name.as_ref());
        let context = Context::new();
        let address = context.address();
        birth.run(context, factory);
        Child { address, exit }
    }

    /// Starts a child on another arbiter. When that arbiter is gone, the child ends at once with [`Exit::Shutdown`].
    pub fn spawn_on<A, F>(&self, arbiter: &ArbiterHandle, name: impl AsRef<str>, factory: F) -> Child<A>
    where
        A: Actor<Context = Context<A>>,
        F: FnOnce(Life<A>) -> A + Send + 'static,
    {
        let (birth, exit) = self.announce(name.as_ref());
        let (sender, mailbox) = channel::<A>(16);
        arbiter.spawn_fn(move || birth.run(Context::with_receiver(mailbox), factory));
        Child { address: Addr::new(sender), exit }
    }

    /// Returns how many children are alive.
    pub fn running(&self) -> usize {
        self.group.members().len()
    }

    /// Aborts the children with this name; says whether there were any.
    pub fn abort(&self, name: &str) -> bool {
        let members = self.group.members();
        let mut found = false;
        for member in members.values().filter(|member| &*member.cell.name == name) {
            member.abort();
            found = true;
        }
        found
    }

    /// Aborts every child. Returns at once; see [`idle`](Self::idle).
    pub fn abort_all(&self) {
        for member in self.group.members().values() {
            member.abort();
        }
    }

    /// Waits until no child is alive.
    pub async fn idle(&self) {
        // The sender lives in `self`, so this cannot fail.
        let _ = self.group.running.subscribe().wait_for(|running| *running == 0).await;
    }

    /// Draws a picture of the group.
    pub fn status(&self) -> GroupStatus {
        GroupStatus {
            name: self.group.name.clone(),
            spawned: self.group.spawned.load(Ordering::Relaxed),
            panicked: self.group.panicked.load(Ordering::Relaxed),
            children: self.group.members().values().map(|member| member.cell.status()).collect(),
        }
    }

    pub(crate) fn find(&self, name: &str) -> Option<ChildHandle> {
        self.group.members().values().find(|member| &*member.cell.name == name).cloned()
    }

    /// Enters a child into the books before it exists, so that it is counted from the moment `spawn` returns.
    fn announce(&self, name: &str) -> (Birth, ChildExit) {
        let cell = ChildCell::new(name, Restart::Temporary);
        let (handle, orders) = ChildHandle::new(cell.clone());
        let id = self.group.spawned.fetch_add(1, Ordering::Relaxed);
        self.group.change(|members| {
            members.insert(id, handle);
        });
        let (tell, exit) = oneshot::channel();
        // Weak, or a running child would keep its group alive and never be aborted.
        let entry = Entry { group: Arc::downgrade(&self.group), id, tell: Some(tell) };
        (Birth { cell, orders, entry }, ChildExit(exit))
    }
}

impl fmt::Debug for Children {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Children").field("name", &self.group.name).field("running", &self.running()).finish()
    }
}

/// A child in the books. Strikes it off and tells its end, also when it is dropped unborn.
struct Entry {
    group: Weak<Group>,
    id: u64,
    tell: Option<oneshot::Sender<Exit>>,
}

impl Entry {
    fn close(&mut self, exit: Exit) {
        let Some(tell) = self.tell.take() else { return };
        if let Some(group) = self.group.upgrade() {
            if matches!(exit, Exit::Panicked(_)) {
                group.panicked.fetch_add(1, Ordering::Relaxed);
            }
            group.change(|members| {
                members.remove(&self.id);
            });
        }
        let _ = tell.send(exit);
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.close(Exit::Shutdown);
    }
}

/// Everything a child needs on the thread on which it will live.
struct Birth {
    cell: Arc<ChildCell>,
    orders: tokio::sync::mpsc::UnboundedReceiver<crate::order::Order>,
    entry: Entry,
}

impl Birth {
    fn run<A, F>(self, context: Context<A>, factory: F)
    where
        A: Actor<Context = Context<A>>,
        F: FnOnce(Life<A>) -> A,
    {
        let Self { cell, orders, mut entry } = self;
        let life = Life::new(cell.name.clone());
        match caught(&cell.name, || factory(life.clone())) {
            Err(message) => entry.close(Exit::Panicked(message)),
            Ok(actor) => {
                let body = Body::temporary(context, actor, life, cell.name.clone());
                let report = Report::Once(Some(Box::new(move |exit| entry.close(exit))));
                let (begun, _) = oneshot::channel();
                let phase = Phase::Waiting { life: 0, gate: ChildTask::<A>::first_gate(None), begun };
                let respawns = Arc::new(Semaphore::new(0));
                actix_rt::spawn(ChildTask { body, cell, orders, report, respawns, phase });
            }
        }
    }
}

impl Group {
    fn members(&self) -> MutexGuard<'_, BTreeMap<u64, ChildHandle>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<u64, ChildHandle>)) {
        let mut members = self.members();
        change(&mut members);
        self.running.send_replace(members.len());
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        for member in self.members().values() {
            member.abort();
        }
    }
}
