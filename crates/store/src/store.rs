//! The one trait behind which the databases stand.

use async_trait::async_trait;
use attune_types::{
    ActionRef, ActionSpec, Artifact, Attempt, Environment, Execution, ExecutionId, Incarnation, LogChunk, PackSpec,
    RuntimeSpec, Worker, WorkerId, WorkerStatus,
};
use tokio::sync::broadcast;

use crate::admission::Admission;
use crate::error::StoreError;
use crate::model::{
    Answered, Assigned, Assignment, Beat, BeatReply, CancelAnswer, ClaimAnswer, ClaimRequest, Completion, EventPage,
    ExecutionFilter, ExecutionPage, HandBack, NewExecution, OutboxMessage, PackContents, PlacementView, ReapReport,
    ReaperPolicy, Registered, Registration, Retained, RetentionPolicy, RetryAnswer, Submitted, Wake,
};
use crate::queue_depth::QueueDepth;
use crate::secret_store::SecretStore;

/// The truth about executions. Every method is one unit: it happens whole or not at all, and a method that returned
/// `Ok` survives a crash of everything. Methods that take a list are the group commits that make one execution cheap:
/// they answer element by element, in order, and one bad element never spoils its neighbours.
///
/// Times come from the database's clock alone, so the clocks of the machines around it do not matter.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// `postgres` or `sqlite`, for people.
    fn kind(&self) -> &'static str;

    /// Brings the schema up to date. Safe to call from several processes at once; returns how many migrations ran.
    async fn migrate(&self) -> Result<usize, StoreError>;

    /// Whether the database answers.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Wake-ups: hints that something changed, never the change itself. They may be lost or merged; whoever listens
    /// also looks by itself now and then.
    fn wakes(&self) -> broadcast::Receiver<Wake>;

    /// Closes every connection; calls after it fail.
    async fn close(&self);

    /// What this database keeps of who may come in, and of what was done.
    fn admission(&self) -> &dyn Admission;

    /// What this database keeps of secrets: ciphertexts, and whose they are.
    fn secrets(&self) -> &dyn SecretStore;

    // --- catalogue ---------------------------------------------------------------------------------------------

    /// Stores a pack with its actions and runtimes, replacing what it held before. Executions that exist keep what
    /// they were submitted with.
    async fn put_pack(&self, contents: &PackContents) -> Result<(), StoreError>;

    /// Removes a pack. `false` when there was none.
    async fn remove_pack(&self, pack_ref: &str) -> Result<bool, StoreError>;

    /// All packs by name.
    async fn packs(&self) -> Result<Vec<PackSpec>, StoreError>;

    /// All actions by reference, of one pack or of all.
    async fn actions(&self, pack_ref: Option<&str>) -> Result<Vec<ActionSpec>, StoreError>;

    /// One action.
    async fn action(&self, action: &ActionRef) -> Result<Option<ActionSpec>, StoreError>;

    /// All runtimes by name.
    async fn runtimes(&self) -> Result<Vec<RuntimeSpec>, StoreError>;

    /// Registers a runtime that a worker found and no pack declares; keeps what is there.
    async fn register_runtime(&self, runtime: &RuntimeSpec, detection: &serde_json::Value) -> Result<(), StoreError>;

    // --- submitting and reading ----------------------------------------------------------------------------------

    /// Accepts executions: row and event in one commit. An idempotency key that was used before answers with the
    /// execution it made then.
    async fn submit(&self, requests: Vec<NewExecution>) -> Result<Vec<Submitted>, StoreError>;

    /// One execution; values of secret parameters are masked.
    async fn execution(&self, id: ExecutionId) -> Result<Option<Execution>, StoreError>;

    /// Executions, newest first.
    async fn executions(&self, filter: &ExecutionFilter) -> Result<ExecutionPage, StoreError>;

    /// The attempts of one execution, oldest first.
    async fn attempts(&self, id: ExecutionId) -> Result<Vec<Attempt>, StoreError>;

    /// What happened, oldest first, after the event `after`; of one execution or of all; at most `limit`. Pass the id of
    /// the last event of a page, not the largest, to get the next one: events of all executions come in the order in
    /// which they became visible, so whoever follows them misses none.
    async fn events(&self, id: Option<ExecutionId>, after: i64, limit: u32) -> Result<EventPage, StoreError>;

    /// Asks for a cancel. What has not started ends at once; what runs becomes `canceling` and its worker is told.
    async fn cancel(&self, id: ExecutionId, by: &str) -> Result<CancelAnswer, StoreError>;

    /// Submits what a terminal execution ran once more, as a new execution that names it. An execution whose outcome
    /// is unknown is repeated only when `may_run_twice` or when its action is idempotent.
    async fn retry(&self, id: ExecutionId, may_run_twice: bool, by: &str) -> Result<RetryAnswer, StoreError>;

    /// Stored log pieces of an execution after the cursor `after` (0 for all), in order, at most `limit`; each with its
    /// cursor.
    async fn logs(&self, id: ExecutionId, after: i64, limit: u32) -> Result<Vec<(i64, LogChunk)>, StoreError>;

    // --- scheduling ------------------------------------------------------------------------------------------------

    /// What waits (oldest first, at most `limit`, leaving out the requirement keys in `skip`) and which workers are
    /// there with how many free slots. A look, not a lock.
    async fn placement_view(&self, limit: u32, skip: &[String]) -> Result<PlacementView, StoreError>;

    /// How much waits, by what it asks for. A look at all of it: for people and autoscalers, not for every tick.
    async fn queue_depths(&self) -> Result<Vec<QueueDepth>, StoreError>;

    /// Assigns executions to workers in one commit. Elements that lost a race (no longer waiting, worker full or gone)
    /// are left out of the answer. The answer carries the messages to publish; each is also an outbox row that this
    /// caller holds for `ReaperPolicy::outbox_hold_ms`, so nothing is lost if it dies before publishing.
    async fn assign(&self, assignments: Vec<Assignment>, policy: &ReaperPolicy) -> Result<Vec<Assigned>, StoreError>;

    /// Takes back up to `at_most` attempts that `worker` was assigned and has not claimed, newest first, so that a
    /// worker with free slots can have them. Returns the executions, which wait again.
    async fn take_back(&self, worker: WorkerId, at_most: u32) -> Result<Vec<ExecutionId>, StoreError>;

    /// Takes messages that wait in the outbox and that nobody holds, and holds them for `hold_ms`.
    async fn take_outbox(&self, limit: u32, hold_ms: i64) -> Result<Vec<OutboxMessage>, StoreError>;

    /// Deletes messages that were confirmed and routed.
    async fn delete_outbox(&self, ids: &[i64]) -> Result<(), StoreError>;

    /// Ends leases that ran out, takes back assignments that nobody claimed, marks silent workers, and wakes retries
    /// that are due. Does nothing but note its own tick within one lease time after a gap in its ticks.
    async fn reap(&self, policy: &ReaperPolicy) -> Result<ReapReport, StoreError>;

    // --- a worker's side -------------------------------------------------------------------------------------------

    /// Registers a worker by name. The newest registration owns the name: attempts that an earlier incarnation held
    /// are settled at once when `previous_is_dead` (evidence), else when their leases run out.
    async fn register_worker(&self, registration: &Registration) -> Result<Registered, StoreError>;

    /// Renews every lease of a worker and brings back what it must know.
    async fn beat(&self, beat: &Beat) -> Result<BeatReply, StoreError>;

    /// Claims assigned attempts: `assigned -> running` (or `claimed`, see [`ClaimRequest::hold`]) for this incarnation
    /// only. Returns the work; the token of the request is the right to it from then on. A request that says
    /// [`ClaimRequest::again`] is answered as its first was.
    async fn claim(
        &self,
        incarnation: Incarnation,
        requests: Vec<ClaimRequest>,
    ) -> Result<Vec<ClaimAnswer>, StoreError>;

    /// Moves held claims on to `running`: the start barrier opens for those that are answered [`Answered::Accepted`]. Asked
    /// again with the same token, it answers the same.
    async fn start(&self, incarnation: Incarnation, tokens: Vec<HandBack>) -> Result<Vec<Answered>, StoreError>;

    /// Ends running attempts: outcome, result, logs, event and outbox row in one commit, fenced by token and live
    /// state. A stale worker is told [`Answered::Refused`], and its outcome is kept as the attempt's late outcome.
    async fn complete(&self, completions: Vec<Completion>) -> Result<Vec<Answered>, StoreError>;

    /// Gives back attempts that never started; those that count as running only on [`HandBack::never_started`].
    async fn hand_back(&self, incarnation: Incarnation, attempts: Vec<HandBack>) -> Result<Vec<Answered>, StoreError>;

    /// Appends log pieces. A piece that is there already is left as it is; one of an attempt that the store does not know
    /// is left out: its execution was removed by retention, or forgotten by a database that was set back.
    async fn append_logs(&self, chunks: Vec<LogChunk>) -> Result<(), StoreError>;

    /// Notes files that attempts left behind; one that was noted before is replaced.
    async fn put_artifacts(&self, artifacts: Vec<Artifact>) -> Result<(), StoreError>;

    /// The artifacts of one execution whose time is not up, by attempt and path.
    async fn artifacts(&self, id: ExecutionId) -> Result<Vec<Artifact>, StoreError>;

    /// Artifacts whose time is up, so that whoever keeps their content removes it: those that `worker` stored, and
    /// those whose location begins with `place`, when that is not empty. Oldest first, at most `limit`.
    async fn expired_artifacts(&self, worker: &str, place: &str, limit: u32) -> Result<Vec<Artifact>, StoreError>;

    /// Forgets artifacts whose time is up and whose content is gone.
    async fn forget_artifacts(&self, artifacts: Vec<Artifact>) -> Result<(), StoreError>;

    /// Removes what has been kept long enough: one small step, over the executions that follow `after`.
    async fn retain(&self, policy: &RetentionPolicy, after: ExecutionId) -> Result<Retained, StoreError>;

    /// Marks a worker as left; attempts that it has assigned but not claimed go back.
    async fn deregister_worker(&self, id: WorkerId, incarnation: Incarnation) -> Result<(), StoreError>;

    /// Notes what a worker tells about environments, in the place of what it told before of the same pack, runtime and
    /// interpreter. Their `worker` and `changed_at` are not looked at; sizes and times that are absent stay as they were.
    async fn put_environments(&self, worker: WorkerId, environments: Vec<Environment>) -> Result<(), StoreError>;

    /// What workers told about environments last, by pack, runtime and worker.
    async fn environments(&self) -> Result<Vec<Environment>, StoreError>;

    /// Forgets environments, by fingerprint, that a worker does not have any more.
    async fn forget_environments(&self, worker: WorkerId, fingerprints: Vec<String>) -> Result<(), StoreError>;

    /// All workers by name.
    async fn workers(&self) -> Result<Vec<Worker>, StoreError>;

    /// Sets a worker to `active` or `draining`. `false` when there is none of that name.
    async fn set_worker_status(&self, name: &str, status: WorkerStatus) -> Result<bool, StoreError>;
}
