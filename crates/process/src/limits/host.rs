//! Looks for the places in which this host lets groups be made.

use std::fs;
use std::path::{Path, PathBuf};

use super::group_files::{GroupFiles, KernelFiles};
use super::mounts::{Hierarchy, OwnGroup, own_group};
use super::place::{Place, Version};
use super::plan::GroupPlan;
use super::support::Support;
use super::surroundings::Surroundings;
use super::unified;
use super::{probe, raw};

/// What is tried with: no process that joins for an instant comes near them.
const TRIED_MEMORY: u64 = 1 << 30;
const TRIED_PROCESSES: u64 = 1 << 10;

/// A host, as its file system shows it.
#[derive(Debug)]
pub(super) struct Host {
    /// Its topmost directory. The tests put a made-up one here.
    pub(super) root: PathBuf,
    pub(super) files: &'static dyn GroupFiles,
    /// Whether systemd left this group to whoever runs in it.
    pub(super) is_delegated: fn(&Path) -> bool,
}

/// systemd says so by an attribute of the group's directory.
fn is_delegated(group: &Path) -> bool {
    [c"user.delegate", c"trusted.delegate"].iter().any(|name| raw::has_attribute(group, name))
}

impl Host {
    /// The one that this process runs on.
    pub(super) fn own() -> Self {
        Self { root: PathBuf::from("/"), files: &KernelFiles, is_delegated }
    }

    /// Finds out what may be limited here.
    pub(super) fn discover(&self) -> Support {
        let mut notes = Vec::new();
        let unified = self.own_group(Hierarchy::Unified).and_then(|own| {
            let is_systemd_here = self.root.join("run/systemd/system").exists();
            let is_ours = own.is_topmost || (self.is_delegated)(unified::base(&own));
            if is_systemd_here && !is_ours {
                let base = unified::base(&own).display().to_string();
                return Err(format!("systemd did not delegate {base}: its unit needs Delegate=yes"));
            }
            unified::prepare(&own, is_ours, self.files, &mut notes)
        });
        let try_out = |place: Place, settings| {
            probe::try_out(GroupPlan { place: place.clone(), settings }, self.files).map(|()| place)
        };
        let find = |controller: &'static str, settings: &dyn Fn(Version) -> Vec<_>| {
            let with_v2 = unified.as_ref().map_err(Clone::clone).and_then(|unified| {
                if !unified.controllers.iter().any(|offered| offered == controller) {
                    return Err(unified.lacks(controller));
                }
                try_out(Place { version: Version::V2, parent: unified.base.clone() }, settings(Version::V2))
            });
            with_v2.or_else(|v2| {
                let own = self.own_group(Hierarchy::Of(controller));
                let with_v1 = own.and_then(|own| {
                    try_out(Place { version: Version::V1, parent: own.directory }, settings(Version::V1))
                });
                with_v1.map_err(|v1| format!("no writable cgroup ({v2}; {v1})"))
            })
        };
        let memory = find("memory", &|version| version.memory(TRIED_MEMORY));
        let processes = find("pids", &|version| version.processes(TRIED_PROCESSES));
        let kill = unified.ok().and_then(|unified| {
            let place = Place { version: Version::V2, parent: unified.base };
            let can_kill = place.parent.join("cgroup.kill").exists() || unified.is_root;
            if can_kill { try_out(place, Vec::new()).ok() } else { None }
        });
        let user_processes = probe::user_processes();
        let surroundings = self.surroundings();
        let hierarchies = [Hierarchy::Unified, Hierarchy::Of("memory"), Hierarchy::Of("pids")];
        let mounts = hierarchies.into_iter().filter_map(|one| self.own_group(one).ok()).map(|own| own.mount).collect();
        for (name, found) in [("memory", &memory), ("processes", &processes)] {
            notes.push(match found {
                Ok(place) => format!("{name} are limited by control groups in {}", place.parent.display()),
                Err(why) => format!("{name} cannot be limited by control groups: {why}"),
            });
        }
        if let Err(why) = &user_processes {
            notes.push(format!("processes cannot be limited without control groups: {why}"));
        }
        let support =
            Support { memory, processes, kill, user_processes, surroundings, mounts, files: self.files, notes };
        // What an earlier life left, before anything new is made beside it.
        support.sweep();
        support
    }

    fn own_group(&self, hierarchy: Hierarchy) -> Result<OwnGroup, String> {
        let read = |file: &str| fs::read_to_string(self.root.join(file)).unwrap_or_default();
        let own = own_group(hierarchy, &read("proc/self/cgroup"), &read("proc/self/mountinfo"))?;
        Ok(OwnGroup { directory: self.inside(&own.directory), mount: self.inside(&own.mount), ..own })
    }

    fn inside(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    fn surroundings(&self) -> Option<Surroundings> {
        let found = |hierarchy, version: Version| {
            let directory = self.own_group(hierarchy).ok()?.directory;
            let counts = version.kills_files().iter().any(|file| directory.join(file).exists());
            counts.then_some(Surroundings::new(version, directory))
        };
        found(Hierarchy::Of("memory"), Version::V1).or_else(|| found(Hierarchy::Unified, Version::V2))
    }
}
