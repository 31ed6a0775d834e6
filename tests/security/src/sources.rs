//! The tests as they stand in the sources.

use std::path::{Path, PathBuf};

use crate::row::Proof;

/// The repository's root.
#[must_use]
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Whether the file holds a function of this name, and the package the file.
#[must_use]
pub fn exists(proof: &Proof) -> bool {
    let text = std::fs::read_to_string(repository().join(proof.file)).unwrap_or_default();
    let is_there = [format!("fn {}(", proof.test)].iter().any(|word| text.contains(word.as_str()));
    let mut folder = Path::new(proof.file).parent();
    while let Some(next) = folder {
        let manifest = repository().join(next).join("Cargo.toml");
        if let Ok(manifest) = std::fs::read_to_string(manifest) {
            return is_there && manifest.contains(&format!("name = \"{}\"", proof.package));
        }
        folder = next.parent();
    }
    false
}
