//! What is wrong with a pack, and where.

use std::path::{Path, PathBuf};

/// One thing that is wrong in a pack.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackProblem {
    /// A file or folder cannot be read.
    #[error("{}: cannot be read: {reason}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file is larger than any declaration needs to be.
    #[error("{}: has {bytes} bytes; a declaration has at most {most}", path.display())]
    TooLarge {
        /// Which.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The most it may have.
        most: u64,
    },
    /// The YAML does not say what a declaration of this kind says.
    #[error("{}:{line}:{column}: {message}", path.display())]
    Document {
        /// Which file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// Column, from 1.
        column: u64,
        /// What is wrong, and what was meant where that can be guessed.
        message: String,
    },
    /// The declaration reads well and breaks a rule.
    #[error("{}:{line}:{column}: {field}: {message}", path.display())]
    Rule {
        /// Which file.
        path: PathBuf,
        /// Line of the key's value, or of what encloses it, from 1.
        line: u64,
        /// Column, from 1.
        column: u64,
        /// The key that breaks it.
        field: String,
        /// The rule, in words.
        message: String,
    },
}

/// A pack that cannot be used: everything that is wrong with it, at once.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("pack in {} has {} problem(s):\n{}", directory.display(), problems.len(), listed(problems))]
pub struct PackError {
    /// The pack's folder.
    pub directory: PathBuf,
    /// What is wrong, in the order of the files.
    pub problems: Vec<PackProblem>,
}

impl PackError {
    /// The same for somebody who knows the pack as `name` and not the folder it was read from.
    pub(crate) fn seen_from(mut self, folder: &Path, name: &str) -> Self {
        self.directory = PathBuf::from(name);
        for problem in &mut self.problems {
            let (PackProblem::Unreadable { path, .. }
            | PackProblem::TooLarge { path, .. }
            | PackProblem::Document { path, .. }
            | PackProblem::Rule { path, .. }) = problem;
            if let Ok(relative) = path.strip_prefix(folder) {
                *path = relative.to_path_buf();
            }
        }
        self
    }
}

fn listed(problems: &[PackProblem]) -> String {
    problems.iter().map(|problem| format!("  {problem}")).collect::<Vec<_>>().join("\n")
}
