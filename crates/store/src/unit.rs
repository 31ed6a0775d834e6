//! One transaction in the words of the protocol: lock, look, move.

use attune_types::{
    AttemptNumber, AttemptState, Evidence, ExecutionId, ExecutionStatus, Incarnation, LeaseToken, NearestMiss, Outcome,
    Payload, Resources, RetryPolicy, Timestamp, WorkerId,
};
use serde_json::Value as Json;

use crate::read_back::{document, from_word, maybe_document, to_text};
use crate::rules::{self, Circumstances, Facts, Next};
use crate::session::{Row, Session, Sql, Transact, Value};
use crate::token;
use crate::trouble::Trouble;
use crate::wake_bus::Touched;

/// A transaction that knows the database's time at its start and remembers what it touched.
///
/// Locks are taken in one order everywhere, so that no two transactions ever wait for each other: workers by id, then
/// executions by id. Whoever holds an execution's row may change its attempts, and nobody else may (except that a
/// heartbeat renews leases, and it never waits).
pub(crate) struct Unit {
    transaction: Box<dyn Transact>,
    /// The database's time at the start.
    pub(crate) now: i64,
    /// What to wake after the commit.
    pub(crate) touched: Touched,
}

/// An execution whose row is locked.
#[derive(Debug)]
pub(crate) struct Standing {
    pub(crate) id: ExecutionId,
    pub(crate) status: ExecutionStatus,
    pub(crate) attempts: AttemptNumber,
    pub(crate) tries: i32,
    pub(crate) unstarted: i32,
    pub(crate) cancel_by: Option<String>,
    pub(crate) retry: Option<RetryPolicy>,
    pub(crate) idempotent: bool,
    pub(crate) trace: Option<String>,
}

/// One of its attempts.
#[derive(Debug)]
pub(crate) struct Try {
    pub(crate) number: AttemptNumber,
    pub(crate) state: AttemptState,
    pub(crate) worker: WorkerId,
    pub(crate) worker_name: String,
    pub(crate) worker_seen: Option<Timestamp>,
    pub(crate) incarnation: Vec<u8>,
    pub(crate) token_hash: Option<Vec<u8>>,
    pub(crate) dispatch_deadline: i64,
    pub(crate) lease_ends_at: Option<i64>,
    /// What was sealed for it.
    pub(crate) sealed: Option<Vec<u8>>,
}

/// How an attempt ended.
#[derive(Debug, Default)]
pub(crate) struct Ending<'a> {
    pub(crate) outcome: Option<&'a Outcome>,
    pub(crate) resources: Option<&'a Resources>,
    pub(crate) evidence: Option<&'a Evidence>,
    pub(crate) reason: Option<&'a str>,
}

const LOCK_EXECUTION: Sql = Sql {
    postgres: "SELECT e.id, e.status, e.attempts, e.tries, e.unstarted, e.cancel_by, r.retry, r.idempotent, r.trace \
               FROM execution e JOIN execution_request r ON r.id = e.id WHERE e.id = $1 FOR NO KEY UPDATE OF e",
    sqlite: "SELECT e.id, e.status, e.attempts, e.tries, e.unstarted, e.cancel_by, r.retry, r.idempotent, r.trace \
             FROM execution e JOIN execution_request r ON r.id = e.id WHERE e.id = $1",
};

const READ_ATTEMPT: Sql = Sql::same(
    "SELECT a.attempt, a.state, a.worker_id, a.incarnation, a.token_hash, a.dispatch_deadline, a.lease_ends_at, a.sealed, \
     w.name AS worker_name, w.last_beat_at FROM execution_attempt a LEFT JOIN worker w ON w.id = a.worker_id \
     WHERE a.execution_id = $1 AND a.attempt = $2",
);

const END_ATTEMPT: Sql = Sql::same(
    "UPDATE execution_attempt SET state = $3, ended_at = $4, outcome = $5, resources = $6, reason = $7, \
     evidence = $8, lease_ends_at = NULL WHERE execution_id = $1 AND attempt = $2",
);

const REQUEUE: Sql = Sql::same("UPDATE execution SET status = 'requested', unstarted = $2 WHERE id = $1");

const END_EXECUTION: Sql = Sql::same(
    "UPDATE execution SET status = $2, ended_at = $3, outcome = $4, result = $5, tries = $6, cancel_by = $7 \
     WHERE id = $1",
);

const RETRY_EXECUTION: Sql =
    Sql::same("UPDATE execution SET status = 'retrying', available_at = $2, tries = $3 WHERE id = $1");

const WAIT_AGAIN: Sql =
    Sql::same("UPDATE execution SET status = 'retrying', available_at = $2, unstarted = $3 WHERE id = $1");

const NEVER_STARTED: Sql =
    Sql::same("UPDATE execution_attempt SET started_at = NULL WHERE execution_id = $1 AND attempt = $2");

/// Why an attempt was superseded whose worker is gone. Found again by its words.
const VANISHED_UNDER_IT: &str = "its worker is gone and nothing of it ran";

const VANISHED: Sql = Sql::same(
    "SELECT count(*) AS before FROM execution_attempt \
     WHERE execution_id = $1 AND state = 'superseded' AND claimed_at IS NOT NULL AND reason = $2",
);

const SEND: Sql = Sql::same("INSERT INTO outbox (payload, trace, occurred_at, held_until) VALUES ($1, $2, $3, 0)");

impl Unit {
    /// Wraps a transaction that has just begun.
    pub(crate) async fn begin(mut transaction: Box<dyn Transact>) -> Result<Self, Trouble> {
        const NOW: Sql = Sql { postgres: "SELECT attune_now() AS now", sqlite: "SELECT now FROM clock" };
        let rows = transaction.all(NOW, Vec::new()).await?;
        let now = rows.first().ok_or(sqlx::Error::RowNotFound)?.get("now")?;
        Ok(Self { transaction, now, touched: Touched::default() })
    }

    /// Makes everything durable and says what was touched.
    pub(crate) async fn commit(self) -> Result<Touched, Trouble> {
        self.transaction.commit().await?;
        Ok(self.touched)
    }

    pub(crate) async fn all(&mut self, sql: Sql, values: Vec<Value>) -> Result<Vec<Row>, Trouble> {
        self.transaction.all(sql, values).await
    }

    pub(crate) async fn one(&mut self, sql: Sql, values: Vec<Value>) -> Result<Option<Row>, Trouble> {
        Ok(self.transaction.all(sql, values).await?.into_iter().next())
    }

    pub(crate) async fn run(&mut self, sql: Sql, values: Vec<Value>) -> Result<u64, Trouble> {
        self.transaction.run(sql, values).await
    }

    /// The connection underneath.
    pub(crate) fn session(&mut self) -> &mut dyn Session {
        &mut *self.transaction
    }

    /// Locks an execution and returns where it stands.
    pub(crate) async fn lock(&mut self, id: ExecutionId) -> Result<Option<Standing>, Trouble> {
        let Some(row) = self.one(LOCK_EXECUTION, vec![id.0.into()]).await? else { return Ok(None) };
        Ok(Some(Standing {
            id,
            status: from_word("execution.status", &row.get::<String>("status")?)?,
            attempts: AttemptNumber(small(&row, "attempts")?),
            tries: small(&row, "tries")?,
            unstarted: small(&row, "unstarted")?,
            cancel_by: row.get("cancel_by")?,
            retry: maybe_document("execution_request.retry", row.get("retry")?)?,
            idempotent: row.get("idempotent")?,
            trace: row.get("trace")?,
        }))
    }

    /// One attempt of a locked execution.
    pub(crate) async fn attempt(
        &mut self,
        execution: ExecutionId,
        number: AttemptNumber,
    ) -> Result<Option<Try>, Trouble> {
        let Some(row) = self.one(READ_ATTEMPT, vec![execution.0.into(), number.0.into()]).await? else {
            return Ok(None);
        };
        Ok(Some(Try {
            number,
            state: from_word("execution_attempt.state", &row.get::<String>("state")?)?,
            worker: WorkerId(row.get("worker_id")?),
            worker_name: row.get::<Option<String>>("worker_name")?.unwrap_or_default(),
            worker_seen: row.get::<Option<i64>>("last_beat_at")?.map(Timestamp),
            incarnation: row.get("incarnation")?,
            token_hash: row.get("token_hash")?,
            dispatch_deadline: row.get("dispatch_deadline")?,
            lease_ends_at: row.get("lease_ends_at")?,
            sealed: row.get("sealed")?,
        }))
    }

    /// What the rules look at when a worker wants something of an attempt.
    pub(crate) fn facts(
        standing: &Standing,
        attempt: &Try,
        incarnation: Option<Incarnation>,
        token: Option<LeaseToken>,
    ) -> Facts {
        let hash = token.map(token::hash);
        Facts {
            status: standing.status,
            state: attempt.state,
            is_own: incarnation.is_some_and(|incarnation| attempt.incarnation == incarnation.0),
            has_token: hash.is_some_and(|hash| attempt.token_hash.as_deref() == Some(&hash[..])),
        }
    }

    /// Ends an attempt.
    pub(crate) async fn end_attempt(
        &mut self,
        execution: ExecutionId,
        number: AttemptNumber,
        state: AttemptState,
        ending: Ending<'_>,
    ) -> Result<(), Trouble> {
        let values = vec![
            execution.0.into(),
            number.0.into(),
            state.as_str().into(),
            self.now.into(),
            ending.outcome.map(to_text).transpose()?.into(),
            ending.resources.map(to_text).transpose()?.into(),
            ending.reason.map(str::to_owned).into(),
            ending.evidence.map(to_text).transpose()?.into(),
        ];
        self.run(END_ATTEMPT, values).await?;
        Ok(())
    }

    /// Puts an execution of which nothing ran back into the queue, at its old place.
    pub(crate) async fn requeue(&mut self, standing: &Standing, unstarted: i32) -> Result<(), Trouble> {
        self.run(REQUEUE, vec![standing.id.0.into(), unstarted.into()]).await?;
        self.touched.schedule = true;
        self.touched.executions.push(standing.id);
        Ok(())
    }

    /// Takes an attempt away of which nothing ran, and puts its execution back into the queue. Never counted.
    pub(crate) async fn supersede(
        &mut self,
        standing: &Standing,
        number: AttemptNumber,
        reason: &str,
    ) -> Result<(), Trouble> {
        let ending = Ending { reason: Some(reason), ..Ending::default() };
        self.end_attempt(standing.id, number, AttemptState::Superseded, ending).await?;
        self.requeue(standing, standing.unstarted).await
    }

    /// Decides what follows an attempt that ended with `outcome`, and does it: end or retry.
    pub(crate) async fn settle(
        &mut self,
        standing: &Standing,
        outcome: &Outcome,
        result: Option<&Json>,
    ) -> Result<ExecutionStatus, Trouble> {
        let tries = standing.tries + 1;
        let circumstances = Circumstances {
            policy: standing.retry.as_ref(),
            idempotent: standing.idempotent,
            tries,
            cancel_requested: standing.cancel_by.is_some(),
        };
        match rules::next(outcome, circumstances) {
            Next::Retry { pause_ms } => {
                let available_at = self.now.saturating_add(pause_ms.saturating_mul(1000));
                self.run(RETRY_EXECUTION, vec![standing.id.0.into(), available_at.into(), tries.into()]).await?;
                self.touched.schedule = true;
                self.touched.executions.push(standing.id);
                Ok(ExecutionStatus::Retrying)
            }
            Next::End(status) => {
                // What ends before it ran has fewer ways to end than what ran.
                let status = if standing.status.may_become(status) { status } else { ExecutionStatus::Failed };
                self.end(standing, status, Some(outcome), result, tries, standing.cancel_by.clone()).await?;
                Ok(status)
            }
        }
    }

    /// Ends an execution and writes the one message that says so.
    pub(crate) async fn end(
        &mut self,
        standing: &Standing,
        status: ExecutionStatus,
        outcome: Option<&Outcome>,
        result: Option<&Json>,
        tries: i32,
        cancel_by: Option<String>,
    ) -> Result<(), Trouble> {
        let values = vec![
            standing.id.0.into(),
            status.as_str().into(),
            self.now.into(),
            outcome.map(to_text).transpose()?.into(),
            result.map(to_text).transpose()?.into(),
            tries.into(),
            cancel_by.into(),
        ];
        self.run(END_EXECUTION, values).await?;
        self.touched.executions.push(standing.id);
        // A slot may have become free.
        self.touched.schedule = true;
        let payload = Payload::Completed { execution: standing.id, status, outcome: outcome.cloned() };
        self.send(&payload, standing.trace.clone()).await
    }

    /// Ends an attempt whose worker is gone. What had been let start is lost, and its policy says what follows;
    /// what had not goes back into the queue.
    pub(crate) async fn bury(&mut self, standing: &Standing, attempt: &Try) -> Result<ExecutionStatus, Trouble> {
        if attempt.state != AttemptState::Running {
            let before = self.one(VANISHED, vec![standing.id.0.into(), VANISHED_UNDER_IT.into()]).await?;
            let before: i64 = before.map(|row| row.get("before")).transpose()?.unwrap_or(0);
            if attempt.state == AttemptState::Claimed && rules::is_poison(before + 1) {
                return self.refuse_poison(standing, attempt, before + 1).await;
            }
            self.supersede(standing, attempt.number, VANISHED_UNDER_IT).await?;
            return Ok(ExecutionStatus::Requested);
        }
        let outcome = Outcome::WorkerLost { last_seen: attempt.worker_seen };
        let ending = Ending { outcome: Some(&outcome), ..Ending::default() };
        self.end_attempt(standing.id, attempt.number, AttemptState::Lost, ending).await?;
        self.settle(standing, &outcome, None).await
    }

    /// Ends an execution that one worker after the other did not survive preparing.
    async fn refuse_poison(
        &mut self,
        standing: &Standing,
        attempt: &Try,
        vanished: i64,
    ) -> Result<ExecutionStatus, Trouble> {
        let ending = Ending { reason: Some(VANISHED_UNDER_IT), ..Ending::default() };
        self.end_attempt(standing.id, attempt.number, AttemptState::Superseded, ending).await?;
        let why = format!("{vanished} workers vanished while they prepared it; nothing of it ran");
        self.end_undeliverable(standing, attempt, &why).await?;
        Ok(ExecutionStatus::Failed)
    }

    /// Ends what somebody cancelled while a worker held it that had let nothing of it run.
    pub(crate) async fn end_unstarted(&mut self, standing: &Standing, attempt: &Try) -> Result<(), Trouble> {
        let outcome = Outcome::Cancelled { by: standing.cancel_by.clone().unwrap_or_default() };
        let ending =
            Ending { outcome: Some(&outcome), reason: Some("cancelled before anything ran"), ..Ending::default() };
        self.end_attempt(standing.id, attempt.number, AttemptState::Cancelled, ending).await?;
        self.settle(standing, &outcome, None).await?;
        Ok(())
    }

    /// Takes back an attempt whose start was allowed and not made use of. Its execution waits for another one at once.
    pub(crate) async fn take_unstarted(
        &mut self,
        standing: &Standing,
        attempt: &Try,
        reason: &str,
        most_unstarted: i32,
    ) -> Result<(), Trouble> {
        // What stands there means that something may have run.
        self.run(NEVER_STARTED, vec![standing.id.0.into(), attempt.number.0.into()]).await?;
        let ending = Ending { reason: Some(reason), ..Ending::default() };
        self.end_attempt(standing.id, attempt.number, AttemptState::HandedBack, ending).await?;
        let unstarted = standing.unstarted + 1;
        if unstarted >= most_unstarted {
            return self.end_undeliverable(standing, attempt, reason).await;
        }
        let values = vec![standing.id.0.into(), self.now.into(), unstarted.into()];
        self.run(WAIT_AGAIN, values).await?;
        self.touched.schedule = true;
        self.touched.executions.push(standing.id);
        Ok(())
    }

    async fn end_undeliverable(&mut self, standing: &Standing, attempt: &Try, reason: &str) -> Result<(), Trouble> {
        let miss = NearestMiss { worker: attempt.worker_name.clone(), lacks: vec![reason.to_owned()] };
        let outcome = Outcome::Undeliverable { nearest_misses: vec![miss] };
        self.end(standing, ExecutionStatus::Failed, Some(&outcome), None, standing.tries, None).await
    }

    /// Counts an attempt that a worker gave back, and puts its execution back into the queue or, when that has
    /// happened too often, ends it.
    pub(crate) async fn hand_back(
        &mut self,
        standing: &Standing,
        attempt: &Try,
        reason: &str,
        most_unstarted: i32,
    ) -> Result<(), Trouble> {
        let ending = Ending { reason: Some(reason), ..Ending::default() };
        self.end_attempt(standing.id, attempt.number, AttemptState::HandedBack, ending).await?;
        let unstarted = standing.unstarted + 1;
        if unstarted < most_unstarted {
            return self.requeue(standing, unstarted).await;
        }
        self.end_undeliverable(standing, attempt, reason).await
    }

    /// Writes a message that somebody must publish.
    pub(crate) async fn send(&mut self, payload: &Payload, trace: Option<String>) -> Result<(), Trouble> {
        self.run(SEND, vec![to_text(payload)?.into(), trace.into(), self.now.into()]).await?;
        self.touched.outbox = true;
        Ok(())
    }
}

/// A small number that is stored wide.
pub(crate) fn small(row: &Row, column: &'static str) -> Result<i32, Trouble> {
    let number: i64 = row.get(column)?;
    Ok(i32::try_from(number).unwrap_or(i32::MAX))
}

/// The retry policy as it is stored, so that a decision need not read the whole specification.
pub(crate) fn retry_text(policy: Option<&RetryPolicy>) -> Result<Option<String>, Trouble> {
    policy.map(to_text).transpose()
}

/// A document of a row.
pub(crate) fn document_of<T: serde::de::DeserializeOwned>(row: &Row, column: &'static str) -> Result<T, Trouble> {
    document(column, &row.get::<String>(column)?)
}
