//! Executions on a server.

use std::thread;

use attune_types::{ActionRef, ActionSpec, ExecutionId, RuntimeSpec};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::log_stream::LogEvent;
use super::{Backend, Client, Followed, Request};
use crate::error::CliError;

/// A server, spoken to from asynchronous code.
#[derive(Debug)]
pub(crate) struct Remote {
    client: Client,
}

impl Remote {
    /// Speaks through `client`.
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(Client) -> Result<T, CliError> + Send + 'static,
    ) -> Result<T, CliError> {
        let client = self.client.clone();
        spawn_blocking(move || question(client))
            .await
            .unwrap_or_else(|error| Err(CliError::internal("asking the server", error)))
    }
}

impl Backend for Remote {
    async fn action(&self, action: &ActionRef) -> Result<Option<ActionSpec>, CliError> {
        let action = action.clone();
        self.ask(move |client| client.action(&action)).await
    }

    async fn action_names(&self) -> Result<Vec<String>, CliError> {
        let actions = self.ask(|client| client.actions(None)).await?;
        Ok(actions.iter().map(|action| action.action_ref.to_string()).collect())
    }

    async fn runtimes(&self) -> Result<Vec<RuntimeSpec>, CliError> {
        self.ask(|client| client.runtimes()).await
    }

    async fn submit(&mut self, request: &Request) -> Result<ExecutionId, CliError> {
        let request = request.clone();
        self.ask(move |client| client.submit(&request)).await
    }

    fn follow(&self, id: ExecutionId) -> mpsc::Receiver<Followed> {
        let (sender, receiver) = mpsc::channel(64);
        let client = self.client.clone();
        // A thread of its own and not the runtime's: the runtime waits for its blocking tasks when it ends, and this
        // one may wait for a server for ever.
        thread::spawn(move || {
            let mut reader = client.follow(id);
            loop {
                let (followed, last) = match reader.next() {
                    Ok(LogEvent::Piece(piece)) => (Followed::Output(piece.stream, piece.bytes), false),
                    Ok(LogEvent::End(execution)) => (Followed::Ended(execution), true),
                    Err(error) => (Followed::Failed(error), true),
                };
                if sender.blocking_send(followed).is_err() || last {
                    return;
                }
            }
        });
        receiver
    }

    async fn why_it_waits(&self, id: ExecutionId) -> Option<String> {
        match self.ask(move |client| client.explain(id)).await {
            Ok(explanation) => explanation.is_waiting().then_some(explanation.summary),
            Err(error) => {
                // Whoever follows it hears of a server that does not answer.
                tracing::debug!(%error, "why it waits was not told");
                None
            }
        }
    }

    async fn cancel(&self, id: ExecutionId) -> Result<(), CliError> {
        self.ask(move |client| client.cancel(id)).await
    }

    async fn kill(&self, _: ExecutionId) {
        // The server was asked already; its worker kills after the grace, whether anybody waits here or not.
    }

    fn remembers(&self) -> bool {
        true
    }

    async fn close(self) {}
}
