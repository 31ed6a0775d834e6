//! Requests about the audit trail.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::problem::Problem;
use super::query::Query;
use super::state::ApiState;

/// `GET /audit`: what was done, oldest first.
pub(crate) async fn list(state: web::Data<ApiState>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut query = Query::of(&request, &["cursor", "limit"])?;
    let after = query.value::<i64>("cursor").unwrap_or(0);
    let limit = query.number("limit", 1, 1000, 100);
    query.check()?;
    let entries = state.ask(move |store| async move { store.admission().audit_trail(after, limit).await }).await?;
    let next = entries.last().filter(|_| entries.len() >= limit as usize).map(|entry| entry.id.to_string());
    Ok(HttpResponse::Ok().json(json!({"items": entries, "next": next})))
}

/// `GET /audit/verify`: whether every link of the trail fits the one before it.
pub(crate) async fn verify(state: web::Data<ApiState>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    Query::of(&request, &[])?.check()?;
    let verdict = state.ask(|store| async move { store.admission().verify_audit().await }).await?;
    Ok(HttpResponse::Ok().json(verdict))
}
