//! Actions that write more than anybody wants to keep.

use std::time::Duration;

use attune_end_to_end::{Client, Deployment};
use attune_testkit::eventually;
use attune_testkit::postgres::TestDatabase;
use attune_testkit::rabbitmq::TestBroker;
use serde_json::{Value, json};

/// What is kept of each stream.
const KEPT: u64 = 1 << 20;
/// The most memory that a worker may have, whatever its actions write.
const MOST_RESIDENT: u64 = 96 << 20;
/// Fifteen bytes again and again: without a newline, or with one as the sixteenth.
const PATTERN: &str = "0123456789abcde";

/// A folder with the pack `flood`.
fn flood_pack() -> tempfile::TempDir {
    let folder = tempfile::Builder::new().prefix("attune-flood-").tempdir().expect("a temporary folder");
    let actions = folder.path().join("flood/actions");
    std::fs::create_dir_all(&actions).expect("folders");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join("flood").join(name), text).expect("a file");
    write("pack.yaml", "ref: flood\nversion: 1.0.0\nlabel: Flood\n");
    for (name, filter) in [("lines", ""), ("endless", " | tr -d '\\n'")] {
        let script = format!("yes {PATTERN}{filter} | head -c \"$ATTUNE_PARAM_BYTES\"\n");
        write(&format!("actions/{name}.sh"), &script);
        write(
            &format!("actions/{name}.yaml"),
            &format!(
                "ref: flood.{name}\nrunner_type: shell\nentry_point: {name}.sh\nparameter_delivery: env\n\
                 timeout_seconds: 300\nparameters:\n  bytes: {{type: integer}}\n"
            ),
        );
    }
    folder
}

/// The byte that an action wrote at an offset.
fn written(action: &str, offset: u64) -> u8 {
    let period = PATTERN.len() as u64 + u64::from(action == "flood.lines");
    PATTERN.as_bytes().get((offset % period) as usize).copied().unwrap_or(b'\n')
}

/// Insists that head and tail of standard output are stored, each byte where it was written, and nothing between.
async fn assert_head_and_tail(client: &Client, id: i64, action: &str, length: u64) {
    let stored = eventually("all that is kept", Duration::from_secs(60), || async {
        let lines = client.lines(&format!("/executions/{id}/logs")).ok()?;
        let pieces: Vec<(u64, Vec<u8>)> =
            lines.iter().filter(|line| line["stream"] == "stdout").map(|line| (offset(line), bytes(line))).collect();
        let sum: u64 = pieces.iter().map(|(_, bytes)| bytes.len() as u64).sum();
        (sum >= KEPT).then_some(pieces)
    })
    .await;
    let sum: u64 = stored.iter().map(|(_, bytes)| bytes.len() as u64).sum();
    assert_eq!(sum, KEPT, "{action} {id}");
    let mut next = 0;
    let mut jumps = Vec::new();
    for (offset, bytes) in &stored {
        if *offset != next {
            jumps.push((next, *offset));
        }
        for (byte, at) in bytes.iter().zip(*offset..) {
            assert_eq!(*byte, written(action, at), "{action} {id}: at {at}");
        }
        next = offset + bytes.len() as u64;
    }
    assert_eq!(next, length, "{action} {id}: the end is stored");
    assert_eq!(jumps.len(), 1, "{action} {id}: one gap: {jumps:?}");
    assert_eq!(jumps[0].1 - jumps[0].0, length - KEPT, "{action} {id}");
}

fn offset(line: &Value) -> u64 {
    line["offset"].as_u64().expect("an offset")
}

fn bytes(line: &Value) -> Vec<u8> {
    line["text"].as_str().expect("text").as_bytes().to_vec()
}

/// How much each of fifty writes that run at once. Memory does not depend on it once a stream's head and tail are full, so
/// the usual run is short; `ATTUNE_FLOOD_BYTES=1073741824` makes it the whole thing (a minute per action on two cores).
fn each_of_fifty() -> u64 {
    std::env::var("ATTUNE_FLOOD_BYTES").map_or(24 << 20, |text| text.parse().expect("a number of bytes"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gibibyte_and_fifty_floods_at_once_leave_the_worker_small_and_head_and_tail_exact() {
    let (database, broker) = (TestDatabase::create().await, TestBroker::create().await);
    let pack = flood_pack();
    let packs = pack.path().display().to_string();
    let kept = KEPT.to_string();
    let extra = [("ATTUNE__PACKS__DIRECTORIES", packs.as_str()), ("ATTUNE__WORKER__MAX_STDOUT_BYTES", kept.as_str())];
    let mut deployment = Deployment::start(database.url(), broker.url(), &extra).expect("a server");
    deployment.add_worker("flooded", 50, &extra).expect("a worker");
    deployment.wait_for_workers(1).expect("the worker");
    let client = deployment.client();
    let worker = &deployment.workers[0];

    let run = |action: &'static str, length: u64, count: usize| {
        let ids = client.submit_many(action, &json!({"bytes": length}), count).expect("accepted");
        for id in &ids {
            let ended = client.wait(*id).expect("an answer");
            assert_eq!(ended["status"], "completed", "{ended}");
        }
        eprintln!(
            "figure: worker's peak after {count} of {action} with {length} bytes: {} KiB",
            worker.peak_bytes() >> 10
        );
        ids
    };
    for action in ["flood.endless", "flood.lines"] {
        let ids = run(action, 1 << 30, 1);
        assert_head_and_tail(&client, ids[0], action, 1 << 30).await;
    }
    let each = each_of_fifty();
    for action in ["flood.endless", "flood.lines"] {
        let ids = run(action, each, 50);
        for id in ids {
            assert_head_and_tail(&client, id, action, each).await;
        }
    }
    let peak = worker.peak_bytes();
    assert!(peak <= MOST_RESIDENT, "{} KiB resident at the peak", peak >> 10);
}
