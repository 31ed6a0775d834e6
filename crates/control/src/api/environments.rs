//! Requests about environments.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::problem::Problem;
use super::query::Query;
use super::state::ApiState;

/// `GET /environments`: what workers told about them last, by pack, runtime and worker.
pub(crate) async fn list(state: web::Data<ApiState>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut query = Query::of(&request, &["pack", "runtime", "worker"])?;
    let wanted = ["pack", "runtime", "worker"].map(|name| query.value::<String>(name));
    query.check()?;
    let [pack, runtime, worker] = wanted;
    let mut environments = state.ask(|store| async move { store.environments().await }).await?;
    let is_wanted =
        |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(found));
    environments.retain(|one| {
        is_wanted(&pack, &one.pack) && is_wanted(&runtime, &one.runtime) && is_wanted(&worker, &one.worker)
    });
    Ok(HttpResponse::Ok().json(json!({"items": environments, "next": null})))
}
