//! Commands about packs, actions, configuration and completions.

use crate::fixture::Place;

#[test]
fn a_broken_pack_is_named_by_file_line_and_column() {
    let place = Place::new();
    place.write("broken/pack.yaml", "ref: broken\nversion: 1.0.0\nlabl: Broken\n");
    let ran = place.run(&["pack", "check", "broken"]);
    assert_eq!(ran.code, Some(64), "{ran:?}");
    assert!(ran.stdout.contains("pack.yaml:3:1: ") && ran.stdout.contains("label"), "{ran:?}");
    assert_eq!(place.run(&["pack", "check", "packs/proof"]).code, Some(0));
}

#[test]
fn packs_and_actions_are_listed_without_a_server() {
    let place = Place::new();
    let packs = place.run(&["pack", "list", "-o", "name"]);
    assert_eq!(packs.stdout, "core\nexamples\nproof\n", "{packs:?}");
    let actions = place.run(&["action", "list", "--pack", "proof", "-o", "name"]);
    assert!(actions.stdout.contains("proof.number\n"), "{actions:?}");
    let shown = place.run(&["action", "show", "proof.number"]);
    assert!(shown.stdout.contains("count") && shown.stdout.contains("integer"), "{shown:?}");
}

#[test]
fn the_configuration_says_where_values_come_from() {
    let place = Place::new();
    let ran = place.run(&["config", "show", "--origin"]);
    assert!(ran.stdout.contains("ATTUNE__PACKS__DIRECTORIES"), "{ran:?}");
    let ran = place.run(&["config", "show"]);
    assert!(ran.code == Some(0) && !ran.stdout.contains("# "), "{ran:?}");
}

#[test]
fn completions_and_help_are_printed_for_people() {
    let place = Place::new();
    assert!(place.run(&["completions", "bash"]).stdout.contains("_attune"));
    let help = place.run(&["run", "--help"]);
    assert!(help.code == Some(0) && help.stdout.contains("Examples:") && help.stdout.contains("124"), "{help:?}");
}

#[test]
fn a_new_pack_is_checked_tested_installed_and_run() {
    let place = Place::new();
    for runtime in ["shell", "python", "perl"] {
        let name = format!("new-{runtime}");
        let made = place.run(&["pack", "init", &name, "--runtime", runtime, "--into", "fresh"]);
        assert_eq!(made.code, Some(0), "{made:?}");
        let folder = format!("fresh/{name}");
        assert_eq!(place.run(&["pack", "check", &folder]).code, Some(0));
        let tested = place.run(&["pack", "test", &folder, "-o", "json"]);
        assert_eq!(tested.code, Some(0), "{tested:?}");
        let verdicts: Vec<_> =
            tested.json().as_array().expect("a list").iter().map(|case| case["verdict"].clone()).collect();
        assert_eq!(verdicts, ["ok", "ok"], "{tested:?}");
        let installed = place.run(&["pack", "install", &folder, "-o", "json"]);
        assert_eq!(installed.code, Some(0), "{installed:?}");
        assert_eq!(installed.json()["pack"], name);
        let ran = place.run(&["run", &format!("{name}.hello"), "name=Ada \"$(id)\""]);
        assert_eq!(ran.json()["greeting"], "Hello, Ada \"$(id)\"!", "{ran:?}");
    }
    let again = place.run(&["pack", "init", "new-shell", "--into", "fresh"]);
    assert!(again.code == Some(64) && again.stderr.contains("exists already"), "{again:?}");
}

#[test]
fn a_case_that_does_not_come_out_is_told_with_what_differs() {
    let place = Place::new();
    let cases = "- name: wrong count\n  action: proof.number\n  parameters: {count: 1}\n  expect: {exit: 3, stdout: xyz}\n\
                 - name: not refused\n  action: proof.number\n  parameters: {count: 1}\n  expect: {refused: count}\n\
                 - name: refused\n  action: proof.number\n  parameters: {count: 0}\n  expect: {refused: count}\n";
    place.write("packs/proof/tests/cases.yaml", cases);
    let ran = place.run(&["pack", "test", "packs/proof"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    for words in ["wrong count: exit code 0 instead of 3", "does not hold \"xyz\"", "not refused: count is not refused"]
    {
        assert!(ran.stderr.contains(words), "{words}: {ran:?}");
    }
    assert!(ran.stderr.contains("1 ok, 2 failed, 0 skipped"), "{ran:?}");
}

#[test]
fn an_archive_that_leaves_its_folder_is_refused_in_one_line() {
    let place = Place::new();
    let mut archive = Vec::new();
    let mut header = [0_u8; 512];
    header[..10].copy_from_slice(b"../escaped");
    header[100..107].copy_from_slice(b"0000644");
    header[124..135].copy_from_slice(b"00000000000");
    header[257..263].copy_from_slice(b"ustar\0");
    header[148..156].copy_from_slice(b"        ");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    archive.extend_from_slice(&header);
    archive.extend_from_slice(&[0; 1024]);
    std::fs::write(place.path("evil.tar"), archive).expect("written");
    let ran = place.run(&["pack", "install", "evil.tar", "--into", "target"]);
    assert_eq!(ran.code, Some(64), "{ran:?}");
    assert!(ran.stderr.contains("entry 1 \"../escaped\" leaves the pack"), "{ran:?}");
    assert!(!place.path("escaped").exists());
}

#[test]
fn a_pack_is_installed_from_a_git_repository() {
    let place = Place::new();
    place.run(&["pack", "init", "weather", "--runtime", "shell", "--into", "repository"]);
    let git = |arguments: &[&str]| {
        #[expect(clippy::disallowed_methods, reason = "the repository is made as a person makes it")]
        let mut command = std::process::Command::new("git");
        let identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "init.defaultBranch=main"];
        command.current_dir(place.path("repository")).args(identity).args(arguments).env("HOME", place.path(""));
        assert!(command.output().expect("git is here").status.success(), "{arguments:?}");
    };
    git(&["init", "--quiet"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "-m", "one"]);
    git(&["tag", "v1"]);
    let address = format!("file://{}", place.path("repository").display());
    let install = |extra: &[&str]| place.run(&[&["pack", "install", &address, "-o", "json"], extra].concat());
    let installed = install(&["--ref", "v1", "--subdirectory", "weather"]);
    assert_eq!(installed.code, Some(0), "{installed:?}");
    assert_eq!(installed.json()["version"], "0.1.0");
    assert!(place.path("packs/weather/pack.yaml").is_file());
    let missing = install(&["--ref", "v9"]);
    assert!(missing.code == Some(64) && missing.stderr.contains("v9"), "{missing:?}");
    let outside = install(&["--subdirectory", "../x"]);
    assert!(outside.code == Some(64) && outside.stderr.contains("leaves the repository"), "{outside:?}");
}
