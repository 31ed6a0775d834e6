//! Listing executions.

use actix_web::{HttpRequest, HttpResponse, web};
use attune_store::ExecutionFilter;
use attune_types::{ActionRef, ExecutionId, Told, action::is_valid_name};
use serde_json::json;

use crate::api::access::Principal;
use crate::api::problem::Problem;
use crate::api::query::Query;
use crate::api::state::ApiState;

/// `GET /executions`
pub(crate) async fn list(
    state: web::Data<ApiState>,
    request: HttpRequest,
    principal: Principal,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::of(&request, &["status", "action", "cursor", "limit"])?;
    let action = query.text("action").map(str::to_owned);
    if let Some(text) = &action
        && text.parse::<ActionRef>().is_err()
        && !is_valid_name(text)
    {
        query.refuse("action", "format", "must be `pack.action` or `pack`");
    }
    let filter = ExecutionFilter {
        statuses: query.list("status"),
        action,
        requested_by: principal.sees_only(),
        before: query.value::<ExecutionId>("cursor"),
        limit: query.number("limit", 1, 1000, 50),
    };
    query.check()?;
    let page = state.ask(move |store| async move { store.executions(&filter).await }).await?;
    let next = page.next.map(|id| id.to_string());
    let items: Vec<_> = page.executions.iter().map(Told::from).collect();
    Ok(HttpResponse::Ok().json(json!({"items": items, "next": next})))
}
