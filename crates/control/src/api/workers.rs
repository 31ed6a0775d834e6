//! Requests about workers.

use actix_web::{HttpRequest, HttpResponse, web};
use attune_store::AuditNote;
use attune_types::WorkerStatus;
use serde_json::json;

use super::access::Principal;
use super::body;
use super::problem::Problem;
use super::state::ApiState;

fn unknown(name: &str) -> Problem {
    Problem::not_found(format!("there is no worker {name:?}")).hint("`GET /api/v1/workers` lists what there is")
}

/// `GET /workers`
pub(crate) async fn list(state: web::Data<ApiState>) -> Result<HttpResponse, Problem> {
    let workers = state.ask(|store| async move { store.workers().await }).await?;
    Ok(HttpResponse::Ok().json(json!({"items": workers, "next": null})))
}

/// `GET /workers/{name}`
pub(crate) async fn read(state: web::Data<ApiState>, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    let workers = state.ask(|store| async move { store.workers().await }).await?;
    let found = workers.into_iter().find(|worker| worker.name == *path);
    found.map(|worker| HttpResponse::Ok().json(worker)).ok_or_else(|| unknown(&path))
}

/// `POST /workers/{name}/drain`
pub(crate) async fn drain(
    state: web::Data<ApiState>,
    request: HttpRequest,
    payload: web::Payload,
    path: web::Path<String>,
    principal: Principal,
) -> Result<HttpResponse, Problem> {
    set(&state, &principal, &request, payload, path.into_inner(), WorkerStatus::Draining).await
}

/// `POST /workers/{name}/resume`
pub(crate) async fn resume(
    state: web::Data<ApiState>,
    request: HttpRequest,
    payload: web::Payload,
    path: web::Path<String>,
    principal: Principal,
) -> Result<HttpResponse, Problem> {
    set(&state, &principal, &request, payload, path.into_inner(), WorkerStatus::Active).await
}

async fn set(
    state: &ApiState,
    principal: &Principal,
    request: &HttpRequest,
    payload: web::Payload,
    name: String,
    status: WorkerStatus,
) -> Result<HttpResponse, Problem> {
    body::optional_object(request, payload).await?.check()?;
    let wanted = name.clone();
    let known = state.ask(move |store| async move { store.set_worker_status(&wanted, status).await }).await?;
    if known {
        let action = if status == WorkerStatus::Draining { "worker.drain" } else { "worker.resume" };
        state.audit(AuditNote::new(&*principal.name, action, format!("worker/{name}"), "")).await?;
    }
    if known { Ok(HttpResponse::Ok().json(json!({"name": name, "status": status}))) } else { Err(unknown(&name)) }
}
