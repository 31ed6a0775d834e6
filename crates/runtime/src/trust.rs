//! Whether a program may be run just because it was found.

use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

use crate::account;

/// Why a program that was found is not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Distrust {
    /// There is nothing of that name, or something that nobody would run. This is the usual case and no cause for alarm.
    Absent,
    /// Anybody could have put it there, or could do so.
    Writable(PathBuf),
    /// It has the name of a program and cannot be one, in words.
    Odd(&'static str),
}

impl Distrust {
    /// Why `path` is not used, for people; `None` when there is nothing to say.
    pub(crate) fn words(&self, path: &Path) -> Option<String> {
        let reason = match self {
            Self::Absent => return None,
            Self::Writable(place) => format!("everybody may write to {}", place.display()),
            Self::Odd(reason) => (*reason).to_owned(),
        };
        Some(format!("{} is not used: {reason}", path.display()))
    }
}

const WRITABLE_BY_ALL: u32 = 0o002;
const STICKY: u32 = 0o1000;
const EXECUTABLE: u32 = 0o111;
/// As many links as the kernel follows.
const MOST_LINKS: u32 = 40;

/// A file, whatever it is called: programs that are hard links of each other are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct FileIdentity {
    device: u64,
    inode: u64,
}

impl FileIdentity {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}

/// A program that may be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RealProgram {
    pub(crate) identity: FileIdentity,
    /// Behind all links.
    pub(crate) path: PathBuf,
}

/// Looks at a program without running it and answers with the file that it really is.
///
/// The path is walked as the kernel walks it, link by link. No folder that holds the program, or a link on the way to it,
/// may be writable for everybody, not even when it is sticky: the sticky bit keeps others from replacing files, not from
/// adding them. A folder further up may be sticky (`/tmp`) when what is used in it belongs to this process's user or to
/// the administrator: nobody else can put something in its place.
pub(crate) fn real_program(path: &Path) -> Result<RealProgram, Distrust> {
    let (path, metadata) = real_file(path)?;
    if metadata.permissions().mode() & EXECUTABLE == 0 {
        return Err(Distrust::Absent);
    }
    Ok(RealProgram { identity: FileIdentity::of(&metadata), path })
}

/// The same for any file that somebody is to believe.
pub(crate) fn real_file(path: &Path) -> Result<(PathBuf, Metadata), Distrust> {
    let metadata_of = |place: &Path| fs::symlink_metadata(place);
    let mut real = PathBuf::from("/");
    let mut left: Vec<OsString> = parts_of(path);
    let mut links = 0;
    while let Some(part) = left.pop() {
        if part == ".." {
            real.pop();
            continue;
        }
        let folder = metadata_of(&real).map_err(|_| Distrust::Absent)?;
        let next = real.join(&part);
        let found = match metadata_of(&next) {
            Ok(found) => found,
            Err(error) if error.kind() == ErrorKind::NotFound && links > 0 => {
                return Err(Distrust::Odd("it is a link to something that does not exist"));
            }
            Err(_) => return Err(Distrust::Absent),
        };
        // Where everybody may write to the root folder there is nothing left to protect, and nothing else to run.
        if folder.mode() & WRITABLE_BY_ALL != 0 && real.parent().is_some() {
            let is_owned = found.uid() == 0 || Some(found.uid()) == account::effective_user_of_this_process();
            let is_last = left.is_empty();
            if is_last || folder.mode() & STICKY == 0 || !is_owned {
                // What is not there cannot be run, and what is a folder is none of our business.
                return Err(if is_last && found.is_dir() { Distrust::Absent } else { Distrust::Writable(real) });
            }
        }
        if found.file_type().is_symlink() {
            links += 1;
            if links > MOST_LINKS {
                return Err(Distrust::Odd("its links lead in a circle"));
            }
            let target = fs::read_link(&next).map_err(|_| Distrust::Absent)?;
            if target.is_absolute() {
                real = PathBuf::from("/");
            }
            left.extend(parts_of(&target));
            continue;
        }
        real = next;
    }
    let metadata = metadata_of(&real).map_err(|_| Distrust::Absent)?;
    let kind = metadata.file_type();
    if kind.is_fifo() || kind.is_socket() || kind.is_char_device() || kind.is_block_device() {
        return Err(Distrust::Odd("it is a pipe, a socket or a device"));
    }
    if kind.is_dir() {
        return Err(Distrust::Odd("it is a directory"));
    }
    if metadata.mode() & WRITABLE_BY_ALL != 0 {
        return Err(Distrust::Writable(real));
    }
    Ok((real, metadata))
}

/// The parts of a path, the first one last.
fn parts_of(path: &Path) -> Vec<OsString> {
    let mut parts: Vec<OsString> = path
        .components()
        .filter_map(|component| match component {
            Component::Normal(part) => Some(part.to_owned()),
            Component::ParentDir => Some(OsString::from("..")),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
        })
        .collect();
    parts.reverse();
    parts
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn program(path: &Path) {
        fs::write(path, "").expect("written");
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("changed");
    }

    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("changed");
    }

    #[test]
    fn every_link_on_the_way_is_looked_at() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        for name in ["bin", "open", "real"] {
            fs::create_dir(at(name)).expect("made");
        }
        program(&at("real/ruby"));
        symlink("../real/ruby", at("open/ruby")).expect("linked");
        symlink("../open/ruby", at("bin/ruby")).expect("linked");
        symlink(at("real"), at("open/all")).expect("linked");
        let real = fs::canonicalize(at("real/ruby")).expect("there");
        assert_eq!(real_program(&at("bin/ruby")).map(|program| program.path), Ok(real.clone()));
        assert_eq!(real_program(&at("open/all/ruby")).map(|program| program.path), Ok(real.clone()));
        let open = fs::canonicalize(at("open")).expect("there");
        mode(&at("open"), 0o1777);
        assert_eq!(real_program(&at("bin/ruby")), Err(Distrust::Writable(open.clone())), "a link in between");
        let through = real_program(&at("open/all/ruby")).map(|program| program.path);
        assert_eq!(through, Ok(real), "our own link further up, which nobody else can replace");
        mode(&at("open"), 0o777);
        assert_eq!(real_program(&at("open/all/ruby")), Err(Distrust::Writable(open)), "and here everybody can");
    }

    #[test]
    fn what_is_no_program_is_told_from_what_is_not_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        fs::write(at("text"), "").expect("written");
        fs::create_dir(at("folder")).expect("made");
        symlink("gone", at("broken")).expect("linked");
        symlink("two", at("one")).expect("linked");
        symlink("one", at("two")).expect("linked");
        for (name, expected) in [
            ("missing", Distrust::Absent),
            ("text", Distrust::Absent),
            ("text/below", Distrust::Absent),
            ("folder", Distrust::Odd("it is a directory")),
            ("broken", Distrust::Odd("it is a link to something that does not exist")),
            ("one", Distrust::Odd("its links lead in a circle")),
        ] {
            assert_eq!(real_program(&at(name)), Err(expected), "{name}");
        }
        assert_eq!(real_program(Path::new("/dev/null")), Err(Distrust::Odd("it is a pipe, a socket or a device")));
    }
}
