//! The way of output.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use attune_store::StoreError;
use attune_testkit::eventually;
use attune_types::{AttemptNumber, ExecutionId, ExecutionStatus, LogChunk, LogStream};
use attune_worker::{ArtifactStore, Mode, WorkerBuilder};

use crate::fixture::{Fixture, LONG, assert_nothing_but_spare_directories, exited, gated, in_system, launcher, shell};

#[test]
fn a_line_is_seen_while_its_script_runs() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let worker = fixture.worker().await;
        let gate = fixture.directory.path().join("gate");
        let id = fixture.run(&worker, &gated(&gate)).await;
        fixture.running(id).await;
        assert_eq!(fixture.execution(id).await.status, ExecutionStatus::Running);
        std::fs::write(&gate, b"").expect("the gate opens");
        assert_eq!(fixture.ended(id).await.outcome, exited(0));
        fixture.stop(&worker).await;
    });
}

#[test]
fn long_output_is_stored_whole_and_in_order() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let worker = fixture.worker().await;
        let id = fixture.run(&worker, "seq 1 200000; echo done >&2").await;
        assert_eq!(fixture.ended(id).await.outcome, exited(0));
        let expected: String = (1..=200_000).map(|number| format!("{number}\n")).collect();
        let stored = eventually("all of the output", LONG, || async {
            Some(fixture.output(id, LogStream::Stdout).await).filter(|text| text.len() == expected.len())
        });
        assert!(stored.await == expected, "the bytes are the same");
        assert_eq!(fixture.output(id, LogStream::Stderr).await, "done\n");
        fixture.stop(&worker).await;
    });
}

#[test]
fn what_is_beyond_the_limit_is_left_out_and_counted() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let mut settings = fixture.settings();
        (settings.max_stdout_bytes, settings.max_stderr_bytes) = (1000, 1000);
        let worker = fixture.builder(settings).start().await.expect("the worker starts");
        let id = fixture.run(&worker, "head -c 5000 /dev/zero | tr '\\0' x").await;
        assert_eq!(fixture.ended(id).await.outcome, exited(0));
        assert_eq!(fixture.output(id, LogStream::Stdout).await.len(), 1000);
        let remark = fixture.output(id, LogStream::System).await;
        assert!(remark.starts_with("4000 bytes of standard output left out"), "{remark}");
        fixture.stop(&worker).await;
    });
}

#[test]
fn an_execution_without_files_or_output_leaves_the_disk_alone() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let mut settings = fixture.settings();
        let packs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../packs");
        settings.pack_directories = vec![packs.into()];
        let state = settings.state_directory.clone();
        // An agent, so that nothing is made before it is needed.
        let builder = WorkerBuilder::new(Mode::Agent, settings).launcher(launcher());
        let builder = builder.store(Arc::clone(&fixture.store)).queue(Arc::clone(&fixture.queue));
        let worker = builder.start().await.expect("the worker starts");
        let library = attune_pack::Library::scan(&[packs]);
        let action = library.action(&"core.noop".parse().expect("a reference")).expect("core.noop");
        let version = &library.pack("core").expect("core").spec.version;
        let spec = attune_pack::execution_spec(action, version, &attune_pack::Overrides::default());
        let id = fixture.run_spec(&worker, spec, serde_json::Map::new()).await;
        assert_eq!(fixture.ended(id).await.outcome, exited(0));
        let mut entries: Vec<String> = std::fs::read_dir(&state)
            .expect("readable")
            .map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned())
            .collect();
        entries.sort();
        assert_eq!(entries, ["helper", "incarnation", "work"], "neither output nor ends were written");
        assert_nothing_but_spare_directories(&state.join("work"));
        fixture.stop(&worker).await;
    });
}

/// Keeps output in memory.
#[derive(Default)]
struct Shelf {
    pieces: Mutex<Vec<LogChunk>>,
    finished: Mutex<Vec<ExecutionId>>,
    files: Mutex<Vec<(String, String)>>,
}

#[async_trait]
impl ArtifactStore for Shelf {
    async fn append_logs(&self, chunks: Vec<LogChunk>) -> Result<(), StoreError> {
        self.pieces.lock().expect("lock").extend(chunks);
        Ok(())
    }

    async fn finish_log(&self, execution: ExecutionId, _: AttemptNumber) -> Result<(), StoreError> {
        self.finished.lock().expect("lock").push(execution);
        Ok(())
    }

    async fn put_file(
        &self,
        _: ExecutionId,
        _: AttemptNumber,
        name: &str,
        path: std::path::PathBuf,
    ) -> Result<(), StoreError> {
        let content = std::fs::read_to_string(path).expect("readable");
        self.files.lock().expect("lock").push((name.to_owned(), content));
        Ok(())
    }
}

#[test]
fn another_place_for_output_gets_all_of_it_and_the_files_that_were_declared() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let shelf = Arc::new(Shelf::default());
        let builder = fixture.builder(fixture.settings()).artifact_store(Arc::clone(&shelf) as Arc<dyn ArtifactStore>);
        let worker = builder.start().await.expect("the worker starts");
        let mut spec = shell(
            "cd \"$ATTUNE_ARTIFACTS_DIR\"; mkdir -p a/b; echo 1 > report.txt; echo 2 > a/b/deep.txt; echo 3 > other; \
             ln -s /etc/hostname link.txt; seq 1 50000",
        );
        spec.artifacts = vec!["*.txt".into(), "a/**".into()];
        let id = fixture.run_spec(&worker, spec, serde_json::Map::new()).await;
        assert_eq!(fixture.ended(id).await.outcome, exited(0));
        let mut files = shelf.files.lock().expect("lock").clone();
        files.sort();
        let found = [("a/b/deep.txt", "2\n"), ("report.txt", "1\n")];
        assert_eq!(files, found.map(|(name, content)| (name.to_owned(), content.to_owned())));
        assert_eq!(*shelf.finished.lock().expect("lock"), [id]);
        let expected: String = (1..=50_000).map(|number| format!("{number}\n")).collect();
        eventually("all of the output on the shelf", LONG, || async {
            let pieces = shelf.pieces.lock().expect("lock");
            let written = pieces.iter().filter(|chunk| chunk.stream == LogStream::Stdout);
            let bytes: Vec<u8> = written.flat_map(|chunk| chunk.bytes.clone()).collect();
            (bytes == expected.as_bytes()).then_some(())
        })
        .await;
        fixture.stop(&worker).await;
    });
}
