//! Hints to whoever waits inside this process.

use attune_types::ExecutionId;
use tokio::sync::broadcast;

use crate::model::Wake;

/// What a commit touched, gathered while it is prepared.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Touched {
    pub(crate) schedule: bool,
    pub(crate) outbox: bool,
    pub(crate) executions: Vec<ExecutionId>,
}

impl Touched {
    /// Adds what another commit touched.
    pub(crate) fn add(&mut self, more: Self) {
        self.schedule |= more.schedule;
        self.outbox |= more.outbox;
        self.executions.extend(more.executions);
    }
}

/// Hands [`Wake`]s to every receiver. A receiver that does not keep up loses hints, which it may.
#[derive(Debug, Clone)]
pub(crate) struct WakeBus {
    sender: broadcast::Sender<Wake>,
}

impl WakeBus {
    const CAPACITY: usize = 1024;
    /// Above this many executions in one commit, "some executions" is said once.
    const MOST_NAMED: usize = 64;

    pub(crate) fn new() -> Self {
        Self { sender: broadcast::Sender::new(Self::CAPACITY) }
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Wake> {
        self.sender.subscribe()
    }

    /// Tells everybody what a commit touched. Nobody listening is no fault.
    pub(crate) fn tell(&self, touched: &Touched) {
        if touched.schedule {
            let _nobody = self.sender.send(Wake::Schedule);
        }
        if touched.outbox {
            let _nobody = self.sender.send(Wake::Outbox);
        }
        if touched.executions.len() > Self::MOST_NAMED {
            let _nobody = self.sender.send(Wake::Execution(None));
        } else {
            for id in &touched.executions {
                let _nobody = self.sender.send(Wake::Execution(Some(*id)));
            }
        }
    }

    /// Says that anything may have changed: after hints may have been lost.
    pub(crate) fn tell_everything(&self) {
        self.tell(&Touched { schedule: true, outbox: true, executions: Vec::new() });
        let _nobody = self.sender.send(Wake::Execution(None));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_touched_thing_is_told_once_and_crowds_are_not_named() {
        let bus = WakeBus::new();
        let mut receiver = bus.subscribe();
        bus.tell(&Touched { schedule: true, outbox: false, executions: vec![ExecutionId(1), ExecutionId(2)] });
        bus.tell(&Touched { schedule: false, outbox: true, executions: (0..100).map(ExecutionId).collect() });
        let mut heard = Vec::new();
        while let Ok(wake) = receiver.try_recv() {
            heard.push(wake);
        }
        assert_eq!(
            heard,
            [
                Wake::Schedule,
                Wake::Execution(Some(ExecutionId(1))),
                Wake::Execution(Some(ExecutionId(2))),
                Wake::Outbox,
                Wake::Execution(None)
            ]
        );
    }
}
