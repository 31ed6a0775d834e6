//! Every route of the document against every kind of credential.
//!
//! The rows come from the OpenAPI document and the columns from [`Credential`]; what is expected of each pair follows from
//! the scope that the document names for the route. A route without a row cannot exist: the router, the document and
//! their rules are compared in the unit tests of the crate, and a parameter without an example here fails this one.

use std::sync::Arc;

use attune_store::{ApiToken, Store};
use attune_store::{AuditVerdict, Enrolment, ExecutionToken, NewToken, TokenKind};
use attune_types::{ExecutionId, Outcome};
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::fixture::{Fixture, on_system, quick};

const OWNERS_TOKEN: &str = "att_0123456789abcdef";

/// Every scope that a route asks for, and `admin`.
fn scopes(document: &Value) -> Vec<String> {
    let words = document.pointer("/components/schemas/NewToken/properties/scopes/items/enum");
    words.and_then(Value::as_array).expect("scopes").iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// One method of one path, as the document has it.
struct Operation {
    method: String,
    pattern: String,
    /// The scope it asks for; `None` when it is open.
    scope: Option<String>,
}

impl Operation {
    /// Its path with examples in the places of its parameters.
    fn path(&self, execution: ExecutionId, worker: &str, token: i64) -> String {
        let mut path = self.pattern.clone();
        let id = if path.starts_with("/api/v1/tokens") { token.to_string() } else { execution.to_string() };
        for (parameter, example) in
            [("{id}", id.as_str()), ("{name}", worker), ("{ref}", "demo.plain"), ("{path}", "no/such.txt")]
        {
            path = path.replace(parameter, example);
        }
        assert!(!path.contains('{'), "{path}: give the parameter an example here, and say whose it is in routes.rs");
        path
    }

    /// Whether it is about an execution.
    fn is_of_execution(&self) -> bool {
        self.pattern.starts_with("/api/v1/executions/{id}")
    }

    /// Whether the script of an execution may ask it about its own.
    fn is_of_script(&self) -> bool {
        self.method == "GET"
            && ["", "/logs", "/artifacts", "/artifacts/{path}"]
                .iter()
                .any(|rest| self.pattern == format!("/api/v1/executions/{{id}}{rest}"))
    }
}

fn document() -> Value {
    serde_json::from_str(include_str!("../../src/api/openapi.json")).expect("JSON")
}

fn operations(document: &Value) -> Vec<Operation> {
    let paths = document["paths"].as_object().expect("paths");
    let operations = paths.iter().flat_map(|(pattern, methods)| {
        methods.as_object().expect("methods").iter().map(move |(method, operation)| {
            let security = operation["security"].as_array();
            let security = security.unwrap_or_else(|| panic!("{method} {pattern} does not say what it asks for"));
            let scope = security.first().map(|one| one["token"][0].as_str().expect("a scope").to_owned());
            Operation { method: method.to_uppercase(), pattern: pattern.clone(), scope }
        })
    });
    operations.collect()
}

/// A token of the store.
pub(crate) async fn keep(
    store: &Arc<dyn Store>,
    owner: &str,
    kind: TokenKind,
    scopes: &[&str],
    lives_ms: i64,
) -> (String, i64) {
    let token = ApiToken::generate().expect("random");
    let new = NewToken {
        name: owner.to_owned(),
        kind,
        owner: owner.to_owned(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        hash: token.hash(),
        lives_ms: Some(lives_ms),
    };
    let record = store.admission().put_token(&new).await.expect("kept");
    (token.expose().to_owned(), record.id)
}

fn bearer(client: &Client, token: &str) -> Client {
    client.with("Authorization", &format!("Bearer {token}"))
}

async fn ask(client: &Client, operation: &Operation, path: &str) -> Answer {
    if operation.method == "POST" {
        return client.with("Content-Type", "application/json").request("POST", path, Some(b"{}")).await;
    }
    client.request(&operation.method, path, None).await
}

const HOUR: i64 = 3_600_000;

#[test]
fn every_route_against_every_credential() {
    on_system(async {
        let fixture = Fixture::start_with(|control| {
            control.api_token(Some(OWNERS_TOKEN.to_owned())).ticks(quick()).limits(attune_control::ApiLimits {
                refusals_per_minute: 100_000,
                ..attune_control::ApiLimits::default()
            })
        })
        .await;
        let (document, store) = (document(), &fixture.store);
        let operations = operations(&document);
        assert!(operations.len() > 30);
        let plain = Client::new(fixture.control.address());
        let owner = bearer(&plain, OWNERS_TOKEN);

        // What is asked about: an execution of Ada's that runs, with the token of its attempt; a worker; a token.
        let (ada, _) = keep(store, "ada", TokenKind::Person, &["executions:run", "executions:read"], HOUR).await;
        let worker = fixture.worker("w1", &["shell"], 2).await;
        let made = bearer(&plain, &ada).post("/api/v1/executions", &json!({"action": "demo.plain"})).await;
        assert_eq!(made.status, 201, "{:?}", String::from_utf8_lossy(&made.body));
        let execution = ExecutionId(made.json()["id"].as_i64().expect("an id"));
        let (ordered, attempt) = worker.next_order().await;
        assert_eq!(ordered, execution);
        let claimed = worker.claim(execution, attempt).await.expect("claimed");
        let script = ApiToken::generate().expect("random");
        let issue = ExecutionToken {
            execution,
            attempt,
            lease: claimed.token,
            hash: script.hash(),
            lives_ms: HOUR,
            scopes: vec!["executions:read".to_owned()],
        };
        assert!(store.admission().issue_execution_token(&issue).await.expect("issued"));
        let foreign = owner.post("/api/v1/executions", &json!({"action": "demo.plain"})).await;
        let foreign = ExecutionId(foreign.json()["id"].as_i64().expect("an id"));

        let all: Vec<String> = scopes(&document).into_iter().filter(|scope| scope != "admin").collect();
        let everything_but_others: Vec<&str> =
            all.iter().map(String::as_str).filter(|scope| *scope != "executions:all").collect();
        let (eve, eves_id) = keep(store, "eve", TokenKind::Person, &everything_but_others, HOUR).await;
        let (expired, _) = keep(store, "old", TokenKind::Person, &["admin"], 0).await;
        let (revoked, id) = keep(store, "gone", TokenKind::Person, &["admin"], HOUR).await;
        assert!(store.admission().revoke_token(id).await.expect("revoked"));
        let unknown = ApiToken::generate().expect("random");

        let mut pairs = 0;
        for operation in &operations {
            let path = operation.path(execution, "w1", 1_000_000);
            let route = format!("{} {path}", operation.method);
            let Some(scope) = &operation.scope else {
                for client in [&plain, &bearer(&plain, "garbage"), &bearer(&plain, &revoked)] {
                    assert_eq!(ask(client, operation, &path).await.status, 200, "{route}");
                    pairs += 1;
                }
                assert!(path.contains("/health") || path.ends_with("/openapi.json"), "{route} is open to everybody");
                continue;
            };
            // Who is not known.
            for (credential, client) in [
                ("none", plain.clone()),
                ("garbage", bearer(&plain, "garbage")),
                ("empty", bearer(&plain, "")),
                ("basic", plain.with("Authorization", "Basic YXR0OnNlY3JldA==")),
                ("made up", bearer(&plain, unknown.expose())),
                ("cut off", bearer(&plain, &eve[..59])),
                ("expired", bearer(&plain, &expired)),
                ("revoked", bearer(&plain, &revoked)),
                ("in the URL", plain.clone()),
            ] {
                let path = if credential == "in the URL" { format!("{path}?token={eve}") } else { path.clone() };
                let answer = ask(&client, operation, &path).await;
                assert_eq!(answer.status, 401, "{route} with {credential}");
                assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{route} with {credential}");
                assert_eq!(answer.header("content-type"), Some("application/problem+json"));
                assert!(answer.header("x-request-id").is_some());
                pairs += 1;
            }
            // Who is known and has every scope but this one.
            let others: Vec<&str> = all.iter().map(String::as_str).filter(|other| other != scope).collect();
            let (wrong, _) = keep(store, "bob", TokenKind::Person, &others, HOUR).await;
            assert_eq!(ask(&bearer(&plain, &wrong), operation, &path).await.status, 403, "{route} without {scope}");
            // Who has the scope, and asks about what is somebody else's.
            let status = ask(&bearer(&plain, &eve), operation, &path).await.status;
            if operation.is_of_execution() {
                assert_eq!(status, 404, "{route} by another owner");
            } else if scope == "workers:enroll" {
                assert_eq!(status, 403, "{route} without a bootstrap token");
            } else {
                assert!(![401, 403].contains(&status), "{route} with its scope: {status}");
            }
            // The token of an execution: its own, by its own routes.
            let script = bearer(&plain, script.expose());
            let own = ask(&script, operation, &path).await.status;
            let other = ask(&script, operation, &operation.path(foreign, "w1", eves_id)).await.status;
            if operation.is_of_script() {
                assert!(own == 200 || (own == 404 && path.contains("no/such")), "{route} by its script: {own}");
                assert_eq!(other, 404, "{route} by the script of another execution");
            } else {
                assert_eq!((own, other), (403, 403), "{route} by a script");
            }
            // The owner is never turned away.
            if !["/cancel", "/retry", "/drain", "/enroll"].iter().any(|last| path.ends_with(last)) {
                let status = ask(&owner, operation, &path).await.status;
                assert!(
                    ![401, 403].contains(&status) && (status < 500 || status == 503),
                    "{route} by the owner: {status}"
                );
            }
            pairs += 4;
        }
        assert!(pairs >= 4 * operations.len(), "{pairs} pairs of route and credential");

        // It dies with its execution, and nobody learns more than that.
        let own = format!("/api/v1/executions/{execution}");
        assert_eq!(bearer(&plain, script.expose()).get(&own).await.status, 200);
        let ended = worker.finish(claimed, Outcome::Exited { code: 0 }).await;
        assert_eq!(ended, attune_store::Answered::Accepted);
        let dead = bearer(&plain, script.expose()).get(&own).await;
        assert_eq!(dead.status, 401);
        assert_eq!(dead.json()["detail"], format!("the token expired with execution {execution}"));
        assert_eq!(bearer(&plain, &ada).get(&own).await.status, 200, "its owner still sees it");
        fixture.stop().await;
    });
}

#[test]
fn a_listing_shows_ones_own() {
    on_system(async {
        let fixture = Fixture::start_with(|control| control.api_token(Some(OWNERS_TOKEN.to_owned()))).await;
        let plain = Client::new(fixture.control.address());
        let (ada, _) =
            keep(&fixture.store, "ada", TokenKind::Person, &["executions:run", "executions:read"], HOUR).await;
        let (all, _) =
            keep(&fixture.store, "all", TokenKind::Person, &["executions:read", "executions:all"], HOUR).await;
        let (ada, all) = (bearer(&plain, &ada), bearer(&plain, &all));
        let owner = bearer(&plain, OWNERS_TOKEN);
        let keyed = json!({"action": "demo.plain"});
        let submit = |client: &Client| client.with("Idempotency-Key", "the-same");
        let theirs = submit(&owner).post("/api/v1/executions", &keyed).await;
        let hers = submit(&ada).post("/api/v1/executions", &keyed).await;
        assert_eq!((theirs.status, hers.status), (201, 201), "a key of somebody else's shows nobody's execution");
        assert_eq!(submit(&ada).post("/api/v1/executions", &keyed).await.status, 200);
        let ids = |answer: Answer| -> Vec<i64> {
            answer.json()["items"].as_array().expect("items").iter().filter_map(|one| one["id"].as_i64()).collect()
        };
        let (own, other) = (hers.json()["id"].as_i64(), theirs.json()["id"].as_i64());
        assert_eq!(ids(ada.get("/api/v1/executions").await), own.into_iter().collect::<Vec<_>>());
        assert_eq!(ids(ada.get("/api/v1/executions?action=demo&status=requested").await).len(), 1);
        assert_eq!(ids(ada.get("/api/v1/executions?action=demo.greet").await).len(), 0);
        assert_eq!(ids(all.get("/api/v1/executions").await), [own, other].into_iter().flatten().collect::<Vec<_>>());
        fixture.stop().await;
    });
}

#[test]
fn tokens_are_made_listed_and_revoked_and_only_ever_less() {
    on_system(async {
        let fixture = Fixture::start_with(|control| control.api_token(Some(OWNERS_TOKEN.to_owned()))).await;
        let plain = Client::new(fixture.control.address());
        let owner = bearer(&plain, OWNERS_TOKEN);
        let make = json!({"name": "ci", "scopes": ["executions:run", "tokens:write", "tokens:read"]});
        let made = owner.post("/api/v1/tokens", &make).await;
        assert_eq!(made.status, 201, "{}", String::from_utf8_lossy(&made.body));
        let (made, text) = (made.json(), crate::client::text);
        let token = text(&made["token"]).to_owned();
        assert!(ApiToken::read(&token).is_some());
        assert_eq!((text(&made["owner"]), text(&made["standing"])), ("ci", "valid"));
        let ci = bearer(&plain, &token);

        // Never shown again, and never stored.
        let listed = owner.get("/api/v1/tokens").await;
        assert!(!String::from_utf8_lossy(&listed.body).contains(&token));
        let file = std::fs::read(fixture.folder.path().join("attune.db")).expect("the database");
        let journal = std::fs::read(fixture.folder.path().join("attune.db-wal")).unwrap_or_default();
        assert!([file, journal].iter().all(|bytes| !bytes.windows(token.len()).any(|part| part == token.as_bytes())));

        for (body, rule) in [
            (json!({"name": "x", "scopes": ["admin"]}), "scopes:more"),
            (json!({"name": "x", "scopes": ["workers:write"]}), "scopes:more"),
            (json!({"name": "x", "scopes": ["root"]}), "scopes:value"),
            (json!({"name": "x", "scopes": ["executions:run"], "owner": "ada"}), "owner:more"),
            (json!({"name": "x", "scopes": ["executions:run"], "owner": "api"}), "owner:value"),
            (json!({"name": "", "scopes": []}), "name:format"),
            (json!({"name": "x", "scopes": [], "expires_in_seconds": 0}), "expires_in_seconds:range"),
            (json!({"name": "x", "kind": "bootstrap", "worker": "w1"}), "kind:more"),
            (json!({"name": "x", "kind": "execution", "scopes": []}), "kind:value"),
            (json!({"name": "x", "scopes": [], "token": "att_mine"}), "token:unknown"),
        ] {
            let answer = ci.post("/api/v1/tokens", &body).await;
            assert_eq!(answer.status, 422, "{body}");
            assert!(answer.broken_rules().contains(&rule.to_owned()), "{body}: {:?}", answer.broken_rules());
        }
        let smaller = ci.post("/api/v1/tokens", &json!({"name": "less", "scopes": ["executions:run"]})).await;
        assert_eq!((smaller.status, text(&smaller.json()["owner"])), (201, "ci"));
        let (_, adas) = keep(&fixture.store, "ada", TokenKind::Person, &["admin"], HOUR).await;
        assert_eq!(ci.post(&format!("/api/v1/tokens/{adas}/revoke"), &json!({})).await.status, 404, "not its own");
        let id = made["id"].as_i64().expect("an id");
        assert_eq!(ci.get("/api/v1/tokens").await.json()["items"].as_array().map(Vec::len), Some(2));
        assert_eq!(owner.post(&format!("/api/v1/tokens/{id}/revoke"), &json!({})).await.status, 200);
        let gone = ci.get("/api/v1/tokens").await;
        assert_eq!((gone.status, text(&gone.json()["detail"])), (401, "the token was revoked"));
        fixture.stop().await;
    });
}

#[test]
fn a_bootstrap_token_enrols_its_worker_once() {
    on_system(async {
        let fixture = Fixture::start_with(|control| control.api_token(Some(OWNERS_TOKEN.to_owned()))).await;
        let plain = Client::new(fixture.control.address());
        let owner = bearer(&plain, OWNERS_TOKEN);
        let make =
            |seconds: u64| json!({"name": "boot", "kind": "bootstrap", "worker": "w1", "expires_in_seconds": seconds});
        assert_eq!(owner.post("/api/v1/tokens", &make(3601)).await.status, 422, "an hour at most");
        let made = owner.post("/api/v1/tokens", &make(600)).await.json();
        let boot = bearer(&plain, crate::client::text(&made["token"]));
        assert_eq!(boot.post("/api/v1/workers/w2/enroll", &json!({})).await.status, 404, "another worker's name");
        assert_eq!(boot.get("/api/v1/workers").await.status, 403);
        let first = boot.post("/api/v1/workers/w1/enroll", &json!({})).await;
        assert_eq!(first.status, 201);
        assert!(ApiToken::read(crate::client::text(&first.json()["key"])).is_some());
        let again = boot.post("/api/v1/workers/w1/enroll", &json!({})).await;
        assert_eq!(again.status, 409);
        let detail = crate::client::text(&again.json()["detail"]).to_owned();
        assert!(detail.starts_with("bootstrap token already used at 20"), "{detail}");
        let (_, id) =
            keep(&fixture.store, "boot", TokenKind::Bootstrap { worker: "w3".into() }, &["workers:enroll"], 0).await;
        let late = fixture.store.admission().enrol_worker(id, [0; 32]).await.expect("answered");
        assert_eq!(late, Enrolment::Refused);
        fixture.stop().await;
    });
}

#[test]
fn what_is_done_and_what_is_refused_is_in_the_audit_trail() {
    on_system(async {
        let fixture = Fixture::start_with(|control| control.api_token(Some(OWNERS_TOKEN.to_owned()))).await;
        let plain = Client::new(fixture.control.address());
        let owner = bearer(&plain, OWNERS_TOKEN);
        owner.post("/api/v1/tokens", &json!({"name": "ci", "scopes": ["executions:run"]})).await;
        assert_eq!(bearer(&plain, "att_guess").get("/api/v1/audit").await.status, 401);
        let trail = attune_testkit::eventually("both are written", std::time::Duration::from_secs(20), || async {
            let items = owner.get("/api/v1/audit").await.json()["items"].as_array().cloned().unwrap_or_default();
            (items.len() >= 2).then_some(items)
        })
        .await;
        let said: Vec<(&str, &str, &str)> = trail
            .iter()
            .map(|one| {
                let text = |name: &str| one[name].as_str().expect("text");
                (text("actor"), text("action"), text("target"))
            })
            .collect();
        assert_eq!(said[0], ("api", "token.create", "token/1"));
        assert_eq!(said[1], ("127.0.0.1", "authorization.refused", "GET /api/v1/audit"));
        assert_eq!(owner.get("/api/v1/audit/verify").await.json()["verdict"], "whole");
        assert!(matches!(fixture.store.admission().verify_audit().await, Ok(AuditVerdict::Whole { entries: 2.., .. })));
        fixture.stop().await;
    });
}

#[test]
fn whoever_asks_too_often_waits_and_hurts_nobody_else() {
    on_system(async {
        let fixture = Fixture::start_with(|control| {
            control.api_token(Some(OWNERS_TOKEN.to_owned())).limits(attune_control::ApiLimits {
                requests_per_second: 20,
                refusals_per_minute: 5,
                streams: 1,
            })
        })
        .await;
        let plain = Client::new(fixture.control.address());
        let (ada, _) = keep(&fixture.store, "ada", TokenKind::Person, &["packs:read"], HOUR).await;
        let (bob, _) = keep(&fixture.store, "bob", TokenKind::Person, &["packs:read"], HOUR).await;
        let (ada, bob) = (bearer(&plain, &ada), bearer(&plain, &bob));
        let mut refused = None;
        for _ in 0..2000 {
            let answer = ada.get("/api/v1/packs").await;
            if answer.status == 429 {
                refused = Some(answer);
                break;
            }
        }
        let refused = refused.expect("refused at last");
        let pause: u32 = refused.header("retry-after").and_then(|text| text.parse().ok()).expect("Retry-After");
        assert!((1..=2).contains(&pause));
        assert_eq!(bob.get("/api/v1/packs").await.status, 200);
        let guess = bearer(&plain, "att_guess");
        let mut answers = Vec::new();
        for _ in 0..12 {
            answers.push(guess.get("/api/v1/packs").await.status);
        }
        assert!(answers.contains(&401) && answers.last() == Some(&429), "{answers:?}");
        assert_eq!(bob.get("/api/v1/packs").await.status, 200, "a valid token from the same address is not hurt");
        fixture.stop().await;
    });
}
