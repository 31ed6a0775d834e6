//! `attune demo` and `attune doctor`.

use serde_json::json;

use crate::fixture::Place;

#[test]
fn every_example_whose_runtime_is_here_completes() {
    let place = Place::new();
    let ran = place.run(&["demo", "-o", "json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let lines = ran.json();
    let lines = lines.as_array().expect("a list");
    assert!(lines.iter().any(|line| line["action"] == "examples.hello" && line["outcome"] == "completed"), "{lines:?}");
    assert!(lines.iter().all(|line| line["completed"] != json!(false)), "{lines:?}");
}

#[test]
fn the_doctor_finds_a_shell_and_says_what_to_do_about_the_rest() {
    let place = Place::new();
    let checks = place.run(&["doctor", "-o", "json"]).json();
    let checks = checks.as_array().expect("a list");
    assert!(checks.iter().any(|check| check["name"] == "shell" && check["state"] == "ok"), "{checks:?}");
    assert!(checks.iter().all(|check| check["state"] == "ok" || check["advice"].is_string()), "{checks:?}");
}
