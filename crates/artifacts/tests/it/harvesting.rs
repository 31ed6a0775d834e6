//! A directory that an attempt left behind, with everything in it that is meant to do harm.

use std::ffi::{CString, OsStr};
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;

use attune_artifacts::{Harvest, HarvestLimits};
use attune_types::{ArtifactRule, DetailedArtifactRule};

const LIMITS: HarvestLimits = HarvestLimits { files: 100, bytes: 1 << 20 };

fn everything() -> Vec<ArtifactRule> {
    vec!["**".into()]
}

fn look(directory: &Path, limits: HarvestLimits) -> Harvest {
    Harvest::look(directory, &everything(), limits).expect("readable")
}

fn names(harvest: &Harvest) -> Vec<&str> {
    harvest.found.iter().map(|found| found.name.as_str()).collect()
}

fn make_node(path: &Path, kind: libc::mode_t) -> bool {
    let path = CString::new(path.as_os_str().as_bytes()).expect("no NUL");
    // SAFETY: the path is a text with its end, and the call touches no other memory of ours.
    unsafe { libc::mknod(path.as_ptr(), kind | 0o600, libc::makedev(1, 3)) == 0 }
}

#[test]
fn ordinary_files_are_taken_and_only_those_that_were_asked_for() {
    let directory = tempfile::tempdir().expect("a directory");
    let root = directory.path();
    fs::create_dir_all(root.join("a/b")).expect("made");
    for name in ["report.txt", "a/b/deep.txt", "a/other", "unasked"] {
        fs::write(root.join(name), name).expect("written");
    }
    let rules = ["*.txt".into(), "a/**".into()];
    let harvest = Harvest::look(root, &rules, LIMITS).expect("readable");
    assert_eq!(names(&harvest), ["a/b/deep.txt", "a/other", "report.txt"]);
    assert!(harvest.refused.is_empty() && harvest.missing.is_empty());
    let mut text = String::new();
    harvest.open(&harvest.found[0]).expect("opens").read_to_string(&mut text).expect("reads");
    assert_eq!(text, "a/b/deep.txt");
}

#[test]
fn whatever_is_no_plain_file_of_its_own_is_refused_by_name_and_nothing_waits_for_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let outside = tempfile::NamedTempFile::new_in(directory.path()).expect("a file");
    let root = directory.path().join("left");
    fs::create_dir(&root).expect("made");
    symlink("/etc/hostname", root.join("link")).expect("made");
    symlink("/etc", root.join("folder")).expect("made");
    assert!(make_node(&root.join("pipe"), libc::S_IFIFO));
    let has_device = make_node(&root.join("device"), libc::S_IFCHR);
    let _socket = UnixListener::bind(root.join("socket")).expect("bound");
    fs::hard_link(outside.path(), root.join("hard")).expect("linked");
    fs::write(root.join("own"), "x").expect("written");
    fs::hard_link(root.join("own"), root.join("own-too")).expect("linked");
    let harvest = look(&root, LIMITS);
    assert_eq!(names(&harvest), ["own", "own-too"], "links inside the directory are its own");
    let mut expected = vec![
        "artifact 'folder' is a symbolic link; only regular files are kept",
        "artifact 'hard' is a hard link to a file outside the artifact directory",
        "artifact 'link' is a symbolic link; only regular files are kept",
        "artifact 'pipe' is a named pipe; only regular files are kept",
        "artifact 'socket' is a socket; only regular files are kept",
    ];
    if has_device {
        expected.insert(0, "artifact 'device' is a device; only regular files are kept");
    }
    assert_eq!(harvest.refused, expected);
}

#[test]
fn names_that_do_harm_elsewhere_are_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let root = directory.path();
    for name in ["-rf", "CON", "aux.txt", "dot.", "x\u{1b}[2J", "gpj\u{202e}exe", "A.txt", "a.txt", "back\\slash"] {
        File::create(root.join(name)).expect("made");
    }
    File::create(root.join(OsStr::from_bytes(b"no\xfftext"))).expect("made");
    let harvest = look(root, LIMITS);
    assert_eq!(names(&harvest), ["A.txt"]);
    assert_eq!(
        harvest.refused,
        [
            "artifact name '-rf' has a part that begins with '-'",
            "artifact name 'CON' is a device on Windows",
            "artifact name 'a.txt' differs from 'A.txt' only in case",
            "artifact name 'aux.txt' is a device on Windows",
            "artifact name 'back\\slash' has a backslash",
            "artifact name 'dot.' has a part that ends with a dot or a space",
            "artifact name 'gpj\\u{202e}exe' has control characters",
            "artifact name 'no\u{fffd}text' is not text in UTF-8",
            "artifact name 'x\\u{1b}[2J' has control characters",
        ]
    );
}

#[test]
fn a_sparse_terabyte_counts_as_one_and_limits_hold() {
    let directory = tempfile::tempdir().expect("a directory");
    let root = directory.path();
    File::create(root.join("huge")).expect("made").set_len(1 << 40).expect("sparse");
    for index in 0..5 {
        fs::write(root.join(format!("small-{index}")), [0; 100]).expect("written");
    }
    let harvest = look(root, HarvestLimits { files: 3, bytes: 1_000 });
    assert_eq!(names(&harvest), ["small-0", "small-1", "small-2"]);
    assert_eq!(
        harvest.refused,
        [
            "artifact 'huge' has 1099511627776 bytes and 1000 may still be kept (artifacts.max_bytes)",
            "artifact 'small-3' is one file more than may be kept (artifacts.max_files)",
            "artifact 'small-4' is one file more than may be kept (artifacts.max_files)",
        ]
    );
    let harvest = look(root, HarvestLimits { files: 9, bytes: 250 });
    assert_eq!(names(&harvest), ["small-0", "small-1"]);
}

#[test]
fn what_is_swapped_after_the_look_is_not_followed() {
    let directory = tempfile::tempdir().expect("a directory");
    let root = directory.path();
    fs::create_dir(root.join("d")).expect("made");
    for name in ["swapped", "d/file", "grown", "piped"] {
        fs::write(root.join(name), "x").expect("written");
    }
    let harvest = look(root, LIMITS);
    let open = |name: &str| {
        let found = harvest.found.iter().find(|found| found.name == name).expect("it was there");
        harvest.open(found).map(drop)
    };
    fs::remove_file(root.join("swapped")).expect("removed");
    symlink("/etc/hostname", root.join("swapped")).expect("made");
    fs::rename(root.join("d"), root.join("e")).expect("moved");
    symlink("/etc", root.join("d")).expect("made");
    fs::write(root.join("grown"), "xx").expect("written");
    fs::remove_file(root.join("piped")).expect("removed");
    assert!(make_node(&root.join("piped"), libc::S_IFIFO));
    for name in ["swapped", "d/file", "grown", "piped"] {
        assert!(open(name).is_err(), "{name}");
    }
}

#[test]
fn a_required_file_that_is_not_there_is_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let required = |path: &str| ArtifactRule::Detailed(DetailedArtifactRule { path: path.to_owned(), required: true });
    symlink("/etc/hostname", directory.path().join("b.txt")).expect("made");
    fs::write(directory.path().join("c.txt"), "x").expect("written");
    let rules = [required("a.txt"), required("b.txt"), required("c.*"), "d.txt".into()];
    let harvest = Harvest::look(directory.path(), &rules, LIMITS).expect("readable");
    assert_eq!(harvest.missing, ["a.txt", "b.txt"]);
}

#[test]
fn a_bottomless_directory_is_given_up() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut path = directory.path().to_owned();
    for _ in 0..50 {
        path.push("d");
    }
    fs::create_dir_all(&path).expect("made");
    fs::write(path.join("deep"), "x").expect("written");
    let harvest = look(directory.path(), LIMITS);
    assert!(harvest.found.is_empty());
    assert_eq!(harvest.refused.len(), 1, "{:?}", harvest.refused);
}
