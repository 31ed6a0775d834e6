//! Secrets over any database.

use async_trait::async_trait;
use attune_secret::{Envelope, SecretId};
use attune_types::{ExecutionId, Outcome};

use crate::backend::Backend;
use crate::error::StoreError;
use crate::model::{Assigned, ReaperPolicy, RetryAnswer, Submitted};
use crate::operations::submit::RequestRow;
use crate::operations::{self, secrets};
use crate::secret_store::{
    ParameterMove, SealedAssignment, SealedExecution, SecretNeed, SecretStore, StoredEnvelope, StoredSecret,
};
use crate::sql_store::SqlStore;
use crate::store::Store;

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

    async fn retry_sealed(
        &self,
        id: ExecutionId,
        may_run_twice: bool,
        by: &str,
        parameters: &ParameterMove,
    ) -> Result<RetryAnswer, StoreError> {
        repeat(self, id, may_run_twice, by, Some(parameters)).await
    }

    async fn outputs(&self, execution: ExecutionId) -> Result<Option<StoredEnvelope>, StoreError> {
        self.bounded("reading secret outputs", async { secrets::outputs(&mut *self.session().await?, execution).await })
            .await
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

/// Submits once more what an execution ran; its secret parameters, if it has any, are moved with `parameters`.
pub(crate) async fn repeat<B: Backend>(
    store: &SqlStore<B>,
    id: ExecutionId,
    may_run_twice: bool,
    by: &str,
    parameters: Option<&ParameterMove>,
) -> Result<RetryAnswer, StoreError> {
    let again = store
        .bounded("repeating an execution", async {
            operations::repeat::repeat(&mut *store.session().await?, id, may_run_twice, by).await
        })
        .await?;
    match again {
        Err(answer) => Ok(answer),
        Ok(request) if !request.spec.secret_parameters.is_empty() => {
            let submitted = store
                .bounded("repeating an execution with secret parameters", async {
                    let mut unit = store.unit().await?;
                    let submitted = secrets::repeat(&mut unit, RequestRow::new(&request)?, id, parameters).await?;
                    store.commit(unit).await?;
                    Ok(submitted)
                })
                .await?;
            Ok(RetryAnswer::Submitted(submitted.id))
        }
        Ok(request) => {
            let submitted = store.submit(vec![request]).await?;
            Ok(submitted.first().map_or(RetryAnswer::Unknown, |submitted| RetryAnswer::Submitted(submitted.id)))
        }
    }
}
