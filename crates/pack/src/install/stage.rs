//! The private folder in which a pack is put together.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};

use super::budget::{Budget, Spending};
use super::entry_names::{EntryNames, EntryRole, link_stays_inside};
use super::error::InstallError;

/// What an entry of a source is.
pub(super) enum Entry<'a> {
    Folder,
    File {
        content: &'a mut dyn Read,
        is_executable: bool,
    },
    Link {
        target: String,
    },
    /// Something that packs do not hold, in words.
    Other(&'static str),
}

/// The private folder in which a pack is put together. Dropping it removes it.
pub(super) struct Stage {
    root: PathBuf,
    names: EntryNames,
    spending: Spending,
    number: usize,
    links: Vec<(usize, PathBuf, String)>,
    is_kept: bool,
}

impl Stage {
    /// Makes a folder of an unused name inside `parent`.
    pub(super) fn new(parent: &Path, budget: Budget) -> Result<Self, InstallError> {
        let failed = |path: &Path| {
            let path = path.to_path_buf();
            move |source| InstallError::Store { doing: "make", path, source }
        };
        DirBuilder::new().recursive(true).mode(0o755).create(parent).map_err(failed(parent))?;
        let mut number = 0_u32;
        loop {
            // Two installations of one moment must not meet; the number of the process alone repeats in containers.
            let root = parent.join(format!(".staging-{}-{number}", std::process::id()));
            match DirBuilder::new().mode(0o755).create(&root) {
                Ok(()) => {
                    let spending = Spending::new(budget);
                    let names = EntryNames::default();
                    return Ok(Self { root, names, spending, number: 0, links: Vec::new(), is_kept: false });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < 10_000 => number += 1,
                Err(error) => return Err(failed(&root)(error)),
            }
        }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// How many entries were offered.
    pub(super) const fn entries(&self) -> usize {
        self.number
    }

    /// Takes the next entry.
    pub(super) fn add(&mut self, raw_name: &[u8], entry: Entry<'_>) -> Result<(), InstallError> {
        self.number += 1;
        self.spending.entry()?;
        let number = self.number;
        let shown = || String::from_utf8_lossy(raw_name).chars().take(200).collect::<String>();
        let role = if matches!(entry, Entry::Folder) { EntryRole::Folder } else { EntryRole::Leaf };
        let checked = self.names.check(raw_name, role);
        let checked = checked.map_err(|refusal| InstallError::Name { number, name: shown(), refusal })?;
        let Some(name) = checked else { return Ok(()) };
        let path = self.root.join(&name);
        match entry {
            Entry::Folder => make_folders(&path),
            Entry::File { content, is_executable } => {
                if let Some(parent) = path.parent() {
                    make_folders(parent)?;
                }
                self.write(&path, content, is_executable)
            }
            Entry::Link { target } => {
                if !link_stays_inside(&name, &target) {
                    return Err(InstallError::Link { number, name: shown(), target });
                }
                self.links.push((number, name, target));
                Ok(())
            }
            Entry::Other(kind) => Err(InstallError::Kind { number, name: shown(), kind }),
        }
    }

    fn write(&mut self, path: &Path, content: &mut dyn Read, is_executable: bool) -> Result<(), InstallError> {
        let failed = |source| InstallError::Store { doing: "write", path: path.to_path_buf(), source };
        // Set-uid bits and the like are never taken over; writable by nobody but the owner.
        let mode = if is_executable { 0o755 } else { 0o644 };
        let mut file: File = OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(failed)?;
        let mut buffer = vec![0; 64 << 10];
        loop {
            let count = match content.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    return Err(InstallError::Damaged { entries: self.number - 1, reason: error.to_string() });
                }
            };
            self.spending.bytes(count)?;
            file.write_all(&buffer[..count]).map_err(failed)?;
        }
    }

    /// Makes the links. Nothing may be added afterwards.
    pub(super) fn finish(&mut self) -> Result<(), InstallError> {
        for (_, name, target) in &self.links {
            let path = self.root.join(name);
            if let Some(parent) = path.parent() {
                make_folders(parent)?;
            }
            symlink(target, &path).map_err(|source| InstallError::Store {
                doing: "link",
                path: path.clone(),
                source,
            })?;
        }
        Ok(())
    }

    /// Whether every link ends at something inside `top`. A chain of links can leave although each of them alone does
    /// not, and one that points at nothing may point at something tomorrow; so the kernel is asked where they lead.
    pub(super) fn check_links(&self, top: &Path) -> Result<(), InstallError> {
        let top = fs::canonicalize(top).map_err(|source| InstallError::Store {
            doing: "read",
            path: top.to_path_buf(),
            source,
        })?;
        for (number, name, target) in &self.links {
            if !fs::canonicalize(self.root.join(name)).is_ok_and(|real| real.starts_with(&top)) {
                let (number, name, target) = (*number, name.display().to_string(), target.clone());
                return Err(InstallError::Link { number, name, target });
            }
        }
        Ok(())
    }

    /// The pack is where it belongs: what is left of the stage may stay or go.
    pub(super) const fn keep(&mut self) {
        self.is_kept = true;
    }
}

fn make_folders(path: &Path) -> Result<(), InstallError> {
    DirBuilder::new().recursive(true).mode(0o755).create(path).map_err(|source| InstallError::Store {
        doing: "make",
        path: path.to_path_buf(),
        source,
    })
}

impl Drop for Stage {
    fn drop(&mut self) {
        if !self.is_kept {
            // Private and without foreign links: nothing outside can be reached by removing it. What cannot be removed
            // is found by the next installation.
            let _rest = fs::remove_dir_all(&self.root);
        }
    }
}
