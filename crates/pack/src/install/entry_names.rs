//! Which names the entries of a pack may have.

use std::collections::HashMap;
use std::path::PathBuf;

/// Why the name of an entry is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameRefusal {
    /// `..`, or a path from the root.
    #[error("leaves the pack")]
    Leaves,
    /// No text.
    #[error("is not UTF-8")]
    NotText,
    /// A character that has no business in a file name.
    #[error("holds a control character")]
    Control,
    /// Longer than any file system takes.
    #[error("is too long: a name has at most 255 bytes, a path at most 1,024, 32 folders deep")]
    TooLong,
    /// The empty name.
    #[error("is empty")]
    Empty,
    /// The same name a second time.
    #[error("is there twice")]
    Twice,
    /// A name that differs from another only in case.
    #[error("differs from {other:?} only in case, and some file systems know no difference")]
    CaseTwin {
        /// The other.
        other: String,
    },
    /// It lies behind a file or a link.
    #[error("lies behind {parent:?}, which is not a folder")]
    BehindNoFolder {
        /// What it lies behind.
        parent: String,
    },
}

/// What an entry is, as far as names are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryRole {
    /// A folder: the only thing that others may lie in, and that may be named again.
    Folder,
    /// A file or a link.
    Leaf,
}

/// Checks the names of one pack's entries, one after the other.
#[derive(Debug, Default)]
pub struct EntryNames {
    /// By lower-case path: the path as written, and what it is.
    seen: HashMap<String, (String, EntryRole)>,
}

impl EntryNames {
    /// Longest name in bytes.
    const MOST_NAME: usize = 255;
    /// Longest path in bytes.
    const MOST_PATH: usize = 1024;
    /// Deepest nesting.
    const MOST_DEPTH: usize = 32;

    /// Checks the name of the next entry and returns it as a relative path without `.` and empty parts.
    ///
    /// `None`: the entry is the pack's own folder (`.`), about which there is nothing to do.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn check(&mut self, raw: &[u8], role: EntryRole) -> Result<Option<PathBuf>, NameRefusal> {
        let text = std::str::from_utf8(raw).map_err(|_| NameRefusal::NotText)?;
        if text.is_empty() {
            return Err(NameRefusal::Empty);
        }
        // Backslashes separate on other systems, and an archive made there means them so; nobody names a file that way.
        if text.starts_with('/') || text.contains('\\') {
            return Err(NameRefusal::Leaves);
        }
        if text.chars().any(char::is_control) {
            return Err(NameRefusal::Control);
        }
        let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        if parts.contains(&"..") {
            return Err(NameRefusal::Leaves);
        }
        if text.len() > Self::MOST_PATH
            || parts.len() > Self::MOST_DEPTH
            || parts.iter().any(|part| part.len() > Self::MOST_NAME)
        {
            return Err(NameRefusal::TooLong);
        }
        if parts.is_empty() {
            return Ok(None);
        }
        for end in 1..parts.len() {
            self.note(&parts[..end].join("/"), EntryRole::Folder)?;
        }
        let path = parts.join("/");
        self.note(&path, role)?;
        Ok(Some(PathBuf::from(path)))
    }

    fn note(&mut self, path: &str, role: EntryRole) -> Result<(), NameRefusal> {
        let folded = path.to_lowercase();
        match self.seen.get(&folded) {
            None => {
                self.seen.insert(folded, (path.to_owned(), role));
                Ok(())
            }
            Some((known, _)) if known != path => Err(NameRefusal::CaseTwin { other: known.clone() }),
            Some((_, EntryRole::Folder)) if role == EntryRole::Folder => Ok(()),
            Some((known, EntryRole::Leaf)) if role == EntryRole::Folder => {
                Err(NameRefusal::BehindNoFolder { parent: known.clone() })
            }
            Some(_) => Err(NameRefusal::Twice),
        }
    }
}

/// Whether a relative link at `path` (inside the pack) to `target` stays inside.
pub(super) fn link_stays_inside(path: &std::path::Path, target: &str) -> bool {
    if target.is_empty() || target.starts_with('/') || target.contains('\\') || target.contains('\0') {
        return false;
    }
    let mut depth = path.components().count() as i64 - 1;
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => depth -= 1,
            _ => depth += 1,
        }
        if depth < 0 {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use EntryRole::{Folder, Leaf};

    #[test]
    fn what_leaves_the_pack_or_cannot_be_a_file_is_refused() {
        let long = "x".repeat(256);
        let deep = "a/".repeat(33);
        for (name, expected) in [
            ("a/b.yaml", Ok(Some(PathBuf::from("a/b.yaml")))),
            ("./a//./b", Ok(Some(PathBuf::from("a/b")))),
            ("./", Ok(None)),
            ("", Err(NameRefusal::Empty)),
            ("/etc/passwd", Err(NameRefusal::Leaves)),
            ("a/../../x", Err(NameRefusal::Leaves)),
            ("..", Err(NameRefusal::Leaves)),
            ("..\\x", Err(NameRefusal::Leaves)),
            ("a\nb", Err(NameRefusal::Control)),
            ("a\0b", Err(NameRefusal::Control)),
            (long.as_str(), Err(NameRefusal::TooLong)),
            (deep.as_str(), Err(NameRefusal::TooLong)),
        ] {
            assert_eq!(EntryNames::default().check(name.as_bytes(), Leaf), expected, "{name:?}");
        }
        assert_eq!(EntryNames::default().check(b"a\xff", Leaf), Err(NameRefusal::NotText));
    }

    #[test]
    fn names_must_be_there_once_and_lie_in_folders() {
        for (names, expected) in [
            (vec![("a", Folder), ("a/b", Leaf), ("a", Folder)], Ok(())),
            (vec![("a/b", Leaf), ("a/b", Leaf)], Err(NameRefusal::Twice)),
            (vec![("a/B", Leaf), ("a/b", Leaf)], Err(NameRefusal::CaseTwin { other: "a/B".into() })),
            (vec![("A/x", Leaf), ("a/y", Leaf)], Err(NameRefusal::CaseTwin { other: "A".into() })),
            (vec![("a", Leaf), ("a/b", Leaf)], Err(NameRefusal::BehindNoFolder { parent: "a".into() })),
            (vec![("a/b", Leaf), ("a", Leaf)], Err(NameRefusal::Twice)),
        ] {
            let mut checked = EntryNames::default();
            let told: Result<Vec<_>, _> =
                names.iter().map(|(name, role)| checked.check(name.as_bytes(), *role)).collect();
            assert_eq!(told.map(drop), expected, "{names:?}");
        }
    }

    #[test]
    fn links_may_go_up_but_not_out() {
        for (path, target, expected) in [
            ("bin/x", "../lib/x", true),
            ("bin/x", "x2", true),
            ("x", "../x", false),
            ("a/b/x", "../../../x", false),
            ("a/x", "b/../../../x", false),
            ("a/x", "/etc/passwd", false),
            ("a/x", "", false),
        ] {
            assert_eq!(link_stays_inside(std::path::Path::new(path), target), expected, "{path} -> {target}");
        }
    }
}
