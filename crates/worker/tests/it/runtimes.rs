//! What a worker finds, what it tells of it, and which of several it uses.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use attune_config::{Config, Sources};
use attune_pack::{Overrides, inline_spec};
use attune_testkit::eventually;
use attune_types::{Capabilities, ExecutionSpec, InlineCode, LogStream, PackSpec, RuntimeSpec};
use attune_worker::Settings;
use serde_json::Map;

use crate::fixture::{Fixture, LONG, exited, in_system};

/// A program that tells a version and else who it is and what it got.
fn fake(folder: &Path, name: &str, version: &str) {
    let path = folder.join(name);
    let text = format!("#!/bin/sh\ncase \"$1\" in -*) echo '{version}' ;; *) echo \"{name} of ${{0%/*}}\" ;; esac\n");
    fs::write(&path, text).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("changed");
}

/// Settings of a worker whose machine has nothing but what is in `folder`.
fn settings(fixture: &Fixture, folder: &Path) -> Settings {
    let mut settings = fixture.settings();
    settings.child_environment.set("PATH", folder.into());
    settings.runtimes = None;
    settings
}

fn python(version: &str) -> ExecutionSpec {
    let code = InlineCode { name: "script.py".to_owned(), content: "print()".to_owned() };
    let mut spec = inline_spec(code, "python", &Overrides::default());
    spec.requirement.version = (!version.is_empty()).then(|| version.parse().expect("a constraint"));
    spec
}

#[test]
fn of_two_pythons_the_one_that_a_constraint_wants_runs_and_what_nobody_has_is_named() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let folder = fixture.directory.path().join("bin");
        fs::create_dir(&folder).expect("made");
        // No machine has pythons of these versions.
        fake(&folder, "python3", "Python 3.911.2");
        fake(&folder, "python3.912", "Python 3.912.4");
        fake(&folder, "python", "Python 2.7.18");
        let mut settings = settings(&fixture, &folder);
        settings.runtimes = Some(vec!["PY".into()]);
        let worker = fixture.builder(settings).start().await.expect("the worker starts");
        let capabilities: &Capabilities = worker.capabilities();
        let versions = &capabilities.runtime_versions["python"];
        assert_eq!(versions[0], "3.911.2", "what a shell would start is first");
        assert!(versions.contains(&"3.912.4".to_owned()), "{versions:?}");
        assert!(!versions.iter().any(|version| version.starts_with("2.")), "python means python 3");
        assert_eq!(capabilities.runtimes, ["core.python", "py", "python", "python3"]);
        for (constraint, expected) in
            [("", "python3 of"), (">=3.912", "python3.912 of"), ("<3.912, >=3.900", "python3 of")]
        {
            let id = fixture.run_spec(&worker, python(constraint), Map::new()).await;
            assert_eq!(fixture.ended(id).await.outcome, exited(0), "{constraint}");
            let output = fixture.output(id, LogStream::Stdout).await;
            assert!(output.starts_with(expected), "{constraint}: {output}");
        }
        let lacks = capabilities.lacks(&python(">=3.913").requirement);
        assert!(lacks[0].starts_with("python >=3.913 (has 3.911.2, "), "{lacks:?}");
        fixture.stop(&worker).await;
    });
}

#[test]
fn the_variable_comes_before_the_file_before_what_is_found() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let folder = fixture.directory.path().join("bin");
        fs::create_dir(&folder).expect("made");
        fake(&folder, "lua", "Lua 5.4.4");
        fake(&folder, "php", "PHP 8.2.7");
        fake(&folder, "sh", "1.2.3");
        let file = "worker: {capabilities: {runtimes: [LUA]}}\n";
        // In the environment, in the file, and what is offered then, as far as it is in the folder.
        let table: &[(&str, &str, &[&str])] = &[
            ("Php, tclsh-of-nowhere", file, &["php"]),
            ("SH", file, &["shell"]),
            ("core.lua,PHP", "", &["php", "lua"]),
            ("", file, &["lua"]),
            ("", "", &["shell", "php", "lua"]),
        ];
        for (variable, text, expected) in table {
            let path = fixture.directory.path().join("attune.yaml");
            let state = fixture.directory.path().join("config");
            fs::write(&path, format!("{text}paths: {{state_dir: {}}}\n", state.display())).expect("written");
            let environment = [("ATTUNE_WORKER_RUNTIMES", *variable)];
            let sources = Sources { file: Some(path), environment, overrides: Vec::new() };
            let from_config = Settings::from_config(&Config::load(sources).expect("loads"));
            let settings = Settings { runtimes: from_config.runtimes, ..settings(&fixture, &folder) };
            let worker = fixture.builder(settings).start().await.expect("the worker starts");
            let here = folder.display().to_string();
            let found = worker.capabilities().detected_interpreters.iter().filter(|one| one.path.starts_with(&here));
            let names: Vec<&str> = found.map(|one| one.runtime.as_str()).collect();
            assert_eq!(names, *expected, "{variable:?} {text:?}");
            fixture.stop(&worker).await;
        }
    });
}

#[test]
fn what_is_found_and_unknown_is_registered_and_what_is_declared_stays_as_it_is() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let folder = fixture.directory.path().join("bin");
        fs::create_dir(&folder).expect("made");
        fake(&folder, "lua", "Lua 5.4.4");
        fake(&folder, "ruby", "ruby 3.1.2");
        fake(&folder, "brew", "brew 7.1.0");
        let mine = RuntimeSpec {
            runtime_ref: "mine.gems".into(),
            name: "gems".into(),
            aliases: vec!["Ruby".into()],
            ..RuntimeSpec::default()
        };
        let template =
            RuntimeSpec { runtime_ref: "mine.tea".into(), name: "tea".into(), template: true, ..mine.clone() };
        let pack: PackSpec =
            serde_json::from_value(serde_json::json!({"ref": "mine", "version": "1.0.0"})).expect("reads");
        let contents = attune_store::PackContents { pack, actions: Vec::new(), runtimes: vec![mine.clone(), template] };
        fixture.store.put_pack(&contents).await.expect("stored");
        assert_eq!(fixture.store.runtimes().await.expect("runtimes"), [mine], "a template is not yet a runtime");

        let hints = fixture.directory.path().join("hints.yaml");
        let text = format!(
            "runtimes:\n- {{name: potions, interpreter: {}/brew, file_extension: .brew, version_command: brew -v}}\n\
             - {{name: node, interpreter: /does/not/exist}}\n",
            folder.display()
        );
        fs::write(&hints, text).expect("written");
        let mut settings = settings(&fixture, &folder);
        settings.runtimes = Some(["lua", "ruby", "potions", "node", "cobol"].map(str::to_owned).to_vec());
        settings.runtime_hints = Some(hints);
        let worker = fixture.builder(settings).start().await.expect("the worker starts");
        let runtimes = eventually("the runtimes that were found", LONG, || async {
            let runtimes = fixture.store.runtimes().await.expect("runtimes");
            let has = |name: &str| runtimes.iter().any(|one| one.name == name);
            (has("lua") && has("potions")).then_some(runtimes)
        })
        .await;
        let named = |name: &str| runtimes.iter().find(|one| one.name == name);
        let lua = named("lua").expect("there");
        assert!(lua.auto_detected && !lua.template);
        assert_eq!((lua.runtime_ref.as_str(), lua.execution_config.extension.as_str()), ("core.lua", "lua"));
        let potions = named("potions").expect("there");
        assert!(potions.auto_detected);
        assert_eq!(potions.execution_config.extension, "brew");
        assert!(potions.execution_config.interpreter.as_deref().is_some_and(|path| path.ends_with("/brew")));
        assert!(named("ruby").is_none(), "somebody declared it under another name");
        assert!(named("native").is_none(), "it has no interpreter");
        let offered = worker.capabilities();
        assert_eq!(offered.runtime_versions["potions"], ["7.1.0"]);
        let brew = offered.detected_interpreters.iter().find(|one| one.runtime == "potions").expect("there");
        assert!(brew.libc.is_some() && !brew.architecture.is_empty() && brew.note.starts_with("from "), "{brew:?}");
        fixture.stop(&worker).await;
    });
}

#[test]
fn a_definition_that_changes_counts_from_the_next_execution_on() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let folder = fixture.directory.path().join("bin");
        fs::create_dir(&folder).expect("made");
        fs::write(folder.join("brew"), "#!/bin/sh\necho \"7.1.0 $*\"\n").expect("written");
        fs::set_permissions(folder.join("brew"), fs::Permissions::from_mode(0o755)).expect("changed");
        let packs = fixture.directory.path().join("packs");
        fs::create_dir_all(packs.join("tea/runtimes")).expect("made");
        fs::write(packs.join("tea/pack.yaml"), "ref: tea\nversion: 1.0.0\n").expect("written");
        let define = |argument: &str| {
            let text = format!(
                "ref: tea.tea\nname: tea\nexecution_config: {{arguments: [{argument}]}}\n\
                 detection: {{binaries: [brew], version_arguments: [-v]}}\n"
            );
            fs::write(packs.join("tea/runtimes/tea.yaml"), text).expect("written");
        };
        define("--green");
        let mut settings = settings(&fixture, &folder);
        settings.runtimes = Some(vec!["tea".to_owned()]);
        settings.pack_directories = vec![packs.clone()];
        let worker = fixture.builder(settings).start().await.expect("the worker starts");
        let said = async || {
            let code = InlineCode { name: "pot".to_owned(), content: String::new() };
            let id = fixture.run_spec(&worker, inline_spec(code, "tea", &Overrides::default()), Map::new()).await;
            assert_eq!(fixture.ended(id).await.outcome, exited(0));
            fixture.output(id, LogStream::Stdout).await
        };
        assert!(said().await.starts_with("7.1.0 --green "));
        define("--black");
        eventually("the new definition", LONG, || async { said().await.starts_with("7.1.0 --black ").then_some(()) })
            .await;
        fixture.stop(&worker).await;
    });
}
