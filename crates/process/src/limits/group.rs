//! The control group of one execution.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::group_files::GroupFiles;
use super::place::{Version, keyed, limit_of};
use super::plan::GroupPlan;
use super::raw;
use super::{Accounting, OomEvidence, OomScope};
use crate::system;

/// How often, and how many milliseconds apart, a group that still holds dying processes is tried to be removed.
const REMOVALS: (u32, i32) = (100, 2);

/// How many times a group's processes are read and killed before they are given up. Once nothing in it can fork any
/// more, two are enough.
const KILL_ROUNDS: u32 = 200;

/// One directory of it: with v1 there is one for each controller.
#[derive(Debug)]
struct Part {
    version: Version,
    directory: PathBuf,
    procs: File,
}

/// The control group of one execution. Removed when dropped.
#[derive(Debug)]
pub(super) struct Group {
    parts: Vec<Part>,
    files: &'static dyn GroupFiles,
}

impl Group {
    /// Makes the groups of `plans`, all by the same `name`, and sets them up. The error says in words what failed.
    pub(super) fn make(plans: &[GroupPlan], name: &str, files: &'static dyn GroupFiles) -> Result<Self, String> {
        let mut group = Self { parts: Vec::with_capacity(plans.len()), files };
        for plan in plans {
            let directory = plan.place.parent.join(name);
            let failed = |what: &str, source: io::Error| format!("{what} in {}: {source}", directory.display());
            files.make(&directory).map_err(|source| {
                format!("no control group can be made in {}: {source}", plan.place.parent.display())
            })?;
            let procs = OpenOptions::new().write(true).open(directory.join("cgroup.procs"));
            let procs = procs.map_err(|source| {
                let _already_failing = files.remove(&directory);
                failed("cgroup.procs cannot be opened", source)
            })?;
            // From here on dropping `group` removes the directory.
            group.parts.push(Part { version: plan.place.version, directory: directory.clone(), procs });
            for setting in &plan.settings {
                if let (Err(source), true) =
                    (files.write(&directory.join(setting.file), &setting.value), setting.is_required)
                {
                    return Err(failed(&format!("{} cannot be set", setting.file), source));
                }
            }
        }
        Ok(group)
    }

    /// What a child joins by, in order: the descriptors of every `cgroup.procs`.
    pub(super) fn joins(&self) -> impl Iterator<Item = i32> + '_ {
        use std::os::fd::AsRawFd;
        self.parts.iter().map(|part| part.procs.as_raw_fd())
    }

    /// Its directories.
    #[cfg(test)]
    pub(super) fn directories(&self) -> Vec<PathBuf> {
        self.parts.iter().map(|part| part.directory.clone()).collect()
    }

    /// Whether [`Group::kill`] cannot be outrun: the kernel kills the group at once, or nothing in it can fork any more.
    pub(super) fn can_kill(&self) -> bool {
        self.parts
            .iter()
            .any(|part| part.directory.join("cgroup.kill").exists() || part.directory.join("pids.max").exists())
    }

    /// Kills everything in it, and says whether nothing is left in it but what is dying.
    pub(super) fn kill(&self) -> bool {
        if self.parts.iter().any(|part| self.files.write(&part.directory.join("cgroup.kill"), "1").is_ok()) {
            return true;
        }
        // v1, or v2 before Linux 5.14. Forbid new processes where that is possible, then take those that are there.
        for part in &self.parts {
            let _no_such_controller = self.files.write(&part.directory.join("pids.max"), "0");
        }
        self.parts.iter().all(|part| kill_members(&part.directory))
    }

    /// What it counted. `limit` is what memory was limited to, if it was.
    pub(super) fn account(&self, limit: Option<u64>) -> Accounting {
        let mut accounting = Accounting::default();
        for part in &self.parts {
            let stat = read(&part.directory.join("cpu.stat"));
            let micros = stat.as_deref().and_then(|stat| keyed(stat, "usage_usec"));
            accounting.cpu = accounting.cpu.or(micros.map(Duration::from_micros));
            let Some(limit) = limit.filter(|_| part.directory.join(part.version.limit_file()).exists()) else {
                continue;
            };
            let peak = read(&part.directory.join(part.version.peak_file())).as_deref().and_then(limit_of);
            accounting.peak_memory_bytes = peak;
            if kills(part.version, &part.directory) > 0 {
                let is_own = has_reached_limit(part.version, &part.directory, limit, peak);
                accounting.oom_killed = Some(OomEvidence {
                    limit_bytes: is_own.then_some(limit),
                    peak_bytes: peak,
                    scope: if is_own { OomScope::Execution } else { OomScope::Surroundings },
                });
            }
        }
        accounting
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        for part in &self.parts {
            if !remove(&part.directory, self.files) {
                tracing::warn!(cgroup = %part.directory.display(), "a control group cannot be removed yet");
            }
        }
    }
}

/// Removes a group and those below it, killing what is in them. Says whether it is gone.
pub(super) fn remove(directory: &Path, files: &dyn GroupFiles) -> bool {
    for round in 0..REMOVALS.0 {
        match files.remove(directory) {
            Ok(()) => return true,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return true,
            Err(_) => {}
        }
        // Busy: something is dying in it, or a descendant made groups of its own below it.
        if round > 0 {
            let below = fs::read_dir(directory).into_iter().flatten().flatten();
            for entry in below.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
                let _tried_again = remove_now(&entry.path(), files, 8);
            }
            let _tried_again = kill_members(directory);
        }
        raw::pause_millis(REMOVALS.1);
    }
    false
}

fn remove_now(directory: &Path, files: &dyn GroupFiles, deepest: u32) -> io::Result<()> {
    if deepest > 0 {
        for entry in fs::read_dir(directory)?.flatten() {
            if entry.file_type()?.is_dir() {
                let _tried_again = remove_now(&entry.path(), files, deepest - 1);
            }
        }
    }
    kill_members(directory);
    files.remove(directory)
}

/// Kills the processes that a group lists until it lists none but dying ones. A number may be given to somebody else
/// between the list and the kill; so a descriptor is taken first, and used only when the list still has the number.
fn kill_members(directory: &Path) -> bool {
    let procs = directory.join("cgroup.procs");
    for _ in 0..KILL_ROUNDS {
        let members = numbers(&procs);
        if members.is_empty() {
            return true;
        }
        let opened: Vec<_> = members.iter().filter_map(|pid| Some((*pid, system::pidfd_open(*pid).ok()?))).collect();
        let still = numbers(&procs);
        for (pid, pidfd) in &opened {
            if still.contains(pid) {
                let _ended_meanwhile = system::pidfd_signal(pidfd.as_fd(), libc::SIGKILL);
            }
        }
        raw::pause_millis(1);
    }
    false
}

fn numbers(procs: &Path) -> BTreeSet<i32> {
    let text = read(procs).unwrap_or_default();
    // In a group of another process namespace the kernel shows 0, which would mean ourselves.
    text.lines().filter_map(|line| line.trim().parse().ok()).filter(|pid| *pid > 0).collect()
}

/// How many processes of a group, not of those below it, were killed for memory.
pub(super) fn kills(version: Version, directory: &Path) -> u64 {
    version.kills_files().iter().find_map(|file| keyed(&read(&directory.join(file))?, "oom_kill")).unwrap_or(0)
}

/// Whether a group was killed in because of its own limit, rather than that of a group above it.
///
/// v2 counts how often the limit was met. v1 did, up to some kernel: there, whoever came within an eighth of the limit
/// met it, since the kernel charges in portions and gives up a little below.
fn has_reached_limit(version: Version, directory: &Path, limit: u64, peak: Option<u64>) -> bool {
    let events = || read(&directory.join("memory.events")).unwrap_or_default();
    let has_counted = match version {
        Version::V1 => ["memory.failcnt", "memory.memsw.failcnt"]
            .iter()
            .any(|file| read(&directory.join(file)).as_deref().and_then(limit_of).is_some_and(|count| count > 0)),
        Version::V2 => keyed(&events(), "max").is_some_and(|count| count > 0),
    };
    has_counted || peak.is_some_and(|peak| peak >= limit - limit / 8)
}

pub(super) fn read(file: &Path) -> Option<String> {
    let mut text = String::new();
    File::open(file).ok()?.take(1 << 20).read_to_string(&mut text).ok()?;
    Some(text)
}
