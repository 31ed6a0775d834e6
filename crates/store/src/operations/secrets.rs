//! Ciphertexts and to whom they belong.

use std::collections::HashMap;

use attune_secret::{Binding, Envelope, Owner, SecretError, SecretId};
use attune_types::{
    ActionRef, AttemptNumber, ExecutionId, ExecutionSpec, ExecutionStatus, Outcome, Timestamp, has_secret_outputs,
};

use crate::error::StoreError;
use crate::model::{Assigned, Completion, Submitted};
use crate::operations::submit::{self, RequestRow};
use crate::read_back::{corrupt, document, from_word, to_text};
use crate::secret_store::{
    ParameterMove, SealedAssignment, SealedExecution, SealedParameters, SecretNeed, StoredEnvelope, StoredSecret,
};
use crate::session::{Row, Session, Sql};
use crate::token;
use crate::trouble::Trouble;
use crate::unit::{Unit, document_of, small};

macro_rules! secrets {
    ($rest:literal) => {
        concat!(
            "SELECT id, owner_kind, owner, name, version, execution_id, parameter_names, key_id, wrapped_key, ciphertext, \
             created_at, stored_at FROM secret ",
            $rest
        )
    };
}

const ALL: Sql =
    Sql::same(secrets!("WHERE owner_kind NOT IN ('execution', 'output') ORDER BY owner_kind DESC, owner, name"));

const ONE: Sql = Sql::same(secrets!("WHERE owner_kind = $1 AND owner = $2 AND name = $3"));

const OF_EXECUTION: Sql = Sql::same(secrets!("WHERE execution_id = $1 AND owner_kind = 'execution'"));

const OUTPUTS: Sql =
    Sql::same(secrets!("WHERE execution_id = $1 AND owner_kind = 'output' AND octet_length(ciphertext) > 0"));

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

// No two values have the same data key, so the wrapped key alone tells whether a value was replaced. What is not looked at may
// change: outputs that came meanwhile are under the same data key, and are moved with it.
const REWRAP: Sql =
    Sql::same("UPDATE secret SET key_id = $2, wrapped_key = $3 WHERE id = $1 AND key_id = $4 AND wrapped_key = $5");

const KEEP_PARAMETERS: Sql = Sql::same(
    "INSERT INTO secret (owner_kind, owner, name, version, execution_id, parameter_names, key_id, wrapped_key, \
     ciphertext, created_at, stored_at) \
     VALUES ('execution', $1, CAST($2 AS text), 1, $2, $3, $4, $5, $6, $7, $7)",
);

// The function does what the statement beside it does: of this table a scheduler's role reads, and a worker's not even that.
const AWAIT_OUTPUTS: Sql = Sql {
    postgres: "SELECT attune_await_outputs($1, $2, $3, $4, $5)",
    sqlite: "INSERT INTO secret (owner_kind, owner, name, version, execution_id, key_id, wrapped_key, ciphertext, \
             created_at, stored_at) \
             SELECT 'output', e.action, CAST(e.id AS text), $2, e.id, $3, $4, x'', $5, $5 FROM execution e \
             WHERE e.id = $1 \
             ON CONFLICT (owner_kind, owner, name) DO UPDATE SET version = excluded.version, key_id = excluded.key_id, \
             wrapped_key = excluded.wrapped_key, ciphertext = excluded.ciphertext, stored_at = excluded.stored_at",
};

const KEEP_OUTPUTS: Sql = Sql {
    postgres: "SELECT attune_keep_outputs($1, $2, $3, $4, $5)",
    sqlite: "UPDATE secret SET ciphertext = $4, stored_at = $5 WHERE owner_kind = 'output' AND execution_id = $1 \
             AND version = $2 AND octet_length(ciphertext) = 0 AND EXISTS (SELECT 1 FROM execution_attempt a \
             WHERE a.execution_id = $1 AND a.attempt = $2 AND a.token_hash = $3)",
};

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
    let execution = row.get::<Option<i64>>("execution_id")?.map(ExecutionId);
    let binding = match (execution, row.get::<Option<String>>("parameter_names")?) {
        (None, _) => Binding::Secret(id_of(row)?, row.get("version")?),
        (Some(execution), Some(names)) => Binding::Parameters {
            execution,
            action: row.get("owner")?,
            names: document("secret.parameter_names", &names)?,
        },
        (Some(execution), None) => {
            Binding::Outputs { execution, attempt: AttemptNumber(small(row, "version")?), action: row.get("owner")? }
        }
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
    if envelope.ciphertext == before.envelope.ciphertext {
        let values = vec![
            before.row.into(),
            i64::from(envelope.key_id).into(),
            envelope.wrapped_key.clone().into(),
            i64::from(before.envelope.key_id).into(),
            before.envelope.wrapped_key.clone().into(),
        ];
        return Ok(unit.run(REWRAP, values).await? > 0);
    }
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
        if let Some(parameters) = parameters.as_ref().filter(|_| !submitted.repeated) {
            let sealed = parameters.seal(submitted.id).map_err(not_sealed)?;
            keep(unit, submitted.id, &request.spec.action.to_string(), &sealed).await?;
        }
        answers.push(submitted);
    }
    Ok(answers)
}

async fn keep(
    unit: &mut Unit,
    execution: ExecutionId,
    action: &str,
    SealedParameters { names, envelope }: &SealedParameters,
) -> Result<(), Trouble> {
    let now = unit.now;
    let values = vec![
        action.into(),
        execution.0.into(),
        to_text(names)?.into(),
        i64::from(envelope.key_id).into(),
        envelope.wrapped_key.clone().into(),
        envelope.ciphertext.clone().into(),
        now.into(),
    ];
    unit.run(KEEP_PARAMETERS, values).await?;
    Ok(())
}

fn not_sealed(error: SecretError) -> Trouble {
    StoreError::Secret { source: error }.into()
}

/// Accepts a repetition of an execution with secret parameters. Without `parameters` nothing can be moved, and what has any
/// is not repeated.
pub(crate) async fn repeat(
    unit: &mut Unit,
    row: RequestRow,
    of: ExecutionId,
    parameters: Option<&ParameterMove>,
) -> Result<Submitted, Trouble> {
    let rows = unit.session().all(OF_EXECUTION, vec![of.0.into()]).await?;
    let stored = rows.first().map(stored_envelope_of).transpose()?;
    let submitted = submit::submit(unit, vec![row]).await?;
    let submitted = *submitted.first().ok_or(sqlx::Error::RowNotFound)?;
    let Some(stored) = stored else { return Ok(submitted) };
    let Binding::Parameters { action, names, .. } = &stored.binding else {
        return Err(corrupt("secret.parameter_names", format!("execution {of} has parameters without names")));
    };
    let shift = parameters.ok_or(StoreError::NoKey { execution: of })?;
    let envelope = shift.shift(&stored, submitted.id).map_err(not_sealed)?;
    keep(unit, submitted.id, action, &SealedParameters { names: names.clone(), envelope }).await?;
    Ok(submitted)
}

/// The secret outputs of an execution.
pub(crate) async fn outputs(
    session: &mut dyn Session,
    execution: ExecutionId,
) -> Result<Option<StoredEnvelope>, Trouble> {
    session.all(OUTPUTS, vec![execution.0.into()]).await?.first().map(stored_envelope_of).transpose()
}

/// Lays down the key that the secret outputs of an attempt will be encrypted with, in the place of that of the attempt
/// before, whose outputs nobody asks for any more.
pub(crate) async fn await_outputs(
    unit: &mut Unit,
    execution: ExecutionId,
    attempt: AttemptNumber,
    envelope: &Envelope,
) -> Result<(), Trouble> {
    let now = unit.now;
    let values = vec![
        execution.0.into(),
        i64::from(attempt.0).into(),
        i64::from(envelope.key_id).into(),
        envelope.wrapped_key.clone().into(),
        now.into(),
    ];
    unit.run(AWAIT_OUTPUTS, values).await?;
    Ok(())
}

/// Keeps the secret outputs of an attempt whose end counts.
pub(crate) async fn keep_outputs(unit: &mut Unit, completion: &Completion) -> Result<(), Trouble> {
    let Some(outputs) = &completion.outputs else { return Ok(()) };
    let (hash, now) = (token::hash(completion.token), unit.now);
    let values = vec![
        completion.execution.0.into(),
        i64::from(completion.attempt.0).into(),
        hash.into(),
        outputs.clone().into(),
        now.into(),
    ];
    unit.run(KEEP_OUTPUTS, values).await?;
    Ok(())
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
        let has_outputs = spec.output_schema.as_ref().is_some_and(has_secret_outputs);
        needs.push(SecretNeed { execution: *execution, attempt, action, names, secrets, parameters, has_outputs });
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
        if let Some(envelope) = &wish.outputs {
            await_outputs(unit, made.execution, made.attempt, envelope).await?;
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
