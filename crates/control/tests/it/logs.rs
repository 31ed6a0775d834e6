//! Reading and following logs.

use attune_types::Outcome;
use serde_json::{Value, json};

use crate::client::Answer;
use crate::fixture::{Fixture, on_system};

fn lines(answer: &Answer) -> Vec<Value> {
    let text = std::str::from_utf8(&answer.body).expect("JSON is UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

#[test]
fn a_log_is_lines_of_json_whatever_a_script_prints() {
    on_system(async {
        let fixture = Fixture::start().await;
        let worker = fixture.worker("w1", &["shell"], 1).await;
        let id = fixture.submit_plain().await;
        let path = format!("/api/v1/executions/{id}/logs");
        assert_eq!(lines(&fixture.client.get(&path).await), Vec::<Value>::new());
        let (execution, attempt) = worker.next_order().await;
        let claimed = worker.claim(execution, attempt).await.expect("granted");
        worker.print(&claimed, 0, 0, b"<img src=x onerror=alert(1)>\r\n\n").await;
        worker.print(&claimed, 1, 32, &[0xff, 0x00]).await;
        for sequence in 2..200 {
            worker.print(&claimed, sequence, 32 + sequence as u64, b"x").await;
        }
        let answer = fixture.client.get(&path).await;
        assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        let all = lines(&answer);
        assert_eq!(all.len(), 200, "all pages of it");
        assert_eq!(all[0]["text"], "<img src=x onerror=alert(1)>\r\n\n");
        assert_eq!((all[0]["stream"].clone(), all[0]["offset"].clone()), (json!("stdout"), json!(0)));
        assert_eq!(all[1]["base64"], "/wA=");
        assert_eq!(all[1]["text"], Value::Null);
        let rest = fixture.client.get(&format!("{path}?cursor={}", all[197]["cursor"])).await;
        assert_eq!(lines(&rest).len(), 2);
        assert_eq!(fixture.client.get(&format!("{path}?follow=maybe")).await.broken_rules(), ["?follow:type"]);
        fixture.stop().await;
    });
}

#[test]
fn a_follower_sees_everything_once_and_then_the_end() {
    on_system(async {
        let fixture = Fixture::start().await;
        let worker = fixture.worker("w1", &["shell"], 1).await;
        let id = fixture.submit_plain().await;
        let path = format!("/api/v1/executions/{id}/logs?follow=true");
        let mut events = fixture.client.follow(&path).await;
        assert_eq!(events.next().await.expect("an event").name, "status");
        let (execution, attempt) = worker.next_order().await;
        let claimed = worker.claim(execution, attempt).await.expect("granted");
        worker.print(&claimed, 0, 0, b"one\n\nevent: end\ndata: {}\n\n").await;
        let first = loop {
            let event = events.next().await.expect("an event");
            if event.name == "log" {
                break event;
            }
        };
        assert_eq!(first.data["text"], "one\n\nevent: end\ndata: {}\n\n");
        drop(events);

        worker.print(&claimed, 1, 26, b"two\n").await;
        let cursor = first.id.expect("an id").to_string();
        let again = fixture.client.with("Last-Event-ID", &cursor).follow(&path).await;
        worker.print(&claimed, 2, 30, b"three\n").await;
        let _accepted = worker.finish(claimed, Outcome::Exited { code: 0 }).await;
        let events = again.rest().await;
        let logs: Vec<&Value> =
            events.iter().filter(|event| event.name == "log").map(|event| &event.data["text"]).collect();
        assert_eq!(logs, ["two\n", "three\n"], "nothing lost and nothing twice");
        let end = events.last().expect("an end");
        assert_eq!((end.name.as_str(), end.data["status"].clone()), ("end", json!("completed")));

        let bad = fixture.client.with("Last-Event-ID", "x").get(&path).await;
        assert_eq!(bad.broken_rules(), ["Last-Event-ID:format"]);
        fixture.stop().await;
    });
}

#[test]
fn a_log_is_shown_by_lines_or_byte_for_byte() {
    on_system(async {
        let fixture = Fixture::start().await;
        let worker = fixture.worker("w1", &["shell"], 1).await;
        let id = fixture.submit_plain().await;
        let (execution, attempt) = worker.next_order().await;
        let claimed = worker.claim(execution, attempt).await.expect("granted");
        let mut written = b"one\ntw".to_vec();
        worker.print(&claimed, 0, 0, b"one\ntw").await;
        for sequence in 1..100 {
            let piece = [b"o\xff\0\n".to_vec(), vec![b'x'; 400]].concat();
            worker.print(&claimed, sequence, written.len() as u64, &piece).await;
            written.extend(piece);
        }
        let long = vec![b'y'; 40_000];
        worker.print(&claimed, 100, written.len() as u64, &long).await;
        written.extend(&long);

        let path = format!("/api/v1/executions/{id}/logs");
        let raw = fixture.client.get(&format!("{path}?view=raw&stream=stdout")).await;
        assert!(raw.body == written, "byte for byte");
        assert_eq!(raw.header("content-type"), Some("application/octet-stream"));
        assert!(fixture.client.get(&format!("{path}?view=raw&stream=stderr")).await.body.is_empty());
        let all = lines(&fixture.client.get(&format!("{path}?view=lines")).await);
        assert_eq!((all[0]["line"].clone(), all[1]["line"].clone()), (json!("one"), json!("two\u{fffd}\u{fffd}")));
        assert_eq!((all[0]["partial"].clone(), all.len()), (Value::Null, 103));
        let shape: Vec<_> =
            all[100..].iter().map(|line| (line["line"].as_str().map(str::len), line["partial"].clone())).collect();
        let expected = [16_384, 16_384, 40_400 - 2 * 16_384].map(|length| (Some(length), json!(true)));
        assert_eq!(shape, expected);
        for (query, broken) in
            [("view=all", "?view:value"), ("stream=stdout", "?stream:value"), ("follow=true&view=raw", "?view:value")]
        {
            assert_eq!(fixture.client.get(&format!("{path}?{query}")).await.broken_rules(), [broken], "{query}");
        }
        fixture.stop().await;
    });
}
