//! Tokens, enrolled workers and the audit trail over any database.

use async_trait::async_trait;

use crate::access::{Enrolment, ExecutionToken, NewToken, TokenRecord};
use crate::admission::Admission;
use crate::audit::{AuditEntry, AuditNote, AuditVerdict};
use crate::backend::Backend;
use crate::error::StoreError;
use crate::operations::{audit, tokens};
use crate::sql_store::SqlStore;

#[async_trait]
impl<B: Backend> Admission for SqlStore<B> {
    async fn put_token(&self, token: &NewToken) -> Result<TokenRecord, StoreError> {
        self.bounded("keeping a token", async {
            let mut unit = self.unit().await?;
            let record = tokens::put(&mut unit, token).await?;
            self.commit(unit).await?;
            Ok(record)
        })
        .await
    }

    async fn find_token(&self, hash: [u8; 32]) -> Result<Option<TokenRecord>, StoreError> {
        self.bounded("finding a token", async { tokens::find(&mut *self.session().await?, hash).await }).await
    }

    async fn tokens(&self, limit: u32) -> Result<Vec<TokenRecord>, StoreError> {
        self.bounded("listing tokens", async { tokens::list(&mut *self.session().await?, limit).await }).await
    }

    async fn revoke_token(&self, id: i64) -> Result<bool, StoreError> {
        self.bounded("revoking a token", async {
            let mut unit = self.unit().await?;
            let found = tokens::revoke(&mut unit, id).await?;
            self.commit(unit).await?;
            Ok(found)
        })
        .await
    }

    async fn touch_token(&self, id: i64) -> Result<(), StoreError> {
        self.bounded("noting the use of a token", async {
            let mut unit = self.unit().await?;
            tokens::touch(&mut unit, id).await?;
            self.commit(unit).await
        })
        .await
    }

    async fn issue_execution_token(&self, token: &ExecutionToken) -> Result<bool, StoreError> {
        self.bounded("making the token of an execution", async { self.backend.issue_execution_token(token).await })
            .await
    }

    async fn enrol_worker(&self, token: i64, key_hash: [u8; 32]) -> Result<Enrolment, StoreError> {
        self.bounded("enrolling a worker", async {
            let mut unit = self.unit().await?;
            let enrolment = tokens::enrol(&mut unit, token, key_hash).await?;
            self.commit(unit).await?;
            Ok(enrolment)
        })
        .await
    }

    async fn forget_tokens(&self) -> Result<u64, StoreError> {
        self.bounded("forgetting tokens", async {
            let mut unit = self.unit().await?;
            let forgotten = tokens::forget(&mut unit).await?;
            self.commit(unit).await?;
            Ok(forgotten)
        })
        .await
    }

    async fn audit(&self, notes: Vec<AuditNote>) -> Result<(), StoreError> {
        if notes.is_empty() {
            return Ok(());
        }
        self.bounded("writing the audit trail", async { self.backend.audit(&notes).await }).await
    }

    async fn audit_trail(&self, after: i64, limit: u32) -> Result<Vec<AuditEntry>, StoreError> {
        self.bounded("reading the audit trail", async { audit::read(&mut *self.session().await?, after, limit).await })
            .await
    }

    async fn verify_audit(&self) -> Result<AuditVerdict, StoreError> {
        self.bounded("checking the audit trail", async { audit::verify(&mut *self.session().await?).await }).await
    }
}
