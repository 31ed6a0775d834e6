//! Actions that call the worker inside `attune run`.

use serde_json::json;

use crate::fixture::Place;

#[test]
fn the_program_that_runs_the_worker_is_the_helper_of_its_actions() {
    let place = Place::new();
    let script = "attune-agent progress 50 'half of it'
attune-agent output set n:=1 text='a b' && attune-agent output set list:='[1]'
attune-agent secret get db || echo \"refused with $?\" >&2
";
    let script = place.write("calls.sh", script).display().to_string();
    let ran = place.run(&["run", &script]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.json(), json!({"n": 1, "text": "a b", "list": [1]}), "{ran:?}");
    for expected in ["progress 50 %: half of it\n", "secret db is not granted to", "refused with 1\n"] {
        assert!(ran.stderr.contains(expected), "{expected}: {ran:?}");
    }
}

#[test]
fn every_example_that_calls_its_worker_has_its_result() {
    let place = Place::new();
    let ran = place.run(&["run", "examples.disk_report"]);
    assert!(ran.code == Some(0) && ran.json()["file_systems"].is_u64(), "{ran:?}");
    let doctor = place.run(&["doctor", "-o", "json"]).json();
    let is_here = |runtime: &str| {
        doctor
            .as_array()
            .is_some_and(|checks| checks.iter().any(|check| check["name"] == runtime && check["state"] == "ok"))
    };
    for (runtime, action, result) in [
        ("python", "examples.primes", json!({"count": 9592, "largest": 99991})),
        ("node", "examples.markdown_table", json!({"rows": 2, "columns": ["name", "price", "strong"]})),
        ("ruby", "examples.histogram", json!({"counts": [1, 2, 3, 2, 1], "low": 1.0, "high": 5.0})),
        ("perl", "examples.word_index", json!({"words": 8, "lines": 3})),
    ] {
        if is_here(runtime) {
            let ran = place.run(&["run", action]);
            assert_eq!((ran.code, ran.json()), (Some(0), result), "{ran:?}");
            assert!(ran.stderr.contains("progress 100 %\n"), "{ran:?}");
        }
    }
}

#[test]
fn outside_of_an_action_the_helper_says_so() {
    let place = Place::new();
    let agent = place.path("attune-agent");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_attune"), &agent).expect("a link");
    #[expect(clippy::disallowed_methods, reason = "the program under test is run as a shell would run it")]
    let output = std::process::Command::new(&agent).args(["secret", "get", "db"]).env_clear().output();
    let output = output.expect("the program starts");
    assert_eq!(output.status.code(), Some(69));
    let words = String::from_utf8(output.stderr).expect("text");
    let expected =
        "attune-agent: secret get db: not inside an execution: ATTUNE_HELPER_FD is not set; run this from an action\n";
    assert_eq!(words, expected);
}
