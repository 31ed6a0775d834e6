//! Who may come in: every route of the document against every kind of caller.

use std::net::SocketAddr;

use attune_control::{Control, ControlError};
use attune_pack::Shelf;
use serde_json::Value;

use crate::fixture::{Fixture, on_system};

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
        for guessable in
            ["changeme12345678", "changemechangeme", "passwordpassword", "aaaaaaaaaaaaaaaa", "1234567890123456"]
        {
            let refused = builder().api_token(Some(guessable.to_owned())).start().await.err();
            assert!(matches!(refused, Some(ControlError::GuessableToken)), "{guessable}");
        }
        let taken = Control::builder(fixture.store.clone(), fixture.queue.clone(), Shelf::default())
            .listen(fixture.control.address());
        assert!(matches!(taken.start().await.err(), Some(ControlError::Listen { .. })));
        fixture.stop().await;
    });
}
