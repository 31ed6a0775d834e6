//! What every request passes on its way in and every answer on its way out.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, web};

use super::problem::Problem;
use super::state::ApiState;
use super::{origin, routes};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Names the request, turns away who may not come in, and marks the answer.
pub(crate) async fn pass<Body: MessageBody + 'static>(
    state: web::Data<ApiState>,
    request: ServiceRequest,
    next: Next<Body>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let id = request_id(request.headers());
    let (method, path) = (request.method().clone(), request.path().to_owned());
    let mut response = match admit(&state, &request) {
        Ok(()) => next.call(request).await?.map_into_boxed_body(),
        Err(problem) => request.error_response(problem).map_into_boxed_body(),
    };
    tracing::debug!(
        request.id = id.to_str().unwrap_or(""), http.method = %method, http.path = path,
        http.status = response.status().as_u16(), "answered"
    );
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, id);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; sandbox"),
    );
    Ok(response)
}

fn admit(state: &ApiState, request: &ServiceRequest) -> Result<(), Problem> {
    match &state.token {
        Some(_) if routes::is_open(request.path()) => Ok(()),
        Some(token) => token.check(request.headers()),
        None => origin::check(request.headers()),
    }
}

/// The id that the client gave when it is harmless, else a random one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let given = headers.get(&REQUEST_ID).filter(|value| {
        let bytes = value.as_bytes();
        (1..=128).contains(&bytes.len())
            && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte))
    });
    if let Some(given) = given {
        return given.clone();
    }
    let mut random = [0; 8];
    if getrandom::fill(&mut random).is_err() {
        // An id that is not unique is better than a request that is not answered.
        tracing::debug!("no random bytes for a request id");
    }
    HeaderValue::from_str(&format!("{:016x}", u64::from_be_bytes(random)))
        .unwrap_or_else(|_| HeaderValue::from_static("unknown"))
}
