//! `GET /executions/{id}/logs`

use std::sync::Arc;

use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use attune_types::{ExecutionId, LogChunk, LogStream};
use futures_util::stream;

use super::entry::LogEntry;
use super::follow::{Follower, LOOK_PIECES};
use super::lines::{LineCutter, LogLine};
use crate::api::access::Principal;
use crate::api::executions::id_of;
use crate::api::problem::{FieldProblem, Problem};
use crate::api::query::Query;
use crate::api::state::ApiState;

/// The log so far, one JSON object a line; with `follow=true` as server-sent events until the execution ends.
pub(crate) async fn read(
    state: web::Data<ApiState>,
    request: HttpRequest,
    path: web::Path<String>,
    principal: Principal,
) -> Result<HttpResponse, Problem> {
    let id = id_of(&path)?;
    let mut query = Query::of(&request, &["follow", "cursor", "view", "stream"])?;
    let follow = query.value::<bool>("follow").unwrap_or(false);
    let cursor = query.value::<i64>("cursor").unwrap_or(0);
    let view = query.text("view").unwrap_or("pieces").to_owned();
    if !["pieces", "lines", "raw"].contains(&view.as_str()) {
        query.refuse("view", "value", "must be pieces, lines or raw");
    } else if follow && view != "pieces" {
        query.refuse("view", "value", "must be pieces when a log is followed");
    }
    let stream = query.text("stream").map(|word| serde_json::from_value::<LogStream>(word.into()));
    if matches!(stream, Some(Err(_))) {
        query.refuse("stream", "value", "must be stdout, stderr or system");
    } else if stream.is_some() && view == "pieces" {
        query.refuse("stream", "value", "is for the views lines and raw");
    }
    query.check()?;
    let cursor = last_event_id(&request)?.unwrap_or(cursor);
    // Whether it exists is said by the status, so it must be known before the first byte.
    state.execution(id).await?;
    let stream = stream.and_then(Result::ok);
    match view.as_str() {
        "lines" => Ok(print_view(&state, id, cursor, stream, View::Lines(LineCutter::default()))),
        "raw" => Ok(print_view(&state, id, cursor, stream, View::Raw)),
        _ if follow => follow_log(&state, &principal, id, cursor),
        _ => Ok(print_log(&state, id, cursor)),
    }
}

/// Where a client that connects again left off.
fn last_event_id(request: &HttpRequest) -> Result<Option<i64>, Problem> {
    let Some(value) = request.headers().get("last-event-id") else { return Ok(None) };
    value.to_str().ok().and_then(|text| text.parse().ok()).map(Some).ok_or_else(|| {
        let message = "must be the id of an event of this stream";
        Problem::invalid(vec![FieldProblem::new("Last-Event-ID", "format", message)])
    })
}

fn follow_log(state: &ApiState, principal: &Principal, id: ExecutionId, cursor: i64) -> Result<HttpResponse, Problem> {
    let own = state.limiter.stream(principal.asker);
    let own = own.ok_or_else(|| Problem::too_many("this token follows too many logs"))?;
    let permit = Arc::clone(&state.followers).try_acquire_owned();
    let permit = permit.map_err(|_| Problem::too_many("too many logs are being followed"))?;
    let follower = Follower::new(state.clone(), id, cursor, (permit, own));
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

/// How a log is shown.
enum View {
    /// A JSON object a line of the log.
    Lines(LineCutter),
    /// The bytes exactly as they were written, and nothing else.
    Raw,
}

impl View {
    fn show(&mut self, chunks: Vec<LogChunk>) -> Vec<u8> {
        match self {
            Self::Lines(cutter) => {
                let mut lines = Vec::new();
                chunks.iter().for_each(|chunk| cutter.feed(chunk, &mut lines));
                lines.iter().map(LogLine::to_json).collect::<String>().into_bytes()
            }
            Self::Raw => chunks.into_iter().flat_map(|chunk| chunk.bytes).collect(),
        }
    }

    fn finish(self) -> Vec<u8> {
        match self {
            Self::Lines(cutter) => cutter.finish().iter().map(LogLine::to_json).collect::<String>().into_bytes(),
            Self::Raw => Vec::new(),
        }
    }
}

fn print_view(state: &ApiState, id: ExecutionId, cursor: i64, only: Option<LogStream>, view: View) -> HttpResponse {
    let content_type = match view {
        View::Lines(_) => "application/x-ndjson",
        View::Raw => "application/octet-stream",
    };
    let bytes = stream::unfold((state.clone(), cursor, Some(view)), move |(state, cursor, view)| async move {
        let mut view = view?;
        let pieces = state.ask(move |store| async move { store.logs(id, cursor, LOOK_PIECES).await }).await;
        let pieces = match pieces {
            Ok(pieces) => pieces,
            Err(problem) => return Some((Err(problem), (state, cursor, None))),
        };
        let is_last = pieces.len() < LOOK_PIECES as usize;
        let next = pieces.last().map_or(cursor, |(cursor, _)| *cursor);
        let wanted = |chunk: &LogChunk| only.is_none_or(|stream| stream == chunk.stream);
        let mut bytes = view.show(pieces.into_iter().map(|(_, chunk)| chunk).filter(wanted).collect());
        if is_last {
            bytes.extend(view.finish());
            return Some((Ok(Bytes::from(bytes)), (state, next, None)));
        }
        Some((Ok(Bytes::from(bytes)), (state, next, Some(view))))
    });
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, content_type))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::CONTENT_DISPOSITION, "attachment"))
        .streaming(bytes)
}
