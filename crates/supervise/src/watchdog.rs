//! Finding children that are alive but answer nothing.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{
        mpsc::WeakUnboundedSender,
        oneshot::{self, error::TryRecvError},
    },
    time::sleep,
};

use crate::{ChildState, child_cell::ChildCell, event::Event, order::Order};

/// What a look at the last probe shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Observation {
    /// It was answered, or there was none, or the life it was for has ended.
    Answered,
    /// It is still waiting.
    Silent,
}

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    /// All is well: send the next probe.
    Probe,
    /// Leave it alone until the next look.
    Wait,
    /// Two misses: tell the child's task to end this life.
    DeclareStuck,
    /// Even that did not help: the thread is blocked, and only the end of the process can free it.
    Escalate,
}

/// The misses of one child.
#[derive(Debug, Default)]
struct Vigil {
    misses: u32,
}

impl Vigil {
    /// One miss is not enough: after the machine was suspended, the first look comes before any actor had a chance to run.
    fn observe(&mut self, observation: Observation) -> Measure {
        match observation {
            Observation::Answered => {
                self.misses = 0;
                Measure::Probe
            }
            Observation::Silent => {
                self.misses = self.misses.saturating_add(1);
                match self.misses {
                    1 => Measure::Wait,
                    2 => Measure::DeclareStuck,
                    3 => Measure::Escalate,
                    _ => Measure::Wait,
                }
            }
        }
    }
}

/// A child under watch. Holds its orders weakly: a watchdog must not keep alive what it watches.
pub(crate) struct Watched {
    pub(crate) cell: Arc<ChildCell>,
    pub(crate) orders: WeakUnboundedSender<Order>,
}

/// Looks at every child every `every`. Runs on a thread of the runtime and not on the arbiter of any child, which may be the blocked one.
pub(crate) async fn watch(every: Duration, children: Vec<Watched>, events: WeakUnboundedSender<Event>) {
    let mut vigils: Vec<(Vigil, Option<oneshot::Receiver<()>>)> =
        children.iter().map(|_| (Vigil::default(), None)).collect();
    loop {
        for (position, (child, (vigil, probe))) in children.iter().zip(&mut vigils).enumerate() {
            let Some(orders) = child.orders.upgrade() else { return };
            let observation = match probe.as_mut().map(oneshot::Receiver::try_recv) {
                None | Some(Ok(())) => Observation::Answered,
                Some(Err(TryRecvError::Empty)) => Observation::Silent,
                // The probe died unanswered. Either the life it was for is over, or the whole arbiter is.
                Some(Err(TryRecvError::Closed)) if orders.is_closed() => Observation::Silent,
                Some(Err(TryRecvError::Closed)) => Observation::Answered,
            };
            if matches!(child.cell.state(), ChildState::Ended | ChildState::Lost) {
                *probe = None;
                continue;
            }
            match vigil.observe(observation) {
                Measure::Wait => {}
                Measure::Probe => {
                    let (reply, answer) = oneshot::channel();
                    let _ = orders.send(Order::Probe(reply));
                    *probe = Some(answer);
                }
                Measure::DeclareStuck => {
                    let _ = orders.send(Order::Stuck);
                }
                Measure::Escalate => {
                    let Some(events) = events.upgrade() else { return };
                    let _ = events.send(Event::Unreachable { position });
                }
            }
        }
        sleep(every).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_misses_declare_stuck_and_a_third_escalates_once() {
        let mut vigil = Vigil::default();
        let silent = [(); 5].map(|()| vigil.observe(Observation::Silent));
        assert_eq!(silent, [Measure::Wait, Measure::DeclareStuck, Measure::Escalate, Measure::Wait, Measure::Wait]);
    }

    #[test]
    fn an_answer_forgives_a_miss() {
        let mut vigil = Vigil::default();
        assert_eq!(vigil.observe(Observation::Silent), Measure::Wait);
        assert_eq!(vigil.observe(Observation::Answered), Measure::Probe);
        assert_eq!(vigil.observe(Observation::Silent), Measure::Wait);
    }
}
