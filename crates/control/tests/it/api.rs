//! Every route: what it answers when all is well, and when it is not.

use attune_types::{ExecutionStatus, Outcome};
use serde_json::{Value, json};

use crate::client::text;
use crate::fixture::{Fixture, on_system};

#[test]
fn a_submission_is_answered_with_where_to_find_it() {
    on_system(async {
        let fixture = Fixture::start().await;
        let body = json!({"action": "demo.greet", "parameters": {"name": "Ada", "password": "hunter2"},
            "labels": {"team": "a"}, "timeout_seconds": 2.5});
        let answer = fixture.client.with("X-Request-Id", "abc-1").post("/api/v1/executions", &body).await;
        assert_eq!(answer.status, 201);
        assert_eq!(answer.header("x-request-id"), Some("abc-1"));
        let href = answer.header("location").expect("a place").to_owned();
        let execution = fixture.client.get(&href).await.json();
        assert_eq!(execution["status"], "requested");
        assert_eq!(execution["parameters"], json!({"name": "Ada", "count": 1, "password": "***"}));
        assert_eq!(execution["labels"], json!({"team": "a"}));
        assert_eq!(execution["requirement"]["runtime"], "shell");
        fixture.stop().await;
    });
}

#[test]
fn what_breaks_a_rule_is_refused_before_anything_is_stored() {
    on_system(async {
        let fixture = Fixture::start().await;
        let greet = |parameters: Value| json!({"action": "demo.greet", "parameters": parameters});
        for (body, status, rules) in [
            (greet(json!({})), 422, vec!["parameters.name:required"]),
            (greet(json!({"name": 7})), 422, vec!["parameters.name:type"]),
            (greet(json!({"name": "A", "count": 0})), 422, vec!["parameters.count:minimum"]),
            (greet(json!({"name": "A", "nome": "B"})), 422, vec!["parameters.nome:unknown"]),
            (json!({"action": "demo.plain", "status": "completed"}), 422, vec!["status:unknown"]),
            (json!({"action": "no.such"}), 404, vec![]),
            (json!({"action": "demo.off"}), 409, vec![]),
            (json!([]), 422, vec!["body:type"]),
        ] {
            let answer = fixture.client.post("/api/v1/executions", &body).await;
            assert_eq!(answer.status, status, "{body}");
            assert_eq!(answer.header("content-type"), Some("application/problem+json"));
            assert_eq!(answer.broken_rules(), rules, "{body}");
            assert_eq!(answer.json()["status"], status);
        }
        let all = fixture.client.get("/api/v1/executions").await.json();
        assert_eq!(all, json!({"items": [], "next": null}));
        fixture.stop().await;
    });
}

#[test]
fn a_body_that_cannot_be_read_is_told_why() {
    on_system(async {
        let fixture = Fixture::start().await;
        let json = fixture.client.with("Content-Type", "application/json");
        let plain = fixture.client.with("Content-Type", "text/plain");
        let big = vec![b' '; 4 << 20];
        for (client, body, status) in [
            (&json, &b"{"[..], 400),
            (&plain, &b"{}"[..], 415),
            (&fixture.client, &b"{}"[..], 415),
            (&json, &big[..], 413),
        ] {
            let answer = client.request("POST", "/api/v1/executions", Some(body)).await;
            assert_eq!(answer.status, status, "{}", String::from_utf8_lossy(&answer.body));
        }
        fixture.stop().await;
    });
}

#[test]
fn a_repeated_key_answers_with_the_first_execution() {
    on_system(async {
        let fixture = Fixture::start().await;
        let client = fixture.client.with("Idempotency-Key", "order-77");
        let body = json!({"action": "demo.plain"});
        let first = client.post("/api/v1/executions", &body).await;
        let second = client.post("/api/v1/executions", &body).await;
        assert_eq!((first.status, second.status), (201, 200));
        assert_eq!(first.json()["id"], second.json()["id"]);
        assert_eq!(second.json()["repeated"], true);
        let bad = fixture.client.with("Idempotency-Key", "a b").post("/api/v1/executions", &body).await;
        assert_eq!(bad.broken_rules(), ["Idempotency-Key:format"]);
        fixture.stop().await;
    });
}

#[test]
fn inline_code_travels_with_the_request() {
    on_system(async {
        let fixture = Fixture::start().await;
        let id = fixture
            .submit(json!({"code": {"name": "My.py", "content": "print(1)", "runtime": "Python", "runtime_version": ">=3.9"},
                "parameters": {"n": 3}}))
            .await;
        let execution = fixture.client.get(&format!("/api/v1/executions/{id}")).await.json();
        assert_eq!(execution["action"], "inline.my");
        assert_eq!(execution["requirement"]["runtime"], "python");
        assert_eq!(execution["requirement"]["version"], ">=3.9");
        fixture.stop().await;
    });
}

#[test]
fn a_batch_is_accepted_whole_or_not_at_all() {
    on_system(async {
        let fixture = Fixture::start().await;
        let many: Vec<Value> = (0..1000).map(|_| json!({"action": "demo.plain"})).collect();
        let answer = fixture.client.post("/api/v1/executions/batch", &json!({"executions": many})).await;
        assert_eq!(answer.status, 201);
        assert_eq!(answer.json()["items"].as_array().map(Vec::len), Some(1000));

        let mixed = json!({"executions": [
            {"action": "demo.plain"}, {"action": "demo.greet"}, {"action": "demo.plain", "worker": "w1"},
        ]});
        let answer = fixture.client.post("/api/v1/executions/batch", &mixed).await;
        assert_eq!(answer.status, 422);
        assert_eq!(answer.broken_rules(), ["executions[1].parameters.name:required", "executions[2].worker:unknown"]);
        let many: Vec<Value> = (0..1001).map(|_| json!({})).collect();
        let answer = fixture.client.post("/api/v1/executions/batch", &json!({"executions": many})).await;
        assert_eq!(answer.broken_rules(), ["executions:size"]);
        let answer =
            fixture.client.post("/api/v1/executions/batch", &json!({"executions": [{"action": "no.such"}]})).await;
        assert_eq!(answer.status, 404);

        let page = fixture.client.get("/api/v1/executions?limit=1000").await.json();
        assert_eq!(page["items"].as_array().map(Vec::len), Some(1000));
        fixture.stop().await;
    });
}

#[test]
fn a_list_is_read_page_by_page() {
    on_system(async {
        let fixture = Fixture::start().await;
        for _ in 0..5 {
            fixture.submit_plain().await;
        }
        let mut path = "/api/v1/executions?limit=2".to_owned();
        let mut seen: Vec<i64> = Vec::new();
        loop {
            let page = fixture.client.get(&path).await.json();
            seen.extend(page["items"].as_array().expect("a list").iter().filter_map(|item| item["id"].as_i64()));
            match page["next"].as_str() {
                Some(next) => path = format!("/api/v1/executions?limit=2&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(seen.len(), 5);
        assert!(seen.windows(2).all(|pair| pair[0] > pair[1]), "{seen:?}");
        let count = async |query: &str| {
            let page = fixture.client.get(&format!("/api/v1/executions?{query}")).await.json();
            page["items"].as_array().map(Vec::len)
        };
        assert_eq!(count("status=requested,running&action=demo").await, Some(5));
        assert_eq!(count("status=completed").await, Some(0));
        assert_eq!(count("action=demo.greet").await, Some(0));
        for query in ["limit=0", "limit=1000000000", "status=done", "cursor=x", "action=A%20B", "sort=id%3bdrop"] {
            let answer = fixture.client.get(&format!("/api/v1/executions?{query}")).await;
            assert_eq!(answer.status, 422, "{query}");
        }
        fixture.stop().await;
    });
}

#[test]
fn whoever_waits_is_answered_when_it_ends() {
    on_system(async {
        let fixture = Fixture::start().await;
        let worker = fixture.worker("w1", &["shell"], 1).await;
        let id = fixture.submit_plain().await;
        let path = format!("/api/v1/executions/{id}?wait=60");
        let (answer, worked) = tokio::join!(fixture.client.get(&path), worker.work_one());
        assert_eq!(worked, id);
        let execution = answer.json();
        assert_eq!(execution["status"], "completed");
        assert_eq!(execution["outcome"], json!({"cause": "exited", "code": 0}));
        assert_eq!(execution["worker"], "w1");

        let attempts = fixture.client.get(&format!("/api/v1/executions/{id}/attempts")).await.json();
        assert_eq!(attempts["items"][0]["state"], "succeeded");
        assert_eq!(attempts["items"][0]["evidence"], json!({"environment_ms": 0, "pid": 77}));
        // The same words wherever it is told.
        for told in [&execution, &attempts["items"][0]] {
            assert_eq!((&told["summary"], told.get("hint")), (&json!("exit 0"), None), "{told}");
        }
        let timeline = fixture.client.get(&format!("/api/v1/executions/{id}/timeline")).await.json();
        let lines: Vec<&str> =
            timeline["items"].as_array().expect("a list").iter().map(|line| text(&line["text"])).collect();
        assert_eq!(lines[..2], ["requested by api", "scheduled to w1"], "{lines:?}");
        assert!(lines.contains(&"started, pid 77"), "{lines:?}");
        assert_eq!(lines.last(), Some(&"completed; result of 11 B stored"));
        let events = fixture.client.get(&format!("/api/v1/executions/{id}/events?limit=1")).await.json();
        assert_eq!(
            (&events["items"][0]["kind"], &events["items"][0]["text"]),
            (&json!("execution.requested"), &json!("requested"))
        );
        let next = text(&events["next"]).to_owned();
        let events = fixture.client.get(&format!("/api/v1/executions/{id}/events?cursor={next}")).await.json();
        let kinds = events["items"].as_array().expect("a list");
        assert!(kinds.iter().any(|event| event["kind"] == "execution.completed"), "{kinds:?}");
        fixture.stop().await;
    });
}

#[test]
fn a_wait_that_is_over_answers_with_what_there_is() {
    on_system(async {
        let fixture = Fixture::start().await;
        let id = fixture.submit_plain().await;
        let answer = fixture.client.get(&format!("/api/v1/executions/{id}?wait=1")).await;
        assert_eq!((answer.status, answer.json()["status"].clone()), (200, json!("requested")));
        let answer = fixture.client.get(&format!("/api/v1/executions/{id}?wait=61")).await;
        assert_eq!(answer.broken_rules(), ["?wait:range"]);
        fixture.stop().await;
    });
}

#[test]
fn a_stop_ends_the_streams_of_those_who_follow() {
    on_system(async {
        let fixture = Fixture::start().await;
        let id = fixture.submit_plain().await;
        let mut follower = fixture.client.follow(&format!("/api/v1/executions/{id}/logs?follow=true")).await;
        assert_eq!(follower.next().await.expect("an event").name, "status");
        fixture.stop().await;
        assert_eq!(follower.next().await, None, "closed in order, so that it connects again elsewhere");
    });
}

#[test]
fn a_cancel_says_what_came_of_it() {
    on_system(async {
        let fixture = Fixture::start().await;
        let id = fixture.submit_plain().await;
        let cancel = format!("/api/v1/executions/{id}/cancel");
        let answer = fixture.client.request("POST", &cancel, None).await;
        assert_eq!((answer.status, answer.json()["status"].clone()), (200, json!("cancelled")));
        assert_eq!(fixture.client.request("POST", &cancel, None).await.status, 200, "twice is as good as once");
        assert_eq!(fixture.client.post(&cancel, &json!({"force": true})).await.broken_rules(), ["force:unknown"]);

        let worker = fixture.worker("w1", &["shell"], 1).await;
        let id = fixture.submit_plain().await;
        let (execution, attempt) = worker.next_order().await;
        let claimed = worker.claim(execution, attempt).await.expect("granted");
        let answer = fixture.client.request("POST", &format!("/api/v1/executions/{id}/cancel"), None).await;
        assert_eq!((answer.status, answer.json()["status"].clone()), (202, json!("canceling")));
        let _accepted = worker.finish(claimed, Outcome::Cancelled { by: "api".into() }).await;

        let id = fixture.submit_plain().await;
        worker.work_one().await;
        let answer = fixture.client.request("POST", &format!("/api/v1/executions/{id}/cancel"), None).await;
        assert_eq!(answer.status, 409);
        fixture.stop().await;
    });
}

#[test]
fn a_retry_is_a_new_execution_and_never_runs_twice_unasked() {
    on_system(async {
        let fixture = Fixture::start().await;
        let worker = fixture.worker("w1", &["shell"], 1).await;
        let id = fixture.submit_plain().await;
        let retry = format!("/api/v1/executions/{id}/retry");
        assert_eq!(fixture.client.request("POST", &retry, None).await.status, 409, "it has not ended");
        let (execution, attempt) = worker.next_order().await;
        let claimed = worker.claim(execution, attempt).await.expect("granted");
        let _accepted = worker.finish(claimed, Outcome::Interrupted { by: "drain".into() }).await;

        let answer = fixture.client.request("POST", &retry, None).await;
        assert_eq!(answer.status, 409);
        assert_eq!(answer.json()["type"], "urn:attune:problem:may-run-twice");
        let answer = fixture.client.post(&retry, &json!({"may_run_twice": true})).await;
        assert_eq!((answer.status, answer.json()["retry_of"].clone()), (201, json!(id)));
        assert_eq!(
            fixture.client.post(&retry, &json!({"may_run_twice": "yes"})).await.broken_rules(),
            ["may_run_twice:type"]
        );
        fixture.stop().await;
    });
}

#[test]
fn what_is_not_there_is_not_found() {
    on_system(async {
        let fixture = Fixture::start().await;
        for (method, path) in [
            ("GET", "/api/v1/executions/99"),
            ("GET", "/api/v1/executions/ninety"),
            ("GET", "/api/v1/executions/99?wait=1"),
            ("GET", "/api/v1/executions/99/attempts"),
            ("GET", "/api/v1/executions/99/events"),
            ("GET", "/api/v1/executions/99/timeline"),
            ("GET", "/api/v1/executions/99/logs"),
            ("GET", "/api/v1/executions/99/logs?follow=true"),
            ("GET", "/api/v1/executions/99/explain"),
            ("POST", "/api/v1/executions/99/cancel"),
            ("POST", "/api/v1/executions/99/retry"),
            ("GET", "/api/v1/workers/nobody"),
            ("POST", "/api/v1/workers/nobody/drain"),
            ("POST", "/api/v1/workers/nobody/resume"),
            ("GET", "/api/v1/actions/no.such"),
            ("GET", "/api/v1/actions/..%2f..%2fetc"),
            ("GET", "/nothing/here"),
        ] {
            let answer = fixture.client.request(method, path, None).await;
            assert_eq!(answer.status, 404, "{method} {path}");
            assert_eq!(answer.json()["type"], "urn:attune:problem:not-found", "{path}");
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        }
        let answer = fixture.client.request("DELETE", "/api/v1/executions", None).await;
        assert_eq!((answer.status, answer.json()["status"].clone()), (405, json!(405)));
        assert!(answer.header("allow").is_some_and(|methods| methods.contains("GET")), "it says what would do");
        fixture.stop().await;
    });
}

#[test]
fn workers_are_listed_drained_and_resumed() {
    on_system(async {
        let fixture = Fixture::start().await;
        let _worker = fixture.worker("w1", &["shell"], 1).await;
        let all = fixture.client.get("/api/v1/workers").await.json();
        assert_eq!(all["items"][0]["name"], "w1");
        let status = async || fixture.client.get("/api/v1/workers/w1").await.json()["status"].clone();
        assert_eq!(status().await, "active");
        assert_eq!(fixture.client.request("POST", "/api/v1/workers/w1/drain", None).await.status, 200);
        assert_eq!(status().await, "draining");

        let id = fixture.submit_plain().await;
        let explanation = fixture.client.get(&format!("/api/v1/executions/{id}/explain")).await.json();
        assert_eq!(explanation["nearest_misses"][0]["lacks"], json!(["status active (is draining)"]));
        assert_eq!(fixture.client.request("POST", "/api/v1/workers/w1/resume", None).await.status, 200);
        assert_eq!(status().await, "active");
        fixture.stop().await;
    });
}

#[test]
fn packs_actions_and_runtimes_are_listed_and_a_pack_is_added() {
    on_system(async {
        let fixture = Fixture::start().await;
        let references = async |path: &str| -> Vec<String> {
            let all = fixture.client.get(path).await.json();
            all["items"].as_array().expect("a list").iter().map(|item| text(&item["ref"]).to_owned()).collect()
        };
        assert_eq!(references("/api/v1/packs").await, ["demo"]);
        assert_eq!(references("/api/v1/actions?pack=demo").await, ["demo.greet", "demo.off", "demo.plain"]);
        assert_eq!(fixture.client.get("/api/v1/actions/demo.greet").await.json()["runner_type"], "shell");
        assert_eq!(fixture.client.get("/api/v1/runtimes").await.status, 200);
        assert_eq!(fixture.client.get("/api/v1/actions?pack=A%20B").await.broken_rules(), ["?pack:format"]);

        let path = fixture.folder.path().join("more/extra");
        let answer = fixture.client.post("/api/v1/packs", &json!({"path": path})).await;
        assert_eq!((answer.status, answer.json()["actions"].clone()), (201, json!(1)));
        fixture.submit(json!({"action": "extra.plain"})).await;
        for (body, rule) in [
            (json!({"path": "relative"}), "path:format"),
            (json!({}), "path:required"),
            (json!({"path": fixture.folder.path()}), "path:pack"),
        ] {
            assert_eq!(fixture.client.post("/api/v1/packs", &body).await.broken_rules(), [rule], "{body}");
        }
        fixture.stop().await;
    });
}

#[test]
fn health_says_what_does_not_answer() {
    on_system(async {
        let fixture = Fixture::start().await;
        for path in ["/health/live", "/health/ready", "/api/v1/health/live", "/api/v1/health/ready"] {
            let answer = fixture.client.get(path).await;
            assert_eq!((answer.status, answer.json()["status"].clone()), (200, json!("ok")), "{path}");
        }
        fixture.store.close().await;
        let answer = fixture.client.get("/health/ready").await;
        assert_eq!(answer.status, 503);
        assert_eq!(answer.json()["checks"]["database"], "no answer");
        assert_eq!(
            fixture.client.get("/health/live").await.status,
            200,
            "a database that is away is no reason to restart"
        );
        assert_ne!(fixture.client.get("/api/v1/executions").await.status, 200);
        let _report = fixture.control.stop().await;
    });
}

#[test]
fn the_words_of_the_api_are_those_of_the_store() {
    for status in ExecutionStatus::ALL {
        let document = include_str!("../../src/api/openapi.json");
        assert!(document.contains(&format!("\"{status}\"")), "{status}");
    }
}
