//! Secrets over any database.

use async_trait::async_trait;
use attune_secret::{Envelope, SecretId};
use attune_types::{ExecutionId, Outcome};

use crate::backend::Backend;
use crate::error::StoreError;
use crate::model::{Assigned, ReaperPolicy, Submitted};
use crate::operations::secrets;
use crate::secret_store::{SealedAssignment, SealedExecution, SecretNeed, SecretStore, StoredEnvelope, StoredSecret};
use crate::sql_store::SqlStore;

#[async_trait]
impl<B: Backend> SecretStore for SqlStore<B> {
    async fn secrets(&self) -> Result<Vec<StoredSecret>, StoreError> {
        self.bounded("listing secrets", async { secrets::list(&mut *self.session().await?).await }).await
    }

    async fn secret(&self, id: &SecretId) -> Result<Option<StoredSecret>, StoreError> {
        self.bounded("reading a secret", async { secrets::find(&mut *self.session().await?, id).await }).await
    }

    async fn put_secret(&self, id: &SecretId, version: i64, envelope: &Envelope) -> Result<bool, StoreError> {
        self.bounded("storing a secret", async {
            let mut unit = self.unit().await?;
            let stored = secrets::put(&mut unit, id, version, envelope).await?;
            self.commit(unit).await?;
            Ok(stored)
        })
        .await
    }

    async fn delete_secret(&self, id: &SecretId) -> Result<bool, StoreError> {
        self.bounded("forgetting a secret", async {
            let mut unit = self.unit().await?;
            let found = secrets::delete(&mut unit, id).await?;
            self.commit(unit).await?;
            Ok(found)
        })
        .await
    }

    async fn one_of_each_key(&self) -> Result<Vec<StoredEnvelope>, StoreError> {
        self.bounded("looking for the keys of secrets", async {
            secrets::one_of_each_key(&mut *self.session().await?).await
        })
        .await
    }

    async fn envelopes(&self, after: i64, except: Option<u32>, limit: u32) -> Result<Vec<StoredEnvelope>, StoreError> {
        self.bounded("reading ciphertexts", async {
            secrets::envelopes(&mut *self.session().await?, after, except, limit).await
        })
        .await
    }

    async fn replace_envelope(&self, before: &StoredEnvelope, envelope: &Envelope) -> Result<bool, StoreError> {
        self.bounded("replacing a ciphertext", async {
            let mut unit = self.unit().await?;
            let replaced = secrets::replace(&mut unit, before, envelope).await?;
            self.commit(unit).await?;
            Ok(replaced)
        })
        .await
    }

    async fn submit_sealed(&self, requests: Vec<SealedExecution>) -> Result<Vec<Submitted>, StoreError> {
        if requests.is_empty() {
            return Ok(Vec::new());
        }
        let accept = || {
            self.bounded("accepting executions with secret parameters", async {
                let mut unit = self.unit().await?;
                let answers = secrets::submit(&mut unit, &requests).await?;
                self.commit(unit).await?;
                Ok(answers)
            })
        };
        match accept().await {
            // Somebody used the same idempotency key at the same moment: a second look finds what came of it.
            Err(StoreError::Refused { .. }) if requests.iter().any(|one| one.request.idempotency_key.is_some()) => {
                accept().await
            }
            answers => answers,
        }
    }

    async fn secret_needs(&self, executions: &[ExecutionId]) -> Result<Vec<SecretNeed>, StoreError> {
        self.bounded("reading what executions need in secret", async {
            secrets::needs(&mut *self.session().await?, executions).await
        })
        .await
    }

    async fn assign_sealed(
        &self,
        assignments: Vec<SealedAssignment>,
        policy: &ReaperPolicy,
    ) -> Result<Vec<Assigned>, StoreError> {
        if assignments.is_empty() {
            return Ok(Vec::new());
        }
        self.bounded("assigning executions with secrets", async {
            Ok(self.told(self.backend.assign_sealed(&assignments, policy).await?))
        })
        .await
    }

    async fn refuse(&self, execution: ExecutionId, outcome: &Outcome) -> Result<bool, StoreError> {
        self.bounded("refusing an execution", async {
            let mut unit = self.unit().await?;
            let refused = secrets::refuse(&mut unit, execution, outcome).await?;
            self.commit(unit).await?;
            Ok(refused)
        })
        .await
    }
}
