//! Reading one execution.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use attune_types::told::ToldEvent;
use attune_types::{Execution, ExecutionEvent, ExecutionId, Told};
use serde_json::json;
use tokio::time::{Instant, timeout_at};

use super::id_of;
use crate::api::problem::Problem;
use crate::api::query::Query;
use crate::api::state::{ApiState, LOOK};

/// The longest a request may wait, in seconds.
const LONGEST_WAIT: u32 = 60;

/// How many events are read at once, and how many a timeline tells at most.
const EVENTS_AT_ONCE: u32 = 1000;
const MOST_EVENTS: usize = 10_000;

/// `GET /executions/{id}`
pub(crate) async fn read(
    state: web::Data<ApiState>,
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = id_of(&path)?;
    let mut query = Query::of(&request, &["wait"])?;
    let wait = query.number("wait", 0, LONGEST_WAIT, 0);
    query.check()?;
    let execution = if wait == 0 {
        state.execution(id).await?
    } else {
        wait_for_end(&state, id, Duration::from_secs(wait.into())).await?
    };
    Ok(HttpResponse::Ok().json(Told::from(&execution)))
}

/// Waits until the execution has ended, `longest` has passed or the server goes away, and returns it as it is then.
async fn wait_for_end(state: &ApiState, id: ExecutionId, longest: Duration) -> Result<Execution, Problem> {
    let _permit = state.waiting.try_acquire().map_err(|_| Problem::too_many("too many requests are waiting"))?;
    let deadline = Instant::now() + longest;
    // Before the first look: a change between a look and the wait would be missed otherwise.
    let mut waiter = state.waiters.wait_for(id);
    loop {
        let execution = state.execution(id).await?;
        if execution.status.is_terminal() || Instant::now() >= deadline {
            return Ok(execution);
        }
        let look = deadline.min(Instant::now() + LOOK);
        tokio::select! {
            _ = timeout_at(look, waiter.moved()) => {}
            () = state.until_stopping() => return Ok(execution),
        }
    }
}

/// `GET /executions/{id}/attempts`
pub(crate) async fn attempts(state: web::Data<ApiState>, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    let id = id_of(&path)?;
    state.execution(id).await?;
    let attempts = state.ask(move |store| async move { store.attempts(id).await }).await?;
    let attempts: Vec<_> = attempts.iter().map(Told::from).collect();
    Ok(HttpResponse::Ok().json(json!({"items": attempts, "next": null})))
}

/// `GET /executions/{id}/events`
pub(crate) async fn events(
    state: web::Data<ApiState>,
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = id_of(&path)?;
    let mut query = Query::of(&request, &["cursor", "limit"])?;
    let after = query.value::<i64>("cursor").unwrap_or(0);
    let limit = query.number("limit", 1, 1000, 100);
    query.check()?;
    state.execution(id).await?;
    let page = state.ask(move |store| async move { store.events(Some(id), after, limit).await }).await?;
    let attempts = state.ask(move |store| async move { store.attempts(id).await }).await?;
    let full = page.events.len() >= limit as usize;
    let next = page.events.last().filter(|_| full).map(|event| event.id.to_string());
    let events: Vec<_> = page.events.iter().map(|event| ToldEvent::new(event, &attempts)).collect();
    Ok(HttpResponse::Ok().json(json!({"items": events, "next": next})))
}

/// `GET /executions/{id}/timeline`
pub(crate) async fn timeline(state: web::Data<ApiState>, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    let id = id_of(&path)?;
    // The events first: whatever the attempts say that is newer is only more.
    let mut events: Vec<ExecutionEvent> = Vec::new();
    while events.len() < MOST_EVENTS {
        let after = events.last().map_or(0, |event| event.id);
        let page = state.ask(move |store| async move { store.events(Some(id), after, EVENTS_AT_ONCE).await }).await?;
        let is_last = page.events.len() < EVENTS_AT_ONCE as usize;
        events.extend(page.events);
        if is_last {
            break;
        }
    }
    let attempts = state.ask(move |store| async move { store.attempts(id).await }).await?;
    let execution = state.execution(id).await?;
    let items = attune_types::timeline(&execution, &attempts, &events);
    Ok(HttpResponse::Ok().json(json!({"items": items, "next": null})))
}
