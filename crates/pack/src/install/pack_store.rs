//! The folder that installed packs lie in.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::archive;
use super::budget::Budget;
use super::digest::{Digest, digest_of};
use super::error::InstallError;
use super::folder;
use super::stage::Stage;
use crate::pack::Pack;

/// Packs that come with Attune: nobody takes their names by accident.
const RESERVED: &[&str] = &["core"];

/// The folder that installed packs lie in: contents in `.store/<pack>/<digest>`, and `<pack>` a link to the current one.
#[derive(Debug, Clone)]
pub struct PackStore {
    root: PathBuf,
    budget: Budget,
    allows_reserved: bool,
}

/// A pack that was installed.
#[derive(Debug, Clone, PartialEq)]
pub struct Installed {
    /// What it declares; its directory is the folder named after its content.
    pub pack: Pack,
    /// The digest of its content.
    pub digest: Digest,
    /// What was there before, when it was something else.
    pub replaced: Option<PathBuf>,
    /// Whether exactly this was the current one already.
    pub was_current: bool,
}

impl PackStore {
    /// The store in `root`, which need not exist.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), budget: Budget::default(), allows_reserved: false }
    }

    /// The same with another budget.
    #[must_use]
    pub const fn budget(mut self, budget: Budget) -> Self {
        self.budget = budget;
        self
    }

    /// The same, which also replaces packs that come with Attune.
    #[must_use]
    pub const fn allow_reserved(mut self, allowed: bool) -> Self {
        self.allows_reserved = allowed;
        self
    }

    /// Where it lies.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Installs the pack in `folder`.
    ///
    /// # Errors
    /// Why not; nothing was changed.
    pub fn install_folder(&self, folder: &Path) -> Result<Installed, InstallError> {
        let real =
            fs::canonicalize(folder).map_err(|source| InstallError::Source { path: folder.to_path_buf(), source })?;
        let mut stage = self.stage()?;
        folder::copy(&real, &mut stage)?;
        self.settle(stage, &folder.display().to_string())
    }

    /// Installs the pack in the archive at `path`: the pack's files at its top, or in its only folder.
    ///
    /// # Errors
    /// Why not; nothing was changed.
    pub fn install_archive(&self, path: &Path) -> Result<Installed, InstallError> {
        let mut stage = self.stage()?;
        archive::unpack(path, &mut stage)?;
        self.settle(stage, &path.display().to_string())
    }

    fn store(&self) -> PathBuf {
        self.root.join(".store")
    }

    fn stage(&self) -> Result<Stage, InstallError> {
        Stage::new(&self.store(), self.budget)
    }

    fn settle(&self, mut stage: Stage, source_name: &str) -> Result<Installed, InstallError> {
        stage.finish()?;
        let top =
            pack_folder(stage.root()).ok_or_else(|| InstallError::NoPack { source_name: source_name.to_owned() })?;
        stage.check_links(&top)?;
        let pack = Pack::load(&top).map_err(|error| InstallError::Invalid(error.seen_from(&top, source_name)))?;
        let name = pack.spec.pack_ref.clone();
        if RESERVED.contains(&name.as_str()) && !self.allows_reserved {
            return Err(InstallError::Reserved { name });
        }
        let failed = |doing, path: &Path| {
            let path = path.to_path_buf();
            move |source| InstallError::Store { doing, path, source }
        };
        let digest = digest_of(&top).map_err(failed("read", &top))?;
        let link = self.root.join(&name);
        let previous = match fs::symlink_metadata(&link) {
            Ok(found) if found.is_symlink() => fs::canonicalize(&link).ok(),
            Ok(_) => return Err(InstallError::InTheWay { path: link }),
            Err(_) => None,
        };
        let shelf = self.store().join(&name);
        fs::create_dir_all(&shelf).map_err(failed("make", &shelf))?;
        let home = shelf.join(digest.to_string());
        match fs::rename(&top, &home) {
            Ok(()) => {
                if top == stage.root() {
                    stage.keep();
                }
            }
            // Somebody was here before with the same content: that is as good.
            Err(error)
                if home.is_dir()
                    && matches!(error.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists) => {}
            Err(error) => return Err(failed("move the pack to", &home)(error)),
        }
        let home = fs::canonicalize(&home).map_err(failed("read", &home))?;
        let was_current = previous.as_deref() == Some(home.as_path());
        if !was_current {
            point(&link, &Path::new(".store").join(&name).join(digest.to_string())).map_err(failed("switch", &link))?;
        }
        let pack = Pack { directory: home, ..pack };
        Ok(Installed { pack, digest, replaced: previous.filter(|_| !was_current), was_current })
    }

    /// Removes all versions of `pack` but the current one and the newest `keep` others. Returns what went.
    ///
    /// An execution that started under a version needs its folder until it ends: call it for versions that nothing has
    /// started under for longer than anything may run.
    ///
    /// # Errors
    /// Something cannot be read or removed.
    pub fn prune(&self, pack: &str, keep: usize) -> io::Result<Vec<PathBuf>> {
        let current = fs::canonicalize(self.root.join(pack)).ok();
        let mut others = Vec::new();
        for entry in fs::read_dir(self.store().join(pack))? {
            let entry = entry?;
            let path = fs::canonicalize(entry.path())?;
            if Some(&path) != current.as_ref() {
                others.push((entry.metadata()?.modified()?, path));
            }
        }
        others.sort_by_key(|(modified, _)| std::cmp::Reverse(*modified));
        let old: Vec<PathBuf> = others.into_iter().skip(keep).map(|(_, path)| path).collect();
        old.iter().try_for_each(fs::remove_dir_all)?;
        Ok(old)
    }
}

/// The folder with the `pack.yaml`: the top, or the only folder in it (archives made of a folder have one).
fn pack_folder(top: &Path) -> Option<PathBuf> {
    if top.join("pack.yaml").is_file() {
        return Some(top.to_path_buf());
    }
    let mut entries = fs::read_dir(top).ok()?.flatten();
    let only = entries.next()?.path();
    (entries.next().is_none() && only.join("pack.yaml").is_file()).then_some(only)
}

/// Makes `link` point to `target` in one step.
fn point(link: &Path, target: &Path) -> io::Result<()> {
    let name = link.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut number = 0_u32;
    loop {
        // Of its own for every installation: in one process several may switch at once, and in containers the number
        // of the process repeats.
        let beside = link.with_file_name(format!(".{name}.{}-{number}", std::process::id()));
        match symlink(target, &beside) {
            Ok(()) => return fs::rename(&beside, link).inspect_err(|_| drop(fs::remove_file(&beside))),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < 10_000 => number += 1,
            Err(error) => return Err(error),
        }
    }
}
