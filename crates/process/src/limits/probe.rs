//! What works here, found out by doing it.

use super::group::Group;
use super::group_files::GroupFiles;
use super::group_name::GroupName;
use super::plan::GroupPlan;
use super::raw;
use super::rlimit::{ResolvedRlimit, Resource};

/// Makes a group, lets a process join it and removes it again. The error says in words what did not work.
pub(super) fn try_out(plan: GroupPlan, files: &'static dyn GroupFiles) -> Result<(), String> {
    let parent = plan.place.parent.clone();
    let group = Group::make(&[plan], &GroupName::next().to_string(), files)?;
    let joins: Vec<i32> = group.joins().collect();
    let joined = raw::in_child(|| {
        let refused = joins.iter().find_map(|procs| raw::join(*procs).err());
        refused.map_or(0, i32::unsigned_abs).into()
    });
    match joined {
        Ok(0) => Ok(()),
        Ok(number) => {
            let error = std::io::Error::from_raw_os_error(i32::try_from(number).unwrap_or(libc::EIO));
            Err(format!("no process can join a control group in {}: {error}", parent.display()))
        }
        Err(error) => Err(format!("no process could be made to try control groups: {error}")),
    }
}

/// Whether a limit on the number of a user's processes holds for this user.
pub(super) fn user_processes() -> Result<(), String> {
    let could_fork = raw::in_child(|| {
        let none = ResolvedRlimit { resource: Resource::Processes, soft: 0, hard: u64::MAX };
        if raw::limit(&none).is_err() { 2 } else { u64::from(raw::can_fork()) }
    });
    match could_fork {
        Ok(0) => Ok(()),
        Ok(1) => Err("RLIMIT_NPROC does not bind this user (root, or with CAP_SYS_RESOURCE)".to_owned()),
        Ok(_) => Err("RLIMIT_NPROC cannot be set".to_owned()),
        Err(error) => Err(format!("RLIMIT_NPROC could not be tried: {error}")),
    }
}

/// How many processes this user has, as `RLIMIT_NPROC` counts them: also those that cannot be seen from here. Nothing
/// tells that number, so it is found by halving: the smallest limit under which one more process can be made.
pub(super) fn count_user_processes() -> u64 {
    let least = raw::in_child(|| {
        let (mut low, mut high) = (0_u64, 1 << 20);
        while low < high {
            let middle = low.midpoint(high);
            let soft = ResolvedRlimit { resource: Resource::Processes, soft: middle, hard: u64::MAX };
            if raw::limit(&soft).is_err() {
                return 0;
            }
            if raw::can_fork() { high = middle } else { low = middle + 1 }
        }
        low
    });
    // Both the child that asked and the child that it could have are counted in.
    least.unwrap_or(0).saturating_sub(2)
}
