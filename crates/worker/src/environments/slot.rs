//! The place of one environment on a volume that several workers may share.
//!
//! ```text
//! <volume>/<runtime>/<fingerprint>/environment.json   names the folder that is ready; replaced whole, never changed
//!                                  lock               held by whoever builds; the kernel lifts it when that dies
//!                                  3/                 the environment, made where it is used
//!                                  3.log              what the tools said
//!                                  3.use              held, shared, by every worker that may start something in it
//! ```
//!
//! A folder is made under the next free number and is looked at by nobody until the marker names it, which is one rename.
//! So nothing half-built is ever used, whenever its builder dies: the next one passes over the number and removes it. And
//! nothing is ever built where something runs: an environment that is made again gets another number.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// How many digits of a fingerprint name a folder: enough that no two are ever alike, and short enough that the first
/// line of an installed script stays within what kernels read of it.
const NAME_DIGITS: usize = 32;

/// What a finished environment says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Marker {
    /// The folder beside it.
    pub(crate) generation: u64,
    /// The whole fingerprint.
    pub(crate) fingerprint: String,
    pub(crate) pack: String,
    pub(crate) runtime: String,
    /// The interpreter's path and version.
    pub(crate) interpreter: String,
    /// The manifest that decided.
    pub(crate) manifest: String,
    /// The worker that made it.
    pub(crate) built_by: String,
    /// When, in microseconds since the epoch by that worker's clock.
    pub(crate) built_at: i64,
    pub(crate) took_ms: u64,
    pub(crate) size_bytes: u64,
}

/// The place of one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Slot {
    directory: PathBuf,
}

/// The right to build in a slot. Lifted when it is dropped, and by the kernel when its process dies.
#[derive(Debug)]
pub(crate) struct BuildLock {
    _file: File,
}

/// An environment that is ready. While this lives nobody removes it.
#[derive(Debug)]
pub struct ReadyEnvironment {
    directory: PathBuf,
    slot: Slot,
    marker: Marker,
    _use: File,
}

impl ReadyEnvironment {
    /// Where it lies.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    pub(crate) const fn marker(&self) -> &Marker {
        &self.marker
    }

    /// Whether its slot still names it.
    pub(crate) fn is_current(&self) -> bool {
        self.slot.marker().is_ok_and(|marker| marker.as_ref() == Some(&self.marker)) && self.directory.is_dir()
    }
}

impl Slot {
    /// The slot of an environment on `volume`.
    pub(crate) fn new(volume: &Path, runtime: &str, fingerprint: &str) -> Self {
        let name = fingerprint.get(..NAME_DIGITS).unwrap_or(fingerprint);
        Self { directory: volume.join(runtime).join(name) }
    }

    /// A slot by its folder.
    pub(crate) const fn at(directory: PathBuf) -> Self {
        Self { directory }
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(crate) fn generation(&self, number: u64) -> PathBuf {
        self.directory.join(number.to_string())
    }

    fn beside(&self, number: u64, extension: &str) -> PathBuf {
        self.directory.join(format!("{number}.{extension}"))
    }

    pub(crate) fn log(&self, number: u64) -> PathBuf {
        self.beside(number, "log")
    }

    /// Where tools make temporary files while they build.
    pub(crate) fn temporary(&self, number: u64) -> PathBuf {
        self.beside(number, "tmp")
    }

    fn marker_path(&self) -> PathBuf {
        self.directory.join("environment.json")
    }

    /// What the slot says is ready. One that cannot be understood counts as none: it is built again.
    pub(crate) fn marker(&self) -> io::Result<Option<Marker>> {
        match fs::read(self.marker_path()) {
            Ok(text) => Ok(serde_json::from_slice(&text).ok()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What is ready under this very fingerprint, held from now on.
    pub(crate) fn ready(&self, fingerprint: &str) -> io::Result<Option<Arc<ReadyEnvironment>>> {
        // What was named when it was read may be replaced and removed before it is held: then there is another.
        for _ in 0..16 {
            let Some(marker) = self.marker()?.filter(|marker| marker.fingerprint == fingerprint) else {
                return Ok(None);
            };
            let directory = self.generation(marker.generation);
            if !directory.is_dir() {
                return Ok(None);
            }
            let path = self.beside(marker.generation, "use");
            let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
            let Some(file) = missing(file)? else { continue };
            match file.try_lock_shared() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => continue,
                Err(TryLockError::Error(error)) => return Err(error),
            }
            // Its time says when it was used last.
            let _worth_nothing_more = file.set_modified(std::time::SystemTime::UNIX_EPOCH + wall());
            if is_at(&file, &path) && directory.is_dir() && self.marker()?.as_ref() == Some(&marker) {
                return Ok(Some(Arc::new(ReadyEnvironment { directory, slot: self.clone(), marker, _use: file })));
            }
        }
        Ok(None)
    }

    /// Takes the right to build, unless somebody has it.
    pub(crate) fn try_lock(&self) -> io::Result<Option<BuildLock>> {
        DirBuilder::new().recursive(true).mode(0o755).create(&self.directory)?;
        let path = self.directory.join("lock");
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        // Whoever removes the slot removes the file under whoever waits for it.
        let Some(file) = missing(file)? else { return Ok(None) };
        match file.try_lock() {
            Ok(()) => Ok(is_at(&file, &path).then_some(BuildLock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Makes the folder of a new generation, and removes what earlier builders left half-built.
    pub(crate) fn begin(&self, lock: &BuildLock) -> io::Result<u64> {
        let mut numbers = self.numbers()?;
        if let Some(marker) = self.marker()? {
            numbers.push(marker.generation);
        }
        let next = numbers.iter().max().map_or(1, |most| most + 1);
        self.sweep(lock)?;
        for directory in [self.generation(next), self.temporary(next)] {
            DirBuilder::new().mode(0o755).create(&directory)?;
        }
        Ok(next)
    }

    /// Names a generation as the one that is ready: from here on, and not before, it is used.
    pub(crate) fn finish(&self, _lock: &BuildLock, marker: &Marker) -> io::Result<()> {
        let _gone = fs::remove_dir_all(self.temporary(marker.generation));
        let directory = File::open(&self.directory)?;
        // A marker that survives a crash of the machine must not name files that did not.
        rustix::fs::syncfs(&directory)?;
        let path = self.directory.join("environment.json.new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o644).open(&path)?;
        file.write_all(&serde_json::to_vec_pretty(marker)?)?;
        file.sync_all()?;
        fs::rename(&path, self.marker_path())?;
        directory.sync_all()
    }

    /// Says that nothing is ready. What runs in it goes on.
    pub(crate) fn renounce(&self, _lock: &BuildLock) -> io::Result<()> {
        match fs::remove_file(self.marker_path()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => File::open(&self.directory)?.sync_all(),
        }
    }

    /// Gives up a generation that could not be finished. Its log stays until the next try.
    pub(crate) fn abandon(&self, _lock: &BuildLock, number: u64) {
        for directory in [self.generation(number), self.temporary(number)] {
            if let Err(error) = remove_tree(&directory) {
                tracing::warn!(path = %directory.display(), error = &error as &dyn std::error::Error, "what could not be finished could not be removed either");
            }
        }
    }

    /// Removes every generation that is not the one that is ready, unless somebody still uses it.
    pub(crate) fn sweep(&self, _lock: &BuildLock) -> io::Result<()> {
        let current = self.marker()?.map(|marker| marker.generation);
        for number in self.numbers()? {
            if Some(number) == current || self.is_used(number)? {
                continue;
            }
            // What died a moment ago may still be writing: what is left is left for the next.
            for path in [self.generation(number), self.temporary(number)] {
                if let Err(error) = remove_tree(&path) {
                    tracing::warn!(path = %path.display(), error = &error as &dyn std::error::Error, "an old environment could not be removed");
                }
            }
            for extension in ["log", "use"] {
                let _gone = fs::remove_file(self.beside(number, extension));
            }
        }
        Ok(())
    }

    /// Whether a worker holds this generation.
    pub(crate) fn is_used(&self, number: u64) -> io::Result<bool> {
        let file = match File::open(self.beside(number, "use")) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        match file.try_lock() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// When a worker last began to use this generation.
    pub(crate) fn used_at(&self, number: u64) -> Option<std::time::SystemTime> {
        fs::metadata(self.beside(number, "use")).and_then(|metadata| metadata.modified()).ok()
    }

    /// Removes the whole slot, unless somebody uses it: then it stays as it is, and the answer is `false`.
    pub(crate) fn remove(&self, lock: BuildLock) -> io::Result<bool> {
        let marker = self.marker()?;
        if let Some(marker) = &marker
            && self.is_used(marker.generation)?
        {
            return Ok(false);
        }
        self.renounce(&lock)?;
        self.sweep(&lock)?;
        // Somebody may have begun to use it before it was renounced.
        if !self.numbers()?.is_empty() {
            return Ok(false);
        }
        remove_tree(&self.directory)?;
        Ok(true)
    }

    fn numbers(&self) -> io::Result<Vec<u64>> {
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let name = entry?.file_name();
            let Some(name) = name.to_str() else { continue };
            numbers.extend(name.split_once('.').map_or(name, |(number, _)| number).parse::<u64>());
        }
        numbers.sort_unstable();
        numbers.dedup();
        Ok(numbers)
    }
}

fn wall() -> std::time::Duration {
    std::time::Duration::from_micros(u64::try_from(attune_process::clock::wall()).unwrap_or(0))
}

/// `None` where a folder on the way is gone.
fn missing(file: io::Result<File>) -> io::Result<Option<File>> {
    match file {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether the file is still the one at this path.
fn is_at(file: &File, path: &Path) -> bool {
    let which = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    file.metadata().map(which).ok().is_some_and(|this| fs::metadata(path).map(which).ok() == Some(this))
}

/// Removes a tree, also one with folders that nobody may write to (Go keeps its modules so).
fn remove_tree(path: &Path) -> io::Result<()> {
    let first = match fs::remove_dir_all(path) {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => error,
    };
    if first.kind() == io::ErrorKind::PermissionDenied {
        make_writable(path);
    }
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn make_writable(directory: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let mut waiting = vec![directory.to_owned()];
    while let Some(directory) = waiting.pop() {
        let _ours_or_not = fs::set_permissions(&directory, fs::Permissions::from_mode(0o700));
        let entries = fs::read_dir(&directory).into_iter().flatten().flatten();
        waiting.extend(
            entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path()),
        );
    }
}

/// Bytes that a tree takes on disk.
pub(crate) fn size_of(directory: &Path) -> u64 {
    let (mut waiting, mut bytes) = (vec![directory.to_owned()], 0);
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            bytes += metadata.blocks() * 512;
            if metadata.is_dir() {
                waiting.push(entry.path());
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marker(generation: u64) -> Marker {
        Marker {
            generation,
            fingerprint: "f".repeat(64),
            pack: "demo".into(),
            runtime: "python".into(),
            interpreter: "/usr/bin/python3 3.11".into(),
            manifest: "requirements.txt".into(),
            built_by: "w".into(),
            built_at: 1,
            took_ms: 2,
            size_bytes: 3,
        }
    }

    fn slot(volume: &Path) -> Slot {
        Slot::new(volume, "python", &"f".repeat(64))
    }

    fn names(slot: &Slot) -> Vec<String> {
        let entries = fs::read_dir(slot.directory()).expect("a folder");
        let mut names: Vec<String> =
            entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn nothing_is_ready_before_the_marker_names_it() {
        let volume = tempfile::tempdir().expect("a folder");
        let slot = slot(volume.path());
        let fingerprint = "f".repeat(64);
        assert!(slot.ready(&fingerprint).expect("looks").is_none());
        let lock = slot.try_lock().expect("locks").expect("free");
        let number = slot.begin(&lock).expect("begins");
        fs::write(slot.generation(number).join("half"), "x").expect("a file");
        assert!(slot.ready(&fingerprint).expect("looks").is_none());
        slot.finish(&lock, &marker(number)).expect("finishes");
        let ready = slot.ready(&fingerprint).expect("looks").expect("ready");
        assert_eq!(ready.directory(), slot.generation(number));
        assert!(ready.is_current());
        assert!(slot.ready(&"0".repeat(64)).expect("looks").is_none(), "another fingerprint with the same beginning");
    }

    #[test]
    fn one_builds_at_a_time_and_a_half_built_one_is_passed_over() {
        let volume = tempfile::tempdir().expect("a folder");
        let slot = slot(volume.path());
        let lock = slot.try_lock().expect("locks").expect("free");
        assert!(slot.try_lock().expect("looks").is_none(), "somebody builds");
        assert_eq!(slot.begin(&lock).expect("begins"), 1);
        fs::write(slot.generation(1).join("half"), "x").expect("a file");
        // It dies: the lock is lifted and nothing else happens.
        drop(lock);
        let lock = slot.try_lock().expect("locks").expect("free");
        assert_eq!(slot.begin(&lock).expect("begins"), 2);
        assert_eq!(names(&slot), ["2", "2.tmp", "lock"]);
    }

    #[test]
    fn what_is_used_stays_until_it_is_not() {
        let volume = tempfile::tempdir().expect("a folder");
        let slot = slot(volume.path());
        let lock = slot.try_lock().expect("locks").expect("free");
        let first = slot.begin(&lock).expect("begins");
        slot.finish(&lock, &marker(first)).expect("finishes");
        let used = slot.ready(&"f".repeat(64)).expect("looks").expect("ready");
        let second = slot.begin(&lock).expect("begins");
        slot.finish(&lock, &marker(second)).expect("finishes");
        slot.sweep(&lock).expect("sweeps");
        assert!(used.directory().is_dir() && !used.is_current());
        drop(used);
        slot.sweep(&lock).expect("sweeps");
        assert_eq!(names(&slot), ["2", "environment.json", "lock"]);
        let used = slot.ready(&"f".repeat(64)).expect("looks").expect("ready");
        assert!(!slot.remove(lock).expect("looks"), "somebody uses it");
        assert!(used.is_current());
        drop(used);
        let lock = slot.try_lock().expect("locks").expect("free");
        assert!(slot.remove(lock).expect("removed"));
        assert!(!slot.directory().exists());
    }

    #[test]
    fn a_marker_that_means_nothing_counts_as_none() {
        let volume = tempfile::tempdir().expect("a folder");
        let slot = slot(volume.path());
        let _lock = slot.try_lock().expect("locks").expect("free");
        fs::write(slot.directory().join("environment.json"), "{\"generation\":").expect("a file");
        assert!(slot.ready("x").expect("looks").is_none());
    }
}
