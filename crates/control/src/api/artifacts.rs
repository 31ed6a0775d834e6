//! Files that executions left behind.

use std::sync::Arc;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use attune_artifacts::{Content, PlaceError};
use attune_types::{Artifact, AttemptNumber};
use serde_json::json;

use super::executions::id_of;
use super::pieces;
use super::problem::Problem;
use super::query::Query;
use super::state::ApiState;

/// `GET /executions/{id}/artifacts`
pub(crate) async fn list(
    state: web::Data<ApiState>,
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = id_of(&path)?;
    Query::of(&request, &[])?.check()?;
    state.execution(id).await?;
    let artifacts = state.ask(move |store| async move { store.artifacts(id).await }).await?;
    Ok(HttpResponse::Ok().json(json!({"items": artifacts, "next": null})))
}

/// `GET /executions/{id}/artifacts/{path}`: the file of the newest attempt that left one, or of the one that is named.
pub(crate) async fn read(
    state: web::Data<ApiState>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (id, name) = path.into_inner();
    let id = id_of(&id)?;
    let mut query = Query::of(&request, &["attempt"])?;
    let attempt = query.value::<i32>("attempt").map(AttemptNumber);
    query.check()?;
    state.execution(id).await?;
    // Only what the list of this very execution names is ever opened: a path leads nowhere else by being clever.
    let artifacts = state.ask(move |store| async move { store.artifacts(id).await }).await?;
    let wanted = |artifact: &Artifact| artifact.path == name && attempt.is_none_or(|wanted| wanted == artifact.attempt);
    let artifact = artifacts
        .into_iter()
        .rfind(wanted)
        .ok_or_else(|| Problem::not_found(format!("execution {id} left no such artifact")))?;
    let place = state.place.clone().ok_or_else(|| elsewhere(&artifact))?;
    let location = artifact.location.clone();
    let opening = state.runtime.spawn_blocking(move || place.open(&location));
    match opening.await {
        Ok(Ok(content)) => Ok(answer(&state, &artifact, content)),
        Ok(Err(PlaceError::Missing { .. } | PlaceError::Foreign { .. })) => Err(elsewhere(&artifact)),
        Ok(Err(error)) => {
            tracing::warn!(execution.id = %id, error = &error as &dyn std::error::Error, "an artifact could not be read");
            Err(Problem::unavailable("the place where files are kept did not answer"))
        }
        Err(_) => Err(Problem::internal()),
    }
}

fn elsewhere(artifact: &Artifact) -> Problem {
    let worker = &artifact.worker;
    Problem::conflict(
        "urn:attune:problem:elsewhere",
        "the file is not within reach",
        format!("the file was stored by worker {worker} where this server cannot read it"),
    )
    .hint("let server and workers share paths.artifacts_dir, or use artifacts.store: s3")
}

/// Somebody's file must stay a file: never a page of this origin, whatever it holds. Every answer of this API carries the
/// policy that would keep even a page from running anything.
fn answer(state: &ApiState, artifact: &Artifact, content: Content) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CONTENT_TYPE, "application/octet-stream"))
        .insert_header((header::CONTENT_DISPOSITION, disposition(&artifact.path)))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::ACCEPT_RANGES, "none"))
        .insert_header((header::ETAG, format!("\"{}\"", artifact.sha256)));
    response.no_chunking(artifact.size_bytes).streaming(pieces::of(&state.runtime, content.reader))
}

/// The last part of the name, in the form that every character survives in (RFC 6266, RFC 5987).
fn disposition(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or_default();
    let encoded: String = name
        .bytes()
        .map(|byte| {
            let plain = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            if plain { char::from(byte).to_string() } else { format!("%{byte:02X}") }
        })
        .collect();
    format!("attachment; filename*=UTF-8''{encoded}")
}

/// Where files are kept, as far as this server can reach them.
pub(crate) type SharedPlace = Arc<attune_artifacts::Place>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_break_out_of_its_header() {
        assert_eq!(disposition("a/r\u{e4}\"; x=.html"), "attachment; filename*=UTF-8''r%C3%A4%22%3B%20x%3D.html");
    }
}
