//! The loop that decides about the children of a tree.

use std::time::Duration;

use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, timeout_at},
};

use crate::{
    ChildState, Children, Exit, GiveUp, History, Manner, Policy, Restart, ShutdownReport, Stop, StoppedChild, Strategy,
    TreeEnd, Verdict,
    arbiters::Arbiters,
    child_handle::ChildHandle,
    decide,
    event::{Command, Event},
    jitter::chance,
    order::{Order, Stopped, Then},
};

/// How long the thread of a child has to show that it is not blocked, when the tree gives up.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);

/// The loop that decides about the children of a tree. A task of the runtime, not an actor: a blocked arbiter cannot stop it from giving up.
pub(crate) struct Brain {
    pub(crate) name: String,
    pub(crate) strategy: Strategy,
    pub(crate) slots: Vec<Slot>,
    /// Groups with the position of the child they were declared before.
    pub(crate) groups: Vec<(usize, Children)>,
    pub(crate) arbiters: Arbiters,
    pub(crate) events: mpsc::UnboundedReceiver<Event>,
    pub(crate) commands: mpsc::UnboundedReceiver<Command>,
    pub(crate) end: watch::Sender<Option<TreeEnd>>,
    pub(crate) born: Instant,
    /// Set when everything is down.
    pub(crate) report: Option<ShutdownReport>,
}

/// What the brain keeps about one child.
pub(crate) struct Slot {
    pub(crate) handle: ChildHandle,
    pub(crate) restart: Restart,
    pub(crate) stop: Stop,
    pub(crate) policy: Policy,
    pub(crate) history: History,
    /// The number of the last life that was ordered. Reports about earlier ones are stale.
    pub(crate) life: u64,
    /// False once it is down for good.
    pub(crate) up: bool,
}

impl Brain {
    /// Runs until the supervisor is dropped.
    pub(crate) async fn run(mut self) {
        loop {
            tokio::select! {
                biased;
                command = self.commands.recv() => match command {
                    Some(Command::Shutdown(reply)) => {
                        let report = self.shut_down(TreeEnd::ShutDown).await;
                        let _ = reply.send(report);
                    }
                    None => break,
                },
                // Without a match every child is down for good, and only commands are left.
                Some(event) = self.events.recv() => self.on_event(event).await,
            }
        }
        // Dropping the handles ends the children, dropping the arbiters ends their threads.
        self.end.send_if_modified(|end| end.is_none() && end.replace(TreeEnd::Abandoned).is_none());
    }

    async fn on_event(&mut self, event: Event) {
        if self.report.is_some() {
            return;
        }
        match event {
            Event::Ended { position, life, exit } => {
                let slot = &self.slots[position];
                if slot.up && slot.life == life {
                    self.on_ended(position, exit).await;
                }
            }
            Event::Stillborn { position, exit } => {
                self.slots[position].up = false;
                self.slots[position].handle.cell.end_life(&exit, ChildState::Ended);
                self.give_up(position, format!("could not be created: {exit}")).await;
            }
            Event::Unreachable { position } => {
                let reason = "stuck, and its thread does not react".to_owned();
                self.give_up(position, reason).await;
            }
        }
    }

    async fn on_ended(&mut self, position: usize, exit: Exit) {
        let now = self.born.elapsed();
        let slot = &mut self.slots[position];
        let verdict = decide(&mut slot.history, now, &exit, slot.restart, &slot.policy, chance());
        match verdict {
            Verdict::Finish => {
                tracing::info!(
                    tree.name = self.name,
                    child.name = &*slot.handle.cell.name,
                    child.exit = %exit,
                    "child finished"
                );
                slot.up = false;
                let _ = slot.handle.stop(Stop::Brutal, Then::Finish).await;
            }
            Verdict::Restart { after } => {
                tracing::warn!(
                    tree.name = self.name,
                    child.name = &*slot.handle.cell.name,
                    child.exit = %exit,
                    child.restarts = slot.life + 1,
                    backoff_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX),
                    "child ended, restarting it"
                );
                self.restart(position, after).await;
            }
            Verdict::GiveUp { reason } => self.give_up(position, reason).await,
        }
    }

    /// Restarts the child and the siblings that share its fate: down in reverse order, up in order, each after the one before.
    async fn restart(&mut self, failed: usize, after: Duration) {
        let affected = self.strategy.affected(failed, self.slots.len());
        for position in affected.clone().rev().filter(|position| *position != failed) {
            let slot = &mut self.slots[position];
            if !slot.up {
                continue;
            }
            // As in OTP, a temporary sibling shares the fall but not the rise.
            let then = if slot.restart == Restart::Temporary { Then::Finish } else { Then::Park };
            slot.up = slot.handle.stop(slot.stop, then).await.is_some() && then == Then::Park;
        }
        let now = self.born.elapsed();
        let mut predecessor = None;
        for slot in self.slots[affected].iter_mut().filter(|slot| slot.up) {
            slot.life += 1;
            slot.history.begin_life(now.saturating_add(after));
            let (begun, next) = oneshot::channel();
            slot.handle.order(Order::Restart { life: slot.life, after, predecessor: predecessor.take(), begun });
            predecessor = Some(next);
        }
    }

    /// Stops what still answers, then tells the owner.
    async fn give_up(&mut self, position: usize, reason: String) {
        let child = self.slots[position].handle.cell.name.to_string();
        let give_up = GiveUp { tree: self.name.clone(), child, reason };
        tracing::error!(
            tree.name = give_up.tree,
            child.name = give_up.child,
            reason = give_up.reason,
            "supervisor gives up"
        );
        self.write_off_the_blocked().await;
        let _ = self.shut_down(TreeEnd::GaveUp(give_up)).await;
    }

    /// Finds the children whose threads do not react. Waiting for each of them in turn would keep the process from ending.
    async fn write_off_the_blocked(&mut self) {
        let deadline = Instant::now() + SIGN_OF_LIFE;
        let pings: Vec<_> = self.slots.iter().map(|slot| slot.up.then(|| slot.handle.ping())).collect();
        for (slot, ping) in self.slots.iter_mut().zip(pings) {
            if let Some(ping) = ping
                && timeout_at(deadline, ping).await.is_err()
            {
                slot.handle.cell.set_state(ChildState::Lost);
            }
        }
    }

    /// Stops every child in reverse order, and each group of temporary children right after the children declared behind it.
    async fn shut_down(&mut self, end: TreeEnd) -> ShutdownReport {
        if let Some(report) = &self.report {
            return report.clone();
        }
        let mut report = ShutdownReport::default();
        for position in (0..self.slots.len()).rev() {
            self.stop_groups(|declared_before| declared_before > position).await;
            let slot = &mut self.slots[position];
            if !std::mem::replace(&mut slot.up, false) {
                continue;
            }
            let stopped = if slot.handle.cell.state() == ChildState::Lost {
                Stopped { manner: Manner::Lost, exit: Exit::Stuck }
            } else {
                // A task that is gone was aborted behind our back, by `Abort`.
                let gone = || Stopped {
                    manner: Manner::Aborted,
                    exit: slot.handle.cell.last_exit().unwrap_or(Exit::Shutdown),
                };
                slot.handle.stop(slot.stop, Then::Finish).await.unwrap_or_else(gone)
            };
            let name = slot.handle.cell.name.to_string();
            tracing::debug!(tree.name = self.name, child.name = name, child.exit = %stopped.exit, "child stopped");
            report.children.push(StoppedChild { name, manner: stopped.manner, exit: stopped.exit });
        }
        self.stop_groups(|_| true).await;
        if report.children.iter().all(|child| child.manner != Manner::Lost) {
            self.arbiters.stop_and_join().await;
        }
        self.report = Some(report.clone());
        self.end.send_replace(Some(end));
        report
    }

    async fn stop_groups(&mut self, chosen: impl Fn(usize) -> bool) {
        for (_, group) in self.groups.iter().filter(|(declared_before, _)| chosen(*declared_before)) {
            group.abort_all();
            // A blocked thread cannot be waited for; its children go with the process.
            let _ = tokio::time::timeout(SIGN_OF_LIFE, group.idle()).await;
        }
    }
}
