//! Pages that are made from code, so that they cannot drift from it.

use std::fs;
use std::path::Path;

fn pages() -> Vec<(&'static str, String)> {
    vec![("docs/configuration.md", attune_config::reference_markdown())]
}

/// Writes every page; one line per failure.
pub(crate) fn write(root: &Path) -> Vec<String> {
    pages()
        .into_iter()
        .filter_map(|(path, text)| {
            fs::write(root.join(path), text).err().map(|error| format!("{path} cannot be written: {error}"))
        })
        .collect()
}

/// One line per page that is not what the code would write.
pub(crate) fn problems(root: &Path) -> Vec<String> {
    pages()
        .into_iter()
        .filter(|(path, text)| fs::read_to_string(root.join(path)).ok().as_ref() != Some(text))
        .map(|(path, _)| format!("{path} is stale; run `cargo xtask docs`"))
        .collect()
}
