//! The digest of a folder's content.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use sha2::{Digest as _, Sha256};

/// SHA-256 over names, kinds, executable bits and contents of a folder; not over times and owners.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

/// The digest of everything in `folder`. Links are read, not followed.
///
/// # Errors
/// Something in it cannot be read.
pub fn digest_of(folder: &Path) -> io::Result<Digest> {
    let mut paths = Vec::new();
    let mut waiting = vec![folder.to_path_buf()];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(&directory)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                waiting.push(entry.path());
            }
            paths.push((entry.path(), kind));
        }
    }
    paths.sort_by(|one, other| one.0.as_os_str().as_bytes().cmp(other.0.as_os_str().as_bytes()));
    let mut whole = Sha256::new();
    for (path, kind) in paths {
        let name = path.strip_prefix(folder).unwrap_or(&path).as_os_str().as_bytes();
        let (tag, content) = if kind.is_dir() {
            (b'd', [0; 32])
        } else if kind.is_symlink() {
            (b'l', Sha256::digest(fs::read_link(&path)?.as_os_str().as_bytes()).into())
        } else {
            let file = File::open(&path)?;
            let tag = if file.metadata()?.permissions().mode() & 0o111 == 0 { b'f' } else { b'x' };
            (tag, content_digest(file)?)
        };
        // The length in front of the name keeps two lists of names from running together into the same bytes.
        whole.update((name.len() as u64).to_be_bytes());
        whole.update(name);
        whole.update([tag]);
        whole.update(content);
    }
    Ok(Digest(whole.finalize().into()))
}

fn content_digest(mut file: File) -> io::Result<[u8; 32]> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hash.finalize().into()),
            Ok(count) => hash.update(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_names_and_modes_count_and_nothing_else() {
        let make = |files: &[(&str, &str, u32)]| {
            let folder = tempfile::tempdir().expect("a folder");
            for (name, text, mode) in files {
                let path = folder.path().join(name);
                fs::create_dir_all(path.parent().expect("inside")).expect("a folder");
                fs::write(&path, text).expect("a file");
                fs::set_permissions(&path, fs::Permissions::from_mode(*mode)).expect("set");
            }
            digest_of(folder.path()).expect("a digest")
        };
        let first = make(&[("a/x", "1", 0o644), ("b", "2", 0o644)]);
        assert_eq!(first, make(&[("b", "2", 0o600), ("a/x", "1", 0o640)]), "order and other bits do not count");
        for other in [
            make(&[("a/x", "1", 0o644), ("b", "3", 0o644)]),
            make(&[("a/x", "1", 0o755), ("b", "2", 0o644)]),
            make(&[("a/y", "1", 0o644), ("b", "2", 0o644)]),
            make(&[("a/x", "1", 0o644)]),
        ] {
            assert_ne!(first, other);
        }
        assert_eq!(first.to_string().len(), 64);
    }
}
