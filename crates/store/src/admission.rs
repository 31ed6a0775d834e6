//! What the store keeps of who may come in, and of what was done.

use async_trait::async_trait;

use crate::access::{Enrolment, ExecutionToken, NewToken, TokenRecord};
use crate::audit::{AuditEntry, AuditNote, AuditVerdict};
use crate::error::StoreError;

/// Tokens, enrolled workers and the audit trail. Beside [`crate::Store`], because nothing that runs executions needs it.
#[async_trait]
pub trait Admission: Send + Sync {
    /// Keeps a token; its record.
    async fn put_token(&self, token: &NewToken) -> Result<TokenRecord, StoreError>;

    /// The token with this hash, with its standing by the database's clock. `None` when there is none.
    async fn find_token(&self, hash: [u8; 32]) -> Result<Option<TokenRecord>, StoreError>;

    /// Tokens of people and of workers, newest first; those of executions are too many to list.
    async fn tokens(&self, limit: u32) -> Result<Vec<TokenRecord>, StoreError>;

    /// Takes a token back at once and for ever. `false` when there is none of that number.
    async fn revoke_token(&self, id: i64) -> Result<bool, StoreError>;

    /// Notes that a token was used.
    async fn touch_token(&self, id: i64) -> Result<(), StoreError>;

    /// Keeps a token for the script of a running attempt. `false` when the lease gives no right to it (any more).
    async fn issue_execution_token(&self, token: &ExecutionToken) -> Result<bool, StoreError>;

    /// Gives the name of a worker to whoever holds the key with this hash, and uses up the bootstrap token.
    async fn enrol_worker(&self, token: i64, key_hash: [u8; 32]) -> Result<Enrolment, StoreError>;

    /// Removes tokens that opened nothing for a day, of executions and of workers.
    async fn forget_tokens(&self) -> Result<u64, StoreError>;

    /// Appends to the audit trail.
    async fn audit(&self, notes: Vec<AuditNote>) -> Result<(), StoreError>;

    /// The audit trail after the link `after`, oldest first; at most `limit`.
    async fn audit_trail(&self, after: i64, limit: u32) -> Result<Vec<AuditEntry>, StoreError>;

    /// Walks along the whole trail and reckons every link again.
    async fn verify_audit(&self) -> Result<AuditVerdict, StoreError>;
}
