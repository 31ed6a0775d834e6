//! Where things are kept.

use std::path::{Path, PathBuf};

use attune_config::Paths;
use attune_process::facts;
use attune_types::words;

use super::Finding;

/// Less free space than this is worth a warning, in bytes.
const LITTLE_SPACE: u64 = 1 << 30;

/// One line for every directory.
pub(super) fn findings(paths: &Paths) -> Vec<Finding> {
    [
        ("state", "paths.state_dir", &paths.state_dir),
        ("artifacts", "paths.artifacts_dir", &paths.artifacts_dir),
        ("environments", "paths.runtime_envs_dir", &paths.runtime_envs_dir),
    ]
    .into_iter()
    .map(|(name, key, path)| judged(&format!("disk {name}"), key, path))
    .collect()
}

fn judged(name: &str, key: &str, path: &Path) -> Finding {
    // The directory may not have been made yet; what counts is where it will be.
    let existing = existing(path);
    let shown = path.display();
    if let Err(error) = facts::may_write(&existing) {
        let found = format!("{shown}: {} cannot be written: {error}", existing.display());
        return Finding::fail(name, found, format!("set {key} to a directory that can"));
    }
    match facts::free_bytes(&existing) {
        Ok(free) if free < LITTLE_SPACE => Finding::warn(
            name,
            format!("{shown}: {} free", words::size(free)),
            "free some space: it is used up quickly",
        ),
        Ok(free) => Finding::ok(name, format!("{shown}: {} free", words::size(free))),
        Err(error) => Finding::warn(name, format!("{shown}: free space unknown: {error}"), "look at the file system"),
    }
}

fn existing(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    absolute.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/")).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    #[test]
    fn a_directory_that_cannot_be_made_fails_and_says_which_key_to_set() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("file");
        std::fs::write(&file, "").expect("a file");
        let bad = judged("disk state", "paths.state_dir", &file.join("state"));
        assert_eq!(bad.state, State::Fail, "{bad:?}");
        assert_eq!(bad.advice.as_deref(), Some("set paths.state_dir to a directory that can"));
        let good = judged("disk state", "paths.state_dir", &folder.path().join("not/yet"));
        assert_ne!(good.state, State::Fail, "{good:?}");
    }
}
