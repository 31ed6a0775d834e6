//! Requests about the agent: what there is, and the program itself.

use std::fs::File;
use std::sync::Arc;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::pieces;
use super::problem::Problem;
use super::query::Query;
use super::state::ApiState;
use crate::agents::{AgentShelf, Architecture, Offer, Unavailable};
use crate::trouble::chain;

/// `GET /agent/info`: version, size, checksum and signature of the agent for every architecture, or of the one that is
/// named.
pub(crate) async fn info(state: web::Data<ApiState>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut query = Query::of(&request, &["arch"])?;
    let wanted = query.value::<Architecture>("arch");
    query.check()?;
    if let Some(architecture) = wanted {
        let (_, offer) = open(&state, architecture).await?;
        return Ok(HttpResponse::Ok().json(offer));
    }
    let mut offers = Vec::new();
    for architecture in Architecture::ALL {
        match open(&state, architecture).await {
            Ok((_, offer)) => offers.push(offer),
            // Few give out all of them.
            Err(problem) if problem.status == 404 => {}
            Err(problem) => return Err(problem),
        }
    }
    Ok(HttpResponse::Ok().json(json!({"server_version": env!("CARGO_PKG_VERSION"), "items": offers, "next": null})))
}

/// `GET /agent/binary`: the program for an architecture.
pub(crate) async fn binary(state: web::Data<ApiState>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut query = Query::of(&request, &["arch"])?;
    let wanted = query.value::<Architecture>("arch").unwrap_or(Architecture::X86_64);
    query.check()?;
    let (file, offer) = open(&state, wanted).await?;
    let tag = format!("\"{}\"", offer.sha256);
    let known = request.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if known.is_some_and(|known| known.split(',').any(|known| known.trim() == tag)) {
        return Ok(HttpResponse::NotModified().insert_header((header::ETAG, tag)).finish());
    }
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CONTENT_TYPE, "application/octet-stream"))
        .insert_header((header::CONTENT_DISPOSITION, "attachment; filename=attune-agent"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::ACCEPT_RANGES, "none"))
        .insert_header(("X-Attune-Agent-Version", offer.version))
        .insert_header(("X-Attune-Agent-Sha256", offer.sha256))
        .insert_header((header::ETAG, tag));
    Ok(response.no_chunking(offer.size).streaming(pieces::of(&state.runtime, file)))
}

async fn open(state: &ApiState, architecture: Architecture) -> Result<(File, Offer), Problem> {
    let shelf: Arc<AgentShelf> = state.agents.clone().ok_or_else(|| {
        Problem::not_found("this server gives out no agent").hint("set server.agent_directory to a folder with agents")
    })?;
    match state.runtime.spawn_blocking(move || shelf.open(architecture)).await {
        Ok(Ok(opened)) => Ok(opened),
        Ok(Err(Unavailable::Missing { .. })) => {
            Err(Problem::not_found(format!("this server has no agent for {architecture}"))
                .hint("scripts/build-static.sh makes it; server.agent_directory is where it is looked for"))
        }
        Ok(Err(error)) => {
            tracing::error!(error = %chain(&error), "an agent cannot be given out");
            Err(Problem::internal())
        }
        Err(_) => Err(Problem::internal()),
    }
}
