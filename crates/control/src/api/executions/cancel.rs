//! Cancelling an execution.

use actix_web::{HttpRequest, HttpResponse, web};
use attune_store::CancelAnswer;
use attune_types::ExecutionStatus;
use serde_json::json;

use super::id_of;
use crate::api::access::Principal;
use crate::api::body;
use crate::api::problem::Problem;
use crate::api::state::ApiState;

/// `POST /executions/{id}/cancel`: 200 when it is cancelled, 202 when its worker has been told.
pub(crate) async fn cancel(
    state: web::Data<ApiState>,
    request: HttpRequest,
    payload: web::Payload,
    path: web::Path<String>,
    principal: Principal,
) -> Result<HttpResponse, Problem> {
    let id = id_of(&path)?;
    body::optional_object(&request, payload).await?.check()?;
    let answer = state.ask(move |store| async move { store.cancel(id, &principal.name).await }).await?;
    match answer {
        CancelAnswer::Cancelled => Ok(HttpResponse::Ok().json(json!({"id": id, "status": ExecutionStatus::Cancelled}))),
        CancelAnswer::Canceling => {
            Ok(HttpResponse::Accepted().json(json!({"id": id, "status": ExecutionStatus::Canceling})))
        }
        // Cancelling what somebody has cancelled already changes nothing and is what was asked for.
        CancelAnswer::AlreadyEnded(ExecutionStatus::Cancelled) => {
            Ok(HttpResponse::Ok().json(json!({"id": id, "status": ExecutionStatus::Cancelled})))
        }
        CancelAnswer::AlreadyEnded(status) => Err(Problem::conflict(
            "urn:attune:problem:ended",
            "it has ended",
            format!("execution {id} has ended before: {status}"),
        )),
        CancelAnswer::Unknown => Err(Problem::not_found(format!("there is no execution {id}"))),
    }
}
