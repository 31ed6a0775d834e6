//! From a requirement to a script that ran.

use std::fs;

use attune_process::How;
use attune_runtime::{CleanEnvironment, DetectOptions, Registry, Script, builtin_specs, guess_runtime, with_builtin};
use attune_types::Requirement;

use crate::fake::{FakeFolder, block_on, detect, launcher, mode};

const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Writes `content` as `name`, guesses its runtime, resolves it and runs it.
fn output_of(name: &str, content: &str, version: Option<&str>) -> String {
    let pack = FakeFolder::new();
    let path = pack.path().join(name);
    fs::write(&path, content).expect("written");
    mode(&path, 0o755);
    fs::create_dir(pack.path().join("lib")).expect("made");
    fs::write(pack.path().join("lib/helper.py"), "WORD = 'from the pack'").expect("written");
    let specs = builtin_specs();
    let runtime = guess_runtime(&specs, name, content.lines().next().unwrap_or_default()).unwrap_or("native");
    let requirement = Requirement {
        runtime: runtime.to_owned(),
        version: version.map(|text| text.parse().expect("a constraint")),
        ..Requirement::default()
    };
    let collected = block_on(async {
        let detection = detect(&DetectOptions::for_one(specs.clone(), PATH, &requirement)).await;
        let registry = Registry::new(with_builtin(specs), detection);
        let resolved = registry.resolve(&requirement).expect("there is an interpreter");
        let script = Script { path, pack_dir: Some(pack.path().to_owned()), ..Script::default() };
        let environment = CleanEnvironment::from_inherited([("PATH".into(), PATH.into())]);
        launcher().run_to_end(registry.command_for(&resolved, &script, &environment)).await.expect("spawns")
    });
    assert_eq!(collected.ended.how, How::Exited(0), "{}", String::from_utf8_lossy(&collected.stderr));
    String::from_utf8(collected.stdout).expect("text")
}

#[test]
fn scripts_run_under_the_interpreter_they_want() {
    assert_eq!(output_of("a.sh", "echo shell", None), "shell\n");
    assert_eq!(output_of("tool", "#!/usr/bin/env bash\necho \"${BASH_VERSION:+bash}\"", None), "bash\n");
    assert_eq!(output_of("a.py", "import helper; print(helper.WORD)", None), "from the pack\n");
    assert_eq!(output_of("a.js", "console.log([1, 2].length)", None), "2\n");
    assert_eq!(output_of("tool", "#!/bin/cat\n", None), "#!/bin/cat\n");
}

#[test]
fn a_version_constraint_is_met_by_a_version_that_was_asked_for() {
    let printed = output_of("a.py", "import sys; print(sys.version_info[0])", Some(">=3.6"));
    assert_eq!(printed, "3\n");
}

#[test]
fn a_script_sees_nothing_of_this_process() {
    let printed = output_of("a.sh", "env | cut -d= -f1 | sort | tr '\\n' ' '", None);
    // PWD, SHLVL and _ are made by the shell itself.
    let mut names: Vec<&str> =
        printed.split_whitespace().filter(|name| !["PWD", "SHLVL", "_", "OLDPWD"].contains(name)).collect();
    names.dedup();
    // Those that name the user are not there when the machine has no account for it.
    names.retain(|name| !["USER", "LOGNAME"].contains(name));
    assert_eq!(names, ["HOME", "LANG", "PATH"]);
}
