//! A worker that is the first process of a PID namespace, as the only program of a container is.

use std::collections::BTreeMap;

use attune_end_to_end::{Deployment, Program, binary};
use attune_testkit::eventually;
use attune_testkit::leaks::{children_of, processes};
use attune_testkit::postgres::TestDatabase;
use attune_testkit::rabbitmq::TestBroker;
use serde_json::json;

use crate::trouble::{LONG, Trouble, signal};

/// What makes a program the first process of a namespace, and passes its exit code on.
const CONTAINER: [&str; 4] = ["--pid", "--fork", "--kill-child=KILL", "--mount-proc"];

/// The first process inside, by its number outside.
async fn first_process(container: &Program) -> u32 {
    eventually("the first process", LONG, || async { children_of(container.pid()).first().copied() }).await
}

/// A worker in a container of its own.
fn contained_worker(deployment: &Deployment, packs: &str, database: &str, broker: &str) -> Program {
    let state = deployment.folder().join("state-contained").display().to_string();
    let program = binary("attune-worker").display().to_string();
    let arguments = [&CONTAINER[..], &[program.as_str()]].concat();
    let environment = [
        ("ATTUNE__DATABASE__URL", database),
        ("ATTUNE__MESSAGE_QUEUE__URL", broker),
        ("ATTUNE__WORKER__NAME", "contained"),
        ("ATTUNE__PACKS__DIRECTORIES", packs),
        ("ATTUNE__PATHS__STATE_DIR", state.as_str()),
        ("ATTUNE__LOG__FORMAT", "text"),
    ];
    Program::start_at("/usr/bin/unshare".as_ref(), "contained", &arguments, &environment, deployment.folder())
        .expect("unshare starts")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_process_reaps_strangers_passes_signals_on_and_the_exit_code_back() {
    let (database, broker) = (TestDatabase::create().await, TestBroker::create().await);
    let trouble = Trouble::create();
    let packs = trouble.packs();
    let deployment = Deployment::start(database.url(), broker.url(), &[("ATTUNE__PACKS__DIRECTORIES", &packs)]);
    let deployment = deployment.expect("a server");
    let client = deployment.client();
    let mut container = contained_worker(&deployment, &packs, database.url(), broker.url());
    deployment.wait_for_workers(1).expect("the worker");
    let init = first_process(&container).await;

    trouble.open_gate();
    let id = client.submit("trouble.daemon", &json!({})).expect("accepted");
    let ended = client.wait(id).expect("an answer");
    assert_eq!(ended["status"], "completed", "{ended}");

    // A stranger: somebody enters the container and leaves a process behind, whose parent is then the first process.
    let namespace = init.to_string();
    let arguments = ["--target", &namespace, "--pid", "/bin/sh", "-c", "for i in 1 2 3 4 5; do (sleep 0.3 &); done"];
    let mut stranger = Program::start_at("/usr/bin/nsenter".as_ref(), "stranger", &arguments, &[], deployment.folder())
        .expect("nsenter starts");
    assert_eq!(stranger.wait(LONG).expect("it ends"), 0, "{}", stranger.printed());
    let children = |state: &str| -> BTreeMap<u32, String> {
        let wanted = format!("{state} of {init}");
        processes().into_iter().filter(|(_, what)| what.ends_with(&wanted)).collect()
    };
    eventually("the strangers to be gone", LONG, || async {
        let left = processes()
            .into_iter()
            .filter(|(_, what)| what.starts_with("(sleep)") && what.ends_with(&format!(" of {init}")));
        (left.count() == 0).then_some(())
    })
    .await;
    assert!(children("Z").is_empty(), "zombies: {:?}", children("Z"));

    // As a container is stopped: the signal goes to its first process.
    signal(init, libc::SIGTERM);
    assert_eq!(container.wait(LONG).expect("it ends"), 0, "{}", container.printed());
    assert!(container.printed().contains("drain"), "{}", container.printed());
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_codes_pass_through_the_first_process() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = binary("attune-worker").display().to_string();
    for (arguments, code) in [(["--no-such-option"], 64), (["--version"], 0), (["--config=/nowhere"], 64)] {
        let arguments = [&CONTAINER[..], &[program.as_str()], &arguments[..]].concat();
        let mut container = Program::start_at("/usr/bin/unshare".as_ref(), "contained", &arguments, &[], folder.path())
            .expect("it starts");
        let ended = container.wait(LONG).expect("it ends");
        assert_eq!(ended, code, "{arguments:?}: {}", container.printed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_killed_inside_takes_the_container_with_it() {
    let (database, broker) = (TestDatabase::create().await, TestBroker::create().await);
    let trouble = Trouble::create();
    let packs = trouble.packs();
    let deployment = Deployment::start(database.url(), broker.url(), &[("ATTUNE__PACKS__DIRECTORIES", &packs)]);
    let deployment = deployment.expect("a server");
    let mut container = contained_worker(&deployment, &packs, database.url(), broker.url());
    deployment.wait_for_workers(1).expect("the worker");
    let init = first_process(&container).await;
    let agents = children_of(init);
    assert_eq!(agents.len(), 1, "the init has one child, the worker: {:?}", processes());
    signal(agents[0], libc::SIGKILL);
    // 128 + 9, as shells and container engines say it.
    assert_eq!(container.wait(LONG).expect("it ends"), 137, "{}", container.printed());
}
