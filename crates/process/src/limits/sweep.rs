//! Groups whose guard is no more.

use std::fs;
use std::path::Path;

use super::group::remove;
use super::group_files::GroupFiles;
use super::group_name::GroupName;

/// Removes the groups in `parent` that belong to guards which are no more, with everything in them.
pub(super) fn sweep(parent: &Path, files: &dyn GroupFiles) -> usize {
    let Ok(entries) = fs::read_dir(parent) else { return 0 };
    let abandoned = entries
        .flatten()
        .filter(|entry| entry.file_name().to_str().and_then(GroupName::parse).is_some_and(|name| name.is_abandoned()));
    abandoned.filter(|entry| remove(&entry.path(), files)).count()
}
