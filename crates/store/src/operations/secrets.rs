//! Ciphertexts and to whom they belong.

use std::collections::HashMap;

use attune_secret::{Binding, Envelope, Owner, SecretId};
use attune_types::{ActionRef, AttemptNumber, ExecutionId, ExecutionSpec, ExecutionStatus, Outcome, Timestamp};

use crate::model::{Assigned, Submitted};
use crate::operations::submit::{self, RequestRow};
use crate::read_back::{corrupt, document, from_word, to_text};
use crate::secret_store::{
    SealedAssignment, SealedExecution, SealedParameters, SecretNeed, StoredEnvelope, StoredSecret,
};
use crate::session::{Row, Session, Sql};
use crate::trouble::Trouble;
use crate::unit::{Unit, document_of, small};

macro_rules! secrets {
    ($rest:literal) => {
        concat!(
            "SELECT id, owner_kind, owner, name, version, parameter_names, key_id, wrapped_key, ciphertext, created_at, \
             stored_at FROM secret ",
            $rest
        )
    };
}

const ALL: Sql = Sql::same(secrets!("WHERE owner_kind <> 'execution' ORDER BY owner_kind DESC, owner, name"));

const ONE: Sql = Sql::same(secrets!("WHERE owner_kind = $1 AND owner = $2 AND name = $3"));

const OF_EXECUTION: Sql = Sql::same(secrets!("WHERE execution_id = $1"));

const OF_ACTION: Sql = Sql {
    postgres: secrets!(
        "WHERE name IN (SELECT jsonb_array_elements_text(CAST($1 AS jsonb))) AND ((owner_kind = 'system' AND owner = '') \
         OR (owner_kind = 'pack' AND owner = $2) OR (owner_kind = 'action' AND owner = $3))"
    ),
    sqlite: secrets!(
        "WHERE name IN (SELECT value FROM json_each($1)) AND ((owner_kind = 'system' AND owner = '') \
         OR (owner_kind = 'pack' AND owner = $2) OR (owner_kind = 'action' AND owner = $3))"
    ),
};

const OF_EACH_KEY: Sql =
    Sql::same(secrets!("WHERE id IN (SELECT min(id) FROM secret GROUP BY key_id) ORDER BY key_id"));

const AFTER: Sql = Sql::same(secrets!("WHERE id > $1 AND key_id <> $2 ORDER BY id LIMIT $3"));

const MAKE: Sql = Sql::same(
    "INSERT INTO secret (owner_kind, owner, name, version, key_id, wrapped_key, ciphertext, created_at, stored_at) \
     VALUES ($1, $2, $3, 1, $4, $5, $6, $7, $7) ON CONFLICT (owner_kind, owner, name) DO NOTHING",
);

const RENEW: Sql = Sql::same(
    "UPDATE secret SET version = $4, key_id = $5, wrapped_key = $6, ciphertext = $7, stored_at = $8 \
     WHERE owner_kind = $1 AND owner = $2 AND name = $3 AND version = $4 - 1",
);

const FORGET: Sql = Sql::same("DELETE FROM secret WHERE owner_kind = $1 AND owner = $2 AND name = $3");

// Compared with all that was read: a value that was replaced meanwhile is not overwritten with the one before.
const REPLACE: Sql = Sql::same(
    "UPDATE secret SET key_id = $2, wrapped_key = $3, ciphertext = $4 WHERE id = $1 AND key_id = $5 \
     AND wrapped_key = $6 AND ciphertext = $7",
);

const KEEP_PARAMETERS: Sql = Sql::same(
    "INSERT INTO secret (owner_kind, owner, name, version, execution_id, parameter_names, key_id, wrapped_key, \
     ciphertext, created_at, stored_at) \
     VALUES ('execution', $1, CAST($2 AS text), 1, $2, $3, $4, $5, $6, $7, $7)",
);

// A repetition takes them over as they are: they are bound to what runs and to their names, and those are the same.
const REPEAT_PARAMETERS: Sql = Sql::same(
    "INSERT INTO secret (owner_kind, owner, name, version, execution_id, parameter_names, key_id, wrapped_key, \
     ciphertext, created_at, stored_at) \
     SELECT owner_kind, owner, CAST($1 AS text), 1, $1, parameter_names, key_id, wrapped_key, ciphertext, $3, $3 \
     FROM secret WHERE execution_id = $2",
);

const WAITS: Sql = Sql::same(
    "SELECT e.attempts, e.action, r.spec FROM execution e JOIN execution_request r ON r.id = e.id \
     WHERE e.id = $1 AND e.status IN ('requested', 'retrying')",
);

const SEAL: Sql = Sql::same(
    "UPDATE execution_attempt SET sealed = $3 WHERE execution_id = $1 AND attempt = $2 AND state = 'assigned'",
);

fn envelope_of(row: &Row) -> Result<Envelope, Trouble> {
    let key_id: i64 = row.get("key_id")?;
    let key_id =
        u32::try_from(key_id).map_err(|_| corrupt("secret.key_id", format!("{key_id} is no number of a key")))?;
    Ok(Envelope { key_id, wrapped_key: row.get("wrapped_key")?, ciphertext: row.get("ciphertext")? })
}

fn id_of(row: &Row) -> Result<SecretId, Trouble> {
    let (kind, reference): (String, String) = (row.get("owner_kind")?, row.get("owner")?);
    let owner = Owner::of(&kind, &reference)
        .ok_or_else(|| corrupt("secret.owner", format!("{kind} {reference:?} is no owner of a secret")))?;
    Ok(SecretId { owner, name: row.get("name")? })
}

fn secret_of(row: &Row) -> Result<StoredSecret, Trouble> {
    Ok(StoredSecret {
        row: row.get("id")?,
        id: id_of(row)?,
        version: row.get("version")?,
        envelope: envelope_of(row)?,
        created_at: Timestamp(row.get("created_at")?),
        stored_at: Timestamp(row.get("stored_at")?),
    })
}

fn stored_envelope_of(row: &Row) -> Result<StoredEnvelope, Trouble> {
    let binding = match row.get::<Option<String>>("parameter_names")? {
        Some(names) => {
            Binding::Parameters { action: row.get("owner")?, names: document("secret.parameter_names", &names)? }
        }
        None => Binding::Secret(id_of(row)?, row.get("version")?),
    };
    Ok(StoredEnvelope { row: row.get("id")?, binding, envelope: envelope_of(row)? })
}

fn identity(id: &SecretId) -> [crate::session::Value; 3] {
    [id.owner.kind().into(), id.owner.reference().into(), id.name.as_str().into()]
}

/// All secrets.
pub(crate) async fn list(session: &mut dyn Session) -> Result<Vec<StoredSecret>, Trouble> {
    session.all(ALL, Vec::new()).await?.iter().map(secret_of).collect()
}

/// One secret.
pub(crate) async fn find(session: &mut dyn Session, id: &SecretId) -> Result<Option<StoredSecret>, Trouble> {
    session.all(ONE, identity(id).into()).await?.first().map(secret_of).transpose()
}

/// Stores a value as the next version of a secret.
pub(crate) async fn put(unit: &mut Unit, id: &SecretId, version: i64, envelope: &Envelope) -> Result<bool, Trouble> {
    let now = unit.now;
    let mut values = Vec::from(identity(id));
    if version != 1 {
        values.push(version.into());
    }
    values.extend([
        i64::from(envelope.key_id).into(),
        envelope.wrapped_key.clone().into(),
        envelope.ciphertext.clone().into(),
        now.into(),
    ]);
    Ok(unit.run(if version == 1 { MAKE } else { RENEW }, values).await? > 0)
}

/// Forgets a secret.
pub(crate) async fn delete(unit: &mut Unit, id: &SecretId) -> Result<bool, Trouble> {
    Ok(unit.run(FORGET, identity(id).into()).await? > 0)
}

/// One ciphertext of each key.
pub(crate) async fn one_of_each_key(session: &mut dyn Session) -> Result<Vec<StoredEnvelope>, Trouble> {
    session.all(OF_EACH_KEY, Vec::new()).await?.iter().map(stored_envelope_of).collect()
}

/// Ciphertexts by row.
pub(crate) async fn envelopes(
    session: &mut dyn Session,
    after: i64,
    except: Option<u32>,
    limit: u32,
) -> Result<Vec<StoredEnvelope>, Trouble> {
    // No key has the number 0.
    let values = vec![after.into(), i64::from(except.unwrap_or(0)).into(), i64::from(limit).into()];
    session.all(AFTER, values).await?.iter().map(stored_envelope_of).collect()
}

/// Puts one ciphertext in the place of another.
pub(crate) async fn replace(unit: &mut Unit, before: &StoredEnvelope, envelope: &Envelope) -> Result<bool, Trouble> {
    let values = vec![
        before.row.into(),
        i64::from(envelope.key_id).into(),
        envelope.wrapped_key.clone().into(),
        envelope.ciphertext.clone().into(),
        i64::from(before.envelope.key_id).into(),
        before.envelope.wrapped_key.clone().into(),
        before.envelope.ciphertext.clone().into(),
    ];
    Ok(unit.run(REPLACE, values).await? > 0)
}

/// Accepts requests with secret parameters.
pub(crate) async fn submit(unit: &mut Unit, requests: &[SealedExecution]) -> Result<Vec<Submitted>, Trouble> {
    let mut answers = Vec::with_capacity(requests.len());
    for SealedExecution { request, parameters } in requests {
        let submitted = submit::submit(unit, vec![RequestRow::new(request)?]).await?;
        let submitted = *submitted.first().ok_or(sqlx::Error::RowNotFound)?;
        if let Some(SealedParameters { names, envelope }) = parameters.as_ref().filter(|_| !submitted.repeated) {
            let now = unit.now;
            let values = vec![
                request.spec.action.to_string().into(),
                submitted.id.0.into(),
                to_text(names)?.into(),
                i64::from(envelope.key_id).into(),
                envelope.wrapped_key.clone().into(),
                envelope.ciphertext.clone().into(),
                now.into(),
            ];
            unit.run(KEEP_PARAMETERS, values).await?;
        }
        answers.push(submitted);
    }
    Ok(answers)
}

/// Accepts a repetition of an execution with secret parameters.
pub(crate) async fn repeat(unit: &mut Unit, row: RequestRow, of: ExecutionId) -> Result<Submitted, Trouble> {
    let submitted = submit::submit(unit, vec![row]).await?;
    let submitted = *submitted.first().ok_or(sqlx::Error::RowNotFound)?;
    let now = unit.now;
    unit.run(REPEAT_PARAMETERS, vec![submitted.id.0.into(), of.0.into(), now.into()]).await?;
    Ok(submitted)
}

/// What executions that wait need in secret.
pub(crate) async fn needs(session: &mut dyn Session, executions: &[ExecutionId]) -> Result<Vec<SecretNeed>, Trouble> {
    // Executions of one look share few actions: their secrets are read once.
    let mut known: HashMap<(ActionRef, Vec<String>), Vec<StoredSecret>> = HashMap::new();
    let mut needs = Vec::with_capacity(executions.len());
    for execution in executions {
        let rows = session.all(WAITS, vec![execution.0.into()]).await?;
        let Some(row) = rows.first() else { continue };
        let action: ActionRef = from_word("execution.action", &row.get::<String>("action")?)?;
        let spec: ExecutionSpec = document_of(row, "spec")?;
        let attempt = AttemptNumber(small(row, "attempts")?).next();
        let key = (action, spec.secrets);
        let secrets = match known.get(&key) {
            Some(secrets) => secrets.clone(),
            None => {
                let secrets = of_action(session, &key.0, &key.1).await?;
                known.insert(key.clone(), secrets.clone());
                secrets
            }
        };
        let parameters = if spec.secret_parameters.is_empty() {
            None
        } else {
            let rows = session.all(OF_EXECUTION, vec![execution.0.into()]).await?;
            rows.first().map(stored_envelope_of).transpose()?
        };
        let (action, names) = key;
        needs.push(SecretNeed { execution: *execution, attempt, action, names, secrets, parameters });
    }
    Ok(needs)
}

async fn of_action(
    session: &mut dyn Session,
    action: &ActionRef,
    names: &[String],
) -> Result<Vec<StoredSecret>, Trouble> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let values = vec![to_text(names)?.into(), action.pack.as_str().into(), action.to_string().into()];
    session.all(OF_ACTION, values).await?.iter().map(secret_of).collect()
}

/// Lays what is sealed beside its attempt. `false` when an attempt is not the one that it was sealed for.
pub(crate) async fn seal(
    unit: &mut Unit,
    assigned: &[Assigned],
    assignments: &[SealedAssignment],
) -> Result<bool, Trouble> {
    for made in assigned {
        let Some(wish) = assignments.iter().find(|wish| wish.assignment.execution == made.execution) else {
            return Ok(false);
        };
        if wish.attempt != made.attempt {
            return Ok(false);
        }
        let values = vec![made.execution.0.into(), made.attempt.0.into(), wish.sealed.clone().into()];
        if unit.run(SEAL, values).await? == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Ends an execution that waits.
pub(crate) async fn refuse(unit: &mut Unit, execution: ExecutionId, outcome: &Outcome) -> Result<bool, Trouble> {
    let Some(standing) = unit.lock(execution).await? else { return Ok(false) };
    if !matches!(standing.status, ExecutionStatus::Requested | ExecutionStatus::Retrying) {
        return Ok(false);
    }
    let tries = standing.tries;
    unit.end(&standing, ExecutionStatus::Failed, Some(outcome), None, tries, None).await?;
    Ok(true)
}
