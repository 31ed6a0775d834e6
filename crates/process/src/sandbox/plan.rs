//! Decides which rules say what a policy means.
//!
//! Landlock's rules only allow, and what a rule allows for a directory holds for all below it. "Everything but this
//! directory" is therefore said by allowing everything beside the path to it, at each step of the path.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};

use crate::sandbox::rights::Rights;

/// One step of writing the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// One rule, for this file or directory and all below it.
    Beneath {
        /// Which.
        path: PathBuf,
        /// What it allows.
        rights: Rights,
    },
    /// A rule for everything that lies directly in a directory, except what has a name of these.
    Beside {
        /// Which directory.
        directory: PathBuf,
        /// The names left out.
        except: Vec<OsString>,
        /// What each rule allows.
        rights: Rights,
    },
}

/// The paths at which something else begins to hold, as a tree.
#[derive(Debug, Default)]
struct Node {
    mark: Option<Rights>,
    children: BTreeMap<OsString, Node>,
}

impl Node {
    fn at(&mut self, path: &Path) -> &mut Self {
        path.components().fold(self, |node, component| match component {
            Component::Normal(name) => node.children.entry(name.to_owned()).or_default(),
            _ => node,
        })
    }

    /// What holds everywhere in this tree, when `inherited` holds above it.
    fn common(&self, inherited: Rights) -> Rights {
        let here = self.mark.unwrap_or(inherited);
        self.children.values().fold(here, |common, child| common & child.common(here))
    }

    fn walk(&self, path: &Path, inherited: Rights, granted: Rights, steps: &mut Vec<Step>) {
        let here = self.mark.unwrap_or(inherited);
        let common = self.common(inherited) & !granted;
        if !common.is_empty() {
            steps.push(Step::Beneath { path: path.to_owned(), rights: common });
        }
        let granted = granted | common;
        let rest = here & !granted;
        if !rest.is_empty() {
            let except = self.children.keys().cloned().collect();
            steps.push(Step::Beside { directory: path.to_owned(), except, rights: rest });
        }
        for (name, child) in &self.children {
            child.walk(&path.join(name), here, granted, steps);
        }
    }
}

/// The steps that make `marks` hold: at each path and below it these rights, up to the next mark. What no mark covers
/// has the rights `elsewhere`. Paths are absolute and without links. Of two marks at one path the later one counts.
pub(super) fn plan(elsewhere: Rights, marks: &[(PathBuf, Rights)]) -> Vec<Step> {
    let mut root = Node { mark: Some(elsewhere), children: BTreeMap::new() };
    for (path, rights) in marks {
        root.at(path).mark = Some(*rights);
    }
    let mut steps = Vec::new();
    root.walk(Path::new("/"), Rights::NONE, Rights::NONE, &mut steps);
    steps
}

/// Whether an entry of a directory gets a rule in a [`Step::Beside`].
pub(super) fn is_beside(except: &[OsString], name: &OsStr) -> bool {
    !except.iter().any(|left_out| left_out == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Rights = Rights(0b111);
    const READ: Rights = Rights(0b001);

    /// A made-up machine: directories end in a slash.
    const TREE: &[&str] = &[
        "/bin/",
        "/bin/sh",
        "/etc/",
        "/etc/passwd",
        "/tmp/",
        "/tmp/x",
        "/var/",
        "/var/log/",
        "/var/log/syslog",
        "/var/lib/",
        "/var/lib/dpkg/",
        "/var/lib/dpkg/status",
        "/var/lib/attune/",
        "/var/lib/attune/spool/",
        "/var/lib/attune/spool/7",
        "/var/lib/attune/key",
        "/var/lib/attune/work/",
        "/var/lib/attune/work/1/",
        "/var/lib/attune/work/1/file",
        "/var/lib/attune/work/2/",
        "/var/lib/attune/work/2/file",
        "/var/lib/attune/packs/",
        "/var/lib/attune/packs/core/",
        "/var/lib/attune/packs/core/run.sh",
        "/opt/",
        "/opt/packs/",
        "/opt/packs/mine/",
        "/opt/packs/mine/run.sh",
        "/opt/other",
    ];

    /// What Landlock would say: the union of the rules on the way from the file to the root.
    fn allowed(steps: &[Step], file: &str) -> Rights {
        let file = Path::new(file.trim_end_matches('/'));
        let mut rights = Rights::NONE;
        for step in steps {
            match step {
                Step::Beneath { path, rights: given } if file.starts_with(path) => rights |= *given,
                Step::Beneath { .. } => {}
                Step::Beside { directory, except, rights: given } => {
                    let beside = TREE.iter().map(|entry| Path::new(entry.trim_end_matches('/'))).any(|entry| {
                        entry.parent() == Some(directory)
                            && is_beside(except, entry.file_name().unwrap_or_default())
                            && file.starts_with(entry)
                    });
                    if beside {
                        rights |= *given;
                    }
                }
            }
        }
        rights
    }

    fn marks(of: &[(&str, Rights)]) -> Vec<(PathBuf, Rights)> {
        of.iter().map(|(path, rights)| (PathBuf::from(path), *rights)).collect()
    }

    /// The deepest mark decides.
    fn meant(elsewhere: Rights, of: &[(&str, Rights)], file: &str) -> Rights {
        let file = Path::new(file.trim_end_matches('/'));
        of.iter()
            .filter(|(path, _)| file.starts_with(path))
            .max_by_key(|(path, _)| Path::new(path).components().count())
            .map_or(elsewhere, |(_, rights)| *rights)
    }

    #[test]
    fn the_rules_allow_exactly_what_the_marks_mean() {
        let cases: &[(Rights, &[(&str, Rights)])] = &[
            (ALL, &[]),
            (ALL, &[("/var/lib/attune", Rights::NONE)]),
            (ALL, &[("/var/lib/attune", Rights::NONE), ("/var/lib/attune/work/1", ALL)]),
            (ALL, &[("/var/lib/attune", Rights::NONE), ("/var/lib/attune/work/1", ALL), ("/opt/packs", READ)]),
            (
                ALL,
                &[("/var/lib/attune", Rights::NONE), ("/var/lib/attune/packs", READ), ("/var/lib/attune/work/2", ALL)],
            ),
            (ALL, &[("/opt", READ), ("/opt/packs/mine", Rights::NONE)]),
            (ALL, &[("/var", READ), ("/var/lib/attune", Rights::NONE), ("/var/lib/attune/work/1", ALL)]),
            (ALL, &[("/bin/sh", READ)]),
            (Rights::NONE, &[("/bin", READ), ("/etc", READ), ("/tmp", ALL)]),
            (Rights::NONE, &[("/", READ), ("/var/lib/attune/work/1", ALL), ("/etc/passwd", Rights::NONE)]),
        ];
        for (elsewhere, of) in cases {
            let steps = plan(*elsewhere, &marks(of));
            let above = |file: &str| of.iter().any(|(path, _)| Path::new(path).starts_with(file.trim_end_matches('/')));
            for file in TREE.iter().filter(|file| !above(file) || of.iter().any(|(path, _)| path == *file)) {
                assert_eq!(allowed(&steps, file), meant(*elsewhere, of, file), "{file} with {of:?}: {steps:?}");
            }
        }
    }

    #[test]
    fn a_protected_directory_costs_rules_along_its_path_only() {
        let steps = plan(ALL, &marks(&[("/var/lib/attune", Rights::NONE), ("/var/lib/attune/work/1", ALL)]));
        let beside = |directory: &str, except: &str| Step::Beside {
            directory: directory.into(),
            except: vec![except.into()],
            rights: ALL,
        };
        let expected = vec![
            beside("/", "var"),
            beside("/var", "lib"),
            beside("/var/lib", "attune"),
            Step::Beneath { path: "/var/lib/attune/work/1".into(), rights: ALL },
        ];
        assert_eq!(steps, expected);
    }

    #[test]
    fn a_directory_that_is_only_read_only_stays_readable_from_above() {
        let steps = plan(ALL, &marks(&[("/opt/packs", READ)]));
        assert_eq!(steps[0], Step::Beneath { path: "/".into(), rights: READ });
        assert!(steps[1..].iter().all(|step| matches!(step, Step::Beside { rights, .. } if *rights == Rights(0b110))));
    }

    #[test]
    fn the_later_of_two_marks_at_one_path_counts() {
        assert_eq!(plan(ALL, &marks(&[("/opt", Rights::NONE), ("/opt", ALL)])), plan(ALL, &[]));
    }
}
