//! Reading what an execution answered in secret.

use actix_web::{HttpRequest, HttpResponse, web};
use attune_store::AuditNote;
use serde_json::json;

use super::id_of;
use crate::api::access::Principal;
use crate::api::body;
use crate::api::problem::Problem;
use crate::api::secrets::with_vault;
use crate::api::state::ApiState;

/// `POST /executions/{id}/reveal`: the secret outputs of an execution. Noted in the audit trail before they are answered.
pub(crate) async fn reveal(
    state: web::Data<ApiState>,
    request: HttpRequest,
    payload: web::Payload,
    path: web::Path<String>,
    principal: Principal,
) -> Result<HttpResponse, Problem> {
    let id = id_of(&path)?;
    body::optional_object(&request, payload).await?.check()?;
    let execution = state.execution(id).await?;
    let outputs =
        with_vault(&state, move |vault, store| async move { vault.outputs(store.as_ref(), id).await }).await?;
    let Some(outputs) = outputs else {
        return Err(Problem::not_found(format!("execution {id} has left no secret outputs")));
    };
    let mut result = execution.result.unwrap_or_default();
    attune_pack::put_secret_outputs(&mut result, outputs.clone());
    let pointers: Vec<&str> = outputs.keys().map(String::as_str).collect();
    let note = AuditNote::new(principal.name, "execution.reveal", format!("execution/{id}"), pointers.join(", "));
    state.audit(note).await?;
    Ok(HttpResponse::Ok().json(json!({"id": id, "outputs": outputs, "result": result})))
}
