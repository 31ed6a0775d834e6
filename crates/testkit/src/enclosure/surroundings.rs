//! What is around the inner program: a directory, control groups, and the user it becomes.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::user::User;
use crate::programs;

/// The variable with the inner program's directory.
const DIRECTORY: &str = "ATTUNE_TEST_DIRECTORY";
/// The variable with the directory of its own control group that counts memory.
const MEMORY: &str = "ATTUNE_TEST_MEMORY_GROUP";
/// The variable that asks the inner program to become `nobody`.
const DROP: &str = "ATTUNE_TEST_DROP";

/// What a test finds inside of its enclosure.
#[derive(Debug, Clone)]
pub struct Surroundings {
    directory: PathBuf,
}

impl Surroundings {
    /// A directory of its own, also `TMPDIR`.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// A path below it.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Writes a file below it.
    ///
    /// # Panics
    /// When that is not possible.
    pub fn write(&self, name: &str, content: &str) {
        let path = self.path(name);
        fs::write(&path, content).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    /// The directory of a control group of version 1 that counts the memory of all that runs here, if it may be written.
    #[must_use]
    pub fn memory_group(&self) -> Option<PathBuf> {
        std::env::var_os(MEMORY).map(PathBuf::from)
    }

    /// Becomes the user that was asked for, for good: with all threads, as the C library does it.
    pub(super) fn of_this_process() -> Self {
        let directory = std::env::var_os(DIRECTORY).map(PathBuf::from).unwrap_or_default();
        if std::env::var_os(DROP).is_some() && programs::are_root() {
            let nobody = User::NOBODY;
            // SAFETY: these calls have no memory preconditions: an empty list of groups, and numbers.
            let dropped = unsafe {
                libc::setgroups(0, std::ptr::null()) == 0
                    && libc::setresgid(nobody, nobody, nobody) == 0
                    && libc::setresuid(nobody, nobody, nobody) == 0
                    // What changed its user is not dumpable any more and could not read its own /proc entries.
                    && libc::prctl(libc::PR_SET_DUMPABLE, 1) == 0
            };
            assert!(dropped, "could not become nobody: {}", std::io::Error::last_os_error());
        }
        Self { directory }
    }
}

/// Gives the directory to the inner user and says where it is.
pub(super) fn prepare(command: &mut Command, directory: &Path, user: User, groups: &Groups) {
    let readable = fs::set_permissions(directory, fs::Permissions::from_mode(0o755));
    let mut given = readable;
    if programs::are_root() && !user.is_root() {
        given = given.and_then(|()| chown(directory, Some(User::NOBODY), Some(User::NOBODY)));
        command.env(DROP, "yes");
    }
    if let Err(error) = given {
        panic!("{} could not be given away: {error}", directory.display());
    }
    command.env(DIRECTORY, directory);
    if let Some(group) = groups.directories.iter().find(|path| path.starts_with("/sys/fs/cgroup/memory"))
        && user.is_root()
    {
        command.env(MEMORY, group);
    }
    groups.enter_with(command);
}

/// A control group of the test's own in every hierarchy that counts memory or processes, where that is allowed.
///
/// What the inner program makes of control groups lies below these, so that nothing is left exactly when they can be
/// removed.
#[derive(Debug, Default)]
pub(super) struct Groups {
    directories: Vec<PathBuf>,
}

impl Groups {
    /// Version 1 hierarchies below their usual place; with version 2 alone, the one that this process is in.
    pub(super) fn create() -> Self {
        let name = format!("attune-test-{}-{}", std::process::id(), crate::processes::next_number());
        let own = own_unified_group();
        let places = ["/sys/fs/cgroup/memory", "/sys/fs/cgroup/pids"].map(PathBuf::from).into_iter().chain(own);
        let directories = places.map(|place| place.join(&name)).filter(|path| fs::create_dir(path).is_ok());
        Self { directories: directories.collect() }
    }

    /// Lets the command's process and all it starts belong to them.
    fn enter_with(&self, command: &mut Command) {
        use std::os::unix::process::CommandExt as _;
        let files: Vec<fs::File> = self
            .directories
            .iter()
            .filter_map(|directory| fs::File::options().write(true).open(directory.join("cgroup.procs")).ok())
            .collect();
        // SAFETY: writes to open files and nothing else: no allocation, no lock.
        unsafe {
            command.pre_exec(move || {
                for mut file in &files {
                    std::io::Write::write_all(&mut file, b"0")?;
                }
                Ok(())
            });
        }
    }

    /// Removes them, which the kernel refuses while a group or a process is left in one.
    pub(super) fn assert_empty_and_remove(&self, what: &str) {
        let begun = std::time::Instant::now();
        let (_sender, never) = std::sync::mpsc::channel::<()>();
        for directory in &self.directories {
            while let Err(error) = fs::remove_dir(directory) {
                if begun.elapsed().as_secs() >= 10 {
                    let left = descendants(directory);
                    remove_all(directory);
                    panic!("{what} left control groups: {error}: {left:?}");
                }
                let _ = never.recv_timeout(std::time::Duration::from_millis(10));
            }
        }
    }
}

impl Drop for Groups {
    fn drop(&mut self) {
        for directory in &self.directories {
            remove_all(directory);
        }
    }
}

fn descendants(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.filter(|path| path.is_dir()).flat_map(|path| [descendants(&path), vec![path]].concat()).collect()
}

fn remove_all(directory: &Path) {
    for path in descendants(directory) {
        let _ = fs::remove_dir(path);
    }
    let _ = fs::remove_dir(directory);
}

/// The directory of this process's control group of version 2, where that is the only version.
fn own_unified_group() -> Option<PathBuf> {
    if !Path::new("/sys/fs/cgroup/cgroup.controllers").exists() {
        return None;
    }
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let own = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    Some(Path::new("/sys/fs/cgroup").join(own))
}
