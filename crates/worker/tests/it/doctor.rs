//! `attune-agent doctor`.

use std::process::{Command, Output};

use serde_json::Value;

fn agent(arguments: &[&str]) -> Output {
    #[expect(clippy::disallowed_methods, reason = "the program under test is run as a shell would run it")]
    let mut command = Command::new(env!("CARGO_BIN_EXE_attune-agent"));
    let folder = tempfile::tempdir().expect("a folder");
    command.args(arguments).current_dir(folder.path()).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.output().expect("the program starts")
}

#[test]
fn the_agent_says_what_works_here_and_that_it_needs_its_services() {
    let output = agent(&["doctor", "--output", "json"]);
    assert_eq!(output.status.code(), Some(69), "{output:?}");
    let findings: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let state = |name: &str| {
        let found = findings.as_array().expect("a list").iter().find(|finding| finding["name"] == name);
        found.unwrap_or_else(|| panic!("no {name}: {findings}"))["state"].as_str().expect("a state")
    };
    assert_eq!((state("shell"), state("database"), state("broker")), ("ok", "fail", "fail"));
    for name in [
        "limit memory",
        "sandbox",
        "Landlock",
        "seccomp",
        "open files",
        "disk state",
        "DNS",
        "clock",
        "init",
        "supervision",
    ] {
        assert_ne!(state(name), "fail", "{findings}");
    }

    let output = agent(&["doctor"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.starts_with("fail  "), "what needs a hand comes first: {text}");
    assert!(text.ends_with(" fail\n"), "{text}");
}
