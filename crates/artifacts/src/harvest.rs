//! What is taken of the files that an attempt left behind.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::Path;

use attune_types::ArtifactRule;
use rustix::fs::FileType;

use crate::glob::matches;
use crate::name::{NameProblem, check_name, quoted};
use crate::tree::{Entry, Tree};

/// How much may be taken of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HarvestLimits {
    /// Files.
    pub files: usize,
    /// Bytes of all of them together, as their sizes appear.
    pub bytes: u64,
}

impl HarvestLimits {
    /// So many things are looked at in one directory for every file that may be taken.
    const LOOKED_AT: usize = 20;
    /// At least so many.
    const LOOKED_AT_LEAST: usize = 10_000;
}

/// A file to be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its name.
    pub name: String,
    /// Its size when it was looked at.
    pub size_bytes: u64,
}

/// What is taken of the files that an attempt left behind, and what is refused.
#[derive(Debug)]
pub struct Harvest {
    tree: Tree,
    /// What is taken, by name.
    pub found: Vec<Found>,
    /// Of everything that was declared and is not taken, why; each a line for the execution's log, without its end.
    pub refused: Vec<String>,
    /// Globs of rules that require a file and got none, with the reason where there is one.
    pub missing: Vec<String>,
}

impl Harvest {
    /// Looks through `directory`.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn look(directory: &Path, rules: &[ArtifactRule], limits: HarvestLimits) -> io::Result<Self> {
        let tree = Tree::open(directory)?;
        let most = limits.files.saturating_mul(HarvestLimits::LOOKED_AT).max(HarvestLimits::LOOKED_AT_LEAST);
        let (mut entries, is_all) = tree.entries(most)?;
        entries.sort_by(|left, right| sort_key(left).cmp(sort_key(right)));
        let mut harvest = Self { tree, found: Vec::new(), refused: Vec::new(), missing: Vec::new() };
        let mut inside: HashMap<(u64, u64), u64> = HashMap::new();
        for entry in &entries {
            *inside.entry(entry.identity).or_default() += 1;
        }
        let mut room = limits;
        let mut folded: HashMap<String, String> = HashMap::new();
        for entry in &entries {
            match judge(entry, rules, &inside, &mut room, &mut folded) {
                Verdict::Unasked => {}
                Verdict::Taken(found) => harvest.found.push(found),
                Verdict::Refused(why) => harvest.refused.push(why),
            }
        }
        if !is_all {
            harvest.refused.push("some files were not looked at: there are too many, they lie too deep, or a directory shuts its owner out".to_owned());
        }
        for rule in rules.iter().filter(|rule| rule.is_required()) {
            if !harvest.found.iter().any(|found| matches(rule.glob(), &found.name)) {
                harvest.missing.push(rule.glob().to_owned());
            }
        }
        Ok(harvest)
    }

    /// Opens a file that is to be taken.
    ///
    /// # Errors
    /// It is not there any more, it is no regular file any more, it grew, or it may not be read.
    pub fn open(&self, found: &Found) -> io::Result<File> {
        let (file, stat) = self.tree.file(&found.name)?;
        if u64::try_from(stat.st_size).unwrap_or(u64::MAX) > found.size_bytes {
            return Err(io::Error::other("it grew after its attempt had ended"));
        }
        Ok(file)
    }
}

enum Verdict {
    /// No rule asks for it.
    Unasked,
    Taken(Found),
    Refused(String),
}

fn sort_key(entry: &Entry) -> &std::ffi::OsStr {
    match &entry.name {
        Ok(name) => name.as_ref(),
        Err(name) => name,
    }
}

fn judge(
    entry: &Entry,
    rules: &[ArtifactRule],
    inside: &HashMap<(u64, u64), u64>,
    room: &mut HarvestLimits,
    folded: &mut HashMap<String, String>,
) -> Verdict {
    let (name, problem) = match &entry.name {
        Ok(name) => (name.clone(), check_name(name).err()),
        Err(name) => (name.to_string_lossy().into_owned(), Some(NameProblem::NotText)),
    };
    if !rules.iter().any(|rule| matches(rule.glob(), &name)) {
        return Verdict::Unasked;
    }
    let shown = quoted(&name);
    if let Some(problem) = problem {
        return Verdict::Refused(format!("artifact name {shown} {problem}"));
    }
    let what = match entry.kind {
        FileType::RegularFile => None,
        FileType::Symlink => Some("a symbolic link"),
        FileType::Fifo => Some("a named pipe"),
        FileType::Socket => Some("a socket"),
        FileType::CharacterDevice | FileType::BlockDevice => Some("a device"),
        FileType::Directory | FileType::Unknown => Some("of an unknown kind"),
    };
    if let Some(what) = what {
        return Verdict::Refused(format!("artifact {shown} is {what}; only regular files are kept"));
    }
    // All of its names being in here, it is the attempt's own; else it is somebody else's file under a new name.
    if entry.links > inside.get(&entry.identity).copied().unwrap_or(0) {
        return Verdict::Refused(format!("artifact {shown} is a hard link to a file outside the artifact directory"));
    }
    if let Some(twin) = folded.get(&name.to_lowercase()) {
        let twin = quoted(twin);
        return Verdict::Refused(format!("artifact name {shown} differs from {twin} only in case"));
    }
    if room.files == 0 {
        return Verdict::Refused(format!("artifact {shown} is one file more than may be kept (artifacts.max_files)"));
    }
    if entry.size > room.bytes {
        let (size, left) = (entry.size, room.bytes);
        return Verdict::Refused(format!(
            "artifact {shown} has {size} bytes and {left} may still be kept (artifacts.max_bytes)"
        ));
    }
    room.files -= 1;
    room.bytes -= entry.size;
    folded.insert(name.to_lowercase(), name.clone());
    Verdict::Taken(Found { name, size_bytes: entry.size })
}
