//! The folder in which actions find the helper: the program under its name, and the modules for languages.
//!
//! ```text
//! helper/bin/attune-agent        the program that runs the worker
//! helper/python/attune.py        helper/ruby/attune.rb        helper/perl/Attune.pm
//! helper/node/attune/            helper/shell/attune.sh
//! ```
//!
//! It is made anew in every life of the worker, so that program and modules always fit each other.

use std::ffi::{OsStr, OsString};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};

use super::client::{NAME, can_be_called};
use super::protocol::VARIABLE;
use crate::executions::Key;

/// Which program actions find as `attune-agent`. It must call [`crate::helper::run_if_called`] first in its `main`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum HelperProgram {
    /// The program of this process, if it has called that function; otherwise actions have no helper.
    #[default]
    Own,
    /// This one.
    At(PathBuf),
}

/// The folder beside it, for files on their way to where artifacts are kept.
const TAKEN: &str = "taken";

/// The number of the descriptor that actions get.
pub(crate) const DESCRIPTOR: i32 = 3;

const MODULES: [(&str, &str); 7] = [
    ("python/attune.py", include_str!("../../assets/helper/attune.py")),
    ("node/attune/package.json", include_str!("../../assets/helper/node/package.json")),
    ("node/attune/index.js", include_str!("../../assets/helper/node/index.js")),
    ("node/attune/index.mjs", include_str!("../../assets/helper/node/index.mjs")),
    ("ruby/attune.rb", include_str!("../../assets/helper/attune.rb")),
    ("perl/Attune.pm", include_str!("../../assets/helper/Attune.pm")),
    ("shell/attune.sh", include_str!("../../assets/helper/attune.sh")),
];

/// Variables that hold folders of modules, and which of ours goes to the end of each.
const SEARCHED: [(&str, &str); 4] =
    [("PYTHONPATH", "python"), ("NODE_PATH", "node"), ("RUBYLIB", "ruby"), ("PERL5LIB", "perl")];

/// The folder in which actions find the helper.
#[derive(Debug, Clone)]
pub(crate) struct HelperPlaces {
    directory: PathBuf,
    program: Placed,
}

/// How the program is there.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Placed {
    /// It is not.
    No,
    /// As a link to this path.
    Link(PathBuf),
    /// As a file of its own.
    Copy,
}

impl HelperPlaces {
    /// Makes the folder; what an earlier life left there goes.
    pub(crate) fn make(directory: PathBuf, program: &HelperProgram) -> io::Result<Self> {
        for old in [&directory, &directory.with_file_name(TAKEN)] {
            match fs::remove_dir_all(old) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        let folder = |path: &Path| DirBuilder::new().recursive(true).mode(0o755).create(path);
        for (name, text) in MODULES {
            let path = directory.join(name);
            folder(path.parent().unwrap_or(&directory))?;
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o444).open(path)?;
            io::copy(&mut text.as_bytes(), &mut file)?;
        }
        let bin = directory.join("bin");
        folder(&bin)?;
        let program = place_program(program, &bin.join(NAME))?;
        if program == Placed::No {
            tracing::debug!("this program cannot be called as the helper, so actions have none");
        }
        Ok(Self { directory, program })
    }

    /// Where it is: to be readable and executable by actions, and writable by none.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where files that an attempt hands over wait to be stored: no attempt may read or write there.
    pub(crate) fn waiting(&self, key: Key) -> PathBuf {
        self.directory.with_file_name(TAKEN).join(key.to_string())
    }

    /// Whether actions can call: if not, they need no socket.
    pub(crate) const fn has_program(&self) -> bool {
        !matches!(self.program, Placed::No)
    }

    /// The program's own place, when it lies elsewhere: to be readable and executable by actions, too.
    pub(crate) fn program(&self) -> Option<&Path> {
        match &self.program {
            Placed::Link(path) => Some(path),
            Placed::No | Placed::Copy => None,
        }
    }

    /// Adds to the environment of an action what makes the helper known. What is searched already comes before ours,
    /// except programs: nothing else may be called `attune-agent`.
    pub(crate) fn announce(&self, environment: &mut Vec<(OsString, OsString)>) {
        if !self.has_program() {
            return;
        }
        let bin = self.directory.join("bin");
        environment.push(("ATTUNE_AGENT".into(), bin.join(NAME).into()));
        environment.push((VARIABLE.into(), DESCRIPTOR.to_string().into()));
        environment.push(("ATTUNE_SHELL_LIB".into(), self.directory.join("shell/attune.sh").into()));
        environment.push(("ATTUNE_NODE_MODULE".into(), self.directory.join("node/attune/index.mjs").into()));
        // A colon cannot be written in these variables. The others still hold.
        if self.directory.as_os_str().as_bytes().contains(&b':') {
            return;
        }
        change(environment, "PATH", |there| joined(bin.as_os_str(), there.unwrap_or(OsStr::new("/usr/bin:/bin"))));
        for (name, folder) in SEARCHED {
            let ours = self.directory.join(folder);
            change(environment, name, |there| match there {
                Some(there) => joined(there, ours.as_os_str()),
                None => ours.clone().into(),
            });
        }
    }
}

fn joined(front: &OsStr, back: &OsStr) -> OsString {
    let mut whole = front.to_owned();
    whole.push(":");
    whole.push(back);
    whole
}

fn change(environment: &mut Vec<(OsString, OsString)>, name: &str, value: impl Fn(Option<&OsStr>) -> OsString) {
    match environment.iter_mut().find(|(known, _)| known == name) {
        Some((_, there)) if !there.is_empty() => *there = value(Some(there)),
        Some((_, there)) => *there = value(None),
        None => environment.push((name.into(), value(None))),
    }
}

/// Puts the program in its place.
fn place_program(program: &HelperProgram, place: &Path) -> io::Result<Placed> {
    match program {
        HelperProgram::At(path) => symlink(path, place).map(|()| Placed::Link(path.clone())),
        HelperProgram::Own if !can_be_called() => Ok(Placed::No),
        HelperProgram::Own => link_or_copy(&std::env::current_exe()?, &File::open("/proc/self/exe")?, place),
    }
}

/// A link to `path`, so that nothing is copied; a copy of `running` when what lies there now is another program, or
/// nothing: it was replaced since this process started, and its successor may not fit this worker.
fn link_or_copy(path: &Path, mut running: &File, place: &Path) -> io::Result<Placed> {
    let about = running.metadata()?;
    if fs::metadata(path).is_ok_and(|there| (there.dev(), there.ino()) == (about.dev(), about.ino())) {
        symlink(path, place)?;
        return Ok(Placed::Link(path.to_owned()));
    }
    let mut copy = OpenOptions::new().write(true).create_new(true).mode(0o555).open(place)?;
    io::copy(&mut running, &mut copy)?;
    Ok(Placed::Copy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn value(environment: &[(OsString, OsString)], name: &str) -> Option<String> {
        environment.iter().find(|(known, _)| known == name).map(|(_, value)| value.to_string_lossy().into_owned())
    }

    #[test]
    fn the_folder_is_made_anew_and_its_files_are_read_only() {
        let directory = tempfile::tempdir().expect("directory");
        let helper = directory.path().join("helper");
        let program = HelperProgram::At("/bin/true".into());
        let first = HelperPlaces::make(helper.clone(), &program).expect("made");
        fs::write(helper.join("python/old.py"), "").expect("written");
        HelperPlaces::make(helper.clone(), &program).expect("made again");
        assert!(!helper.join("python/old.py").exists());
        for (name, text) in MODULES {
            let path = first.directory().join(name);
            assert_eq!(fs::read_to_string(&path).expect("read"), text);
            assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o444, "{name}");
        }
        assert_eq!(fs::read_link(helper.join("bin/attune-agent")).expect("a link"), Path::new("/bin/true"));
    }

    #[test]
    fn ours_is_searched_last_except_for_the_program() {
        let places = HelperPlaces { directory: "/home/helper".into(), program: Placed::Copy };
        let mut environment = vec![("PATH".into(), "/bin".into()), ("PYTHONPATH".into(), "/pack/lib".into())];
        places.announce(&mut environment);
        for (name, expected) in [
            ("PATH", "/home/helper/bin:/bin"),
            ("PYTHONPATH", "/pack/lib:/home/helper/python"),
            ("NODE_PATH", "/home/helper/node"),
            ("RUBYLIB", "/home/helper/ruby"),
            ("PERL5LIB", "/home/helper/perl"),
            ("ATTUNE_AGENT", "/home/helper/bin/attune-agent"),
            ("ATTUNE_HELPER_FD", "3"),
            ("ATTUNE_SHELL_LIB", "/home/helper/shell/attune.sh"),
        ] {
            assert_eq!(value(&environment, name).as_deref(), Some(expected), "{name}");
        }
        let none = HelperPlaces { directory: "/home/helper".into(), program: Placed::No };
        let mut environment = Vec::new();
        none.announce(&mut environment);
        assert_eq!(environment, []);
    }

    #[test]
    fn a_program_that_cannot_be_called_is_not_offered() {
        // This one is libtest's: its main asks nobody.
        let directory = tempfile::tempdir().expect("directory");
        let places = HelperPlaces::make(directory.path().join("helper"), &HelperProgram::Own).expect("made");
        assert!(!places.has_program());
        assert!(!directory.path().join("helper/bin/attune-agent").exists());
    }

    #[test]
    fn a_program_that_was_replaced_since_it_started_is_copied() {
        let directory = tempfile::tempdir().expect("directory");
        let (program, link, copy) = ("program", "link", "copy");
        let [program, link, copy] = [program, link, copy].map(|name| directory.path().join(name));
        fs::write(&program, "running").expect("written");
        let running = File::open(&program).expect("opens");
        assert_eq!(link_or_copy(&program, &running, &link).expect("placed"), Placed::Link(program.clone()));
        assert_eq!(fs::read_link(&link).expect("a link"), program);
        fs::remove_file(&program).expect("removed");
        fs::write(&program, "another").expect("written");
        assert_eq!(link_or_copy(&program, &running, &copy).expect("placed"), Placed::Copy);
        assert_eq!(fs::read_to_string(&copy).expect("read"), "running");
        assert_eq!(fs::metadata(&copy).expect("there").permissions().mode() & 0o777, 0o555);
    }
}
