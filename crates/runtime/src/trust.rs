//! Whether a program may be run just because it was found.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Why a program that was found is not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Distrust {
    /// It is not an executable file. This is the usual case and no cause for alarm.
    NotAProgram,
    /// Anybody could have put it there.
    Writable(PathBuf),
}

const WRITABLE_BY_ALL: u32 = 0o002;
const EXECUTABLE: u32 = 0o111;

/// A file, whatever it is called: programs that are hard links of each other are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct FileIdentity {
    device: u64,
    inode: u64,
}

/// Looks at a program without running it and returns the file that it really is. A folder that everybody may write to
/// is not trusted even when it is sticky: the sticky bit keeps others from replacing files, not from adding them.
pub(crate) fn real_program(path: &Path) -> Result<FileIdentity, Distrust> {
    let real = fs::canonicalize(path).map_err(|_| Distrust::NotAProgram)?;
    let metadata = fs::metadata(&real).map_err(|_| Distrust::NotAProgram)?;
    if !metadata.is_file() || metadata.permissions().mode() & EXECUTABLE == 0 {
        return Err(Distrust::NotAProgram);
    }
    if metadata.mode() & WRITABLE_BY_ALL != 0 {
        return Err(Distrust::Writable(real));
    }
    for folder in [path.parent(), real.parent()].into_iter().flatten() {
        let folder_metadata = fs::metadata(folder).map_err(|_| Distrust::NotAProgram)?;
        if folder_metadata.mode() & WRITABLE_BY_ALL != 0 {
            return Err(Distrust::Writable(folder.to_owned()));
        }
    }
    Ok(FileIdentity { device: metadata.dev(), inode: metadata.ino() })
}
