//! The example as it is shown, and the trail through a crash.

use std::sync::Arc;
use std::time::Duration;

use attune_process::{Launcher, LauncherProgram};
use attune_queue::MemoryQueue;
use attune_store::OpenOptions;
use attune_supervise::{Crash, How};
use attune_testkit::{TestDirectory, eventually};
use attune_worker::{Mode, Settings, WorkerBuilder};
use example_custom_actor::{TrailFile, audit_to};
use serde_json::Value;

fn launcher() -> Launcher {
    Launcher::start(LauncherProgram::At(env!("CARGO_BIN_EXE_example-custom-actor").into())).expect("a launcher")
}

fn events(trail: &str) -> Vec<(String, String)> {
    let mut events: Vec<(String, String)> = trail
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("a JSON line"))
        .map(|line| {
            let word = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
            (word("action"), if word("event") == "ended" { word("summary") } else { word("event") })
        })
        .collect();
    events.sort();
    events
}

#[test]
fn the_example_prints_the_trail_that_its_readme_shows() {
    let directory = TestDirectory::create();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
    let mut command = attune_process::Command::new(env!("CARGO_BIN_EXE_example-custom-actor"));
    command.arguments = vec![directory.path().join("demo").into()];
    command.environment = vec![("PATH".into(), std::env::var_os("PATH").unwrap_or_default())];
    let collected = runtime.block_on(launcher().run_to_end(command)).expect("the example runs");
    assert!(collected.ended.is_success(), "{}", String::from_utf8_lossy(&collected.stderr));
    let trail = String::from_utf8(collected.stdout).expect("text");
    let expected = [
        ("inline.fails", "exit 3"),
        ("inline.fails", "started"),
        ("inline.hello", "exit 0"),
        ("inline.hello", "started"),
        ("inline.killed", "killed by signal 9 (SIGKILL)"),
        ("inline.killed", "started"),
    ];
    assert_eq!(events(&trail), expected.map(|(action, word)| (action.to_owned(), word.to_owned())));
    let readme = include_str!("../README.md");
    let shown =
        readme.split("```json\n").nth(1).and_then(|rest| rest.split("```").next()).expect("the README shows it");
    assert_eq!(events(shown), events(&trail), "the README shows what the example prints");
}

#[test]
fn a_half_line_is_cut_off_before_the_next_is_written() {
    let directory = TestDirectory::create();
    let path = directory.write("audit.jsonl", "{\"a\":1}\n{\"b\":");
    TrailFile::open(&path).and_then(|mut file| file.append("{\"c\":3}")).expect("written");
    assert_eq!(std::fs::read_to_string(path).expect("read"), "{\"a\":1}\n{\"c\":3}\n");
}

#[test]
fn the_trail_is_restarted_like_every_other_child() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("runtime");
    actix_rt::System::with_tokio_rt(move || runtime).block_on(async {
        let directory = TestDirectory::create();
        let url = format!("sqlite:{}", directory.path().join("attune.db").display());
        let store = attune_store::open(&url, OpenOptions::default()).await.expect("it opens");
        store.migrate().await.expect("migrated");
        let settings = Settings::new(format!("audited-{}", std::process::id()), directory.path());
        let worker = WorkerBuilder::new(Mode::Agent, settings)
            .launcher(launcher())
            .store(store)
            .queue(Arc::new(MemoryQueue::new()))
            .fault_injection(true)
            .actor(audit_to(directory.path().join("audit.jsonl")))
            .start()
            .await
            .expect("the worker starts");
        let order = Crash { child: "audit-trail".to_owned(), how: How::PanicInHandler };
        worker.tree().send(order).await.expect("the supervisor answers").expect("it can be broken");
        eventually("its second life", Duration::from_secs(60), || async {
            let tree = worker.status().await.tree.expect("the tree answers");
            tree.child("audit-trail").filter(|child| child.restarts == 1).map(|_| ())
        })
        .await;
        worker.drain();
        worker.stopped().await;
    });
}
