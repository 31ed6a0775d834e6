//! Makes room for groups in cgroup v2.

use std::io;
use std::path::{Path, PathBuf};

use super::group::read;
use super::group_files::GroupFiles;
use super::mounts::OwnGroup;

/// The group that this process moves into when it has to make room.
pub(super) const OWN: &str = "attune-own";

/// How many processes are moved out of the way before a group is called busy.
const MOST_MOVED: usize = 1000;

/// A group of v2 in which groups may be made, as far as can be told without trying.
#[derive(Debug, Clone)]
pub(super) struct Unified {
    pub(super) base: PathBuf,
    /// What groups in it may limit.
    pub(super) controllers: Vec<String>,
    /// Why it is not more.
    refused: Option<String>,
    /// Whether it is the machine's topmost group, which has few files of its own.
    pub(super) is_root: bool,
}

impl Unified {
    pub(super) fn lacks(&self, controller: &str) -> String {
        match &self.refused {
            Some(why) => why.clone(),
            None => format!("cgroup v2 offers no {controller} controller in {}", self.base.display()),
        }
    }
}

/// The group that this process was in before it moved, if it did.
pub(super) fn base(own: &OwnGroup) -> &Path {
    let was_moved = own.directory.file_name().is_some_and(|name| name == OWN);
    own.directory.parent().filter(|_| was_moved).unwrap_or(&own.directory)
}

/// Makes the group of this process one in which groups may be made.
///
/// The kernel's rule: a group whose children have controllers holds no processes itself, but for the topmost. So this
/// process moves one group down when that frees its group: when it is alone in it, or, with everything that is in it,
/// when the group `is_ours` to divide (the topmost of a container, or delegated by systemd). Strangers are never moved.
pub(super) fn prepare(
    own: &OwnGroup,
    is_ours: bool,
    files: &dyn GroupFiles,
    notes: &mut Vec<String>,
) -> Result<Unified, String> {
    let base = base(own).to_path_buf();
    let Some(offered) = read(&base.join("cgroup.controllers")) else {
        return Err(format!("{} is no cgroup v2 group", base.display()));
    };
    let kind = read(&base.join("cgroup.type"));
    if let Some(kind) = kind.as_deref().map(str::trim).filter(|kind| *kind != "domain") {
        return Err(format!("{} is a {kind} group", base.display()));
    }
    let subtree = base.join("cgroup.subtree_control");
    let has = |name: &str| read(&subtree).unwrap_or_default().split_whitespace().any(|one| one == name);
    let mut refused = None;
    for name in ["memory", "pids"] {
        if !offered.split_whitespace().any(|one| one == name) || has(name) {
            continue;
        }
        match enable(&base, name, is_ours, files) {
            Ok(0) => {}
            Ok(moved) => notes.push(format!("moved {moved} of the processes in {} to {OWN} below it", base.display())),
            Err(why) => refused = Some(why),
        }
    }
    let enabled = read(&subtree).unwrap_or_default();
    let controllers = enabled.split_whitespace().map(str::to_owned).collect();
    Ok(Unified { base, controllers, refused, is_root: kind.is_none() })
}

/// Lets groups in `base` use a controller; says how many processes had to be moved for that.
fn enable(base: &Path, controller: &str, is_ours: bool, files: &dyn GroupFiles) -> Result<usize, String> {
    let mut moved = 0;
    loop {
        let Err(error) = files.write(&base.join("cgroup.subtree_control"), &format!("+{controller}")) else {
            return Ok(moved);
        };
        match error.raw_os_error() {
            // Again when somebody started something there meanwhile, but not for ever.
            Some(libc::EBUSY) if moved < MOST_MOVED => moved += make_room(base, is_ours, files)?.max(1),
            Some(libc::EACCES | libc::EPERM | libc::EROFS) => {
                return Err(format!("cgroup v2 is not writable in {}: {error}", base.display()));
            }
            _ => return Err(format!("cgroup v2 refuses the {controller} controller in {}: {error}", base.display())),
        }
    }
}

/// Moves the processes of `base` one group down; says how many.
fn make_room(base: &Path, may_move_all: bool, files: &dyn GroupFiles) -> Result<usize, String> {
    let mine = std::process::id().to_string();
    let members = read(&base.join("cgroup.procs")).unwrap_or_default();
    let members: Vec<&str> = members.lines().map(str::trim).filter(|pid| !pid.is_empty()).collect();
    let others = members.iter().filter(|pid| **pid != mine).count();
    if others > 0 && !may_move_all {
        return Err(format!("{others} other processes are in {}, so it cannot be divided", base.display()));
    }
    let target = base.join(OWN);
    match files.make(&target) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(format!("no control group can be made in {}: {error}", base.display()));
        }
        _ => {}
    }
    for pid in &members {
        // Whoever ended meanwhile needs no move.
        if let Err(error) = files.write(&target.join("cgroup.procs"), pid)
            && error.raw_os_error() != Some(libc::ESRCH)
        {
            return Err(format!("process {pid} cannot be moved to {}: {error}", target.display()));
        }
    }
    Ok(members.len())
}
