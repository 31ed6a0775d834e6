//! Archives and folders, kind and hostile, and what becomes of the place they are installed in.

use std::fs;
use std::io::{Cursor, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use attune_pack::install::{Budget, InstallError, PackStore};
use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{EntryType, Header};
use zip::write::SimpleFileOptions;

const MANIFEST: &str = "ref: demo\nversion: 1.0.0\n";
const ACTION: &str = "ref: demo.x\nrunner_type: shell\nentry_point: x.sh\n";

/// An entry of an archive that is written byte by byte, so that no library refuses what is to be refused here.
struct Item<'a> {
    name: &'a str,
    kind: EntryType,
    content: &'a [u8],
    link: &'a str,
    mode: u32,
}

fn file<'a>(name: &'a str, content: &'a str) -> Item<'a> {
    Item { name, kind: EntryType::Regular, content: content.as_bytes(), link: "", mode: 0o644 }
}

fn special<'a>(name: &'a str, kind: EntryType, link: &'a str) -> Item<'a> {
    Item { name, kind, content: b"", link, mode: 0o644 }
}

fn tar(items: &[Item<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for item in items {
        let mut header = Header::new_ustar();
        header.set_entry_type(item.kind);
        header.set_size(item.content.len() as u64);
        header.set_mode(item.mode);
        header.as_mut_bytes()[..item.name.len()].copy_from_slice(item.name.as_bytes());
        header.as_mut_bytes()[157..157 + item.link.len()].copy_from_slice(item.link.as_bytes());
        header.set_cksum();
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(item.content);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("compressed");
    encoder.finish().expect("compressed")
}

fn good() -> Vec<Item<'static>> {
    vec![
        file("demo/pack.yaml", MANIFEST),
        file("demo/actions/x.yaml", ACTION),
        Item { mode: 0o4755, ..file("demo/actions/x.sh", "#!/bin/sh\n") },
        special("demo/actions/y.sh", EntryType::Symlink, "x.sh"),
    ]
}

struct Place {
    folder: tempfile::TempDir,
    store: PackStore,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = PackStore::new(folder.path().join("packs"));
        Self { folder, store }
    }

    fn archive(&self, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join("archive");
        fs::write(&path, bytes).expect("written");
        path
    }

    fn refusal(&self, bytes: &[u8]) -> String {
        let error = self.store.install_archive(&self.archive(bytes)).expect_err("refused");
        self.assert_untouched();
        error.to_string()
    }

    /// Nothing was installed and no stage is left.
    fn assert_untouched(&self) {
        let listed = |path: &Path| -> Vec<_> {
            fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.file_name()).collect()
        };
        let root = self.store.root();
        assert!(listed(root).iter().all(|name| name == ".store"), "{:?}", listed(root));
        assert_eq!(listed(&root.join(".store")), Vec::<std::ffi::OsString>::new());
        assert!(!self.folder.path().join("x").exists(), "written outside");
    }
}

#[test]
fn tar_gzip_zip_and_folder_give_the_same_pack() {
    let items = good();
    let mut zipped = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for item in &items {
        let options = SimpleFileOptions::default().unix_permissions(item.mode & 0o777);
        if item.kind == EntryType::Symlink {
            zipped.add_symlink(item.name, item.link, options).expect("added");
        } else {
            zipped.start_file(item.name, options).expect("added");
            zipped.write_all(item.content).expect("added");
        }
    }
    let zipped = zipped.finish().expect("a zip").into_inner();
    let plain = tar(&items);
    let mut digests = Vec::new();
    for bytes in [plain.clone(), gzip(&plain), zipped] {
        let place = Place::new();
        let installed = place.store.install_archive(&place.archive(&bytes)).expect("installed");
        assert_eq!(installed.pack.spec.pack_ref, "demo");
        assert!(installed.pack.directory.ends_with(format!(".store/demo/{}", installed.digest)));
        let script = installed.pack.directory.join("actions/x.sh");
        let mode = fs::metadata(&script).expect("there").permissions().mode();
        assert_eq!(mode & 0o7000, 0, "no set-uid bit is taken over");
        assert_ne!(mode & 0o100, 0, "it may be executed");
        digests.push(installed.digest);

        // What was installed installs again as itself, from the folder.
        let again = place.store.install_folder(&installed.pack.directory).expect("installed");
        assert!(again.was_current);
        digests.push(again.digest);
    }
    digests.dedup();
    assert_eq!(digests.len(), 1);
}

#[test]
fn a_new_version_takes_the_name_and_the_old_folder_stays() {
    let place = Place::new();
    let first = place.store.install_archive(&place.archive(&tar(&good()))).expect("installed");
    let mut items = good();
    items[0] = file("demo/pack.yaml", "ref: demo\nversion: 2.0.0\n");
    let second = place.store.install_archive(&place.archive(&tar(&items))).expect("installed");
    assert_eq!(second.replaced.as_deref(), Some(first.pack.directory.as_path()));
    assert!(first.pack.directory.join("actions/x.sh").is_file(), "who started under it still needs it");
    assert_eq!(fs::canonicalize(place.store.root().join("demo")).expect("a link"), second.pack.directory);
    let library = attune_pack::Library::scan(&[place.store.root()]);
    assert_eq!(library.packs().map(|pack| pack.spec.version.as_str()).collect::<Vec<_>>(), ["2.0.0"]);

    assert_eq!(place.store.prune("demo", 1).expect("pruned"), Vec::<PathBuf>::new());
    assert_eq!(place.store.prune("demo", 0).expect("pruned"), std::slice::from_ref(&first.pack.directory));
    assert!(second.pack.directory.is_dir() && !first.pack.directory.exists());
}

#[test]
fn hostile_archives_are_refused_by_name_and_leave_nothing() {
    let with = |item: Item<'static>| {
        let mut items = good();
        items.push(item);
        tar(&items)
    };
    let place = Place::new();
    for (item, expected) in [
        (file("demo/../../x", "evil"), "entry 5 \"demo/../../x\" leaves the pack"),
        (file("/tmp/x", "evil"), "entry 5 \"/tmp/x\" leaves the pack"),
        (special("demo/l", EntryType::Symlink, "../../x"), "links to \"../../x\", which leaves the pack"),
        (special("demo/l", EntryType::Symlink, "/etc"), "links to \"/etc\", which leaves the pack"),
        (file("demo/actions/y.sh/z", "evil"), "lies behind \"demo/actions/y.sh\", which is not a folder"),
        (special("demo/h", EntryType::Link, "demo/pack.yaml"), "is a hard link"),
        (special("demo/d", EntryType::Block, ""), "is a device"),
        (special("demo/f", EntryType::Fifo, ""), "is a pipe"),
        (file("demo/pack.yaml", MANIFEST), "is there twice"),
        (file("demo/PACK.yaml", MANIFEST), "differs from \"demo/pack.yaml\" only in case"),
        (file("demo/a\nb", ""), "holds a control character"),
    ] {
        let name = item.name;
        let told = place.refusal(&with(item));
        assert!(told.starts_with("pack archive refused: entry 5 ") && told.contains(expected), "{name}: {told}");
        assert!(!told.contains('\n'), "one line: {told}");
    }
}

#[test]
fn two_links_that_leave_only_together_are_refused() {
    let mut items = good();
    items.push(special("demo/a/up", EntryType::Symlink, ".."));
    items.push(special("demo/b", EntryType::Symlink, "a/up/../../x"));
    let place = Place::new();
    let told = place.store.install_archive(&place.archive(&tar(&items)));
    // By its letters "a/up/../../x" stays inside; through the link it does not.
    assert!(matches!(told, Err(InstallError::Link { .. })), "{told:?}");
    place.assert_untouched();
}

#[test]
fn bombs_and_lies_about_sizes_end_at_the_budget() {
    let mut place = Place::new();
    place.store = place.store.budget(Budget { entries: 1000, bytes: 1 << 20 });
    let zeros = "\0".repeat(64 << 20);
    let mut items = good();
    items.push(file("demo/zeros", &zeros));
    let bomb = gzip(&tar(&items));
    assert!(bomb.len() < 1 << 20, "it is small before");
    assert_eq!(place.refusal(&bomb), "pack archive refused: more than 1048576 bytes when unpacked");

    let names: Vec<String> = (0..1001).map(|index| format!("demo/{index}")).collect();
    let many: Vec<Item<'_>> = names.iter().map(|name| file(name, "")).collect();
    assert_eq!(place.refusal(&tar(&many)), "pack archive refused: more than 1000 entries");
}

#[test]
fn damaged_and_foreign_files_are_refused() {
    let place = Place::new();
    let whole = tar(&good());
    assert!(place.refusal(&whole[..1500]).starts_with("pack archive refused: it is damaged after 1 entries"));
    let mut broken = gzip(&whole);
    let middle = broken.len() / 2;
    broken[middle] ^= 0x55;
    assert!(place.refusal(&broken).contains("refused"));
    assert!(place.refusal(b"hello").ends_with("is not a tar, tar.gz or zip archive"));
    assert!(place.refusal(&tar(&[file("a", ""), file("b", "")])).starts_with("there is no pack.yaml in "));
    let told = place.store.install_archive(Path::new("/does/not/exist"));
    assert!(matches!(told, Err(InstallError::Source { .. })), "{told:?}");
}

#[test]
fn a_pack_that_breaks_its_rules_is_refused_with_every_place() {
    let place = Place::new();
    let mut items = good();
    items[1] = file("demo/actions/x.yaml", "ref: demo.x\nrunner_type: shell\nentry_point: gone.sh\n");
    let error = place.store.install_archive(&place.archive(&tar(&items))).expect_err("refused");
    let InstallError::Invalid(problems) = error else { panic!("{error:?}") };
    assert!(problems.to_string().contains("actions/x.yaml:3:14: entry_point: actions/gone.sh does not exist"));
    place.assert_untouched();
}

#[test]
fn what_lies_there_and_was_not_installed_is_left_alone() {
    let place = Place::new();
    fs::create_dir_all(place.store.root().join("demo")).expect("a folder");
    fs::write(place.store.root().join("demo/mine"), "precious").expect("written");
    let told = place.store.install_archive(&place.archive(&tar(&good())));
    assert!(matches!(told, Err(InstallError::InTheWay { .. })), "{told:?}");
    assert_eq!(fs::read_to_string(place.store.root().join("demo/mine")).expect("there"), "precious");
}

#[test]
fn the_names_of_what_comes_with_attune_are_kept() {
    let place = Place::new();
    let items = [file("pack.yaml", "ref: core\nversion: 9.0.0\n")];
    let archive = place.archive(&tar(&items));
    assert!(matches!(place.store.install_archive(&archive), Err(InstallError::Reserved { .. })));
    place.assert_untouched();
    let allowed = place.store.clone().allow_reserved(true);
    assert_eq!(allowed.install_archive(&archive).expect("installed").pack.spec.pack_ref, "core");
}

#[test]
fn a_folder_gives_up_its_files_and_nothing_else() {
    let place = Place::new();
    let source = place.folder.path().join("source");
    fs::create_dir_all(source.join("actions")).expect("a folder");
    fs::create_dir_all(source.join(".git")).expect("a folder");
    fs::write(source.join("pack.yaml"), MANIFEST).expect("written");
    fs::write(source.join(".git/config"), "").expect("written");
    let installed = place.store.install_folder(&source).expect("installed");
    assert!(!installed.pack.directory.join(".git").exists());

    symlink("/etc/passwd", source.join("actions/leak")).expect("a link");
    let told = place.store.install_folder(&source).expect_err("refused").to_string();
    assert!(told.contains("links to \"/etc/passwd\", which leaves the pack"), "{told}");
}

#[test]
fn ten_installations_of_one_moment_agree() {
    let place = Place::new();
    let archive = place.archive(&tar(&good()));
    std::thread::scope(|scope| {
        let running: Vec<_> =
            (0..10).map(|_| scope.spawn(|| place.store.install_archive(&archive).map(|one| one.digest))).collect();
        let digests: Vec<_> = running.into_iter().map(|one| one.join().expect("joined")).collect();
        assert!(digests.iter().all(|one| one.as_ref().ok() == digests[0].as_ref().ok()), "{digests:?}");
    });
    assert!(place.store.root().join("demo/pack.yaml").is_file());
    let left: Vec<_> =
        std::fs::read_dir(place.store.root()).expect("listed").flatten().map(|one| one.file_name()).collect();
    assert!(left.iter().all(|name| name == "demo" || name == ".store"), "{left:?}");
}
