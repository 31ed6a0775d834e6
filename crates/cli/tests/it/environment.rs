//! Environments of packs, from the first run to the last prune.

use serde_json::json;

use crate::fixture::{Place, Ran};

/// A pack whose environments are made by the shell: quickly, and without any network.
fn pack(place: &Place) {
    place.write("packs/demo/pack.yaml", "ref: demo\nversion: 1.0.0\n");
    place.write("packs/demo/needs.txt", "one\n");
    place.write(
        "packs/demo/runtimes/tool.yaml",
        "ref: demo.tool\nname: tool\nexecution_config: {extension: tool}\n\
         detection: {binaries: [sh], version_arguments: [-c, 'echo 1.0.0']}\n\
         environment:\n  manifests: [needs.txt]\n  recipes:\n    - steps:\n        - name: make\n          \
         run: 'echo copying; grep -v broken \"$ATTUNE_MANIFEST\" > made'\n  \
         env_vars: {DEMO_DIR: {set: '{environment_dir}'}}\n",
    );
    place.write("packs/demo/actions/show.yaml", "ref: demo.show\nrunner_type: tool\nentry_point: show.tool\n");
    place.write("packs/demo/actions/show.tool", "cat \"$DEMO_DIR/made\"\n");
}

#[test]
fn an_environment_is_made_by_the_first_run_listed_made_again_and_pruned() {
    let place = Place::new();
    pack(&place);
    let local = ["environment", "list", "--local", "-o", "json"];
    assert_eq!(place.run(&local).json(), json!([]));
    for _ in 0..2 {
        let ran = place.run(&["run", "demo.show"]);
        assert_eq!((ran.code, ran.stderr.contains("one\n")), (Some(0), true), "{ran:?}");
    }
    let listed = place.run(&local).json();
    assert_eq!(listed.as_array().map(Vec::len), Some(1), "one for both: {listed}");
    assert_eq!(
        (&listed[0]["pack"], &listed[0]["runtime"], &listed[0]["in_use"]),
        (&json!("demo"), &json!("tool"), &json!(false))
    );
    let first = listed[0]["directory"].as_str().expect("a path").to_owned();
    assert!(std::fs::read_to_string(format!("{first}.log")).expect("a log").contains("copying"));

    let nothing = place.run(&["environment", "rebuild", "other"]);
    assert_eq!(nothing.code, Some(64), "{nothing:?}");
    assert_eq!(place.run(&["environment", "rebuild", "demo", "tool"]).code, Some(0));
    assert_eq!(place.run(&local).json(), json!([]));
    assert_eq!(place.run(&["run", "demo.show"]).code, Some(0));
    let again = place.run(&local).json()[0]["directory"].as_str().expect("a path").to_owned();
    assert_ne!(again, first);

    let kept = place.run(&["environment", "prune"]);
    assert!(kept.code == Some(0) && kept.stderr.contains("removed 0 environments"), "{kept:?}");
    let pruned = place.run(&["environment", "prune", "--older-than", "1ms"]);
    assert!(pruned.code == Some(0) && pruned.stderr.contains("removed 1 environments"), "{pruned:?}");
    assert!(!std::path::Path::new(&again).exists());
}

#[test]
fn a_server_lists_what_workers_told_and_a_failure_is_told_with_its_log() {
    let place = Place::new();
    pack(&place);
    place.write("packs/demo/needs.txt", "broken\n");
    let dev = place.dev(&[]);
    let run = || {
        let mut command = place.attune(&["run", "demo.show"]);
        command.env("ATTUNE_API_URL", dev.line("listens")).env("ATTUNE_API_TOKEN", dev.line("token"));
        Ran::of(command.output().expect("the program starts"))
    };
    let failed = run();
    assert_eq!(failed.code, Some(69), "{failed:?}");
    let list = || place.run(&["environment", "list", "-o", "json"]).json();
    let told = list();
    assert_eq!((&told[0]["state"], &told[0]["step"]), (&json!("failed"), &json!("make")), "{told}");
    assert!(told[0]["log"].as_str().is_some_and(|log| log.contains("copying")), "{told}");
    place.write("packs/demo/needs.txt", "mended\n");
    let ran = run();
    assert_eq!((ran.code, ran.stderr.contains("mended\n")), (Some(0), true), "{ran:?}");
    let told = list();
    assert_eq!((told.as_array().map(Vec::len), &told[0]["state"]), (Some(1), &json!("ready")), "{told}");
    let worker = told[0]["worker"].as_str().expect("a name");
    let shown = place.run(&["worker", "show", worker]).stdout;
    assert!(shown.contains("\ndemo\n└ tool ") && shown.contains("ready, made in "), "{shown}");
    let shown = place.run(&["worker", "show", worker, "-o", "json"]).json();
    assert_eq!((&shown["name"], &shown["environments"]), (&json!(worker), &told), "{shown}");
    dev.running.signal(libc::SIGTERM);
    assert_eq!(dev.running.wait().code, Some(0));
}
