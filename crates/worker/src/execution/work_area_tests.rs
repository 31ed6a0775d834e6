use super::*;
use attune_types::{AttemptNumber, ExecutionId};
use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

struct Place {
    outer: tempfile::TempDir,
    areas: WorkAreas,
}

impl Place {
    fn new() -> Self {
        let outer = tempfile::tempdir().expect("a folder");
        let areas = WorkAreas::open(outer.path().join("work")).expect("opens");
        Self { outer, areas }
    }

    fn area(&self) -> WorkArea {
        self.areas.area(Key::new(ExecutionId(1), AttemptNumber(2)))
    }

    fn work(&self) -> PathBuf {
        self.outer.path().join("work")
    }

    fn left(&self) -> usize {
        fs::read_dir(self.work()).expect("there").count()
    }

    /// A folder with a file that no cleaning up may touch, like `/etc`.
    fn precious(&self) -> PathBuf {
        let path = self.outer.path().join("precious");
        fs::create_dir(&path).expect("made");
        fs::write(path.join("passwd"), "root").expect("written");
        path
    }
}

/// Puts something where a result should be.
type Plant<'a> = &'a dyn Fn(&Path);

fn assert_untouched(precious: &Path) {
    assert_eq!(fs::read_to_string(precious.join("passwd")).expect("still there"), "root");
    assert_eq!(fs::read_dir(precious).expect("still there").count(), 1);
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set");
}

#[test]
fn files_appear_on_demand_and_leave_with_the_attempt() {
    let place = Place::new();
    let mut area = place.area();
    assert_eq!(place.left(), 0);
    let script = area.write("script.sh", b"true", 0o700).expect("written");
    assert_eq!(fs::read(&script).expect("read"), b"true");
    assert!(area.write("script.sh", b"false", 0o700).is_err(), "nothing is written over");
    fs::write(&area.result_file, b"1").expect("written");
    assert_eq!(area.read_result(), Ok(Some(ResultBytes::Whole(b"1".to_vec()))));
    drop(area);
    assert_eq!(place.left(), 0);
}

#[test]
fn a_result_file_can_lie_inside() {
    let place = Place::new();
    let mut area = place.area();
    let directory = area.enclose().expect("made").to_owned();
    assert_eq!(area.result_file.parent(), Some(directory.as_path()));
    assert_eq!(area.read_result(), Ok(None));
    fs::write(&area.result_file, b"2").expect("written");
    assert_eq!(area.read_result(), Ok(Some(ResultBytes::Whole(b"2".to_vec()))));
    drop(area);
    assert_eq!(place.left(), 0);
}

#[test]
fn everything_that_a_script_may_leave_is_removed_and_no_link_is_followed() {
    let place = Place::new();
    let precious = place.precious();
    let mut area = place.area();
    let directory = area.directory().expect("made").to_owned();
    for name in ["a", "a/locked", "a/locked/inner", "b", "-rf", "new\nline", "..."] {
        fs::create_dir(directory.join(name)).expect("made");
    }
    for name in ["a/file", "a/locked/inner/file", "-rf/--help", "new\nline/\u{1b}[31m", ".../..."] {
        fs::write(directory.join(name), "x").expect("written");
    }
    for index in 0..3000 {
        fs::write(directory.join(format!("b/{index}")), "").expect("written");
    }
    symlink(&precious, directory.join("link")).expect("linked");
    symlink(&precious, directory.join("a/locked/link")).expect("linked");
    symlink("/", directory.join("root")).expect("linked");
    let fifo = CString::new(directory.join("fifo").as_os_str().as_encoded_bytes()).expect("a name");
    rustix::fs::mkfifoat(CWD, fifo.as_c_str(), Mode::RWXU).expect("made");
    std::os::unix::net::UnixListener::bind(directory.join("socket")).expect("bound");
    for name in ["a/locked/inner", "a/locked", "a", ""] {
        mode(&directory.join(name), 0o000);
    }
    drop(area);
    assert_eq!(place.left(), 0);
    assert_untouched(&precious);
}

#[test]
fn a_tree_deeper_than_any_path_takes_no_descriptors_and_no_stack() {
    let place = Place::new();
    let mut area = place.area();
    area.directory().expect("made");
    let mut here = openat(place.areas.spare.root(), &area.name, DIRECTORY, Mode::empty()).expect("opens");
    for level in 0..4_000 {
        mkdirat(&here, "d", Mode::RWXU).expect("made");
        let next = openat(&here, "d", DIRECTORY, Mode::empty()).expect("opens");
        if level % 1000 == 0 {
            rustix::fs::fchmod(&here, Mode::empty()).expect("set");
        }
        here = next;
    }
    drop(here);
    // A thread's stack of 128 KiB would not hold a call per level, and the limit of this process no descriptor.
    let thread = std::thread::Builder::new().stack_size(128 << 10).spawn(move || drop(area)).expect("a thread");
    thread.join().expect("no overflow");
    assert_eq!(place.left(), 0);
}

#[test]
fn what_root_made_immutable_is_removed_too() {
    let place = Place::new();
    let mut area = place.area();
    let directory = area.directory().expect("made").to_owned();
    fs::create_dir_all(directory.join("full/of")).expect("made");
    fs::write(directory.join("full/file"), "x").expect("written");
    for name in ["full/file", "full/of", "full", ""] {
        let file = File::open(directory.join(name)).expect("opens");
        // Only root may do this, and not every file system can: then there is nothing to be undone either.
        if let Ok(flags) = ioctl_getflags(&file) {
            let _refused = ioctl_setflags(&file, flags | IFlags::IMMUTABLE);
        }
    }
    drop(area);
    assert_eq!(place.left(), 0);
}

#[test]
fn a_link_in_the_place_of_the_directory_is_removed_itself() {
    let place = Place::new();
    let precious = place.precious();
    let mut area = place.area();
    let directory = area.directory().expect("made").to_owned();
    fs::rename(&directory, place.outer.path().join("moved away")).expect("renamed");
    symlink(&precious, &directory).expect("linked");
    area.write("parameters.json", b"{}", 0o600).expect("into the directory that was made, wherever it is now");
    symlink(precious.join("passwd"), &area.result_file).expect("linked");
    assert!(area.read_result().expect_err("not followed").contains("symbolic link"));
    drop(area);
    assert_eq!(place.left(), 0);
    assert_untouched(&precious);
    assert!(place.outer.path().join("moved away/parameters.json").exists());
}

#[test]
fn what_an_earlier_life_left_is_removed_the_same_way() {
    let place = Place::new();
    let precious = place.precious();
    fs::create_dir_all(place.work().join("7.1/deep/er")).expect("made");
    fs::write(place.work().join("7.1/deep/er/file"), "x").expect("written");
    fs::create_dir(place.work().join(".7.1.1")).expect("made");
    fs::write(place.work().join(".7.1.1/half removed"), "x").expect("written");
    symlink(&precious, place.work().join("8.1")).expect("linked");
    mode(&place.work().join("7.1/deep"), 0o000);
    let again = WorkAreas::open(place.work()).expect("opens");
    assert_eq!(place.left(), 0);
    assert_untouched(&precious);
    drop(again);
    // And when the whole place was replaced by a link.
    fs::remove_dir(place.work()).expect("removed");
    symlink(&precious, place.work()).expect("linked");
    WorkAreas::open(place.work()).expect("opens");
    assert!(!place.work().is_symlink());
    assert_untouched(&precious);
}

#[test]
fn a_thing_that_is_no_file_is_refused_as_a_result_and_never_waited_for() {
    let place = Place::new();
    let name = |path: &Path| CString::new(path.as_os_str().as_encoded_bytes()).expect("a name");
    let plant: [(&str, Plant<'_>); 5] = [
        ("a FIFO", &|path| rustix::fs::mkfifoat(CWD, name(path).as_c_str(), Mode::RWXU).expect("made")),
        ("a directory", &|path| fs::create_dir(path).expect("made")),
        ("a symbolic link", &|path| symlink("/dev/zero", path).expect("linked")),
        ("a socket", &|path| drop(std::os::unix::net::UnixListener::bind(path).expect("bound"))),
        ("one of 2 names of a file", &|path| {
            let other = place.outer.path().join("foreign");
            fs::write(&other, "1").expect("written");
            fs::hard_link(other, path).expect("linked");
        }),
    ];
    for (what, plant) in plant {
        let area = place.area();
        plant(&area.result_file);
        let refusal = area.read_result().expect_err("refused");
        assert!(refusal.contains(what), "{refusal:?} does not say {what:?}");
        drop(area);
        assert_eq!(place.left(), 0, "{what}");
    }
}

#[test]
fn a_directory_that_was_left_as_it_was_serves_the_next_attempt_and_no_other() {
    let place = Place::new();
    let enclosed = || {
        let mut area = place.area();
        let path = area.enclose().expect("made").to_owned();
        (area, path)
    };
    let (mut first, path) = enclosed();
    let temporary = first.make_temporary_dir().expect("made");
    drop(first);
    let (mut second, again) = enclosed();
    assert_eq!(again, path, "untouched, so used again");
    assert_eq!(second.make_temporary_dir().expect("there"), temporary);
    let (third, other) = enclosed();
    assert_ne!(other, path, "one at a time");
    drop(third);
    drop(second);

    type Touch = fn(&Path);
    let touches: [Touch; 5] = [
        |path| fs::write(path.join("file"), "").expect("written"),
        |path| fs::write(path.join(".tmp/file"), "").expect("written"),
        |path| mode(path, 0o777),
        |path| symlink("/etc", path.join(".result")).expect("linked"),
        |path| fs::remove_dir(path.join(".tmp")).expect("removed"),
    ];
    for touch in touches {
        let (mut area, path) = enclosed();
        area.make_temporary_dir().expect("made");
        touch(&path);
        drop(area);
        assert!(!path.exists(), "touched, so removed");
        let (area, fresh) = enclosed();
        assert_ne!(fresh, path);
        let entries: Vec<_> = fs::read_dir(&fresh).expect("there").flatten().map(|entry| entry.file_name()).collect();
        assert!(entries.is_empty() || entries == [".tmp"], "{entries:?}");
        assert_eq!(fs::metadata(&fresh).expect("there").permissions().mode() & 0o7777, 0o700);
        drop(area);
    }
    let work = place.work();
    drop(place.areas);
    assert_eq!(fs::read_dir(work).expect("there").count(), 0, "what waited is removed at the end");
}
