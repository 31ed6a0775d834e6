//! What a database must offer so that the protocol can run over it.

use async_trait::async_trait;
use attune_types::{Incarnation, LogChunk};

use crate::access::ExecutionToken;
use crate::audit::AuditNote;
use crate::error::StoreError;
use crate::model::{
    Answered, Assigned, Assignment, Beat, BeatReply, ClaimAnswer, ClaimRequest, Completion, OutboxMessage,
    ReaperPolicy, Submitted,
};
use crate::operations;
use crate::operations::submit::RequestRow;
use crate::secret_store::SealedAssignment;
use crate::session::{Session, Transact};
use crate::trouble::Trouble;
use crate::unit::Unit;
use crate::wake_bus::{Touched, WakeBus};

/// A database. The list operations have a version that takes one element after the other inside one transaction,
/// which is right where a statement costs microseconds; PostgreSQL replaces them by statements over whole lists.
#[async_trait]
pub(crate) trait Backend: Send + Sync + 'static {
    /// Its name, for people.
    fn kind(&self) -> &'static str;

    /// A connection for reading.
    async fn read(&self) -> Result<Box<dyn Session>, Trouble>;

    /// A transaction for writing.
    async fn begin(&self) -> Result<Box<dyn Transact>, Trouble>;

    /// Brings the schema up to date; returns how many migrations ran.
    async fn migrate(&self) -> Result<usize, StoreError>;

    /// Closes every connection.
    async fn close(&self);

    /// Called after a failure that may mean that connections are stale.
    fn suspect(&self) {}

    /// Makes sure that hints from other processes reach `wakes`, where a database can send them.
    fn listen(&self, _wakes: &WakeBus) {}

    /// See [`crate::Store::submit`].
    async fn submit(&self, requests: Vec<RequestRow>) -> Result<(Vec<Submitted>, Touched), Trouble> {
        let mut unit = Unit::begin(self.begin().await?).await?;
        let answers = operations::submit::submit(&mut unit, requests).await?;
        Ok((answers, unit.commit().await?))
    }

    /// See [`crate::Store::assign`].
    async fn assign(
        &self,
        assignments: &[Assignment],
        policy: &ReaperPolicy,
    ) -> Result<(Vec<Assigned>, Touched), Trouble> {
        let mut unit = Unit::begin(self.begin().await?).await?;
        let answers = operations::assign::assign(&mut unit, assignments, policy).await?;
        Ok((answers, unit.commit().await?))
    }

    /// See [`crate::SecretStore::assign_sealed`].
    async fn assign_sealed(
        &self,
        assignments: &[SealedAssignment],
        policy: &ReaperPolicy,
    ) -> Result<(Vec<Assigned>, Touched), Trouble> {
        let mut unit = Unit::begin(self.begin().await?).await?;
        let plain: Vec<Assignment> = assignments.iter().map(|one| one.assignment).collect();
        let assigned = operations::assign::assign(&mut unit, &plain, policy).await?;
        if !operations::secrets::seal(&mut unit, &assigned, assignments).await? {
            // Dropped, the transaction is rolled back.
            return Ok((Vec::new(), Touched::default()));
        }
        Ok((assigned, unit.commit().await?))
    }

    /// See [`crate::Store::claim`].
    async fn claim(
        &self,
        incarnation: Incarnation,
        requests: &[ClaimRequest],
    ) -> Result<(Vec<ClaimAnswer>, Touched), Trouble> {
        let mut unit = Unit::begin(self.begin().await?).await?;
        let answers = operations::claim::claim(&mut unit, incarnation, requests).await?;
        Ok((answers, unit.commit().await?))
    }

    /// See [`crate::Store::complete`].
    async fn complete(&self, completions: &[Completion]) -> Result<(Vec<Answered>, Touched), Trouble> {
        let mut unit = Unit::begin(self.begin().await?).await?;
        let answers = operations::complete::complete(&mut unit, completions).await?;
        Ok((answers, unit.commit().await?))
    }

    /// See [`crate::Store::append_logs`].
    async fn append_logs(&self, chunks: &[LogChunk]) -> Result<(), Trouble> {
        let mut unit = Unit::begin(self.begin().await?).await?;
        operations::logs::append(unit.session(), chunks).await?;
        unit.commit().await?;
        Ok(())
    }

    /// See [`crate::Admission::audit`].
    async fn audit(&self, notes: &[AuditNote]) -> Result<(), Trouble> {
        let mut unit = Unit::begin(self.begin().await?).await?;
        operations::audit::append(&mut unit, notes).await?;
        unit.commit().await?;
        Ok(())
    }

    /// See [`crate::Admission::issue_execution_token`].
    async fn issue_execution_token(&self, token: &ExecutionToken) -> Result<bool, Trouble> {
        let mut unit = Unit::begin(self.begin().await?).await?;
        let issued = operations::tokens::issue(&mut unit, token).await?;
        unit.commit().await?;
        Ok(issued)
    }

    /// See [`crate::Store::beat`].
    async fn beat(&self, beat: &Beat) -> Result<BeatReply, Trouble> {
        let mut unit = Unit::begin(self.begin().await?).await?;
        let reply = operations::beat::beat(&mut unit, beat).await?;
        unit.commit().await?;
        Ok(reply)
    }

    /// See [`crate::Store::take_outbox`].
    async fn take_outbox(&self, limit: u32, hold_ms: i64) -> Result<Vec<OutboxMessage>, Trouble> {
        let mut unit = Unit::begin(self.begin().await?).await?;
        let messages = operations::outbox::take(&mut unit, limit, hold_ms).await?;
        unit.commit().await?;
        Ok(messages)
    }

    /// See [`crate::Store::delete_outbox`].
    async fn delete_outbox(&self, ids: &[i64]) -> Result<(), Trouble> {
        let mut unit = Unit::begin(self.begin().await?).await?;
        operations::outbox::delete(unit.session(), ids).await?;
        unit.commit().await?;
        Ok(())
    }
}
