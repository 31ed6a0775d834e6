//! A volume of environments, for whoever looks after it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use attune_types::Timestamp;
use serde::Serialize;

use super::slot::{Marker, Slot};

/// The folder in which tools keep what they fetched.
const CACHE: &str = ".cache";

/// A volume of environments: `paths.runtime_envs_dir`. Safe to use while workers do.
#[derive(Debug, Clone)]
pub struct EnvironmentVolume {
    directory: PathBuf,
}

/// An environment that is ready on a volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VolumeEntry {
    /// The pack that needs it.
    pub pack: String,
    /// The runtime.
    pub runtime: String,
    /// Its identity.
    pub fingerprint: String,
    /// The interpreter's path and version.
    pub interpreter: String,
    /// Where it lies.
    pub directory: PathBuf,
    /// Bytes on disk when it was made.
    pub size_bytes: u64,
    /// The worker that made it.
    pub built_by: String,
    /// When it was made.
    pub built_at: Timestamp,
    /// When a worker last began to use it.
    pub used_at: Option<Timestamp>,
    /// Whether a worker uses it now.
    pub in_use: bool,
}

/// What came of asking for one environment to be made again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rebuild {
    /// Which one.
    pub environment: VolumeEntry,
    /// Whether it will be made again. Otherwise somebody is building it at this moment.
    pub accepted: bool,
}

/// What a prune removed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Pruned {
    /// The environments that are gone.
    pub removed: Vec<VolumeEntry>,
    /// How many half-built ones are gone besides.
    pub half_built: usize,
    /// How many are old enough, but in use.
    pub in_use: usize,
}

impl EnvironmentVolume {
    /// The volume in `directory`.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    /// What is ready, by pack and runtime. Nothing when the directory does not exist.
    ///
    /// # Errors
    /// What the operating system said about a folder that cannot be read.
    pub fn list(&self) -> io::Result<Vec<VolumeEntry>> {
        let mut entries = Vec::new();
        for slot in self.slots()? {
            if let Some(marker) = slot.marker()? {
                entries.push(entry(&slot, marker)?);
            }
        }
        entries.sort_by(|one, other| {
            (&one.pack, &one.runtime, &one.interpreter, &one.fingerprint).cmp(&(
                &other.pack,
                &other.runtime,
                &other.interpreter,
                &other.fingerprint,
            ))
        });
        Ok(entries)
    }

    /// Has the environments of a pack made again, for one runtime or for all. What runs goes on in what it started with;
    /// workers notice within seconds.
    ///
    /// # Errors
    /// What the operating system said.
    pub fn rebuild(&self, pack: &str, runtime: Option<&str>) -> io::Result<Vec<Rebuild>> {
        let mut asked = Vec::new();
        for slot in self.slots()? {
            let Some(marker) = slot.marker()? else { continue };
            if marker.pack != pack || runtime.is_some_and(|runtime| !marker.runtime.eq_ignore_ascii_case(runtime)) {
                continue;
            }
            let environment = entry(&slot, marker)?;
            let accepted = match slot.try_lock()? {
                Some(lock) => slot.renounce(&lock).map(|()| true)?,
                None => false,
            };
            asked.push(Rebuild { environment, accepted });
        }
        Ok(asked)
    }

    /// Removes what no worker began to use for `older_than`, and what somebody began to build and did not finish. What is
    /// in use or being built stays.
    ///
    /// # Errors
    /// What the operating system said about something that cannot be removed.
    pub fn prune(&self, older_than: Duration) -> io::Result<Pruned> {
        let mut pruned = Pruned::default();
        let now = SystemTime::UNIX_EPOCH + micros(attune_process::clock::wall());
        for slot in self.slots()? {
            let Some(lock) = slot.try_lock()? else { continue };
            let Some(marker) = slot.marker()? else {
                pruned.half_built += usize::from(slot.remove(lock)?);
                continue;
            };
            let used_at = slot.used_at(marker.generation);
            let used_at = used_at.unwrap_or(SystemTime::UNIX_EPOCH + micros(marker.built_at));
            if now.duration_since(used_at).unwrap_or_default() < older_than {
                slot.sweep(&lock)?;
                continue;
            }
            let entry = entry(&slot, marker)?;
            if slot.remove(lock)? {
                pruned.removed.push(entry);
            } else {
                pruned.in_use += 1;
            }
        }
        Ok(pruned)
    }

    fn slots(&self) -> io::Result<Vec<Slot>> {
        let mut slots = Vec::new();
        for runtime in folders(&self.directory)? {
            if runtime.file_name().is_some_and(|name| name != CACHE) {
                slots.extend(folders(&runtime)?.into_iter().map(Slot::at));
            }
        }
        Ok(slots)
    }
}

fn entry(slot: &Slot, marker: Marker) -> io::Result<VolumeEntry> {
    let used_at = slot.used_at(marker.generation).and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
    Ok(VolumeEntry {
        in_use: slot.is_used(marker.generation)?,
        directory: slot.generation(marker.generation),
        used_at: used_at.map(|at| Timestamp(i64::try_from(at.as_micros()).unwrap_or(i64::MAX))),
        pack: marker.pack,
        runtime: marker.runtime,
        fingerprint: marker.fingerprint,
        interpreter: marker.interpreter,
        size_bytes: marker.size_bytes,
        built_by: marker.built_by,
        built_at: Timestamp(marker.built_at),
    })
}

fn micros(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

fn folders(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut folders = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            folders.push(entry.path());
        }
    }
    folders.sort();
    Ok(folders)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(volume: &Path, pack: &str, fingerprint: &str) -> Slot {
        let slot = Slot::new(volume, "python", fingerprint);
        let lock = slot.try_lock().expect("locks").expect("free");
        let generation = slot.begin(&lock).expect("begins");
        let marker = Marker {
            generation,
            fingerprint: fingerprint.into(),
            pack: pack.into(),
            runtime: "python".into(),
            interpreter: "/usr/bin/python3 3.11".into(),
            manifest: "requirements.txt".into(),
            built_by: "w".into(),
            built_at: 1,
            took_ms: 2,
            size_bytes: 3,
        };
        slot.finish(&lock, &marker).expect("finishes");
        slot
    }

    fn packs(volume: &EnvironmentVolume) -> Vec<String> {
        volume.list().expect("lists").into_iter().map(|entry| entry.pack).collect()
    }

    #[test]
    fn only_what_nobody_uses_and_nobody_used_for_long_is_removed() {
        let directory = tempfile::tempdir().expect("a folder");
        let volume = EnvironmentVolume::new(directory.path());
        assert_eq!(EnvironmentVolume::new("/does/not/exist").list().expect("lists"), []);
        fs::create_dir(directory.path().join(CACHE)).expect("a folder");
        for (pack, fingerprint) in [("old", "a"), ("used", "b"), ("new", "c")] {
            made(directory.path(), pack, fingerprint);
        }
        let half = Slot::new(directory.path(), "node", "d");
        half.begin(&half.try_lock().expect("locks").expect("free")).expect("begins");
        let used = Slot::new(directory.path(), "python", "b").ready("b").expect("looks").expect("ready");
        drop(Slot::new(directory.path(), "python", "c").ready("c").expect("looks").expect("ready"));
        assert_eq!(packs(&volume), ["new", "old", "used"]);
        let pruned = volume.prune(Duration::from_secs(60)).expect("prunes");
        let removed: Vec<_> = pruned.removed.iter().map(|entry| entry.pack.as_str()).collect();
        assert_eq!((removed, pruned.half_built, pruned.in_use), (vec!["old"], 1, 0));
        let pruned = volume.prune(Duration::ZERO).expect("prunes");
        assert_eq!((pruned.removed.len(), pruned.half_built, pruned.in_use), (1, 0, 1));
        assert!(used.is_current());
        assert_eq!(packs(&volume), ["used"]);
    }

    #[test]
    fn what_is_to_be_made_again_is_ready_no_more_and_stays_for_who_uses_it() {
        let directory = tempfile::tempdir().expect("a folder");
        let volume = EnvironmentVolume::new(directory.path());
        let (slot, _other) = (made(directory.path(), "one", "a"), made(directory.path(), "two", "b"));
        let used = slot.ready("a").expect("looks").expect("ready");
        assert_eq!(volume.rebuild("one", Some("node")).expect("asks"), []);
        let asked = volume.rebuild("one", Some("Python")).expect("asks");
        assert!(asked.len() == 1 && asked[0].accepted);
        assert!(slot.ready("a").expect("looks").is_none());
        assert!(!used.is_current() && used.directory().is_dir());
        assert_eq!(packs(&volume), ["two"]);
        let busy = Slot::new(directory.path(), "python", "b");
        let _lock = busy.try_lock().expect("locks").expect("free");
        assert!(!volume.rebuild("two", None).expect("asks")[0].accepted, "somebody builds");
    }
}
