//! Who may come in: every route of the document against every kind of caller.

use std::net::SocketAddr;

use attune_control::{Control, ControlError};
use attune_pack::Shelf;
use serde_json::Value;

use crate::client::Client;
use crate::fixture::{Fixture, on_system};

const TOKEN: &str = "att_0123456789abcdef";

/// Every operation of the document: method, path with its placeholders filled, and whether it is open.
fn operations() -> Vec<(String, String, bool)> {
    let document: Value = serde_json::from_str(include_str!("../../src/api/openapi.json")).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    let operations = paths.iter().flat_map(|(path, methods)| {
        let path = path.replace("{id}", "1").replace("{name}", "w1").replace("{ref}", "demo.plain");
        methods.as_object().expect("methods").iter().map(move |(method, operation)| {
            let open = operation["security"].as_array().is_some_and(Vec::is_empty);
            (method.to_uppercase(), path.clone(), open)
        })
    });
    operations.collect()
}

#[test]
fn every_route_asks_for_the_token_unless_it_is_open() {
    on_system(async {
        let fixture = Fixture::start_with(|control| control.api_token(Some(TOKEN.to_owned()))).await;
        let plain = Client::new(fixture.control.address());
        let wrong = [
            ("none", plain.clone()),
            ("another", plain.with("Authorization", "Bearer att_0123456789abcdeF")),
            ("half", plain.with("Authorization", "Bearer att_0123456789")),
            ("empty", plain.with("Authorization", "Bearer ")),
            ("basic", plain.with("Authorization", "Basic YXR0OnNlY3JldA==")),
        ];
        let operations = operations();
        assert!(operations.len() > 20);
        for (method, path, open) in &operations {
            for (kind, client) in &wrong {
                let answer = client.request(method, path, None).await;
                if *open {
                    assert_eq!(answer.status, 200, "{method} {path} {kind}");
                } else {
                    assert_eq!(answer.status, 401, "{method} {path} {kind}");
                    assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
                    assert!(answer.header("x-request-id").is_some());
                }
            }
            let right = plain.with("Authorization", &format!("Bearer {TOKEN}"));
            assert_ne!(right.request(method, path, None).await.status, 401, "{method} {path}");
        }
        assert_eq!(plain.get(&format!("/api/v1/executions?token={TOKEN}")).await.status, 401, "never in a URL");
        assert_eq!(plain.get("/nothing/here").await.status, 401, "who may not come in learns nothing");
        fixture.stop().await;
    });
}

#[test]
fn without_a_token_foreign_pages_are_turned_away() {
    on_system(async {
        let fixture = Fixture::start().await;
        let port = fixture.control.address().port();
        let local = fixture.client.with("Origin", &format!("http://localhost:{port}"));
        assert_eq!(local.get("/api/v1/executions").await.status, 200);
        for foreign in [
            fixture.client.with("Origin", "https://evil.example"),
            fixture.client.with("Origin", "null"),
            fixture.client.with("Host", "evil.example"),
        ] {
            for (method, path, _) in operations() {
                assert_eq!(foreign.request(&method, &path, None).await.status, 403, "{method} {path}");
            }
        }
        fixture.stop().await;
    });
}

#[test]
fn an_open_door_to_everybody_is_refused() {
    on_system(async {
        let fixture = Fixture::start().await;
        let builder = || {
            Control::builder(fixture.store.clone(), fixture.queue.clone(), Shelf::default())
                .listen(SocketAddr::from(([0, 0, 0, 0], 0)))
        };
        assert!(matches!(builder().start().await.err(), Some(ControlError::Exposed { .. })));
        let weak = builder().api_token(Some("short".to_owned())).start().await.err();
        assert!(matches!(weak, Some(ControlError::WeakToken { length: 5, least: 16 })));
        let taken = Control::builder(fixture.store.clone(), fixture.queue.clone(), Shelf::default())
            .listen(fixture.control.address());
        assert!(matches!(taken.start().await.err(), Some(ControlError::Listen { .. })));
        fixture.stop().await;
    });
}
