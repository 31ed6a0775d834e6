//! Writes the rules of a file policy.

use std::ffi::{CString, OsString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::sandbox::filesystem_policy::FilesystemPolicy;
use crate::sandbox::kernel;
use crate::sandbox::neighbours::{Neighbours, Stamp};
use crate::sandbox::plan::{Step, is_beside, plan};
use crate::sandbox::rights::Rights;

/// More rules than this are not written: each costs half a microsecond at every start. It takes a directory with thousands
/// of entries beside a protected one to get there; what comes after is out of the child's reach, and it is told.
const MOST_RULES: usize = 4096;

/// A set of rules, ready to be entered.
#[derive(Debug)]
pub(super) struct Ruleset {
    /// The kernel's.
    pub(super) descriptor: OwnedFd,
    /// What it takes away that the policy did not mean to take, in words.
    pub(super) excess: Option<String>,
    /// The directories whose entries it was made from and by what they are known to hold. `None`: it holds only now.
    pub(super) made_from: Option<Vec<(PathBuf, Stamp)>>,
}

/// Why a policy could not be made into rules.
#[derive(Debug, thiserror::Error)]
pub(super) enum RulesetError {
    /// A path that the child must reach is not there.
    #[error("{} cannot be made accessible: {source}", path.display())]
    Path {
        /// Which.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The kernel takes no rules.
    #[error("the kernel refuses the rules: {0}")]
    Kernel(io::Error),
}

/// What a policy says: what is handled, what holds where nothing is said, what holds where something is.
struct Meaning {
    handled: Rights,
    elsewhere: Rights,
    marks: Vec<(PathBuf, Rights)>,
}

/// What a policy means to a kernel that knows `known`. Paths that do not exist drop out, where they may.
fn meaning(policy: &FilesystemPolicy, known: Rights) -> Result<Meaning, RulesetError> {
    let mut marks = Vec::new();
    match policy {
        FilesystemPolicy::Open => Ok(Meaning { handled: Rights::NONE, elsewhere: Rights::NONE, marks }),
        FilesystemPolicy::Protect { hidden, read_only, own } => {
            // Listing stays allowed everywhere. Refusing it for one directory means refusing it for all above it, up
            // to "/", and a script that cannot list "/" is a surprise; that a name exists can be found out anyway,
            // since Landlock does not restrict stat. Commands to devices are nothing this policy is about.
            let handled = known & !(Rights::READ_DIR | Rights::IOCTL_DEV);
            may_be_absent(&mut marks, hidden, Rights::NONE)?;
            may_be_absent(&mut marks, read_only, Rights::READ & handled)?;
            must_exist(&mut marks, own, handled)?;
            Ok(Meaning { handled, elsewhere: handled, marks })
        }
        FilesystemPolicy::Strict { readable, writable } => {
            may_be_absent(&mut marks, readable, Rights::READ & known)?;
            must_exist(&mut marks, writable, known)?;
            Ok(Meaning { handled: known, elsewhere: Rights::NONE, marks })
        }
    }
}

fn may_be_absent(marks: &mut Vec<(PathBuf, Rights)>, paths: &[PathBuf], rights: Rights) -> Result<(), RulesetError> {
    for path in paths {
        match without_links(path) {
            Ok(path) => marks.push((path, rights)),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
            // Whoever may not search the way to it has no access to it either, whatever the rules say.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
            Err(source) => return Err(RulesetError::Path { path: path.clone(), source }),
        }
    }
    Ok(())
}

fn must_exist(marks: &mut Vec<(PathBuf, Rights)>, paths: &[PathBuf], rights: Rights) -> Result<(), RulesetError> {
    for path in paths {
        let found = without_links(path).map_err(|source| RulesetError::Path { path: path.clone(), source })?;
        marks.push((found, rights));
    }
    Ok(())
}

/// The path itself when no part of it is a link, which one system call tells; else where it leads.
fn without_links(path: &Path) -> io::Result<PathBuf> {
    if path.is_absolute() && path.components().all(|part| !matches!(part, std::path::Component::ParentDir)) {
        match kernel::locate_without_links(&c_string(path)?) {
            Ok(_) => return Ok(path.components().collect()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(error),
            Err(_) => {}
        }
    }
    std::fs::canonicalize(path)
}

fn c_string(path: &Path) -> io::Result<CString> {
    Ok(CString::new(path.as_os_str().as_bytes())?)
}

/// The rules of `policy` on a kernel with this version of Landlock's interface. `scoped` says which of the kernel's
/// scopes the domain has. `None`: there is nothing to restrict. The neighbours were refreshed.
pub(super) fn write(
    policy: &FilesystemPolicy,
    abi: u32,
    scoped: u64,
    neighbours: &mut Neighbours,
) -> Result<Option<Ruleset>, RulesetError> {
    let meaning = meaning(policy, Rights::known_to(abi))?;
    if meaning.handled.is_empty() && scoped == 0 {
        return Ok(None);
    }
    let descriptor = kernel::create_ruleset(meaning.handled, scoped).map_err(RulesetError::Kernel)?;
    let made_from = Some(Vec::new());
    let mut writer = Writer { ruleset: descriptor.as_fd(), neighbours, written: 0, excess: None, made_from };
    for step in plan(meaning.elsewhere, &meaning.marks) {
        match step {
            Step::Beneath { path, rights } => writer.beneath(&path, rights)?,
            Step::Beside { directory, except, rights } => writer.beside(&directory, &except, rights)?,
        }
    }
    let (excess, made_from) = (writer.excess, writer.made_from);
    Ok(Some(Ruleset { descriptor, excess, made_from }))
}

struct Writer<'a> {
    ruleset: BorrowedFd<'a>,
    neighbours: &'a mut Neighbours,
    written: usize,
    excess: Option<String>,
    made_from: Option<Vec<(PathBuf, Stamp)>>,
}

impl Writer<'_> {
    fn beneath(&mut self, path: &Path, rights: Rights) -> Result<(), RulesetError> {
        let at = |source| RulesetError::Path { path: path.to_owned(), source };
        let file = kernel::locate_without_links(&c_string(path).map_err(at)?).map_err(at)?;
        let is_directory = kernel::kind(file.as_fd()).map_err(at)? == libc::S_IFDIR;
        allow(self.ruleset, &mut self.written, file.as_fd(), is_directory, rights)
    }

    fn beside(&mut self, directory: &Path, except: &[OsString], rights: Rights) -> Result<(), RulesetError> {
        let left = MOST_RULES.saturating_sub(self.written);
        // What lies in a directory that may be searched but not listed, nobody can enumerate, so all of it is lost.
        let Some(entries) = self.neighbours.of(directory, left) else {
            self.made_from = None;
            self.excess = Some(format!("{} cannot be listed, so all in it is out of reach", directory.display()));
            return Ok(());
        };
        if entries.len() >= left {
            self.excess =
                Some(format!("{} holds too many entries: only the first {left} are within reach", directory.display()));
        }
        for entry in entries.iter().filter(|entry| is_beside(except, &entry.name)) {
            allow(self.ruleset, &mut self.written, entry.file.as_fd(), entry.is_directory, rights)?;
        }
        let stamp = self.neighbours.stamp(directory);
        self.made_from = self.made_from.take().zip(stamp).map(|(mut made_from, stamp)| {
            made_from.push((directory.to_owned(), stamp));
            made_from
        });
        Ok(())
    }
}

fn allow(
    ruleset: BorrowedFd<'_>,
    written: &mut usize,
    file: BorrowedFd<'_>,
    is_directory: bool,
    rights: Rights,
) -> Result<(), RulesetError> {
    let rights = if is_directory { rights } else { rights & Rights::OF_FILE };
    if rights.is_empty() {
        return Ok(());
    }
    *written += 1;
    match kernel::allow_beneath(ruleset, file, rights) {
        // Files of the kernel's own that live in no directory are never restricted and take no rule.
        Err(error) if error.raw_os_error() == Some(libc::EBADFD) => Ok(()),
        other => other.map_err(RulesetError::Kernel),
    }
}
