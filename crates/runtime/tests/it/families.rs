//! Every family by what its real program prints, and where images hide them.

use std::fs;
use std::os::unix::fs::symlink;

use attune_runtime::{DetectOptions, Selection, builtin_specs};
use attune_types::Libc;

use crate::fake::{FakeFolder, block_on, detect, found, launcher, mode};

/// Name, what the version command prints, and what is to be found.
const FAMILIES: &[(&str, &str, &str)] = &[
    ("sh", "echo 'GNU bash, version 5.2.15(1)-release (x86_64-pc-linux-gnu)'", "shell sh 5.2.15"),
    ("bash", "echo 'GNU bash, version 5.2.15(1)-release (x86_64-pc-linux-gnu)'", "bash bash 5.2.15"),
    ("python3", "echo Python 3.11.2", "python python3 3.11.2"),
    ("node", "echo v20.11.1", "node node 20.11.1"),
    ("ruby", "echo 'ruby 3.1.2p20 (2022-04-12 revision 4491bb740a) [x86_64-linux-gnu]'", "ruby ruby 3.1.2"),
    ("perl", "printf v5.36.0", "perl perl 5.36.0"),
    ("go", "[ \"$1\" = version ] && echo go version go1.19.8 linux/amd64", "go go 1.19.8"),
    ("java", "echo 'openjdk version \"17.0.9\" 2023-10-17' >&2", "java java 17.0.9"),
    ("Rscript", "echo 'Rscript (R) version 4.2.2 (2022-10-31)'", "r Rscript 4.2.2"),
    ("php", "echo 'PHP 8.2.7 (cli) (built: Jun  9 2023 19:37:27) (NTS)'", "php php 8.2.7"),
    ("lua5.4", "echo 'Lua 5.4.4  Copyright (C) 1994-2022 Lua.org, PUC-Rio'", "lua lua5.4 5.4.4"),
    ("deno", "echo 'deno 1.40.2 (release, x86_64-unknown-linux-gnu)'", "deno deno 1.40.2"),
    ("bun", "echo 1.0.25", "bun bun 1.0.25"),
    ("pwsh", "echo PowerShell 7.4.1", "powershell pwsh 7.4.1"),
    (
        "dotnet",
        "[ \"$1\" = --list-runtimes ] && printf '%s\\n' 'Microsoft.NETCore.App 6.0.26 [/x]' 'Microsoft.NETCore.App 8.0.1 [/x]' 'Other 9.9.9'",
        "dotnet dotnet 8.0.1",
    ),
    ("tclsh8.6", "read -r line; [ \"$line\" = 'puts [info patchlevel]' ] && echo 8.6.13", "tcl tclsh8.6 8.6.13"),
];

#[test]
fn every_family_is_found_by_what_it_says_of_itself() {
    let folder = FakeFolder::new();
    for (name, body, _) in FAMILIES {
        folder.add(name, body);
    }
    let detection = folder.detect();
    let expected: Vec<&str> = FAMILIES.iter().map(|(_, _, expected)| *expected).collect();
    assert_eq!(found(&detection), expected, "{:?}", detection.warnings);
    assert_eq!(detection.warnings, Vec::<String>::new());
    let named: Vec<String> = builtin_specs().into_iter().map(|spec| spec.name).collect();
    for name in named {
        assert!(detection.interpreters.iter().any(|one| one.runtime == name), "{name} has no line in the table");
    }
}

#[test]
fn version_managers_and_odd_corners_are_searched_and_every_version_is_kept() {
    let home = FakeFolder::new();
    for (place, body) in [
        (".pyenv/versions/3.12.1/bin/python3.12", "echo Python 3.12.1"),
        (".pyenv/versions/3.9.18/bin/python3.9", "echo Python 3.9.18"),
        (".nvm/versions/node/v18.1.0/bin/node", "echo v18.1.0"),
        (".sdkman/candidates/java/21.0.1-tem/bin/java", "echo 'openjdk version \"21.0.1\"' >&2"),
        ("elsewhere/bin/go", "echo go version go1.21.5 linux/amd64"),
    ] {
        let path = home.path().join(place);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::rename(home.add("new", body), path).expect("moved");
    }
    let pyenv = home.path().join(".pyenv");
    fs::create_dir(pyenv.join("shims")).expect("made");
    fs::rename(home.add("new", "echo Python 3.12.1"), pyenv.join("shims/python3")).expect("moved");
    let mut options = DetectOptions::new(builtin_specs(), pyenv.join("shims")).in_environment([
        ("HOME".into(), home.path().into()),
        ("GOROOT".into(), home.path().join("elsewhere").into()),
        ("PYENV_ROOT".into(), pyenv.into()),
    ]);
    options.places = Vec::new();
    // What this machine has in places that are named absolutely is not asked.
    for spec in &mut options.specs {
        spec.detection.places.retain(|place| !place.starts_with('/'));
    }
    let detection = block_on(detect(&options));
    assert_eq!(
        found(&detection),
        [
            // The shim says 3.12.1 too: what it starts is there itself.
            "python python3.12 3.12.1",
            "python python3.9 3.9.18",
            "node node 18.1.0",
            "go go 1.21.5",
            "java java 21.0.1"
        ],
        "{:?}",
        detection.warnings
    );
}

#[test]
fn a_pipe_a_directory_a_broken_link_and_a_circle_are_told_and_passed_over() {
    let folder = FakeFolder::new();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("python3")).expect("made");
    symlink("gone", at("node")).expect("linked");
    symlink("perl", at("ruby")).expect("linked");
    symlink("ruby", at("perl")).expect("linked");
    let mkfifo = attune_process::Command::new("/bin/mkfifo").arguments([at("php").into_os_string()]);
    let made = block_on(async { launcher().run_to_end(mkfifo).await.expect("mkfifo") });
    assert!(made.ended.is_success());
    let _socket = std::os::unix::net::UnixListener::bind(at("bun")).expect("bound");
    folder.add("lua", "echo Lua 5.4.4");
    let detection = folder.detect();
    assert_eq!(found(&detection), ["lua lua 5.4.4"]);
    let warnings = detection.warnings.join("\n");
    for expected in [
        "python3 is not used: it is a directory",
        "node is not used: it is a link to something that does not exist",
        "ruby is not used: its links lead in a circle",
        "perl is not used: its links lead in a circle",
        "php is not used: it is a pipe, a socket or a device",
        "bun is not used: it is a pipe, a socket or a device",
    ] {
        assert!(warnings.contains(expected), "{expected}: {warnings}");
    }
}

#[test]
fn a_folder_full_of_programs_that_hang_costs_a_bounded_time_and_is_told_in_bounded_words() {
    let folder = FakeFolder::new();
    for number in 0..200 {
        folder.add(&format!("python3.{number}"), "exec sleep 1000");
    }
    folder.add("node", "echo v18.0.0");
    let mut options = folder.options();
    options.limit = std::time::Duration::from_millis(300);
    let begun = std::time::Instant::now();
    let detection = block_on(detect(&options));
    // Each program alone would take 60 s in all.
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    assert!(found(&detection).iter().all(|found| found.starts_with("node")), "{detection:?}");
    assert!(detection.warnings.len() <= 60, "{}", detection.warnings.len());
    assert!(detection.warnings.iter().any(|warning| warning.contains("more than 32 programs may be python")));
}

#[test]
fn a_runtime_that_is_asked_for_and_not_there_is_told() {
    let folder = FakeFolder::new();
    folder.add("python3", "echo Python 3.11.2");
    let mut options = folder.options();
    options.selection = Selection::of(["PY", "Ruby", "cobol"]);
    let detection = block_on(detect(&options));
    assert_eq!(found(&detection), ["python python3 3.11.2"]);
    assert_eq!(
        detection.warnings,
        ["there is no runtime called cobol", "ruby was asked for, but none was found (looked for ruby)"]
    );
}

#[test]
fn where_nothing_answers_the_shell_is_taken_as_it_is() {
    let folder = FakeFolder::new();
    folder.add("sh", "exec sleep 1000");
    let mut options = folder.options();
    options.limit = std::time::Duration::from_millis(200);
    let detection = block_on(detect(&options));
    assert_eq!(found(&detection), ["shell sh "]);
    assert_eq!(detection.warnings.len(), 1, "{:?}", detection.warnings);
}

#[test]
fn a_definition_for_some_versions_takes_no_other() {
    let folder = FakeFolder::new();
    folder.add("python3", "echo Python 3.11.2");
    folder.add("python3.12", "echo Python 3.12.4");
    let mut options = folder.options();
    let python = options.specs.iter_mut().find(|spec| spec.name == "python").expect("built in");
    python.versions = vec![">=3.12".parse().expect("a constraint")];
    assert_eq!(found(&block_on(detect(&options))), ["python python3.12 3.12.4"]);
    let python = options.specs.iter_mut().find(|spec| spec.name == "python").expect("built in");
    python.versions = vec![">=3.13".parse().expect("a constraint")];
    let detection = block_on(detect(&options));
    assert!(found(&detection).is_empty());
    let expected = "no python of a version that its definition is for was found (there is 3.11.2, 3.12.4)";
    assert_eq!(detection.warnings, [expected]);
}

#[test]
fn hints_replace_and_add_and_what_they_name_wrongly_changes_nothing() {
    let folder = FakeFolder::new();
    folder.add("python3", "echo Python 3.11.2");
    folder.add("ruby", "echo ruby 3.1.2");
    let own = FakeFolder::new();
    let special = own.add("snake", "[ \"$1\" = -V ] && echo 'Python 3.13.1 special'");
    let ml = own.add("python3.10", "echo Python 3.10.2");
    let hints = own.path().join("hints.yaml");
    let text = format!(
        "runtimes:\n- {{name: Py, interpreter: {}, version_command: snake -V}}\n\
         - {{name: custom-ml, interpreter: {}, file_extension: .py}}\n- {{name: ruby, interpreter: /does/not/exist}}\n",
        special.display(),
        ml.display()
    );
    fs::write(&hints, text).expect("written");
    let options = folder.options().with_hints(Some(&hints));
    let detection = block_on(detect(&options));
    assert_eq!(
        found(&detection),
        ["python snake 3.13.1", "ruby ruby 3.1.2", "custom-ml python3.10 3.10.2"],
        "{:?}",
        detection.warnings
    );
    assert_eq!(detection.warnings.len(), 1, "{:?}", detection.warnings);
    assert!(detection.warnings[0].contains("hints.yaml:4:29: ruby is left as it is: /does/not/exist is not there"));
    let python = detection.interpreters.iter().find(|one| one.runtime == "python").expect("there");
    assert_eq!(python.note, format!("from {}", hints.display()));

    // The list of runtimes comes before the hints: what is not asked for is not there.
    let names = ["custom-ML".to_owned()];
    assert_eq!(found(&block_on(detect(&options.wanting(&names)))), ["custom-ml python3.10 3.10.2"]);

    mode(&hints, 0o666);
    let detection = block_on(detect(&folder.options().with_hints(Some(&hints))));
    assert_eq!(found(&detection), ["python python3 3.11.2", "ruby ruby 3.1.2"]);
    assert!(detection.warnings[0].contains("is passed over: everybody may write"), "{:?}", detection.warnings);
}

#[test]
fn an_interpreter_is_described_by_its_file() {
    let folder = FakeFolder::new();
    folder.add("python3", "echo Python 3.11.2");
    let detection = folder.detect();
    let python = &detection.interpreters.iter().find(|one| one.runtime == "python").expect("there");
    let real = fs::canonicalize(&python.path).expect("there");
    assert_eq!(python.real_path, real.to_string_lossy());
    // A script is for what starts it, here /bin/sh.
    let system = block_on(detect(&DetectOptions::new(builtin_specs(), "/usr/bin:/bin").only_in_path()));
    let shell = system.interpreters.iter().find(|one| one.runtime == "shell").expect("every machine has one");
    assert_eq!((python.libc, &python.architecture), (shell.libc, &shell.architecture));
    assert_eq!(shell.architecture, std::env::consts::ARCH);
    assert!(matches!(shell.libc, Some(Libc::Glibc | Libc::Musl | Libc::None)));
}
