//! Installing packs: from a folder or an archive to a place that is named after what it holds.
//!
//! # Theory of operation
//!
//! A pack is first brought into a *stage*, a private folder beside the store, entry by entry: every name is checked before
//! anything is written ([`EntryNames`]), only files, folders and links that stay inside are taken, and sizes are counted
//! as bytes are read rather than believed ([`Budget`]). Links are made last, so nothing is ever written through one. Then
//! the pack is read as a worker would read it; one that breaks a rule is refused. Only then does one `rename` put it to
//! `.store/<pack>/<sha256 of its content>` and one more make `<pack>` point there.
//!
//! # Guarantees
//!
//! * What was refused leaves nothing behind, and what was installed before stays as it was.
//! * The name of an installed folder is the digest of its content; installing the same again changes nothing.
//! * A running execution keeps the folder it started with: a new version is another folder.
//! * At every moment `<pack>` is the whole old version or the whole new one.

mod archive;
mod budget;
mod digest;
mod entry_names;
mod error;
mod folder;
mod pack_store;
mod stage;

pub use archive::ArchiveKind;
pub use budget::Budget;
pub use digest::{Digest, digest_of};
pub use entry_names::{EntryNames, NameRefusal};
pub use error::InstallError;
pub use pack_store::{Installed, PackStore};
