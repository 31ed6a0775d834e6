//! Reading a folder entry by entry.

use std::fs::{self, File, OpenOptions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use super::error::InstallError;
use super::stage::{Entry, Stage};

/// What version control and package managers keep beside a pack, and what is built anew wherever it is needed.
const LEFT_OUT: &[&str] = &[".git", ".hg", ".svn", "__pycache__", "node_modules", ".venv", ".DS_Store"];

/// Brings everything in `folder` into `stage`.
pub(super) fn copy(folder: &Path, stage: &mut Stage) -> Result<(), InstallError> {
    let mut waiting = vec![folder.to_path_buf()];
    while let Some(directory) = waiting.pop() {
        let failed = |path: &Path| {
            let path = path.to_path_buf();
            move |source| InstallError::Source { path, source }
        };
        let mut entries: Vec<fs::DirEntry> = fs::read_dir(&directory)
            .map_err(failed(&directory))?
            .collect::<Result<_, _>>()
            .map_err(failed(&directory))?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            if LEFT_OUT.iter().any(|name| entry.file_name().as_bytes() == name.as_bytes()) {
                continue;
            }
            let relative = path.strip_prefix(folder).unwrap_or(&path).as_os_str().as_bytes().to_vec();
            let kind = entry.file_type().map_err(failed(&path))?;
            if kind.is_dir() {
                stage.add(&relative, Entry::Folder)?;
                waiting.push(path);
            } else if kind.is_symlink() {
                let target = fs::read_link(&path).map_err(failed(&path))?;
                stage.add(&relative, Entry::Link { target: target.to_string_lossy().into_owned() })?;
            } else if kind.is_file() {
                let mut file = open(&path).map_err(failed(&path))?;
                let is_executable = file.metadata().map_err(failed(&path))?.permissions().mode() & 0o111 != 0;
                stage.add(&relative, Entry::File { content: &mut file, is_executable })?;
            } else {
                let what = match () {
                    () if kind.is_fifo() => "pipe",
                    () if kind.is_socket() => "socket",
                    () => "device",
                };
                stage.add(&relative, Entry::Other(what))?;
            }
        }
    }
    Ok(())
}

/// Opens a file that was a plain one a moment ago: a pipe or a link in its place must neither block nor be followed.
fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).custom_flags(libc_flags::NO_FOLLOW_NO_BLOCK).open(path)
}

/// The two flags of open(2) that are needed, so that this crate needs no C library bindings.
mod libc_flags {
    /// `O_NOFOLLOW | O_NONBLOCK` of Linux; the first differs between architectures.
    #[cfg(any(target_arch = "aarch64", target_arch = "arm", target_arch = "powerpc64"))]
    pub(super) const NO_FOLLOW_NO_BLOCK: i32 = 0o100_000 | 0o4_000;
    /// `O_NOFOLLOW | O_NONBLOCK` of Linux.
    #[cfg(not(any(target_arch = "aarch64", target_arch = "arm", target_arch = "powerpc64")))]
    pub(super) const NO_FOLLOW_NO_BLOCK: i32 = 0o400_000 | 0o4_000;
}
