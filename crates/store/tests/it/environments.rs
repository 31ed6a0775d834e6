//! What workers tell about environments.

use attune_types::{Environment, EnvironmentState, Timestamp};

use crate::stage::Stage;

fn environment(pack: &str, fingerprint: &str, state: EnvironmentState) -> Environment {
    Environment {
        worker: String::new(),
        pack: pack.to_owned(),
        runtime: "python".to_owned(),
        fingerprint: fingerprint.to_owned(),
        state,
        interpreter: "/usr/bin/python3.11 3.11.2".to_owned(),
        directory: String::new(),
        size_bytes: None,
        took_ms: None,
        step: "install".to_owned(),
        log: String::new(),
        changed_at: Timestamp(0),
    }
}

pub(crate) async fn what_a_worker_tells_of_an_environment_takes_the_place_of_what_it_told_before(stage: &Stage) {
    let (one, other) = (stage.worker("one", 1).await, stage.worker("other", 2).await);
    let building = environment("b", "f1", EnvironmentState::Building);
    stage.store.put_environments(one.id, vec![building]).await.expect("noted");
    let ready = Environment {
        size_bytes: Some(7),
        took_ms: Some(8),
        directory: "/envs/1".to_owned(),
        step: String::new(),
        ..environment("b", "f1", EnvironmentState::Ready)
    };
    let failed = Environment { log: "a\0b".to_owned(), ..environment("a", "f2", EnvironmentState::Failed) };
    stage.store.put_environments(one.id, vec![ready.clone(), failed]).await.expect("noted");
    // Another worker on the same volume did not make it.
    let used = Environment { took_ms: None, ..ready.clone() };
    stage.store.put_environments(other.id, vec![used]).await.expect("noted");
    let told = stage.store.environments().await.expect("read");
    let shown: Vec<_> =
        told.iter().map(|one| (one.pack.as_str(), one.worker.as_str(), one.state, one.took_ms)).collect();
    use EnvironmentState::{Failed, Ready};
    assert_eq!(shown, [("a", "one", Failed, None), ("b", "one", Ready, Some(8)), ("b", "other", Ready, None)]);
    assert_eq!(told[0].log, "a\u{fffd}b");
    assert!(told[1].changed_at > Timestamp(0));
    let expected = Environment { worker: "one".to_owned(), changed_at: told[1].changed_at, ..ready };
    assert_eq!(told[1], expected);

    // The pack changed, and with it what it needs.
    let next = environment("b", "f3", EnvironmentState::Building);
    stage.store.put_environments(other.id, vec![next]).await.expect("noted");
    let told = stage.store.environments().await.expect("read");
    let fingerprints: Vec<_> = told.iter().map(|one| one.fingerprint.as_str()).collect();
    assert_eq!(fingerprints, ["f2", "f1", "f3"]);

    stage.store.forget_environments(one.id, vec!["f1".to_owned(), "gone".to_owned()]).await.expect("forgotten");
    let left = stage.store.environments().await.expect("read");
    assert_eq!(left.iter().map(|one| one.worker.as_str()).collect::<Vec<_>>(), ["one", "other"]);
}
