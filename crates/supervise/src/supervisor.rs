//! The actor that stands for a tree.

use actix::{Actor, Context, Handler, MessageResult, ResponseFuture};
use tokio::{
    sync::{mpsc, oneshot},
    task::AbortHandle,
    time::{Instant, timeout_at},
};

use crate::{
    Abort, ChildState, Children, Crash, CrashError, Health, Probe, Shutdown, ShutdownReport, Status, Strategy,
    TreeStatus, child_cell::milliseconds_since, child_handle::ChildHandle, event::Command,
};

/// The actor that stands for a tree: it answers [`Status`], [`Probe`], [`Shutdown`], [`Abort`] and [`Crash`].
///
/// It owns the tree: when nobody holds its address any more, the tree is aborted. It is itself not supervised and therefore trivial: it
/// decides nothing, and no handler of it can fail.
pub struct Supervisor {
    pub(crate) name: String,
    pub(crate) strategy: Strategy,
    pub(crate) born: Instant,
    pub(crate) children: Vec<ChildHandle>,
    pub(crate) groups: Vec<Children>,
    pub(crate) commands: mpsc::UnboundedSender<Command>,
    pub(crate) watchdog: Option<AbortHandle>,
    pub(crate) fault_injection: bool,
}

impl Actor for Supervisor {
    type Context = Context<Self>;
}

impl Handler<Status> for Supervisor {
    type Result = MessageResult<Status>;

    fn handle(&mut self, _: Status, _: &mut Context<Self>) -> Self::Result {
        MessageResult(TreeStatus {
            name: self.name.clone(),
            strategy: self.strategy,
            uptime_ms: milliseconds_since(self.born),
            children: self.children.iter().map(|child| child.cell.status()).collect(),
            groups: self.groups.iter().map(Children::status).collect(),
        })
    }
}

// The futures below are detached from the actor on purpose: it is never restarted, and they outlive it without harm.
impl Handler<Probe> for Supervisor {
    type Result = ResponseFuture<Health>;

    fn handle(&mut self, probe: Probe, _: &mut Context<Self>) -> Self::Result {
        let deadline = Instant::now() + probe.within;
        let expected = self.children.iter().filter(|child| child.cell.state() != ChildState::Ended);
        let asked: Vec<_> = expected.map(|child| (child.clone(), child.probe())).collect();
        Box::pin(async move {
            let mut silent = Vec::new();
            for (child, answer) in asked {
                let answered = match timeout_at(deadline, answer).await {
                    Ok(Ok(())) => true,
                    // The life ended before it came to the probe: its task is at work on it, unless the whole arbiter is gone.
                    Ok(Err(_)) => child.cell.state() == ChildState::Ended || !child.orders.is_closed(),
                    Err(_) => false,
                };
                if !answered {
                    silent.push(child.cell.name.to_string());
                }
            }
            Health { silent }
        })
    }
}

impl Handler<Shutdown> for Supervisor {
    type Result = ResponseFuture<ShutdownReport>;

    fn handle(&mut self, _: Shutdown, _: &mut Context<Self>) -> Self::Result {
        let (reply, report) = oneshot::channel();
        let _ = self.commands.send(Command::Shutdown(reply));
        // The brain outlives this actor, so that the default is never seen.
        Box::pin(async move { report.await.unwrap_or_default() })
    }
}

impl Handler<Abort> for Supervisor {
    type Result = ResponseFuture<ShutdownReport>;

    fn handle(&mut self, _: Abort, ctx: &mut Context<Self>) -> Self::Result {
        for child in &self.children {
            child.abort();
        }
        for group in &self.groups {
            group.abort_all();
        }
        self.handle(Shutdown, ctx)
    }
}

impl Handler<Crash> for Supervisor {
    type Result = ResponseFuture<Result<(), CrashError>>;

    fn handle(&mut self, crash: Crash, _: &mut Context<Self>) -> Self::Result {
        let enabled = self.fault_injection;
        let of_tree = self.children.iter().find(|child| *child.cell.name == *crash.child).cloned();
        let found = of_tree.or_else(|| self.groups.iter().find_map(|group| group.find(&crash.child)));
        Box::pin(async move {
            match found {
                _ if !enabled => Err(CrashError::Disabled),
                Some(child) => child.inject(crash.how).await,
                None => Err(CrashError::Unknown(crash.child)),
            }
        })
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        if let Some(watchdog) = &self.watchdog {
            watchdog.abort();
        }
    }
}
