//! Files that executions left behind.

use std::fs::File;
use std::io::{Seek, Write};

use attune_artifacts::{LocalPlace, Place};
use attune_types::{Artifact, AttemptNumber, ExecutionId, Timestamp};
use serde_json::json;

use crate::fixture::{Fixture, on_system};

fn file(content: &[u8]) -> File {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(content).expect("written");
    file.rewind().expect("rewound");
    file
}

async fn put(fixture: &Fixture, place: &Place, execution: ExecutionId, attempt: i32, name: &str, content: &[u8]) {
    let attempt = AttemptNumber(attempt);
    let stored = place.put(execution, attempt, name, &mut file(content)).expect("stored");
    let artifact = Artifact {
        execution,
        attempt,
        path: name.to_owned(),
        size_bytes: stored.size_bytes,
        sha256: stored.sha256,
        worker: "w1".to_owned(),
        location: stored.location,
        stored_at: Timestamp(0),
    };
    fixture.store.put_artifacts(vec![artifact]).await.expect("noted");
}

#[test]
fn artifacts_are_listed_and_downloaded_as_attachments_and_nothing_else_is_reached() {
    on_system(async {
        let folder = tempfile::tempdir().expect("a folder");
        let place = Place::Local(LocalPlace::new(folder.path()));
        let fixture = Fixture::start_with(|control| control.artifacts(place.clone())).await;
        let (id, other) = (fixture.submit_plain().await, fixture.submit_plain().await);
        let page = b"<script>alert(1)</script>".repeat(10_000);
        put(&fixture, &place, id, 1, "site/index.html", b"old").await;
        put(&fixture, &place, id, 2, "site/index.html", &page).await;
        put(&fixture, &place, id, 2, "r\u{e4}port \"1\".txt", b"").await;
        put(&fixture, &place, other, 1, "secret.txt", b"theirs").await;

        let path = format!("/api/v1/executions/{id}/artifacts");
        let list = fixture.client.get(&path).await.json();
        let names: Vec<_> = list["items"].as_array().expect("items").iter().map(|item| item["path"].clone()).collect();
        assert_eq!(names, [json!("site/index.html"), json!("r\u{e4}port \"1\".txt"), json!("site/index.html")]);
        assert_eq!(list["items"][2]["size_bytes"], json!(page.len()));

        let answer = fixture.client.get(&format!("{path}/site/index.html")).await;
        assert_eq!((answer.status, answer.body == page), (200, true), "of the newest attempt");
        assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
        assert_eq!(answer.header("content-disposition"), Some("attachment; filename*=UTF-8''index.html"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert!(answer.header("content-security-policy").is_some_and(|policy| policy.contains("sandbox")));
        let first = fixture.client.get(&format!("{path}/site/index.html?attempt=1")).await;
        assert_eq!(first.body, b"old");
        let ranged = fixture.client.with("Range", "bytes=0-99999999999").get(&format!("{path}/site/index.html")).await;
        assert_eq!((ranged.status, ranged.body.len()), (200, page.len()));
        let empty = fixture.client.get(&format!("{path}/r%C3%A4port%20%221%22.txt")).await;
        assert_eq!((empty.status, empty.body.len()), (200, 0));

        for reach in [
            "secret.txt",
            "../secret.txt",
            "..%2F..%2Fsecret.txt",
            "%2Fetc%2Fpasswd",
            "site/../site/index.html",
            "site%2findex.html%00",
            "",
        ] {
            assert_eq!(fixture.client.get(&format!("{path}/{reach}")).await.status, 404, "{reach:?}");
        }
        std::fs::remove_dir_all(folder.path().join(id.to_string())).expect("removed");
        let gone = fixture.client.get(&format!("{path}/site/index.html")).await;
        assert_eq!((gone.status, gone.json()["type"].clone()), (409, json!("urn:attune:problem:elsewhere")));
        fixture.stop().await;
    });
}
