//! What executions leave behind, and what becomes of too much output.

use std::io::Read;
use std::sync::Arc;

use attune_artifacts::{HarvestLimits, Place, S3Options};
use attune_config::OutputPolicy;
use attune_testkit::eventually;
use attune_testkit::s3::TestBucket;
use attune_types::{Artifact, ArtifactRule, DetailedArtifactRule, ExecutionId, LogStream, Outcome};
use attune_worker::{ArtifactStore, Settings, StoreArtifacts};
use serde_json::Map;

use crate::fixture::{Fixture, LONG, exited, in_system, shell};

const LEAVES_FILES: &str = "cd \"$ATTUNE_ARTIFACTS_DIR\"; mkdir a; echo 1 > report.txt; echo 2 > a/deep.txt; \
    echo 3 > unasked; ln -s /etc/hostname link.txt; mkfifo pipe.txt; truncate -s 1T huge.txt; : > -rf.txt";

fn place_of(settings: &Settings) -> Place {
    Place::of(settings.bucket.as_ref(), &settings.artifacts_directory).expect("usable")
}

fn content(place: &Place, artifact: &Artifact) -> String {
    let mut text = String::new();
    place.open(&artifact.location).expect("there").reader.read_to_string(&mut text).expect("readable");
    text
}

async fn artifacts(fixture: &Fixture, id: ExecutionId) -> Vec<Artifact> {
    fixture.store.artifacts(id).await.expect("listed")
}

/// Runs a script that leaves files good and bad, and looks at what was kept.
async fn keeps_the_good_and_names_the_bad(fixture: &Fixture, mut settings: Settings) {
    settings.harvest = HarvestLimits { files: 10, bytes: 1 << 20 };
    let (place, root, work) =
        (place_of(&settings), settings.artifacts_directory.clone(), settings.state_directory.join("work"));
    let name = settings.name.clone();
    let worker = fixture.builder(settings).start().await.expect("the worker starts");
    let mut spec = shell(LEAVES_FILES);
    spec.artifacts = vec!["*.txt".into(), "a/**".into()];
    let id = fixture.run_spec(&worker, spec, Map::new()).await;
    assert_eq!(fixture.ended(id).await.outcome, exited(0), "what is refused is not fatal");
    let kept = artifacts(fixture, id).await;
    let found: Vec<(&str, String)> =
        kept.iter().map(|artifact| (artifact.path.as_str(), content(&place, artifact))).collect();
    assert_eq!(found, [("a/deep.txt", "2\n".to_owned()), ("report.txt", "1\n".to_owned())]);
    assert!(kept.iter().all(|artifact| artifact.worker == name && artifact.size_bytes == 2));
    assert_eq!(
        fixture.output(id, LogStream::System).await,
        "artifact name '-rf.txt' has a part that begins with '-'\n\
         artifact 'huge.txt' has 1099511627776 bytes and 1048574 may still be kept (artifacts.max_bytes)\n\
         artifact 'link.txt' is a symbolic link; only regular files are kept\n\
         artifact 'pipe.txt' is a named pipe; only regular files are kept\n"
    );
    fixture.stop(&worker).await;
    let left = std::fs::read_dir(&work).map_or(0, Iterator::count);
    assert_eq!(left, 0, "nothing of the attempt's own is left");

    // What its time is up for is removed by whoever kept it.
    let policy = attune_store::RetentionPolicy { artifacts_ms: Some(-1), ..Default::default() };
    fixture.store.retain(&policy, ExecutionId(0)).await.expect("a step");
    let sink = StoreArtifacts::new(Arc::clone(&fixture.store)).keeping_files(place.clone(), name, root.join("notes"));
    sink.tidy().await.expect("tidied");
    assert!(kept.iter().all(|artifact| place.open(&artifact.location).is_err()));
    assert!(fixture.store.expired_artifacts("", "file:", 10).await.expect("listed").is_empty());
}

#[test]
fn good_files_are_kept_in_a_directory_and_bad_ones_named() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let settings = fixture.settings();
        keeps_the_good_and_names_the_bad(&fixture, settings).await;
    });
}

#[test]
fn good_files_are_kept_in_a_bucket_and_bad_ones_named() {
    in_system(async {
        let (fixture, bucket) = (Fixture::embedded().await, TestBucket::create().await);
        let mut settings = fixture.settings();
        settings.bucket = Some(S3Options {
            endpoint: bucket.endpoint().to_owned(),
            bucket: bucket.name().to_owned(),
            region: "us-east-1".to_owned(),
            prefix: "attune/".to_owned(),
            access_key_id: TestBucket::ACCESS_KEY_ID.to_owned(),
            secret_access_key: TestBucket::SECRET_ACCESS_KEY.to_owned(),
        });
        keeps_the_good_and_names_the_bad(&fixture, settings).await;
    });
}

#[test]
fn an_execution_that_owes_a_file_fails_without_it() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let worker = fixture.worker().await;
        let mut spec = shell("ln -s /etc/hostname \"$ATTUNE_ARTIFACTS_DIR/report.txt\"");
        let rule = DetailedArtifactRule { path: "report.txt".to_owned(), required: true };
        spec.artifacts = vec![ArtifactRule::Detailed(rule)];
        let id = fixture.run_spec(&worker, spec, Map::new()).await;
        let position = "required artifact missing: 'report.txt'".to_owned();
        assert_eq!(fixture.ended(id).await.outcome, Some(Outcome::OutputInvalid { position }));
        fixture.stop(&worker).await;
    });
}

#[test]
fn too_much_output_stops_or_fails_where_that_is_the_policy() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        for (policy, script) in [(OutputPolicy::Stop, "exec yes"), (OutputPolicy::Fail, "seq 1 1000")] {
            let mut settings = fixture.settings();
            settings.output_policy = policy;
            settings.max_stdout_bytes = 2_000;
            let worker = fixture.builder(settings).start().await.expect("the worker starts");
            let id = fixture.run(&worker, script).await;
            assert_eq!(fixture.ended(id).await.outcome, Some(Outcome::OutputLimit { limit_bytes: 2_000 }));
            assert_eq!(fixture.output(id, LogStream::Stdout).await.len(), 2_000);
            fixture.stop(&worker).await;
        }
    });
}

#[test]
fn output_that_is_not_streamed_is_stored_at_the_end() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let mut settings = fixture.settings();
        settings.stream_logs = false;
        let held = settings.state_directory.join("held");
        let worker = fixture.builder(settings).start().await.expect("the worker starts");
        let gate = fixture.directory.path().join("gate");
        let script = format!("seq 1 100000; until [ -e {} ]; do sleep 0.01; done; echo end", gate.display());
        let id = fixture.run(&worker, &script).await;
        eventually("output waits on disk", LONG, || async {
            let kept = std::fs::read_dir(&held).ok()?.flatten().next()?;
            (std::fs::read_dir(kept.path()).ok()?.count() > 0).then_some(())
        })
        .await;
        assert!(fixture.output(id, LogStream::Stdout).await.is_empty(), "nothing is stored before the end");
        std::fs::write(&gate, b"").expect("the gate opens");
        assert_eq!(fixture.ended(id).await.outcome, exited(0));
        let expected: String = (1..=100_000).map(|number| format!("{number}\n")).collect::<String>() + "end\n";
        eventually("all of the output", LONG, || async {
            (fixture.output(id, LogStream::Stdout).await == expected).then_some(())
        })
        .await;
        fixture.stop(&worker).await;
        assert_eq!(std::fs::read_dir(&held).expect("there").count(), 0);
    });
}
