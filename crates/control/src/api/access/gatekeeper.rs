//! From a header to a principal.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::http::header::{self, HeaderMap};
use attune_store::{ApiToken, TokenKind, TokenRecord, TokenStanding};
use tokio::time::Instant;

use super::limiter::Asker;
use super::principal::Principal;
use crate::api::problem::Problem;
use crate::api::state::ApiState;
use crate::api::token::TokenCheck;

/// How long a token of a person is remembered. Revoking it takes so long to be seen by other replicas; here it is seen at
/// once. Tokens of executions and workers are looked at every time.
const MEMORY: Duration = Duration::from_secs(1);

/// How many tokens are remembered at most.
const MOST: usize = 10_000;

/// How often it is noted that a token is used.
const NOTE_EVERY: Duration = Duration::from_secs(60);

type Known = HashMap<[u8; 32], (Instant, Principal)>;

/// Knows the token of the configuration, and remembers those of the store for a moment.
#[derive(Debug, Clone)]
pub(crate) struct Gatekeeper {
    /// The token of the configuration; absent: whoever is on this machine owns the server.
    configured: Option<TokenCheck>,
    known: Arc<Mutex<Known>>,
    /// When the use of a token was last noted.
    noted: Arc<Mutex<HashMap<i64, Instant>>>,
}

/// The token that a request carries.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    match value.to_str().ok().and_then(|text| text.split_once(' ')) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(token.trim())),
        _ => Err(Problem::unauthorized("the header Authorization does not hold `Bearer TOKEN`")),
    }
}

/// What is said of a token that opens nothing. Whoever has it has had it, so that they learn why is no loss.
fn refusal(record: &TokenRecord) -> Option<Problem> {
    let detail = match (record.standing, &record.kind) {
        (TokenStanding::Valid, _) => return None,
        (TokenStanding::Ended, TokenKind::Execution { execution, .. }) => {
            format!("the token expired with execution {execution}")
        }
        (TokenStanding::Revoked, _) => "the token was revoked".to_owned(),
        (TokenStanding::Expired | TokenStanding::Ended, _) => "the token has expired".to_owned(),
    };
    Some(Problem::unauthorized(detail))
}

impl Gatekeeper {
    /// A gatekeeper for the token of the configuration, if there is one.
    pub(crate) fn new(configured: Option<TokenCheck>) -> Self {
        Self { configured, known: Arc::default(), noted: Arc::default() }
    }

    /// Whether everybody must show a token.
    pub(crate) fn asks(&self) -> bool {
        self.configured.is_some()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets every token, because one changed.
    pub(crate) fn forget(&self) {
        self.known().clear();
    }

    /// Who asks. A token that is shown must be valid, also where none is asked for.
    pub(crate) async fn admit(
        &self,
        state: &ApiState,
        headers: &HeaderMap,
        address: IpAddr,
    ) -> Result<Principal, Problem> {
        let Some(text) = bearer(headers)? else {
            return match &self.configured {
                Some(_) => Err(Problem::unauthorized("the request carries no token")),
                None => Ok(Principal::owner(None)),
            };
        };
        if self.configured.as_ref().is_some_and(|check| check.allows(text)) {
            return Ok(Principal::owner(Some(Asker::Owner)));
        }
        let often = |pause| Problem::too_often(pause, "too many tokens that are not valid came from this address");
        let token = ApiToken::read(text);
        // Whoever guesses does not get to ask the database without end; whoever was let in before, from an address where
        // somebody guesses now, does.
        if !token.as_ref().is_some_and(|token| self.known().contains_key(&token.hash())) {
            state.limiter.look(Asker::Refused(address)).map_err(often)?;
        }
        let found = match token {
            Some(token) => self.find(state, &token).await,
            None => Err(Problem::unauthorized("the token is not valid")),
        };
        if found.as_ref().is_err_and(|problem| problem.status == 401) {
            state.limiter.ask(Asker::Refused(address)).map_err(often)?;
        }
        found
    }

    async fn find(&self, state: &ApiState, token: &ApiToken) -> Result<Principal, Problem> {
        let hash = token.hash();
        let remembered = self.known().get(&hash).filter(|(at, _)| at.elapsed() < MEMORY).map(|(_, who)| who.clone());
        if let Some(principal) = remembered {
            return Ok(principal);
        }
        let found = state.ask(move |store| async move { store.admission().find_token(hash).await }).await?;
        let record = found.ok_or_else(|| Problem::unauthorized("the token is not valid"))?;
        if let Some(problem) = refusal(&record) {
            return Err(problem);
        }
        let principal = Principal::of(&record);
        if record.kind == TokenKind::Person {
            let mut known = self.known();
            if known.len() >= MOST {
                known.clear();
            }
            known.insert(hash, (Instant::now(), principal.clone()));
        }
        self.note_use(state, record.id);
        Ok(principal)
    }

    /// Notes that a token is used, when that was not noted a moment ago.
    fn note_use(&self, state: &ApiState, id: i64) {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.get(&id).is_some_and(|at| at.elapsed() < NOTE_EVERY) {
            return;
        }
        if noted.len() >= MOST {
            noted.clear();
        }
        noted.insert(id, Instant::now());
        drop(noted);
        let store = Arc::clone(&state.store);
        // Nobody waits for it, and when it fails the next use notes it.
        let _noting = state.runtime.spawn(async move { store.admission().touch_token(id).await });
    }
}
