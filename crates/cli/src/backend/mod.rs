//! Where executions run: in this process, or on a server. Both look the same to commands.

mod access;
mod client;
mod embedded;
mod http;
mod local;
mod log_stream;
mod plain;
mod remote;
mod request;
mod secrets;
mod trust;

use attune_types::{ActionRef, ActionSpec, Execution, ExecutionId, LogStream, RuntimeSpec};
use tokio::sync::mpsc;

pub(crate) use access::AuditVerdict;
pub(crate) use client::{Client, Explanation};
pub(crate) use embedded::{Embedded, Need};
pub(crate) use local::{Local, load_config};
pub(crate) use remote::Remote;
pub(crate) use request::{Request, Script, What};
pub(crate) use secrets::SecretView;

use crate::error::CliError;

/// What a follower hears.
#[derive(Debug)]
pub(crate) enum Followed {
    /// The action wrote something.
    Output(LogStream, Vec<u8>),
    /// It ended; everything it wrote came before.
    Ended(Box<Execution>),
    /// Following failed for good.
    Failed(CliError),
}

/// Where executions run.
pub(crate) trait Backend {
    /// One action; `None` when there is none of that name.
    async fn action(&self, action: &ActionRef) -> Result<Option<ActionSpec>, CliError>;

    /// The names of all actions, for suggestions.
    async fn action_names(&self) -> Result<Vec<String>, CliError>;

    /// All runtimes, to guess what runs a file.
    async fn runtimes(&self) -> Result<Vec<RuntimeSpec>, CliError>;

    /// Accepts a request whose parameters were checked.
    async fn submit(&mut self, request: &Request) -> Result<ExecutionId, CliError>;

    /// Follows an execution until it ends.
    fn follow(&self, id: ExecutionId) -> mpsc::Receiver<Followed>;

    /// Why it has not been given to a worker yet; `None` when it has, or when that cannot be told.
    async fn why_it_waits(&self, id: ExecutionId) -> Option<String>;

    /// Asks for its end: SIGTERM, a grace, SIGKILL.
    async fn cancel(&self, id: ExecutionId) -> Result<(), CliError>;

    /// Ends it now, without a grace, as far as this backend can; resolves when nothing of it is left here.
    async fn kill(&self, id: ExecutionId);

    /// Whether executions can be looked at after this process ended.
    fn remembers(&self) -> bool;

    /// Leaves nothing behind.
    async fn close(self);
}
