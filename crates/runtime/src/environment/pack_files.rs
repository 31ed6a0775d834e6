//! The files of a pack that its environment depends on.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use attune_types::EnvironmentSpec;
use sha2::{Digest, Sha256};

/// The most files that are looked at: more are a mistake in `inputs`.
const MOST_FILES: usize = 10_000;

/// The files of a pack that its environment depends on, by their path in the pack, each with the hash of its content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackFiles(pub BTreeMap<String, [u8; 32]>);

/// A file of a pack that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PackFilesError {
    /// It cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// It is a link to somewhere else.
    #[error("{} is a link that leaves the pack", path.display())]
    Foreign {
        /// Which file.
        path: PathBuf,
    },
    /// There are too many.
    #[error("the inputs of the environment are more than {MOST_FILES} files")]
    TooMany,
}

impl PackFiles {
    /// Looks at what `spec` names in the pack in `directory`.
    ///
    /// # Errors
    /// [`PackFilesError`] when a file that is there cannot be read or is not the pack's own.
    pub fn read(directory: &Path, spec: &EnvironmentSpec) -> Result<Self, PackFilesError> {
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            move |source| PackFilesError::Unreadable { path, source }
        };
        let root = fs::canonicalize(directory).map_err(unreadable(directory))?;
        let copies = spec.recipes.iter().flat_map(|recipe| &recipe.copies);
        let mut waiting: Vec<PathBuf> = spec
            .manifests
            .iter()
            .chain(&spec.inputs)
            .chain(copies)
            .map(PathBuf::from)
            .filter(|path| path.components().all(|part| matches!(part, Component::Normal(_))))
            .collect();
        let mut files = BTreeMap::new();
        while let Some(relative) = waiting.pop() {
            let path = directory.join(&relative);
            let real = match fs::canonicalize(&path) {
                Ok(real) => real,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(source) => return Err(PackFilesError::Unreadable { path, source }),
            };
            if !real.starts_with(&root) {
                return Err(PackFilesError::Foreign { path });
            }
            if real.is_dir() {
                for entry in fs::read_dir(&real).map_err(unreadable(&path))? {
                    waiting.push(relative.join(entry.map_err(unreadable(&path))?.file_name()));
                }
            } else if real.is_file() {
                let digest = digest(&real).map_err(unreadable(&path))?;
                files.insert(relative.to_string_lossy().into_owned(), digest);
            }
            if files.len() > MOST_FILES || waiting.len() > MOST_FILES {
                return Err(PackFilesError::TooMany);
            }
        }
        Ok(Self(files))
    }

    /// Whether a file is there.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }
}

fn digest(path: &Path) -> io::Result<[u8; 32]> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finalize().into()),
            read => hasher.update(&buffer[..read]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> EnvironmentSpec {
        EnvironmentSpec {
            manifests: vec!["a.lock".into(), "a.txt".into(), "../outside".into()],
            inputs: vec!["vendor".into()],
            ..EnvironmentSpec::default()
        }
    }

    #[test]
    fn only_what_is_named_and_there_counts_with_its_content() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(folder.path().join("vendor/b")).expect("a folder");
        for (name, text) in [("a.txt", "x"), ("vendor/b/c", "y"), ("other", "z")] {
            fs::write(folder.path().join(name), text).expect("a file");
        }
        let files = PackFiles::read(folder.path(), &spec()).expect("reads");
        assert_eq!(files.0.keys().collect::<Vec<_>>(), ["a.txt", "vendor/b/c"]);
        fs::write(folder.path().join("vendor/b/c"), "Y").expect("a file");
        assert_ne!(PackFiles::read(folder.path(), &spec()).expect("reads"), files);
    }

    #[test]
    fn a_link_out_of_the_pack_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        std::os::unix::fs::symlink("/etc/hostname", folder.path().join("a.txt")).expect("a link");
        let error = PackFiles::read(folder.path(), &spec()).expect_err("refused");
        assert!(matches!(error, PackFilesError::Foreign { .. }), "{error}");
    }
}
