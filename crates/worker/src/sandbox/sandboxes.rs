//! The sandbox of each child of a worker.

use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use attune_config::SandboxFilesystem;
use attune_process::sandbox::probe;
use attune_process::{FilesystemPolicy, Sandbox, SandboxLevel, facts};

use crate::sandbox::SandboxSettings;

/// What most programs read: the system's own directories, and what the kernel tells.
const SYSTEM: &[&str] = &[
    "/bin",
    "/sbin",
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/etc",
    "/opt",
    "/nix",
    "/dev",
    "/proc",
    "/sys",
    "/run/systemd/resolve",
];

/// What most programs write to that is nobody's.
const DEVICES: &[&str] = &["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"];

/// Protecting a single file costs a rule for each of its neighbours; beyond this many it is said and not done.
const MOST_NEIGHBOURS: usize = 256;

/// What a worker has on disk.
#[derive(Debug, Default)]
pub(crate) struct Surroundings {
    /// What is this worker's and other executions'.
    pub(crate) hidden: Vec<PathBuf>,
    /// What actions use and must not change.
    pub(crate) read_only: Vec<PathBuf>,
    /// Interpreters, which may lie anywhere.
    pub(crate) programs: Vec<PathBuf>,
    /// The program that actions call as their helper.
    pub(crate) helper: Option<PathBuf>,
    /// The program of this process.
    pub(crate) own_program: Option<PathBuf>,
    /// Where children make temporary files unless they are told otherwise.
    pub(crate) temporary: PathBuf,
}

/// The sandboxes of a worker's children. What is the same for all of them was decided at start.
#[derive(Debug)]
pub(crate) struct Sandboxes {
    settings: SandboxSettings,
    hidden: Vec<PathBuf>,
    read_only: Vec<PathBuf>,
    /// Grows when interpreters are found later.
    readable: RwLock<Vec<PathBuf>>,
    writable: Vec<PathBuf>,
    hides_temporary: bool,
}

impl Sandboxes {
    /// Decides what is the same for all children.
    pub(crate) fn new(settings: SandboxSettings, surroundings: Surroundings) -> Self {
        let Surroundings { hidden, mut read_only, programs, helper, own_program, temporary } = surroundings;
        let hidden: Vec<PathBuf> = hidden.iter().chain(&settings.hidden).map(|path| real(path)).collect();
        read_only.extend(own_program.and_then(|program| replaceable(&program)));
        let read_only = outermost(read_only.iter().map(|path| real(path)).collect(), &hidden);
        let mut readable: Vec<PathBuf> = SYSTEM.iter().map(PathBuf::from).chain(homes_of(&programs)).collect();
        readable.extend(read_only.iter().cloned());
        // The one file, not what lies around it.
        readable.extend(helper);
        readable.sort();
        readable.dedup();
        let writable = DEVICES.iter().map(PathBuf::from).chain(settings.writable.iter().cloned()).collect();
        let temporary = real(&temporary);
        let hides_temporary = hidden.iter().chain(&read_only).any(|path| path.starts_with(&temporary));
        Self { settings, hidden, read_only, readable: RwLock::new(readable), writable, hides_temporary }
    }

    /// Lets children that start from now on read these interpreters as well.
    pub(crate) fn also_read(&self, programs: &[PathBuf]) {
        let mut readable = self.readable.write().unwrap_or_else(PoisonError::into_inner);
        readable.extend(homes_of(programs));
        readable.sort();
        readable.dedup();
    }

    /// Whether a child with this demand reaches only some files, so that all that is its own must lie in its area.
    pub(crate) fn restricts_files(&self, demanded: Option<u8>) -> bool {
        let (wanted, _) = self.settings.level_of(demanded);
        wanted >= SandboxLevel::Isolated
            && probe().landlock_abi > 0
            && self.settings.filesystem != SandboxFilesystem::Open
    }

    /// Whether such a child needs a directory of its own for temporary files: it cannot make any in the usual one when
    /// that is above something protected.
    pub(crate) fn hides_temporary(&self) -> bool {
        self.hides_temporary || self.settings.filesystem == SandboxFilesystem::Strict
    }

    /// The sandbox of a child with this demand, to which one directory belongs. `None` for a child whose files are not
    /// restricted.
    pub(crate) fn of(&self, demanded: Option<u8>, own: Option<&Path>) -> Sandbox {
        match own {
            Some(own) => self.owning(demanded, &[own.to_owned()]),
            None => {
                let (level, require) = self.settings.level_of(demanded);
                Sandbox { level, require, filesystem: FilesystemPolicy::Open }
            }
        }
    }

    /// The sandbox of a tool that installs packages: what it installs runs code of strangers, so it gets what actions
    /// get, and beside that the directories that it fills.
    pub(crate) fn of_building(&self, own: &[PathBuf]) -> Sandbox {
        self.owning(None, own)
    }

    fn owning(&self, demanded: Option<u8>, own: &[PathBuf]) -> Sandbox {
        let (level, require) = self.settings.level_of(demanded);
        let filesystem = match self.settings.filesystem {
            SandboxFilesystem::Open => FilesystemPolicy::Open,
            SandboxFilesystem::Strict => {
                let there = self.writable.iter().filter(|path| path.exists());
                let writable = there.chain(own).cloned().collect();
                let readable = self.readable.read().unwrap_or_else(PoisonError::into_inner).clone();
                FilesystemPolicy::Strict { readable, writable }
            }
            SandboxFilesystem::Protect => FilesystemPolicy::Protect {
                hidden: self.hidden.clone(),
                read_only: self.read_only.clone(),
                own: own.iter().map(|path| real(path)).collect(),
            },
        };
        Sandbox { level, require, filesystem }
    }
}

/// What interpreters bring along: the folder above the one that they lie in.
fn homes_of(programs: &[PathBuf]) -> impl Iterator<Item = PathBuf> {
    programs.iter().flat_map(|program| [program.clone(), real(program)]).filter_map(|program| {
        let home = program.parent()?.parent()?;
        (home != Path::new("/")).then(|| home.to_owned())
    })
}

/// The paths without those that lie in others of them: each costs a system call for every child.
fn outermost(mut paths: Vec<PathBuf>, hidden: &[PathBuf]) -> Vec<PathBuf> {
    paths.sort();
    paths.dedup();
    let covers = |outer: &PathBuf, inner: &PathBuf| {
        // Something hidden in between would hide it.
        inner != outer && inner.starts_with(outer) && !hidden.iter().any(|hidden| hidden.starts_with(outer))
    };
    let all = paths.clone();
    paths.retain(|inner| !all.iter().any(|outer| covers(outer, inner)));
    paths
}

/// Where a path leads, if it leads anywhere yet.
fn real(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    // What does not exist yet lies in something that does.
    absolute
        .ancestors()
        .find_map(|above| {
            let found = std::fs::canonicalize(above).ok()?;
            Some(found.join(absolute.strip_prefix(above).ok()?).components().collect())
        })
        .unwrap_or(absolute)
}

/// The program, if its user could replace it by another and that can be prevented.
fn replaceable(program: &Path) -> Option<PathBuf> {
    let folder = program.parent()?;
    facts::may_write(folder).ok()?;
    let neighbours = std::fs::read_dir(folder).ok()?.take(MOST_NEIGHBOURS + 1).count();
    if neighbours > MOST_NEIGHBOURS {
        tracing::info!(
            program = %program.display(),
            "this program lies among too many others to be protected: actions could replace it, running as the user who may"
        );
        return None;
    }
    Some(program.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surroundings(temporary: &str) -> Surroundings {
        Surroundings {
            hidden: vec!["/var/lib/attune".into()],
            read_only: vec!["/opt/packs".into()],
            programs: vec!["/opt/pyenv/versions/3.12/bin/python3".into(), "/bin/sh".into()],
            helper: None,
            own_program: None,
            temporary: temporary.into(),
        }
    }

    fn sandboxes(filesystem: SandboxFilesystem) -> Sandboxes {
        Sandboxes::new(SandboxSettings { filesystem, ..SandboxSettings::default() }, surroundings("/tmp"))
    }

    const OWN: &str = "/var/lib/attune/work/1.1";

    #[test]
    fn what_is_the_workers_is_protected_from_level_2_on() {
        let sandboxes = sandboxes(SandboxFilesystem::Protect);
        let FilesystemPolicy::Protect { hidden, read_only, own } = sandboxes.of(None, Some(OWN.as_ref())).filesystem
        else {
            panic!("protected");
        };
        assert_eq!((hidden.len(), own), (1, vec![OWN.into()]));
        assert!(read_only.contains(&"/opt/packs".into()));
        assert_eq!(sandboxes.of(Some(1), None).filesystem, FilesystemPolicy::Open);
        assert!(!sandboxes.restricts_files(Some(1)));
        assert_eq!(sandboxes.restricts_files(Some(2)), probe().landlock_abi > 0);
    }

    #[test]
    fn strict_reads_the_system_and_the_interpreters_and_writes_its_own() {
        let sandboxes = sandboxes(SandboxFilesystem::Strict);
        let FilesystemPolicy::Strict { readable, writable } = sandboxes.of(None, Some(OWN.as_ref())).filesystem else {
            panic!("strict");
        };
        for path in ["/usr", "/etc", "/proc", "/opt/packs", "/opt/pyenv/versions/3.12"] {
            assert!(readable.contains(&path.into()), "{path} of {readable:?}");
        }
        assert!(!readable.contains(&"/".into()));
        assert!(writable.contains(&"/dev/null".into()) && writable.contains(&OWN.into()));
    }

    #[test]
    fn temporary_files_get_a_place_where_the_usual_one_is_lost() {
        let with =
            |temporary: &str| Sandboxes::new(SandboxSettings::default(), surroundings(temporary)).hides_temporary();
        assert!(!with("/tmp"));
        assert!(with("/var/lib"));
        assert!(sandboxes(SandboxFilesystem::Strict).hides_temporary());
    }

    #[test]
    fn what_lies_in_a_protected_directory_is_not_named_again() {
        let paths = |paths: &[&str]| -> Vec<PathBuf> { paths.iter().map(PathBuf::from).collect() };
        let all = paths(&["/packs/core", "/packs", "/a", "/a/b/c"]);
        assert_eq!(outermost(all.clone(), &[]), paths(&["/a", "/packs"]));
        assert_eq!(outermost(all, &paths(&["/a/b"])), paths(&["/a", "/a/b/c", "/packs"]));
    }

    #[test]
    fn a_path_leads_where_its_existing_part_leads() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = std::fs::canonicalize(folder.path()).expect("there");
        std::fs::create_dir(folder.join("there")).expect("made");
        std::os::unix::fs::symlink(folder.join("there"), folder.join("link")).expect("a link");
        assert_eq!(real(&folder.join("link/not/yet")), folder.join("there/not/yet"));
    }
}
