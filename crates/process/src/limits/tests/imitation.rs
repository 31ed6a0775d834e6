//! A plain directory that behaves as far like cgroup v2 as limits can tell.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::limits::group_files::GroupFiles;
use crate::limits::host::Host;

/// What the kernel does when groups are made, written to and removed.
#[derive(Debug)]
pub(super) struct Imitation;

/// A file system on which nothing can be changed, as in most containers.
#[derive(Debug)]
pub(super) struct ReadOnly;

fn lines(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.split_whitespace().map(str::to_owned).collect()
}

fn fill(directory: &Path, files: &[(&str, &str)]) -> io::Result<()> {
    files.iter().try_for_each(|(name, text)| fs::write(directory.join(name), text))
}

/// What a group has more once its parent lets it use a controller.
fn offer(group: &Path, controller: &str) -> io::Result<()> {
    match controller {
        "memory" => fill(
            group,
            &[
                ("memory.max", "max\n"),
                ("memory.swap.max", "max\n"),
                ("memory.oom.group", "0\n"),
                ("memory.peak", "0\n"),
                ("memory.events", "max 0\noom 0\noom_kill 0\n"),
                ("memory.events.local", "max 0\noom 0\noom_kill 0\n"),
            ],
        ),
        "pids" => fill(group, &[("pids.max", "max\n")]),
        _ => Ok(()),
    }
}

fn refused<T>(number: i32) -> io::Result<T> {
    Err(io::Error::from_raw_os_error(number))
}

impl GroupFiles for Imitation {
    fn make(&self, directory: &Path) -> io::Result<()> {
        fs::create_dir(directory)?;
        let parent = directory.parent().expect("a group has a parent");
        let offered = lines(&parent.join("cgroup.subtree_control"));
        fill(
            directory,
            &[
                ("cgroup.controllers", &offered.join(" ")),
                ("cgroup.subtree_control", ""),
                ("cgroup.procs", ""),
                ("cgroup.type", "domain\n"),
                ("cgroup.kill", ""),
                ("cpu.stat", "usage_usec 1500000\nuser_usec 1000000\n"),
            ],
        )?;
        offered.iter().try_for_each(|controller| offer(directory, controller))
    }

    fn write(&self, file: &Path, value: &str) -> io::Result<()> {
        if !file.exists() {
            return refused(libc::ENOENT);
        }
        let directory = file.parent().expect("a file has a directory");
        match file.file_name().and_then(|name| name.to_str()) {
            Some("cgroup.subtree_control") => {
                let is_root = !directory.join("cgroup.type").exists();
                if !is_root && !lines(&directory.join("cgroup.procs")).is_empty() {
                    return refused(libc::EBUSY);
                }
                let mut enabled = lines(file);
                let controller = value.trim_start_matches('+');
                enabled.push(controller.to_owned());
                fs::write(file, enabled.join(" "))?;
                let below = fs::read_dir(directory)?.flatten().filter(|entry| entry.path().is_dir());
                below.map(|entry| entry.path()).try_for_each(|group| offer(&group, controller))
            }
            Some("cgroup.procs") => {
                let above = directory.parent().expect("a group has a parent").join("cgroup.procs");
                let left: Vec<String> = lines(&above).into_iter().filter(|pid| pid != value).collect();
                fs::write(above, left.join("\n"))?;
                let mut members = lines(file);
                members.push(value.to_owned());
                fs::write(file, members.join("\n"))
            }
            _ => fs::write(file, value),
        }
    }

    fn remove(&self, directory: &Path) -> io::Result<()> {
        // Whoever joins writes a 0, and is gone by now.
        if lines(&directory.join("cgroup.procs")).iter().any(|pid| pid != "0") {
            return refused(libc::EBUSY);
        }
        fs::remove_dir_all(directory)
    }
}

impl GroupFiles for ReadOnly {
    fn make(&self, _directory: &Path) -> io::Result<()> {
        refused(libc::EROFS)
    }

    fn write(&self, _file: &Path, _value: &str) -> io::Result<()> {
        refused(libc::EROFS)
    }

    fn remove(&self, _directory: &Path) -> io::Result<()> {
        refused(libc::EROFS)
    }
}

/// A made-up host. Its tree is gone with it.
pub(super) struct MadeUpHost {
    directory: tempfile::TempDir,
}

impl MadeUpHost {
    /// A host with cgroup v2 that offers `controllers`, this process being in `own` (such as `/` or `/a/b`).
    pub(super) fn with(own: &str, controllers: &str) -> Self {
        let host = Self { directory: tempfile::tempdir().expect("a directory") };
        for directory in ["proc/self", "sys/fs/cgroup"] {
            fs::create_dir_all(host.path(directory)).expect("a directory");
        }
        let mounts = "41 31 0:38 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw\n";
        fs::write(host.path("proc/self/mountinfo"), mounts).expect("written");
        host.is_in(own);
        // The topmost group of a container looks like any other; only the machine's has no type.
        let mut group = host.path("sys/fs/cgroup");
        fs::write(group.join("cgroup.subtree_control"), controllers).expect("written");
        for part in own.split('/').filter(|part| !part.is_empty()) {
            group.push(part);
            Imitation.make(&group).expect("made");
            fs::write(group.join("cgroup.subtree_control"), controllers).expect("written");
        }
        fs::write(group.join("cgroup.controllers"), controllers).expect("written");
        fs::write(group.join("cgroup.subtree_control"), "").expect("written");
        fs::write(group.join("cgroup.type"), "domain\n").expect("written");
        fs::write(group.join("cgroup.kill"), "").expect("written");
        fs::write(group.join("cgroup.procs"), std::process::id().to_string()).expect("written");
        host
    }

    /// A host without any control group.
    pub(super) fn bare() -> Self {
        Self { directory: tempfile::tempdir().expect("a directory") }
    }

    pub(super) fn path(&self, below: &str) -> PathBuf {
        self.directory.path().join(below.trim_start_matches('/'))
    }

    pub(super) fn group(&self, path: &str) -> PathBuf {
        self.path("sys/fs/cgroup").join(path)
    }

    pub(super) fn is_in(&self, own: &str) {
        fs::write(self.path("proc/self/cgroup"), format!("0::{own}\n")).expect("written");
    }

    pub(super) fn host(&self, files: &'static dyn GroupFiles) -> Host {
        Host { root: self.directory.path().to_path_buf(), files, is_delegated: |_| false }
    }

    /// Names of the groups below `path`.
    pub(super) fn groups_in(&self, path: &str) -> Vec<String> {
        let entries = fs::read_dir(self.group(path)).expect("a group").flatten();
        let groups = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        groups.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }
}
