//! `attune run` in this process.

use serde_json::json;

use crate::fixture::Place;

#[test]
fn the_result_alone_is_on_standard_output() {
    let place = Place::new();
    let ran = place.run(&["run", "examples.hello", "name=Ada"]);
    assert_eq!((ran.code, ran.json()), (Some(0), json!({"greeting": "Hello, Ada!"})), "{ran:?}");
    assert_eq!(ran.stderr, "greeting Ada\n");
}

#[test]
fn bad_parameters_are_named_by_field_and_rule_and_nothing_starts() {
    let place = Place::new();
    for (arguments, field, rule) in [
        (&["count:=\"three\""][..], "count", "type"),
        (&["count=three"][..], "count", "type"),
        (&["count:=0"][..], "count", "minimum"),
        (&[][..], "count", "required"),
        (&["count=1", "cuont=2"][..], "cuont", "unknown"),
    ] {
        let ran = place.run(&[&["run", "proof.number"], arguments].concat());
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(64), ""), "{ran:?}");
        let named = ran
            .stderr
            .lines()
            .any(|line| line.starts_with(&format!("  {field}: ")) && line.ends_with(&format!("[rule: {rule}]")));
        assert!(named && ran.stderr.contains("hint: "), "{ran:?}");
    }
    assert_eq!(place.truth(), Vec::<String>::new());
}

#[test]
fn text_becomes_the_number_that_is_asked_for_and_the_command_line_wins_over_the_file() {
    let place = Place::new();
    let file = place.write("params.yaml", "count: 3\nnote: from the file\n").display().to_string();
    for arguments in [&["count=7"][..], &["count:=7"][..], &["--params", &file, "count=7"][..]] {
        let ran = place.run(&[&["run", "proof.number"], arguments].concat());
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }
    let ran = place.run_with_input(&["run", "proof.number", "--params", "-"], "{\"count\": 8}");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(place.truth(), ["7", "7", "7", "8"]);
}

#[test]
fn the_exit_code_is_the_scripts_own() {
    let place = Place::new();
    let script = place.write("seven.sh", "echo on stdout\necho on stderr >&2\nexit 7\n").display().to_string();
    let ran = place.run(&["run", &script]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(7), ""), "{ran:?}");
    for expected in ["run by shell", "on stdout\n", "on stderr\n", "did not complete: exit 7"] {
        assert!(ran.stderr.contains(expected), "{ran:?}");
    }
}

#[test]
fn a_timeout_gives_124_and_a_signal_128_and_its_number() {
    let place = Place::new();
    let ran = place.run(&["run", "core.sleep", "seconds=600", "--timeout", "200ms"]);
    assert_eq!(ran.code, Some(124), "{ran:?}");
    assert!(ran.stderr.contains("timed out after 200 ms") && ran.stderr.contains("hint: "), "{ran:?}");
    let script = place.write("dies.sh", "kill -9 $$\n").display().to_string();
    let ran = place.run(&["run", &script]);
    assert_eq!(ran.code, Some(137), "{ran:?}");
}

#[test]
fn json_shows_the_whole_execution() {
    let place = Place::new();
    let ran = place.run(&["run", "examples.hello", "name=Ada", "--label", "team=red", "-o", "json"]);
    let execution = ran.json();
    assert_eq!(execution["status"], "completed");
    assert_eq!(execution["outcome"], json!({"cause": "exited", "code": 0}));
    assert_eq!(execution["result"], json!({"greeting": "Hello, Ada!"}));
    assert_eq!((&execution["attempts"], &execution["labels"]), (&json!(1), &json!({"team": "red"})));
    for name in ["id", "requested_at", "started_at", "ended_at"] {
        assert!(!execution[name].is_null(), "{name} in {execution}");
    }
    let script = place.write("seven.sh", "exit 7\n").display().to_string();
    let ran = place.run(&["run", &script, "-o", "json"]);
    assert_eq!((ran.code, &ran.json()["outcome"]["code"]), (Some(7), &json!(7)));
    assert_eq!(ran.json()["status"], "failed");
}

#[test]
fn what_does_not_exist_is_refused_with_the_nearest_name() {
    let place = Place::new();
    let ran = place.run(&["run", "examples.helo", "name=Ada"]);
    assert_eq!(ran.code, Some(64), "{ran:?}");
    assert!(ran.stderr.contains("did you mean examples.hello?"), "{ran:?}");
    assert_eq!(place.run(&["run", "./nothing.sh"]).code, Some(64));
    assert_eq!(place.run(&["run", "examples.hello", "name"]).code, Some(64));
    assert_eq!(place.run(&["run", "examples.hello", "name=a", "--timeout", "soon"]).code, Some(64));
    assert_eq!(place.run(&["walk"]).code, Some(64));
}

#[test]
fn an_interpreter_that_is_not_here_is_unavailable_and_not_waited_for() {
    let place = Place::new();
    let script = place.write("a.sh", "exit 0\n").display().to_string();
    let ran = place.run(&["run", &script, "--runtime", "cobol"]);
    assert_eq!(ran.code, Some(69), "{ran:?}");
    assert!(ran.stderr.contains("lacks runtime cobol"), "{ran:?}");
}

#[test]
fn a_run_leaves_no_directory_behind() {
    let place = Place::new();
    let temporary = place.path("tmp");
    std::fs::create_dir(&temporary).expect("a folder");
    let output = place.attune(&["run", "examples.hello", "name=Ada"]).env("TMPDIR", &temporary).output();
    assert!(output.expect("the program starts").status.success());
    let left: Vec<_> = std::fs::read_dir(&temporary).expect("a folder").flatten().map(|entry| entry.path()).collect();
    assert!(left.is_empty(), "{left:?}");
}
