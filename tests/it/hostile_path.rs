//! A PATH that means harm: the agent says what it does not use, and goes on.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use attune_end_to_end::Program;
use serde_json::json;

use crate::languages::{detected, versions};
use crate::scratch::{Scratch, Site, figure, mark_executable};

/// What the machine itself offers: whatever the one who runs the tests has on a PATH and at home is not asked.
const SYSTEM: &str = "/usr/local/bin:/usr/bin:/bin";

/// Folders of a PATH, each with one program that means harm, and the file that tells whether anything of a folder that
/// everybody may write to was run.
fn hostile(scratch: &Scratch) -> String {
    let trap = scratch.place("out/trap");
    for (folder, program, text) in [
        ("open", "python3", format!("#!/bin/sh\necho run >> {trap}\necho Python 3.99.0\n")),
        ("hangs", "python3", "#!/bin/sh\ntrap '' TERM\nsleep 600 &\nwait\n".to_owned()),
        ("floods", "ruby", "#!/bin/sh\nhead -c 1073741824 /dev/zero | tr '\\0' 'x'\n".to_owned()),
        ("paints", "node", "#!/bin/sh\nprintf '\\033[2J\\033]0;owned\\007v\\033[31m99.0.0\\n'\n".to_owned()),
        ("crashes", "perl", "#!/bin/sh\nprintf 'no\\033[1m luck\\n' >&2\nkill -SEGV $$\n".to_owned()),
    ] {
        mark_executable(&scratch.write(&format!("{folder}/{program}"), text));
    }
    let everybody = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(scratch.path("open"), everybody).expect("it is ours");
    let folders = ["open", "hangs", "floods", "paints", "crashes"].map(|folder| scratch.place(folder));
    // What is relative would mean something else in every folder.
    format!("{}:.:bin:{SYSTEM}", folders.join(":"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_means_harm_on_the_path_is_told_and_not_used_and_work_goes_on() {
    let scratch = Scratch::create();
    let path = hostile(&scratch);
    let home = scratch.place("out");
    let surroundings = [("PATH", path.as_str()), ("HOME", home.as_str())];
    let begun = Instant::now();
    let found = detected(&surroundings);
    figure(&format!("a hostile PATH: looked at in {:?}", begun.elapsed()));
    let said = found["warnings"].as_array().expect("a list");
    let warning = |folder: &str| {
        let place = scratch.place(folder);
        let about = said.iter().filter_map(|line| line.as_str()).find(|line| line.contains(&place));
        about.unwrap_or_else(|| panic!("nothing is said about {folder}: {said:#?}")).to_owned()
    };
    for (folder, words) in [("open", "everybody"), ("hangs", "did not tell its version"), ("crashes", "luck")] {
        assert!(warning(folder).contains(words), "{}", warning(folder));
    }
    let text = found.to_string();
    assert!(!text.contains("\\u001b") && !text.contains("\\u0007"), "nothing moves a cursor: {text}");
    // The slowest look is told, too, whether anything came of it or not.
    let interpreters = found["interpreters"].to_string();
    let used = |folder: &str| interpreters.contains(&format!("\"path\":\"{}/", scratch.place(folder)));
    assert!(!used("open") && !used("hangs") && !used("crashes"), "{text}");
    assert!(!scratch.path("out/trap").exists(), "what everybody may write to is never run");
    // Those behind them are found all the same.
    let versions = versions(&found);
    assert!(versions.get("python").is_some_and(|found| !found.contains(&"3.99.0".to_owned())), "{versions:?}");

    scratch.action("plain.show", "shell", ("show.sh", "echo '{\"ran\": true}'\n"), "output_format: json\n");
    scratch.action("plain.snake", "python", ("show.py", "print('{\"ran\": true}')\n"), "output_format: json\n");
    let mut site = Site::serving(&scratch.packs()).await;
    site.agent("brave", &surroundings);
    site.deployment.wait_for_workers(1).expect("it starts all the same");
    for action in ["plain.show", "plain.snake"] {
        assert_eq!(site.run(action, &json!({})), json!({"ran": true}), "{action}");
    }
    let printed = site.deployment.workers[0].printed();
    assert!(printed.contains(&scratch.place("open")), "it is in the log: {printed}");
    assert!(!printed.contains('\u{1b}'), "{printed}");
    assert!(!scratch.path("out/trap").exists(), "what everybody may write to is never run");
    assert_none_left(&scratch.place("hangs"));
}

/// No process of a program in this folder is left.
fn assert_none_left(folder: &str) {
    let left = std::fs::read_dir("/proc").expect("there").flatten().find_map(|entry| {
        let line = std::fs::read(entry.path().join("cmdline")).ok()?;
        String::from_utf8_lossy(&line).contains(folder).then(|| entry.path().display().to_string())
    });
    assert_eq!(left, None);
}

/// For people the same: a table, with the warnings below it.
#[test]
fn people_see_a_table_without_control_characters() {
    let scratch = Scratch::create();
    let path = hostile(&scratch);
    let folder: &Path = &scratch.path("out");
    let home = scratch.place("out");
    let surroundings = [("PATH", path.as_str()), ("HOME", home.as_str())];
    let mut agent =
        Program::start("attune-agent", "table", &["--detect-only"], &surroundings, folder).expect("it starts");
    assert_eq!(agent.wait(Duration::from_secs(60)).expect("it ends"), 0, "{}", agent.printed());
    let printed = agent.printed();
    assert!(printed.starts_with("RUNTIME") && printed.contains("warning: "), "{printed}");
    assert!(printed.chars().all(|character| !character.is_control() || character == '\n'), "{printed:?}");
}
