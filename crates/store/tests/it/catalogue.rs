//! Packs, actions and runtimes.

use attune_store::PackContents;
use attune_types::{ActionSpec, PackSpec, RuntimeSpec};
use serde_json::json;

use crate::stage::Stage;

fn action(name: &str) -> ActionSpec {
    serde_json::from_value(json!({"ref": name, "runner_type": "shell", "entry_point": "run.sh"})).expect("an action")
}

fn runtime(pack: &str, name: &str) -> RuntimeSpec {
    RuntimeSpec { runtime_ref: format!("{pack}.{name}"), name: name.to_owned(), ..RuntimeSpec::default() }
}

fn pack(name: &str, version: &str, actions: &[&str], runtimes: &[&str]) -> PackContents {
    let pack: PackSpec = serde_json::from_value(json!({"ref": name, "version": version})).expect("a pack");
    PackContents {
        pack,
        actions: actions.iter().map(|one| action(one)).collect(),
        runtimes: runtimes.iter().map(|one| runtime(name, one)).collect(),
    }
}

pub(crate) async fn a_pack_is_replaced_as_a_whole_and_removed_as_a_whole(stage: &Stage) {
    let store = &stage.store;
    store.put_pack(&pack("core", "1.0.0", &["core.b", "core.a"], &["shell", "python"])).await.expect("stored");
    store.put_pack(&pack("demo", "0.1.0", &["demo.a"], &[])).await.expect("stored");
    let refs = async |pack: Option<&str>| {
        let actions = store.actions(pack).await.expect("actions");
        actions.into_iter().map(|one| one.action_ref.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(refs(None).await, ["core.a", "core.b", "demo.a"]);
    assert_eq!(refs(Some("core")).await, ["core.a", "core.b"]);
    assert_eq!(store.action(&"core.a".parse().expect("ref")).await.expect("action"), Some(action("core.a")));
    assert_eq!(store.action(&"core.z".parse().expect("ref")).await.expect("action"), None);
    store.put_pack(&pack("core", "2.0.0", &["core.c"], &["shell"])).await.expect("stored");
    assert_eq!(refs(Some("core")).await, ["core.c"]);
    let names = |runtimes: Vec<RuntimeSpec>| runtimes.into_iter().map(|one| one.name).collect::<Vec<_>>();
    assert_eq!(names(store.runtimes().await.expect("runtimes")), ["shell"]);
    let versions: Vec<String> = store.packs().await.expect("packs").into_iter().map(|one| one.version).collect();
    assert_eq!(versions, ["2.0.0", "0.1.0"]);
    assert!(store.remove_pack("core").await.expect("removed"));
    assert!(!store.remove_pack("core").await.expect("answered"));
    assert_eq!(refs(None).await, ["demo.a"]);
    assert!(store.runtimes().await.expect("runtimes").is_empty());
}

pub(crate) async fn a_found_runtime_never_displaces_a_declared_one(stage: &Stage) {
    let store = &stage.store;
    store.put_pack(&pack("core", "1.0.0", &[], &["shell"])).await.expect("stored");
    let detection = json!({"path": "/usr/bin/x"});
    store.register_runtime(&runtime("auto", "shell"), &detection).await.expect("answered");
    store.register_runtime(&runtime("auto", "lua"), &detection).await.expect("noted");
    let again = RuntimeSpec { description: "second".into(), ..runtime("auto", "lua") };
    store.register_runtime(&again, &detection).await.expect("answered");
    let runtimes = store.runtimes().await.expect("runtimes");
    let shown: Vec<(&str, bool)> = runtimes.iter().map(|one| (one.runtime_ref.as_str(), one.auto_detected)).collect();
    assert_eq!(shown, [("auto.lua", true), ("core.shell", false)]);
    assert_eq!(runtimes[0].description, "");

    // A template is no runtime yet, and what is declared later takes the place of what was found.
    let mut later = pack("late", "1.0.0", &[], &["lua", "tcl"]);
    later.runtimes[1].template = true;
    store.put_pack(&later).await.expect("stored");
    let runtimes = store.runtimes().await.expect("runtimes");
    let shown: Vec<(&str, bool)> = runtimes.iter().map(|one| (one.runtime_ref.as_str(), one.auto_detected)).collect();
    assert_eq!(shown, [("late.lua", false), ("core.shell", false)]);
}
