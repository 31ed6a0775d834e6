//! Running an execution once more.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use attune_store::RetryAnswer;
use serde_json::json;

use super::{href, id_of};
use crate::api::access::Principal;
use crate::api::body;
use crate::api::problem::Problem;
use crate::api::state::ApiState;

/// `POST /executions/{id}/retry`
pub(crate) async fn retry(
    state: web::Data<ApiState>,
    request: HttpRequest,
    payload: web::Payload,
    path: web::Path<String>,
    principal: Principal,
) -> Result<HttpResponse, Problem> {
    let id = id_of(&path)?;
    let mut fields = body::optional_object(&request, payload).await?;
    let may_run_twice: bool = fields.optional("may_run_twice").unwrap_or(false);
    fields.check()?;
    let moving = state.vault.as_ref().map(|vault| vault.moving());
    let again = state.ask(move |store| async move {
        match moving {
            Some(moving) => store.secrets().retry_sealed(id, may_run_twice, &principal.name, &moving).await,
            None => store.retry(id, may_run_twice, &principal.name).await,
        }
    });
    match again.await? {
        RetryAnswer::Submitted(new) => Ok(HttpResponse::Created()
            .insert_header((header::LOCATION, href(new)))
            .json(json!({"id": new, "repeated": false, "href": href(new), "retry_of": id}))),
        RetryAnswer::NotEnded(status) => Err(Problem::conflict(
            "urn:attune:problem:not-ended",
            "it has not ended",
            format!("execution {id} is {status}"),
        )),
        RetryAnswer::MayRunTwice => Err(Problem::conflict(
            "urn:attune:problem:may-run-twice",
            "running it again may run it twice",
            format!("the outcome of execution {id} is unknown and its action is not idempotent"),
        )
        .hint("repeat the request with {\"may_run_twice\": true}")),
        RetryAnswer::Unknown => Err(Problem::not_found(format!("there is no execution {id}"))),
    }
}
