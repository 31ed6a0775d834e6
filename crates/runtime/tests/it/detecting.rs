//! What is found, what is believed, what is refused.

use std::time::Duration;

use attune_runtime::{Depth, DetectOptions, Selection, builtin_specs};

use crate::fake::{FakeFolder, block_on, detect, found, mode};

#[test]
fn every_version_is_found_and_the_plain_name_comes_first() {
    let folder = FakeFolder::new();
    folder.add("python3", "echo Python 3.11.2");
    folder.add("python3.9", "echo Python 3.9.1");
    folder.add("python3.12", "echo Python 3.12.4");
    folder.add("python3-config", "echo Python 9.9.9");
    folder.add("node", "echo v20.11.1");
    let detection = folder.detect();
    assert_eq!(
        found(&detection),
        ["python python3 3.11.2", "python python3.12 3.12.4", "python python3.9 3.9.1", "node node 20.11.1"]
    );
    assert!(detection.warnings.is_empty(), "{:?}", detection.warnings);
}

#[test]
fn one_file_under_several_names_is_one_interpreter() {
    let folder = FakeFolder::new();
    let real = folder.add("python3.11", "echo Python 3.11.2");
    std::os::unix::fs::symlink(&real, folder.path().join("python3")).expect("linked");
    std::os::unix::fs::symlink(&real, folder.path().join("python")).expect("linked");
    std::fs::hard_link(&real, folder.path().join("python3.11.2")).expect("linked");
    assert_eq!(found(&folder.detect()), ["python python3 3.11.2"]);
}

#[test]
fn of_a_version_managers_shims_only_the_plain_names_count() {
    let folder = FakeFolder::new();
    let shims = folder.path().join("shims");
    std::fs::create_dir(&shims).expect("made");
    for (name, body) in [("python3", "echo Python 3.11.2"), ("python3.12", "echo not switched on >&2; exit 127")] {
        std::fs::rename(folder.add(name, body), shims.join(name)).expect("moved");
    }
    let mut options = folder.options();
    options.path = shims.into_os_string();
    let detection = block_on(detect(&options));
    assert_eq!(found(&detection), ["python python3 3.11.2"]);
    assert!(detection.warnings.is_empty(), "{:?}", detection.warnings);
}

#[test]
fn a_program_that_hangs_is_left_out_and_the_others_are_not_held_up() {
    let folder = FakeFolder::new();
    folder.add("python3", "trap '' TERM; while :; do sleep 1000; done");
    folder.add("ruby", "sleep 1000 & wait");
    folder.add("node", "echo v18.0.0");
    let mut options = folder.options();
    options.limit = Duration::from_millis(400);
    let detection = block_on(detect(&options));
    assert_eq!(found(&detection), ["node node 18.0.0"]);
    assert_eq!(detection.warnings.len(), 2, "{:?}", detection.warnings);
    let expected = "did not tell its version within 0.4 s";
    assert!(detection.warnings.iter().all(|warning| warning.ends_with(expected)), "{:?}", detection.warnings);
}

#[test]
fn a_program_that_prints_a_gibibyte_costs_no_memory_and_is_judged_by_its_first_words() {
    let folder = FakeFolder::new();
    folder.add("node", "echo v18.0.0; exec head -c 1073741824 /dev/zero");
    folder.add("perl", "exec cat /dev/zero");
    let mut options = folder.options();
    options.limit = Duration::from_secs(20);
    options.selection = Selection::of(["node"]);
    let detection = block_on(detect(&options));
    assert_eq!(found(&detection), ["node node 18.0.0"], "{:?}", detection.warnings);
    options.limit = Duration::from_millis(200);
    options.selection = Selection::of(["perl"]);
    assert_eq!(block_on(detect(&options)).warnings.len(), 1);
}

#[test]
fn what_a_program_prints_is_never_shown_raw() {
    let folder = FakeFolder::new();
    folder.add("python3", r"printf 'Python 3.11.2\033[2J\007\n'");
    folder.add("node", r"printf '\033]0;owned\007\033[2J\n'");
    folder.add("ruby", r"printf 'bad\033[2J' >&2; exit 1");
    let detection = folder.detect();
    assert_eq!(found(&detection), ["python python3 3.11.2"]);
    assert_eq!(detection.warnings.len(), 2, "{:?}", detection.warnings);
    let shown = format!("{:?}", detection.warnings.concat()) + &detection.warnings.concat();
    assert!(!shown.chars().any(char::is_control), "{shown:?}");
}

#[test]
fn nothing_is_run_that_everybody_could_have_put_there() {
    let folder = FakeFolder::new();
    let proof = FakeFolder::new();
    folder.add("python3", &format!("touch {}/ran; echo Python 3.11.2", proof.path().display()));
    mode(folder.path(), 0o1777);
    let detection = folder.detect();
    assert!(found(&detection).is_empty());
    assert!(detection.warnings[0].contains("everybody may write"), "{:?}", detection.warnings);
    assert!(!proof.path().join("ran").exists());

    // Neither by a link from a folder that is in order, nor when only the file itself is open to all.
    let honest = FakeFolder::new();
    std::os::unix::fs::symlink(folder.path().join("python3"), honest.path().join("python3")).expect("linked");
    mode(&honest.add("node", "echo v18.0.0"), 0o757);
    let detection = honest.detect();
    assert!(found(&detection).is_empty(), "{detection:?}");
    assert_eq!(detection.warnings.len(), 2);
    assert!(!proof.path().join("ran").exists());
}

#[test]
fn broken_programs_are_reported_with_their_own_words() {
    let folder = FakeFolder::new();
    folder.add("python3", "echo 'pyenv: python3: command not found' >&2; exit 127");
    folder.add("node", "echo no version here");
    folder.add("ruby", "kill -SEGV $$");
    let text = folder.path().join("perl");
    std::fs::write(&text, "neither script nor binary").expect("written");
    mode(&text, 0o755);
    let detection = folder.detect();
    assert!(found(&detection).is_empty());
    let warnings = detection.warnings.join("\n");
    for expected in ["pyenv: python3: command not found", "no version here", "ruby is not used", "perl is not used"] {
        assert!(warnings.contains(expected), "{expected}: {warnings}");
    }
}

#[test]
fn a_shell_that_refuses_to_tell_its_version_is_still_a_shell() {
    let folder = FakeFolder::new();
    folder.add("sh", "echo 'sh: 0: Illegal option --' >&2; exit 2");
    assert_eq!(found(&folder.detect()), ["shell sh "]);
}

#[test]
fn without_any_interpreter_native_remains() {
    let folder = FakeFolder::new();
    let detection = folder.detect();
    assert_eq!(detection.interpreters.len(), 1);
    assert_eq!(detection.interpreters[0].runtime, "native");
}

#[test]
fn a_selection_looks_for_nothing_else_and_names_what_is_unknown() {
    let folder = FakeFolder::new();
    folder.add("python3", "echo Python 3.11.2");
    folder.add("node", "echo v20.11.1");
    let mut options = folder.options();
    options.selection = Selection::of(["NODE", "cobol"]);
    let detection = block_on(detect(&options));
    assert_eq!(found(&detection), ["node node 20.11.1"]);
    assert_eq!(detection.warnings, ["there is no runtime called cobol"]);
}

#[test]
fn for_a_single_script_nothing_is_run() {
    let folder = FakeFolder::new();
    folder.add("python3", &format!("touch {}/ran", folder.path().display()));
    let mut options = folder.options();
    options.depth = Depth::FirstUnproved;
    options.selection = Selection::of(["python"]);
    assert_eq!(found(&block_on(detect(&options))), ["python python3 "]);
    assert!(!folder.path().join("ran").exists());
}

#[test]
fn the_interpreters_of_this_machine_are_found() {
    let detection = block_on(detect(&DetectOptions::new(builtin_specs(), "/usr/bin:/bin")));
    for runtime in ["shell", "bash", "python", "node", "native"] {
        assert!(detection.interpreters.iter().any(|one| one.runtime == runtime), "{runtime}: {detection:?}");
    }
}
