//! What every request passes on its way in and every answer on its way out.

use std::net::{IpAddr, Ipv4Addr};

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, web};
use attune_store::AuditNote;

use super::access::{Access, Asker, Decision, Principal};
use super::problem::Problem;
use super::state::ApiState;
use super::{origin, routes};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest path that is told to the audit trail, in bytes.
const LONGEST_PATH: usize = 200;

/// Names the request, turns away who may not come in, and marks the answer.
pub(crate) async fn pass<Body: MessageBody + 'static>(
    state: web::Data<ApiState>,
    request: ServiceRequest,
    next: Next<Body>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let id = request_id(request.headers());
    let (method, path) = (request.method().clone(), request.path().to_owned());
    let mut response = match admit(&state, &request).await {
        Ok(principal) => {
            request.extensions_mut().insert(principal);
            next.call(request).await?.map_into_boxed_body()
        }
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

/// Who asks, when they may. Everything that decides it is here, so that no request can forget to ask.
async fn admit(state: &ApiState, request: &ServiceRequest) -> Result<Principal, Problem> {
    // The peer alone: whatever a header says about an address, its sender chose.
    let address = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |address| address.ip());
    let pattern = request.match_pattern();
    let access = pattern.as_deref().and_then(|pattern| routes::access_of(request.method(), pattern));
    if !state.gatekeeper.asks() {
        origin::check(request.headers())?;
    } else if access == Some(Access::Open) {
        let asker = Asker::Address(address);
        count(state, asker)?;
        return Ok(Principal::nobody(Some(asker)));
    }
    let principal = match state.gatekeeper.admit(state, request.headers(), address).await {
        Ok(principal) => principal,
        Err(problem) => {
            note(state, request, &address.to_string(), &problem);
            return Err(problem);
        }
    };
    if let Some(asker) = principal.asker {
        count(state, asker)?;
    }
    // Where there is no route, whoever may come in is told so.
    let (Some(access), Some(pattern)) = (access, pattern) else { return Ok(principal) };
    let decided = match access.decide(&principal, &pattern, request.path()) {
        Ok(Decision::Pass) => Ok(()),
        Ok(Decision::WhenOwned(id)) => {
            let execution = state.execution(id).await?;
            if principal.may_see(&execution) {
                Ok(())
            } else {
                Err(Problem::not_found(format!("there is no execution {id}")))
            }
        }
        Err(problem) => Err(problem),
    };
    match decided {
        Ok(()) => Ok(principal),
        Err(problem) => {
            note(state, request, &principal.name, &problem);
            Err(problem)
        }
    }
}

fn count(state: &ApiState, asker: Asker) -> Result<(), Problem> {
    state.limiter.ask(asker).map_err(|pause| Problem::too_often(pause, "too many requests"))
}

/// Hands a refusal in for the audit trail. A request that carries nothing is no attempt to be anybody.
fn note(state: &ApiState, request: &ServiceRequest, who: &str, problem: &Problem) {
    if !request.headers().contains_key(header::AUTHORIZATION) || !matches!(problem.status, 401 | 403 | 404) {
        return;
    }
    let path: String = request.path().chars().take(LONGEST_PATH).filter(|character| !character.is_control()).collect();
    let target = format!("{} {path}", request.method());
    state.desk.refused(AuditNote::new(who, "authorization.refused", target, problem.detail.clone()));
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
