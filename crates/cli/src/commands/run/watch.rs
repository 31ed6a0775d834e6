//! Follows one execution to its end, and cancels it when asked.

use std::time::Duration;

use attune_types::{Execution, ExecutionId};
use tokio::time::{Instant, sleep_until};

use super::interrupts::Interrupts;
use crate::backend::{Backend, Followed};
use crate::error::CliError;
use crate::output::{Live, remark};

/// How long it may wait for a worker before that is worth a word: a pass of the scheduler takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(3);

/// How it went.
#[derive(Debug)]
pub(super) enum Watched {
    /// It ended; `interrupted` when somebody pressed Ctrl-C meanwhile.
    Ended {
        /// The execution.
        execution: Box<Execution>,
        /// Whether a signal came before.
        interrupted: bool,
    },
    /// A second signal came before it ended.
    Killed(ExecutionId),
}

/// Shows what it writes until it ends. The first signal cancels it, the second kills it.
pub(super) async fn watch(
    backend: &impl Backend,
    id: ExecutionId,
    mut live: Live,
    interrupts: &mut Interrupts,
) -> Result<Watched, CliError> {
    let mut followed = backend.follow(id);
    let mut interrupted = false;
    let mut waits = Some(Waits { told: None, ask_at: Instant::now() + PATIENCE });
    loop {
        tokio::select! {
            next = followed.recv() => match next {
                Some(Followed::Output(stream, bytes)) => {
                    waits = None;
                    live.piece(stream, &bytes);
                }
                Some(Followed::Ended(execution)) => {
                    live.finish(execution.result.is_some());
                    return Ok(Watched::Ended { execution, interrupted });
                }
                Some(Followed::Failed(error)) => return Err(error),
                None => return Err(CliError::internal("following the execution", "the follower went away")),
            },
            why = Waits::why(waits.as_ref(), backend, id) => waits = waits.and_then(|waits| waits.tell(why)),
            () = interrupts.next() => {
                if interrupted {
                    backend.kill(id).await;
                    live.finish(false);
                    return Ok(Watched::Killed(id));
                }
                interrupted = true;
                remark("interrupted: waiting until its processes are gone (once more kills them at once)");
                // It may have ended a moment ago; the follower tells.
                if let Err(error) = backend.cancel(id).await {
                    tracing::debug!(%error, "the cancel was not taken");
                }
            }
        }
    }
}

/// It waits for a worker, as far as is known here.
struct Waits {
    /// What was said of that.
    told: Option<String>,
    /// When to ask why.
    ask_at: Instant,
}

impl Waits {
    /// Why it waits, when it is time to say so. May be dropped at any moment.
    async fn why(waits: Option<&Self>, backend: &impl Backend, id: ExecutionId) -> Option<String> {
        let Some(waits) = waits else { return std::future::pending().await };
        sleep_until(waits.ask_at).await;
        backend.why_it_waits(id).await
    }

    /// Says it, unless it was said before. Whoever has been given to a worker is asked no more.
    fn tell(self, why: Option<String>) -> Option<Self> {
        let why = why?;
        if self.told.as_ref() != Some(&why) {
            remark(&format!("waiting: {why}"));
        }
        Some(Self { told: Some(why), ask_at: Instant::now() + PATIENCE })
    }
}
