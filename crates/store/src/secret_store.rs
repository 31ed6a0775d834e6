//! What the store keeps of secrets: ciphertexts, and to whom they belong.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use attune_secret::{Binding, Envelope, SecretError, SecretId};
use attune_types::{ActionRef, AttemptNumber, ExecutionId, Outcome, Timestamp};

use crate::error::StoreError;
use crate::model::{Assigned, Assignment, NewExecution, ReaperPolicy, RetryAnswer, Submitted};

/// A secret as it lies in the database. The value is a ciphertext, and no reader of the database can open it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSecret {
    /// Its row.
    pub row: i64,
    /// Whose it is and what it is called.
    pub id: SecretId,
    /// How often its value was replaced, from 1.
    pub version: i64,
    /// The value.
    pub envelope: Envelope,
    /// When it was stored first.
    pub created_at: Timestamp,
    /// When its value was stored.
    pub stored_at: Timestamp,
}

/// Any ciphertext, with what it is bound to: a secret, or the secret parameters or outputs of an execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEnvelope {
    /// Its row.
    pub row: i64,
    /// What it is bound to.
    pub binding: Binding,
    /// The ciphertext.
    pub envelope: Envelope,
}

/// A request whose secret parameters were taken out.
#[derive(Debug, Clone)]
pub struct SealedExecution {
    /// The request without them: `***` stands in their place.
    pub request: NewExecution,
    /// Encrypts them; absent when it has none, but others of the same commit have.
    pub parameters: Option<ParameterSeal>,
}

/// Encrypts the secret parameters of a request for the execution that it became. The number of the execution, which they are
/// bound to, is given by the database: it is known inside the transaction that accepts the request and not before.
#[derive(Clone)]
pub struct ParameterSeal(Arc<SealParameters>);

type SealParameters = dyn Fn(ExecutionId) -> Result<SealedParameters, SecretError> + Send + Sync;

impl ParameterSeal {
    /// Encrypts with `seal`, which is called with a transaction open and must not wait for anything.
    pub fn new(seal: impl Fn(ExecutionId) -> Result<SealedParameters, SecretError> + Send + Sync + 'static) -> Self {
        Self(Arc::new(seal))
    }

    /// The secret parameters of this execution.
    ///
    /// # Errors
    /// The operating system gives no random bytes.
    pub fn seal(&self, execution: ExecutionId) -> Result<SealedParameters, SecretError> {
        (self.0)(execution)
    }
}

impl fmt::Debug for ParameterSeal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ParameterSeal(***)")
    }
}

/// Encrypts secret parameters of one execution anew for another that repeats it. As with [`ParameterSeal`], with a
/// transaction open.
#[derive(Clone)]
pub struct ParameterMove(Arc<MoveParameters>);

type MoveParameters = dyn Fn(&StoredEnvelope, ExecutionId) -> Result<Envelope, SecretError> + Send + Sync;

impl ParameterMove {
    /// Moves with `shift`.
    pub fn new(
        shift: impl Fn(&StoredEnvelope, ExecutionId) -> Result<Envelope, SecretError> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(shift))
    }

    /// The same parameters, bound to the execution `to`.
    ///
    /// # Errors
    /// They do not open.
    pub fn shift(&self, stored: &StoredEnvelope, to: ExecutionId) -> Result<Envelope, SecretError> {
        (self.0)(stored, to)
    }
}

impl fmt::Debug for ParameterMove {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ParameterMove(***)")
    }
}

/// Secret parameters of one execution, encrypted together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedParameters {
    /// Their names, ascending.
    pub names: Vec<String>,
    /// They themselves.
    pub envelope: Envelope,
}

/// What an execution that waits must be given in secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretNeed {
    /// Which execution.
    pub execution: ExecutionId,
    /// The number of its next attempt.
    pub attempt: AttemptNumber,
    /// What it runs.
    pub action: ActionRef,
    /// The names that its action lists.
    pub names: Vec<String>,
    /// Every secret of these names that may be meant, of any owner that serves the action.
    pub secrets: Vec<StoredSecret>,
    /// Its secret parameters.
    pub parameters: Option<StoredEnvelope>,
    /// Whether its action has secret outputs, which must be encrypted with something.
    pub has_outputs: bool,
}

/// An assignment with what is sealed to its worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedAssignment {
    /// The decision.
    pub assignment: Assignment,
    /// The one attempt that it was sealed for.
    pub attempt: AttemptNumber,
    /// What was sealed.
    pub sealed: Vec<u8>,
    /// What waits for its secret outputs: the key that was sealed, wrapped.
    pub outputs: Option<Envelope>,
}

/// Secrets. Beside [`crate::Store`], because a worker needs none of it: what it is to know comes with its claims.
///
/// Nothing in here encrypts or decrypts: whoever calls holds the keys.
#[async_trait]
pub trait SecretStore: Send + Sync {
    /// All secrets, by owner and name.
    async fn secrets(&self) -> Result<Vec<StoredSecret>, StoreError>;

    /// One secret.
    async fn secret(&self, id: &SecretId) -> Result<Option<StoredSecret>, StoreError>;

    /// Stores `envelope` as `version` of a secret: a new one as version 1, else the one that follows the version that is
    /// there. `false` when that is not so (any more).
    async fn put_secret(&self, id: &SecretId, version: i64, envelope: &Envelope) -> Result<bool, StoreError>;

    /// Forgets a secret. `false` when there is none.
    async fn delete_secret(&self, id: &SecretId) -> Result<bool, StoreError>;

    /// One ciphertext of each key-encryption key that anything is wrapped with, by the number of the key.
    async fn one_of_each_key(&self) -> Result<Vec<StoredEnvelope>, StoreError>;

    /// Ciphertexts after the row `after`, by row, at most `limit`; with `except`, only those of other keys.
    async fn envelopes(&self, after: i64, except: Option<u32>, limit: u32) -> Result<Vec<StoredEnvelope>, StoreError>;

    /// Puts `envelope` in the place of `before`. `false` when that is not there any more.
    async fn replace_envelope(&self, before: &StoredEnvelope, envelope: &Envelope) -> Result<bool, StoreError>;

    /// Accepts executions with secret parameters, as [`crate::Store::submit`] does.
    async fn submit_sealed(&self, requests: Vec<SealedExecution>) -> Result<Vec<Submitted>, StoreError>;

    /// As [`crate::Store::retry`], for executions with secret parameters too: those are moved to the repetition.
    async fn retry_sealed(
        &self,
        id: ExecutionId,
        may_run_twice: bool,
        by: &str,
        parameters: &ParameterMove,
    ) -> Result<RetryAnswer, StoreError>;

    /// The secret outputs of an execution. Absent when its last try has left none.
    async fn outputs(&self, execution: ExecutionId) -> Result<Option<StoredEnvelope>, StoreError>;

    /// What these executions need in secret. Those that do not wait (any more) are left out.
    async fn secret_needs(&self, executions: &[ExecutionId]) -> Result<Vec<SecretNeed>, StoreError>;

    /// Assigns executions as [`crate::Store::assign`] does, each with what is sealed for it. All or nothing: when one of
    /// them would get another attempt number than it was sealed for, nothing is assigned and the answer is empty.
    async fn assign_sealed(
        &self,
        assignments: Vec<SealedAssignment>,
        policy: &ReaperPolicy,
    ) -> Result<Vec<Assigned>, StoreError>;

    /// Ends an execution that waits, because what it needs cannot be had. `false` when it does not wait (any more).
    async fn refuse(&self, execution: ExecutionId, outcome: &Outcome) -> Result<bool, StoreError>;
}
