//! What may be limited here.

use std::path::PathBuf;
use std::sync::OnceLock;

use super::group_files::GroupFiles;
use super::host::Host;
use super::place::Place;
use super::plan::plan;
use super::surroundings::Surroundings;
use super::{By, LimitName, Limits};

/// What may be limited here, and by what. Found out by trying, not by reading what ought to work.
#[derive(Debug, Clone)]
pub struct Support {
    /// Where groups that limit memory may be made, or why nowhere.
    pub(super) memory: Result<Place, String>,
    /// Where groups that limit processes may be made, or why nowhere.
    pub(super) processes: Result<Place, String>,
    /// Where groups may be made that the kernel kills whole.
    pub(super) kill: Option<Place>,
    /// Whether the number of this user's processes may be limited, or why not.
    pub(super) user_processes: Result<(), String>,
    /// The group that this process is in.
    pub(super) surroundings: Option<Surroundings>,
    /// Where control groups are mounted.
    pub(super) mounts: Vec<PathBuf>,
    pub(super) files: &'static dyn GroupFiles,
    pub(super) notes: Vec<String>,
}

impl Support {
    /// Finds out what may be limited here, once for this process and what it forks.
    ///
    /// With cgroup v2, processes and groups cannot live side by side in a group that has controllers. So when the group
    /// of this process is its own to divide, this moves the process into a group below it, named `attune-own`; that is
    /// said in [`Support::notes`]. Call it before anything else is started.
    pub fn of_this_process() -> &'static Self {
        static SUPPORT: OnceLock<Support> = OnceLock::new();
        SUPPORT.get_or_init(|| Host::own().discover())
    }

    /// What would enforce a limit that is asked for here.
    #[must_use]
    pub fn enforces(&self, name: LimitName) -> By {
        let mut limits = Limits::default();
        let value = match name {
            LimitName::Memory => &mut limits.memory_bytes,
            LimitName::Cpu => &mut limits.cpu_seconds,
            LimitName::Processes => &mut limits.processes,
            LimitName::OpenFiles => &mut limits.open_files,
            LimitName::FileBytes => &mut limits.file_bytes,
        };
        *value = Some(1);
        let decided = plan(&limits, self);
        decided.report.entries.into_iter().next().map_or(By::Rlimit, |entry| entry.enforced)
    }

    /// What was found and what was done, in words, for people who wonder why it is not more.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Directories that a child must not be able to write to: by a file in them, a child that may could leave its group.
    #[must_use]
    pub fn control_directories(&self) -> &[PathBuf] {
        &self.mounts
    }

    /// The directories in which groups of executions are made.
    #[must_use]
    pub fn group_parents(&self) -> Vec<PathBuf> {
        let mut directories: Vec<PathBuf> = self.places().map(|place| place.parent.clone()).collect();
        directories.sort();
        directories.dedup();
        directories
    }

    /// Removes the groups that guards left which are no more, with everything in them; says how many there were.
    pub fn sweep(&self) -> usize {
        self.group_parents().iter().map(|parent| super::sweep::sweep(parent, self.files)).sum()
    }

    fn places(&self) -> impl Iterator<Item = &Place> {
        [self.memory.as_ref().ok(), self.processes.as_ref().ok(), self.kill.as_ref()].into_iter().flatten()
    }
}
