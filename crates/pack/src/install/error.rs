//! Why a pack was not installed.

use std::io;
use std::path::PathBuf;

use super::entry_names::NameRefusal;
use crate::error::PackError;

/// Why a pack was not installed. Nothing of it is left.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstallError {
    /// The source cannot be read.
    #[error("{} cannot be read", path.display())]
    Source {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is no archive of a kind that is known.
    #[error("{} is not a tar, tar.gz or zip archive", path.display())]
    UnknownKind {
        /// Which.
        path: PathBuf,
    },
    /// The archive is damaged.
    #[error("pack archive refused: it is damaged after {entries} entries: {reason}")]
    Damaged {
        /// How many entries were read whole.
        entries: usize,
        /// What the reader said.
        reason: String,
    },
    /// The name of an entry is refused.
    #[error("pack archive refused: entry {number} {name:?} {refusal}")]
    Name {
        /// Which entry, from 1.
        number: usize,
        /// Its name, as far as it can be shown.
        name: String,
        /// Why.
        refusal: NameRefusal,
    },
    /// An entry is of a kind that packs do not hold.
    #[error(
        "pack archive refused: entry {number} {name:?} is a {kind}; packs hold files, folders and links inside the pack"
    )]
    Kind {
        /// Which entry, from 1.
        number: usize,
        /// Its name.
        name: String,
        /// What it is.
        kind: &'static str,
    },
    /// A link leads out of the pack, or to nothing.
    #[error("pack archive refused: entry {number} {name:?} links to {target:?}, which leaves the pack or is not there")]
    Link {
        /// Which entry, from 1.
        number: usize,
        /// Its name.
        name: String,
        /// Where it points.
        target: String,
    },
    /// More than a pack may have.
    #[error("pack archive refused: more than {most} {what}")]
    TooMuch {
        /// The limit.
        most: u64,
        /// Of what.
        what: &'static str,
    },
    /// There is no single folder with a `pack.yaml`.
    #[error("there is no pack.yaml in {}, nor in its only folder", source_name)]
    NoPack {
        /// The source, as it was named.
        source_name: String,
    },
    /// It is not a pack that keeps every rule.
    #[error("the pack breaks its rules")]
    Invalid(#[source] PackError),
    /// A pack of this name may not be replaced from outside.
    #[error(
        "pack {name} comes with Attune and is not replaced by an installation; choose another ref, or pass --allow-reserved"
    )]
    Reserved {
        /// The name.
        name: String,
    },
    /// The place for packs cannot be written.
    #[error("failed to {doing} {}", path.display())]
    Store {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Something else than an installed pack lies where it should go.
    #[error("{} is a folder that was not installed; move it away, or install into another folder with --into", path.display())]
    InTheWay {
        /// What lies there.
        path: PathBuf,
    },
}
