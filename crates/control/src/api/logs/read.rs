//! `GET /executions/{id}/logs`

use std::sync::Arc;

use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use attune_types::ExecutionId;
use futures_util::stream;

use super::entry::LogEntry;
use super::follow::{Follower, LOOK_PIECES};
use crate::api::executions::id_of;
use crate::api::problem::{FieldProblem, Problem};
use crate::api::query::Query;
use crate::api::state::ApiState;

/// The log so far, one JSON object a line; with `follow=true` as server-sent events until the execution ends.
pub(crate) async fn read(
    state: web::Data<ApiState>,
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = id_of(&path)?;
    let mut query = Query::of(&request, &["follow", "cursor"])?;
    let follow = query.value::<bool>("follow").unwrap_or(false);
    let cursor = query.value::<i64>("cursor").unwrap_or(0);
    query.check()?;
    let cursor = last_event_id(&request)?.unwrap_or(cursor);
    // Whether it exists is said by the status, so it must be known before the first byte.
    state.execution(id).await?;
    if follow { follow_log(&state, id, cursor) } else { Ok(print_log(&state, id, cursor)) }
}

/// Where a client that connects again left off.
fn last_event_id(request: &HttpRequest) -> Result<Option<i64>, Problem> {
    let Some(value) = request.headers().get("last-event-id") else { return Ok(None) };
    value.to_str().ok().and_then(|text| text.parse().ok()).map(Some).ok_or_else(|| {
        let message = "must be the id of an event of this stream";
        Problem::invalid(vec![FieldProblem::new("Last-Event-ID", "format", message)])
    })
}

fn follow_log(state: &ApiState, id: ExecutionId, cursor: i64) -> Result<HttpResponse, Problem> {
    let permit = Arc::clone(&state.followers).try_acquire_owned();
    let permit = permit.map_err(|_| Problem::too_many("too many logs are being followed"))?;
    let follower = Follower::new(state.clone(), id, cursor, permit);
    let bytes = stream::unfold(follower, |mut follower| async move {
        let bytes = follower.next().await?;
        Some((Ok::<_, Problem>(bytes), follower))
    });
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/event-stream"))
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(bytes))
}

fn print_log(state: &ApiState, id: ExecutionId, cursor: i64) -> HttpResponse {
    let start = (state.clone(), Some(cursor));
    let bytes = stream::unfold(start, move |(state, cursor)| async move {
        let cursor = cursor?;
        let pieces = state.ask(move |store| async move { store.logs(id, cursor, LOOK_PIECES).await }).await;
        let pieces = match pieces {
            Ok(pieces) if pieces.is_empty() => return None,
            Ok(pieces) => pieces,
            // The connection breaks off before the end of the body, so that the client knows that something is missing.
            Err(problem) => return Some((Err(problem), (state, None))),
        };
        let next = pieces.last().map(|(cursor, _)| *cursor).filter(|_| pieces.len() == LOOK_PIECES as usize);
        let lines: String =
            pieces.into_iter().map(|(cursor, chunk)| LogEntry::new(cursor, chunk).to_line() + "\n").collect();
        Some((Ok(Bytes::from(lines)), (state, next)))
    });
    HttpResponse::Ok().insert_header((header::CONTENT_TYPE, "application/x-ndjson")).streaming(bytes)
}
