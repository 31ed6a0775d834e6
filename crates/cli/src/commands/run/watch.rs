//! Follows one execution to its end, and cancels it when asked.

use attune_types::{Execution, ExecutionId};

use super::interrupts::Interrupts;
use crate::backend::{Backend, Followed};
use crate::error::CliError;
use crate::output::{Live, remark};

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
    loop {
        tokio::select! {
            next = followed.recv() => match next {
                Some(Followed::Output(stream, bytes)) => live.piece(stream, &bytes),
                Some(Followed::Ended(execution)) => {
                    live.finish(execution.result.is_some());
                    return Ok(Watched::Ended { execution, interrupted });
                }
                Some(Followed::Failed(error)) => return Err(error),
                None => return Err(CliError::internal("following the execution", "the follower went away")),
            },
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
