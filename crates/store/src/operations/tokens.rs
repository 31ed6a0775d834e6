//! Tokens and enrolled workers.

use attune_types::{AttemptNumber, ExecutionId, Timestamp};

use crate::access::{Enrolment, ExecutionToken, NewToken, TokenKind, TokenRecord, TokenStanding};
use crate::read_back::{corrupt, storable, to_text};
use crate::session::{Row, Session, Sql};
use crate::token;
use crate::trouble::Trouble;
use crate::unit::{Unit, document_of, small};

macro_rules! tokens {
    ($now:literal, $rest:literal) => {
        concat!(
            "SELECT t.id, t.name, t.kind, t.owner, t.scopes, t.worker, t.execution_id, t.attempt, t.created_at, \
             t.expires_at, t.last_used_at, t.used_at, t.revoked_at, ",
            $now,
            " AS now, t.kind <> 'execution' OR EXISTS (SELECT 1 FROM execution_attempt a WHERE a.live \
             AND a.execution_id = t.execution_id AND a.attempt = t.attempt) AS live FROM api_token t ",
            $rest
        )
    };
}

const FIND: Sql = Sql {
    postgres: tokens!("attune_now()", "WHERE t.token_hash = $1"),
    sqlite: tokens!("(SELECT now FROM clock)", "WHERE t.token_hash = $1"),
};

const LIST: Sql = Sql {
    postgres: tokens!("attune_now()", "WHERE t.kind <> 'execution' ORDER BY t.id DESC LIMIT $1"),
    sqlite: tokens!("(SELECT now FROM clock)", "WHERE t.kind <> 'execution' ORDER BY t.id DESC LIMIT $1"),
};

const PUT: Sql = Sql::same(
    "INSERT INTO api_token (name, kind, owner, scopes, token_hash, worker, execution_id, attempt, created_at, \
     expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id",
);

const REVOKE: Sql = Sql::same("UPDATE api_token SET revoked_at = coalesce(revoked_at, $2) WHERE id = $1");

const TOUCH: Sql = Sql::same("UPDATE api_token SET last_used_at = $2 WHERE id = $1");

const LEASE: Sql = Sql::same(
    "SELECT 1 AS one FROM execution_attempt \
     WHERE execution_id = $1 AND attempt = $2 AND token_hash = $3 AND state IN ('claimed', 'running')",
);

// Compare and set: of two that come with the same token, one enrols.
const USE: Sql = Sql::same(
    "UPDATE api_token SET used_at = $2 WHERE id = $1 AND kind = 'bootstrap' AND used_at IS NULL \
     AND revoked_at IS NULL AND expires_at > $2 RETURNING worker",
);

const USED: Sql = Sql::same("SELECT used_at FROM api_token WHERE id = $1 AND kind = 'bootstrap'");

const ENROL: Sql = Sql::same(
    "INSERT INTO worker_enrolment (name, key_hash, enrolled_at) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE SET \
     key_hash = excluded.key_hash, enrolled_at = excluded.enrolled_at",
);

const FORGET: Sql = Sql::same("DELETE FROM api_token WHERE kind <> 'person' AND expires_at < $1");

const DAY: i64 = 24 * 3600 * 1_000_000;

/// Keeps a token.
pub(crate) async fn put(unit: &mut Unit, new: &NewToken) -> Result<TokenRecord, Trouble> {
    let expires_at = new.lives_ms.map(|lives| unit.now.saturating_add(lives.saturating_mul(1000)));
    let (worker, execution, attempt) = match &new.kind {
        TokenKind::Person => (None, None, None),
        TokenKind::Bootstrap { worker } => (Some(storable(worker)), None, None),
        TokenKind::Execution { execution, attempt } => (None, Some(execution.0), Some(i64::from(attempt.0))),
    };
    let values = vec![
        storable(&new.name).into(),
        new.kind.as_str().into(),
        storable(&new.owner).into(),
        to_text(&new.scopes)?.into(),
        new.hash.into(),
        worker.into(),
        execution.into(),
        attempt.into(),
        unit.now.into(),
        expires_at.into(),
    ];
    let row = unit.one(PUT, values).await?.ok_or(sqlx::Error::RowNotFound)?;
    Ok(TokenRecord {
        id: row.get("id")?,
        name: storable(&new.name),
        kind: new.kind.clone(),
        owner: storable(&new.owner),
        scopes: new.scopes.clone(),
        standing: TokenStanding::Valid,
        created_at: Timestamp(unit.now),
        expires_at: expires_at.map(Timestamp),
        last_used_at: None,
        used_at: None,
        revoked_at: None,
    })
}

/// The token with this hash.
pub(crate) async fn find(session: &mut dyn Session, hash: [u8; 32]) -> Result<Option<TokenRecord>, Trouble> {
    session.all(FIND, vec![hash.into()]).await?.first().map(record).transpose()
}

/// Tokens of people and workers.
pub(crate) async fn list(session: &mut dyn Session, limit: u32) -> Result<Vec<TokenRecord>, Trouble> {
    session.all(LIST, vec![i64::from(limit).into()]).await?.iter().map(record).collect()
}

/// Takes a token back.
pub(crate) async fn revoke(unit: &mut Unit, id: i64) -> Result<bool, Trouble> {
    Ok(unit.run(REVOKE, vec![id.into(), unit.now.into()]).await? > 0)
}

/// Notes that a token was used.
pub(crate) async fn touch(unit: &mut Unit, id: i64) -> Result<(), Trouble> {
    unit.run(TOUCH, vec![id.into(), unit.now.into()]).await?;
    Ok(())
}

/// Keeps a token for the script of an attempt that its worker holds.
pub(crate) async fn issue(unit: &mut Unit, token: &ExecutionToken) -> Result<bool, Trouble> {
    let lease = token::hash(token.lease);
    let values = vec![token.execution.0.into(), token.attempt.0.into(), lease.into()];
    if unit.one(LEASE, values).await?.is_none() {
        return Ok(false);
    }
    let new = NewToken {
        name: format!("execution {}/{}", token.execution, token.attempt),
        kind: TokenKind::Execution { execution: token.execution, attempt: token.attempt },
        owner: format!("execution/{}", token.execution),
        scopes: token.scopes.clone(),
        hash: token.hash,
        lives_ms: Some(token.lives_ms),
    };
    put(unit, &new).await?;
    Ok(true)
}

/// Uses up a bootstrap token.
pub(crate) async fn enrol(unit: &mut Unit, id: i64, key_hash: [u8; 32]) -> Result<Enrolment, Trouble> {
    let now = unit.now;
    let Some(row) = unit.one(USE, vec![id.into(), now.into()]).await? else {
        let used = unit.one(USED, vec![id.into()]).await?;
        let used_at: Option<i64> = used.map(|row| row.get("used_at")).transpose()?.flatten();
        return Ok(used_at.map_or(Enrolment::Refused, |at| Enrolment::AlreadyUsed(Timestamp(at))));
    };
    let worker: String = row.get("worker")?;
    unit.run(ENROL, vec![worker.into(), key_hash.into(), now.into()]).await?;
    Ok(Enrolment::Enrolled)
}

/// Removes tokens whose time was up a day ago.
pub(crate) async fn forget(unit: &mut Unit) -> Result<u64, Trouble> {
    unit.run(FORGET, vec![unit.now.saturating_sub(DAY).into()]).await
}

fn record(row: &Row) -> Result<TokenRecord, Trouble> {
    let moment = |column| -> Result<Option<Timestamp>, Trouble> { Ok(row.get::<Option<i64>>(column)?.map(Timestamp)) };
    let kind = match row.get::<String>("kind")?.as_str() {
        "person" => TokenKind::Person,
        "bootstrap" => TokenKind::Bootstrap { worker: row.get::<Option<String>>("worker")?.unwrap_or_default() },
        "execution" => TokenKind::Execution {
            execution: ExecutionId(row.get("execution_id")?),
            attempt: AttemptNumber(small(row, "attempt")?),
        },
        other => return Err(corrupt("api_token.kind", format!("{other:?} is no kind of token"))),
    };
    let (expires_at, revoked_at) = (moment("expires_at")?, moment("revoked_at")?);
    let now: i64 = row.get("now")?;
    let standing = if revoked_at.is_some() {
        TokenStanding::Revoked
    } else if !row.get::<bool>("live")? {
        TokenStanding::Ended
    } else if expires_at.is_some_and(|end| end.0 <= now) {
        TokenStanding::Expired
    } else {
        TokenStanding::Valid
    };
    Ok(TokenRecord {
        id: row.get("id")?,
        name: row.get("name")?,
        kind,
        owner: row.get("owner")?,
        scopes: document_of(row, "scopes")?,
        standing,
        created_at: Timestamp(row.get("created_at")?),
        expires_at,
        last_used_at: moment("last_used_at")?,
        used_at: moment("used_at")?,
        revoked_at,
    })
}
