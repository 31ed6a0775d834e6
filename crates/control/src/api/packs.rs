//! Requests about packs, actions and runtimes.

use std::path::PathBuf;

use actix_web::{HttpRequest, HttpResponse, web};
use attune_pack::Pack;
use attune_store::{AuditNote, PackContents};
use attune_types::{ActionRef, action::is_valid_name};
use serde_json::json;

use super::access::Principal;
use super::body;
use super::executions::request::unknown_action;
use super::problem::{FieldProblem, Problem};
use super::query::Query;
use super::state::ApiState;
use crate::trouble::chain;

/// What the store keeps of a pack.
pub(crate) fn contents_of(pack: &Pack) -> PackContents {
    PackContents { pack: pack.spec.clone(), actions: pack.actions.clone(), runtimes: pack.runtimes.clone() }
}

/// `GET /packs`
pub(crate) async fn list(state: web::Data<ApiState>) -> Result<HttpResponse, Problem> {
    let packs = state.ask(|store| async move { store.packs().await }).await?;
    Ok(HttpResponse::Ok().json(json!({"items": packs, "next": null})))
}

/// `POST /packs`: a folder on the server's disk.
pub(crate) async fn register(
    state: web::Data<ApiState>,
    request: HttpRequest,
    payload: web::Payload,
    principal: Principal,
) -> Result<HttpResponse, Problem> {
    let mut fields = body::object(&request, payload, body::MOST).await?;
    let path: Option<PathBuf> = fields.required("path");
    if path.as_ref().is_some_and(|path| !path.is_absolute()) {
        fields.refuse("path", "format", "must be an absolute path on the server's disk");
    }
    fields.check()?;
    let directory = path.unwrap_or_default();
    let loading = state.runtime.spawn_blocking(move || Pack::load(&directory));
    let loaded = loading.await.map_err(|error| {
        tracing::error!(error = %error, "loading a pack broke off");
        Problem::internal()
    })?;
    let pack = loaded.map_err(|error| Problem::invalid(vec![FieldProblem::new("path", "pack", chain(&error))]))?;
    let contents = contents_of(&pack);
    let answer = json!({
        "ref": contents.pack.pack_ref,
        "version": contents.pack.version,
        "actions": contents.actions.len(),
        "runtimes": contents.runtimes.len(),
    });
    let target = format!("pack/{}", contents.pack.pack_ref);
    state.audit(AuditNote::new(principal.name, "pack.register", target, contents.pack.version.clone())).await?;
    state.ask(move |store| async move { store.put_pack(&contents).await }).await?;
    state.catalogue.forget();
    Ok(HttpResponse::Created().json(answer))
}

/// `GET /actions`
pub(crate) async fn actions(state: web::Data<ApiState>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut query = Query::of(&request, &["pack"])?;
    let pack = query.text("pack").map(str::to_owned);
    if pack.as_ref().is_some_and(|pack| !is_valid_name(pack)) {
        query.refuse("pack", "format", "must be the name of a pack");
    }
    query.check()?;
    let actions = state.ask(move |store| async move { store.actions(pack.as_deref()).await }).await?;
    Ok(HttpResponse::Ok().json(json!({"items": actions, "next": null})))
}

/// `GET /actions/{ref}`
pub(crate) async fn action(state: web::Data<ApiState>, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    let reference: ActionRef =
        path.parse().map_err(|_| Problem::not_found(format!("{:?} is not the reference of an action", *path)))?;
    let wanted = reference.clone();
    let found = state.ask(move |store| async move { store.action(&wanted).await }).await?;
    found.map(|action| HttpResponse::Ok().json(action)).ok_or_else(|| unknown_action(&reference))
}

/// `GET /runtimes`
pub(crate) async fn runtimes(state: web::Data<ApiState>) -> Result<HttpResponse, Problem> {
    let runtimes = state.ask(|store| async move { store.runtimes().await }).await?;
    Ok(HttpResponse::Ok().json(json!({"items": runtimes, "next": null})))
}
