//! Accepting executions, one after the other inside one transaction.

use attune_types::ExecutionId;

use crate::model::{NewExecution, Submitted};
use crate::read_back::{storable, to_text};
use crate::session::Sql;
use crate::trouble::Trouble;
use crate::unit::{Unit, retry_text};

const REPEATED: Sql = Sql::same("SELECT id FROM execution WHERE idempotency_key = $1");

const EXECUTION: Sql = Sql::same(
    "INSERT INTO execution (action, requirement_key, available_at, requested_by, idempotency_key, retry_of, \
     requested_at) VALUES ($1, $2, $3, $4, $5, $6, $3) RETURNING id",
);

const REQUEST: Sql = Sql::same(
    "INSERT INTO execution_request (id, spec, requirement, parameters, secret_parameters, labels, trace, retry, \
     idempotent) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
);

/// A request as its rows hold it.
pub(crate) struct RequestRow {
    pub(crate) action: String,
    pub(crate) requirement_key: String,
    pub(crate) requested_by: Option<String>,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) retry_of: Option<i64>,
    pub(crate) spec: String,
    pub(crate) requirement: String,
    pub(crate) parameters: String,
    pub(crate) secret_parameters: Option<String>,
    pub(crate) labels: String,
    pub(crate) trace: Option<String>,
    pub(crate) retry: Option<String>,
    pub(crate) idempotent: bool,
}

impl RequestRow {
    /// Writes a request down.
    pub(crate) fn new(request: &NewExecution) -> Result<Self, Trouble> {
        let spec = &request.spec;
        let secrets = &spec.secret_parameters;
        Ok(Self {
            action: spec.action.to_string(),
            requirement_key: storable(&spec.requirement.key()),
            requested_by: request.requested_by.as_deref().map(storable),
            idempotency_key: request.idempotency_key.as_deref().map(storable),
            retry_of: request.retry_of.map(|id| id.0),
            spec: to_text(spec)?,
            requirement: to_text(&spec.requirement)?,
            parameters: to_text(&request.parameters)?,
            secret_parameters: if secrets.is_empty() { None } else { Some(to_text(secrets)?) },
            labels: to_text(&request.labels)?,
            trace: request.trace.as_deref().map(storable),
            retry: retry_text(spec.retry.as_ref())?,
            idempotent: spec.idempotent,
        })
    }
}

/// Accepts requests; a key that was used before answers with the execution it made then.
pub(crate) async fn submit(unit: &mut Unit, requests: Vec<RequestRow>) -> Result<Vec<Submitted>, Trouble> {
    let now = unit.now;
    let mut answers = Vec::with_capacity(requests.len());
    for request in requests {
        if let Some(key) = &request.idempotency_key
            && let Some(row) = unit.one(REPEATED, vec![key.as_str().into()]).await?
        {
            answers.push(Submitted { id: ExecutionId(row.get("id")?), repeated: true });
            continue;
        }
        let values = vec![
            request.action.into(),
            request.requirement_key.into(),
            now.into(),
            request.requested_by.into(),
            request.idempotency_key.into(),
            request.retry_of.into(),
        ];
        let row = unit.one(EXECUTION, values).await?.ok_or(sqlx::Error::RowNotFound)?;
        let id: i64 = row.get("id")?;
        let values = vec![
            id.into(),
            request.spec.into(),
            request.requirement.into(),
            request.parameters.into(),
            request.secret_parameters.into(),
            request.labels.into(),
            request.trace.into(),
            request.retry.into(),
            request.idempotent.into(),
        ];
        unit.run(REQUEST, values).await?;
        unit.touched.schedule = true;
        unit.touched.executions.push(ExecutionId(id));
        answers.push(Submitted { id: ExecutionId(id), repeated: false });
    }
    Ok(answers)
}
