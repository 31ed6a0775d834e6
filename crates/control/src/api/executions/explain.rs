//! Explaining why an execution waits.

use actix_web::{HttpResponse, web};
use attune_types::told;
use serde_json::json;

use super::id_of;
use crate::api::problem::Problem;
use crate::api::state::ApiState;
use crate::scheduler::explain;

/// How far down the line an explanation looks.
const LOOK: u32 = 1000;

/// `GET /executions/{id}/explain`
pub(crate) async fn explain_execution(
    state: web::Data<ApiState>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = id_of(&path)?;
    let execution = state.execution(id).await?;
    let view = state.ask(|store| async move { store.placement_view(LOOK, &[]).await }).await?;
    let explanation = explain(&execution, &view);
    Ok(HttpResponse::Ok().json(json!({
        "id": id,
        "status": execution.status,
        "summary": explanation.summary,
        "hint": execution.outcome.as_ref().and_then(|outcome| told::hint(outcome, id)),
        "requirement": explanation.requirement,
        "fitting": explanation.fitting,
        "nearest_misses": explanation.nearest_misses,
        "ahead": explanation.ahead,
        "ahead_is_more": explanation.ahead_is_more,
    })))
}
