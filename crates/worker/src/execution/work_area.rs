//! The files of one attempt.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::executions::Key;

/// Where attempts may have files. Nothing of it is made until an attempt needs it: a script without files never
/// touches the disk.
#[derive(Debug, Clone)]
pub(crate) struct WorkAreas {
    root: PathBuf,
}

/// The files of one attempt. Dropping it removes them.
#[derive(Debug)]
pub(crate) struct WorkArea {
    /// Where the action may write its result. Beside the directory, so that it can be offered without making one.
    pub(crate) result_file: PathBuf,
    directory: PathBuf,
    is_made: bool,
}

impl WorkAreas {
    /// Clears what an earlier life left under `root` and makes it.
    pub(crate) fn open(root: PathBuf) -> io::Result<Self> {
        match fs::remove_dir_all(&root) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        DirBuilder::new().recursive(true).mode(0o700).create(&root)?;
        Ok(Self { root })
    }

    /// The files of one attempt, none of which exists yet.
    pub(crate) fn area(&self, key: Key) -> WorkArea {
        let name = format!("{}.{}", key.execution, key.attempt);
        WorkArea {
            result_file: self.root.join(format!("{name}.result")),
            directory: self.root.join(name),
            is_made: false,
        }
    }
}

impl WorkArea {
    /// A directory of the attempt's own, made now when it does not exist.
    pub(crate) fn directory(&mut self) -> io::Result<&Path> {
        if !self.is_made {
            DirBuilder::new().mode(0o700).create(&self.directory)?;
            self.is_made = true;
        }
        Ok(&self.directory)
    }

    /// Writes a file into the directory; its path.
    pub(crate) fn write(&mut self, name: &str, content: &[u8], mode: u32) -> io::Result<PathBuf> {
        let path = self.directory()?.join(name);
        OpenOptions::new().write(true).create_new(true).mode(mode).open(&path)?.write_all(content)?;
        Ok(path)
    }
}

impl Drop for WorkArea {
    fn drop(&mut self) {
        // The action may have written the file or not; either way it must be gone.
        let _absent = fs::remove_file(&self.result_file);
        if self.is_made
            && let Err(error) = fs::remove_dir_all(&self.directory)
        {
            tracing::warn!(path = %self.directory.display(), error = &error as &dyn std::error::Error, "work directory could not be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use attune_types::{AttemptNumber, ExecutionId};

    #[test]
    fn files_appear_on_demand_and_leave_with_the_attempt() {
        let directory = tempfile::tempdir().expect("directory");
        let root = directory.path().join("work");
        fs::create_dir_all(root.join("left behind")).expect("made");
        let areas = WorkAreas::open(root.clone()).expect("opens");
        let count = || fs::read_dir(&root).expect("there").count();
        assert_eq!(count(), 0);
        let mut area = areas.area(Key::new(ExecutionId(1), AttemptNumber(2)));
        assert_eq!(count(), 0);
        let script = area.write("script.sh", b"true", 0o700).expect("written");
        assert_eq!(fs::read(&script).expect("read"), b"true");
        fs::write(&area.result_file, b"1").expect("written");
        drop(area);
        assert_eq!(count(), 0);
    }
}
