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
    let ran = place.run(&["doctor", "-o", "json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let checks = ran.json();
    let checks = checks.as_array().expect("a list");
    assert!(checks.iter().any(|check| check["name"] == "shell" && check["state"] == "ok"), "{checks:?}");
    assert!(checks.iter().all(|check| check["state"] == "ok" || check["advice"].is_string()), "{checks:?}");
}

#[test]
fn the_doctor_names_everything_that_people_wonder_about_at_80_columns() {
    let place = Place::new();
    let ran = place.run(&["doctor"]);
    for name in ["limit memory", "sandbox", "Landlock", "seccomp", "open files", "disk state", "DNS", "clock", "init"] {
        assert!(ran.stdout.lines().any(|line| line.contains(&format!("  {name} "))), "{name}: {}", ran.stdout);
    }
    // What cannot be cut may stand out: a path.
    let cut = |line: &&str| line.trim_start().contains(' ');
    assert!(ran.stdout.lines().filter(cut).all(|line| line.chars().count() <= 80), "{}", ran.stdout);
    assert!(ran.stdout.lines().last().is_some_and(|line| line.starts_with("usable: ")), "{}", ran.stdout);
}

#[test]
fn the_doctor_fails_with_the_masked_url_when_a_service_does_not_answer() {
    let place = Place::new();
    let mut attune = place.attune(&["doctor", "-o", "json"]);
    attune.env("ATTUNE__DATABASE__URL", "postgres://ada:hunter2@127.0.0.1:1/attune");
    attune.env("ATTUNE__MESSAGE_QUEUE__URL", "amqp://ada:hunter2@nowhere.invalid/");
    let output = attune.output().expect("the program starts");
    assert_eq!(output.status.code(), Some(69), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(!text.contains("hunter2"), "{text}");
    let checks: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    for name in ["database", "broker", "DNS"] {
        let mut found = checks.as_array().expect("a list").iter();
        assert!(found.any(|check| check["name"] == name && check["state"] == "fail"), "{name}: {text}");
    }
}
