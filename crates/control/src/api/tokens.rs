//! Requests about tokens, and the one request that a bootstrap token is for.

use actix_web::{HttpRequest, HttpResponse, web};
use attune_store::{ApiToken, AuditNote, Enrolment, NewToken, TokenKind};
use serde_json::json;

use super::access::{OWNER, Principal, Scope, Scopes, scope_words};
use super::body;
use super::fields::Fields;
use super::problem::{FieldProblem, Problem};
use super::query::Query;
use super::state::ApiState;

/// How long a token of a person lives when nobody says, and at most; in seconds.
const LIFE: u64 = 90 * 24 * 3600;
const LONGEST_LIFE: u64 = 10 * 365 * 24 * 3600;

/// The same of a bootstrap token.
const BOOTSTRAP_LIFE: u64 = 15 * 60;
const LONGEST_BOOTSTRAP_LIFE: u64 = 3600;

/// How many tokens one list holds.
const MOST: u32 = 1000;

const LONGEST_NAME: usize = 100;

fn is_label(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= LONGEST_NAME && !text.chars().any(char::is_control)
}

/// What is asked for, as far as it can be told from the request alone.
struct Wanted {
    name: String,
    owner: String,
    kind: TokenKind,
    scopes: Vec<String>,
    seconds: u64,
}

fn read(mut fields: Fields, principal: &Principal) -> Result<Wanted, Problem> {
    let name: String = fields.required("name").unwrap_or_default();
    let kind: String = fields.optional("kind").unwrap_or_else(|| "person".to_owned());
    let worker: Option<String> = fields.optional("worker");
    let scopes: Option<Vec<String>> = fields.optional("scopes");
    let owner: Option<String> = fields.optional("owner");
    let seconds: Option<u64> = fields.optional("expires_in_seconds");
    if !is_label(&name) {
        fields.refuse("name", "format", format!("must be 1 to {LONGEST_NAME} bytes without control characters"));
    }
    let is_bootstrap = kind == "bootstrap";
    if !is_bootstrap && kind != "person" {
        fields.refuse("kind", "value", "must be person or bootstrap");
    }
    let (longest, default) = if is_bootstrap { (LONGEST_BOOTSTRAP_LIFE, BOOTSTRAP_LIFE) } else { (LONGEST_LIFE, LIFE) };
    let seconds = seconds.unwrap_or(default);
    if !(1..=longest).contains(&seconds) {
        fields.refuse("expires_in_seconds", "range", format!("must be between 1 and {longest}"));
    }
    let scopes = match (is_bootstrap, scopes) {
        (true, None) => vec![Scope::AgentRead.as_str().to_owned(), Scope::WorkersEnroll.as_str().to_owned()],
        (true, Some(_)) => {
            fields.refuse("scopes", "exclusive", "a bootstrap token has its own");
            Vec::new()
        }
        (false, Some(scopes)) => scopes,
        (false, None) => {
            fields.refuse("scopes", "required", "is required");
            Vec::new()
        }
    };
    match Scopes::read(scopes.iter().map(String::as_str)) {
        Err(unknown) => {
            fields.refuse("scopes", "value", format!("{unknown:?} is no scope; known are {}", scope_words()));
        }
        Ok(wanted) if !is_bootstrap && !principal.scopes.covers(wanted) => {
            fields.refuse("scopes", "more", "a token can only give what it has");
        }
        Ok(_) => {}
    }
    let kind = match worker {
        Some(worker) if is_bootstrap && is_label(&worker) && !worker.contains('/') => TokenKind::Bootstrap { worker },
        Some(_) if is_bootstrap => {
            fields.refuse("worker", "format", "must be the name of a worker");
            TokenKind::Person
        }
        None if is_bootstrap => {
            fields.refuse("worker", "required", "a bootstrap token is for one worker");
            TokenKind::Person
        }
        Some(_) => {
            fields.refuse("worker", "exclusive", "is for bootstrap tokens");
            TokenKind::Person
        }
        None => TokenKind::Person,
    };
    if is_bootstrap && !principal.scopes.has(Scope::WorkersWrite) {
        fields.refuse("kind", "more", "needs a token with the scope workers:write");
    }
    let owner = match owner {
        None if principal.scopes.is_admin() && principal.name == OWNER => name.clone(),
        None => principal.name.clone(),
        Some(owner) => {
            if !principal.scopes.is_admin() && owner != principal.name {
                fields.refuse("owner", "more", "only an admin makes tokens for others");
            }
            owner
        }
    };
    // What executions and their own tokens are called must not be what somebody is called.
    if owner == OWNER || owner.contains('/') || !is_label(&owner) {
        fields.refuse("owner", "value", "must be a name of its own, without slashes");
    }
    fields.check()?;
    Ok(Wanted { name, owner, kind, scopes, seconds })
}

/// `POST /tokens`: makes a token; the answer is the only place where it is ever shown.
pub(crate) async fn create(
    state: web::Data<ApiState>,
    request: HttpRequest,
    payload: web::Payload,
    principal: Principal,
) -> Result<HttpResponse, Problem> {
    let wanted = read(body::object(&request, payload, body::MOST).await?, &principal)?;
    let token = ApiToken::generate()?;
    let new = NewToken {
        name: wanted.name,
        kind: wanted.kind,
        owner: wanted.owner,
        scopes: wanted.scopes,
        hash: token.hash(),
        lives_ms: i64::try_from(wanted.seconds.saturating_mul(1000)).ok(),
    };
    let record = state.ask(move |store| async move { store.admission().put_token(&new).await }).await?;
    let detail = format!("{} for {} with {}", record.kind.as_str(), record.owner, record.scopes.join(", "));
    state.audit(AuditNote::new(principal.name, "token.create", format!("token/{}", record.id), detail)).await?;
    let mut answer = serde_json::to_value(&record).unwrap_or_default();
    answer["token"] = json!(token.expose());
    Ok(HttpResponse::Created().json(answer))
}

/// `GET /tokens`: everything about them but the tokens.
pub(crate) async fn list(
    state: web::Data<ApiState>,
    request: HttpRequest,
    principal: Principal,
) -> Result<HttpResponse, Problem> {
    Query::of(&request, &[])?.check()?;
    let mut tokens = state.ask(|store| async move { store.admission().tokens(MOST).await }).await?;
    tokens.retain(|token| principal.scopes.is_admin() || token.owner == principal.name);
    Ok(HttpResponse::Ok().json(json!({"items": tokens, "next": null})))
}

/// `POST /tokens/{id}/revoke`
pub(crate) async fn revoke(
    state: web::Data<ApiState>,
    request: HttpRequest,
    payload: web::Payload,
    path: web::Path<String>,
    principal: Principal,
) -> Result<HttpResponse, Problem> {
    body::optional_object(&request, payload).await?.check()?;
    let unknown = || Problem::not_found(format!("there is no token {:?}", *path));
    let id: i64 = path.parse().map_err(|_| unknown())?;
    let tokens = state.ask(|store| async move { store.admission().tokens(MOST).await }).await?;
    let is_theirs = tokens.iter().any(|token| token.id == id && token.owner == principal.name);
    if !principal.scopes.is_admin() && !is_theirs {
        return Err(unknown());
    }
    if !state.ask(move |store| async move { store.admission().revoke_token(id).await }).await? {
        return Err(unknown());
    }
    state.gatekeeper.forget();
    state.audit(AuditNote::new(principal.name, "token.revoke", format!("token/{id}"), "")).await?;
    Ok(HttpResponse::Ok().json(json!({"id": id, "standing": "revoked"})))
}

/// `POST /workers/{name}/enroll`: from now on the name belongs to whoever has the key that is answered. Once.
pub(crate) async fn enroll_worker(
    state: web::Data<ApiState>,
    request: HttpRequest,
    payload: web::Payload,
    path: web::Path<String>,
    principal: Principal,
) -> Result<HttpResponse, Problem> {
    body::optional_object(&request, payload).await?.check()?;
    let Some(token) = principal.token else { return Err(Problem::forbidden(Scope::WorkersEnroll.as_str())) };
    if !is_label(&path) {
        return Err(Problem::invalid(vec![FieldProblem::new("name", "format", "must be the name of a worker")]));
    }
    let key = ApiToken::generate()?;
    let hash = key.hash();
    let enrolment = state.ask(move |store| async move { store.admission().enrol_worker(token, hash).await }).await?;
    match enrolment {
        Enrolment::Enrolled => {
            let target = format!("worker/{path}");
            state.audit(AuditNote::new(principal.name, "worker.enroll", target, format!("by token/{token}"))).await?;
            Ok(HttpResponse::Created().json(json!({"worker": *path, "key": key.expose()})))
        }
        Enrolment::AlreadyUsed(at) => Err(Problem::conflict(
            "urn:attune:problem:used",
            "the token was used before",
            format!("bootstrap token already used at {at}"),
        )
        .hint("make another with `attune token create --bootstrap NAME`; if it was not you, rotate the worker's key")),
        Enrolment::Refused => Err(Problem::unauthorized("the token has expired")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_short_and_plain() {
        assert!(is_label("build server"));
        for wrong in ["", " ", "a\u{1b}[2J", &"x".repeat(101)] {
            assert!(!is_label(wrong), "{wrong:?}");
        }
    }
}
