//! Accepting executions.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use attune_store::{NewExecution, SealedExecution, Submitted};
use attune_types::has_secret_outputs;
use serde_json::{Value, json};

use super::href;
use super::request::{Refusal, SubmitRequest, key_of, trace_of};
use crate::api::access::Principal;
use crate::api::body;
use crate::api::fields::Fields;
use crate::api::problem::{FieldProblem, Problem};
use crate::api::secrets::{no_key, no_key_for_outputs};
use crate::api::state::ApiState;
use crate::secrets::has_secret_parameters;

/// How many executions one batch may hold.
const MOST_IN_A_BATCH: usize = 1000;

fn answer(submitted: Submitted) -> Value {
    json!({"id": submitted.id, "repeated": submitted.repeated, "href": href(submitted.id)})
}

/// `POST /executions`
pub(crate) async fn submit(
    state: web::Data<ApiState>,
    request: HttpRequest,
    payload: web::Payload,
    principal: Principal,
) -> Result<HttpResponse, Problem> {
    let fields = body::object(&request, payload, body::MOST).await?;
    let mut wanted = SubmitRequest::read(fields, false).map_err(Problem::invalid)?;
    wanted.idempotency_key = key_of(request.headers())?;
    let execution = wanted.prepare(&state, &principal, trace_of(request.headers()), "").await?;
    refuse_without_key(&state, std::slice::from_ref(&execution), |_| String::new())?;
    let submitted = if has_secret_parameters(&execution) {
        let sealed = take_in(&state, vec![execution], |_| String::new())?;
        let submitted = state.ask(move |store| async move { store.secrets().submit_sealed(sealed).await }).await?;
        *submitted.first().ok_or_else(Problem::internal)?
    } else {
        // Through the group: requests that arrive while one is being committed share the next commit.
        state.submits.submit(execution).await?
    };
    let mut response = if submitted.repeated { HttpResponse::Ok() } else { HttpResponse::Created() };
    Ok(response.insert_header((header::LOCATION, href(submitted.id))).json(answer(submitted)))
}

/// `POST /executions/batch`: all of them or none, in one commit.
pub(crate) async fn submit_batch(
    state: web::Data<ApiState>,
    request: HttpRequest,
    payload: web::Payload,
    principal: Principal,
) -> Result<HttpResponse, Problem> {
    let mut fields = body::object(&request, payload, body::MOST_OF_A_BATCH).await?;
    let wanted: Vec<Value> = fields.required("executions").unwrap_or_default();
    if wanted.len() > MOST_IN_A_BATCH {
        fields.refuse("executions", "size", format!("may be {MOST_IN_A_BATCH} in number"));
    }
    fields.check()?;
    let executions = prepare_all(&state, &principal, wanted, trace_of(request.headers())).await?;
    refuse_without_key(&state, &executions, |index| format!("executions[{index}]."))?;
    let submitted = if executions.iter().any(has_secret_parameters) {
        let sealed = take_in(&state, executions, |index| format!("executions[{index}]."))?;
        state.ask(move |store| async move { store.secrets().submit_sealed(sealed).await }).await?
    } else {
        state.ask(move |store| async move { store.submit(executions).await }).await?
    };
    let answers: Vec<Value> = submitted.into_iter().map(answer).collect();
    Ok(HttpResponse::Created().json(json!({"items": answers})))
}

/// Refuses what has secret outputs that nobody could keep.
fn refuse_without_key(
    state: &ApiState,
    executions: &[NewExecution],
    prefix: impl Fn(usize) -> String,
) -> Result<(), Problem> {
    if state.vault.is_some() {
        return Ok(());
    }
    let has_outputs = |execution: &NewExecution| execution.spec.output_schema.as_ref().is_some_and(has_secret_outputs);
    let problems: Vec<FieldProblem> = executions
        .iter()
        .enumerate()
        .filter(|(_, execution)| has_outputs(execution))
        .map(|(index, _)| no_key_for_outputs(&prefix(index)))
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(Problem::invalid(problems)) }
}

/// Takes out what is secret, to be encrypted before anything of it is stored. `prefix` names the place of a request.
fn take_in(
    state: &ApiState,
    executions: Vec<NewExecution>,
    prefix: impl Fn(usize) -> String,
) -> Result<Vec<SealedExecution>, Problem> {
    let Some(vault) = &state.vault else {
        let problems = executions.iter().enumerate().flat_map(|(index, execution)| {
            let names = execution.spec.secret_parameters.iter().filter(|name| execution.parameters.contains_key(*name));
            no_key(&prefix(index), &names.cloned().collect::<Vec<_>>())
        });
        return Err(Problem::invalid(problems.collect()));
    };
    Ok(executions.into_iter().map(|execution| vault.take_in(execution)).collect())
}

async fn prepare_all(
    state: &ApiState,
    principal: &Principal,
    wanted: Vec<Value>,
    trace: Option<String>,
) -> Result<Vec<NewExecution>, Problem> {
    let mut executions = Vec::with_capacity(wanted.len());
    let mut problems: Vec<FieldProblem> = Vec::new();
    for (index, value) in wanted.into_iter().enumerate() {
        let place = format!("executions[{index}]");
        let read = Fields::of(place.clone(), value)
            .map_err(|problem| vec![problem])
            .and_then(|fields| SubmitRequest::read(fields, true));
        let prepared = match read {
            Ok(request) => request.prepare(state, principal, trace.clone(), &format!("{place}.")).await,
            Err(refused) => Err(Refusal::Fields(refused)),
        };
        match prepared {
            Ok(execution) => executions.push(execution),
            Err(Refusal::Fields(refused)) => problems.extend(refused),
            // An unknown or disabled action spoils the batch as a whole; a batch answers with one status.
            Err(Refusal::Problem(mut problem)) => {
                problem.detail = format!("{place}: {}", problem.detail);
                return Err(problem);
            }
        }
    }
    if problems.is_empty() { Ok(executions) } else { Err(Problem::invalid(problems)) }
}
