//! Whether what panics begins anew.

use std::panic::resume_unwind;
use std::thread;
use std::time::Duration;

use actix::{Actor, Context, Handler, MailboxError, Message, Supervised};
use attune_supervise::{Backoff, ChildSpec, Life, Policy, Restart, Shutdown, Strategy, TreeBuilder};
use tokio::time::timeout;

use super::Finding;

/// How long the new life may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// What it is about.
const NAME: &str = "supervision";

/// Panics in its first life.
struct Subject {
    life: Life<Self>,
}

impl Actor for Subject {
    type Context = Context<Self>;
}

impl Supervised for Subject {}

struct Ask;

impl Message for Ask {
    type Result = u64;
}

impl Handler<Ask> for Subject {
    type Result = u64;

    fn handle(&mut self, _: Ask, _: &mut Context<Self>) -> u64 {
        if self.life.number() == 0 {
            // Unwinds as a panic does, and tells nobody, because nothing is wrong.
            resume_unwind(Box::new("on purpose"));
        }
        self.life.number()
    }
}

/// Tries it: an actor panics, and must answer in its next life. A program whose build cannot unwind ends here, before
/// anything depends on it.
pub(super) fn finding() -> Finding {
    let tried = thread::Builder::new().name("doctor".to_owned()).spawn(|| {
        actix_rt::System::new().block_on(async {
            let backoff = Backoff { min: Duration::from_millis(1), ..Backoff::default() };
            let mut tree = TreeBuilder::new("doctor", Strategy::OneForOne, Policy { backoff, ..Policy::default() });
            let subject = tree.child(ChildSpec::new("subject", Restart::Permanent), |life| Subject { life });
            let supervisor = tree.start();
            let lost = subject.send(Ask).await;
            let answer = timeout(PATIENCE, subject.send(Ask)).await;
            let _ended = supervisor.send(Shutdown).await;
            (lost, answer)
        })
    });
    match tried.map(thread::JoinHandle::join) {
        Ok(Ok((Err(MailboxError::Closed), Ok(Ok(1))))) => {
            Finding::ok(NAME, "an actor panicked on purpose and answered in its next life")
        }
        Ok(Ok(_)) => broken("an actor that panicked on purpose did not answer in its next life"),
        Ok(Err(_)) => broken("the panic of an actor took its thread with it"),
        Err(error) => broken(&format!("no thread can be started: {error}")),
    }
}

fn broken(found: &str) -> Finding {
    Finding::fail(
        NAME,
        found,
        "one failure would end the whole worker: raise the limit of processes, or take a released build",
    )
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn a_panic_on_purpose_is_survived() {
        let finding = finding();
        assert_eq!(finding.state, State::Ok, "{finding:?}");
    }
}
