//! Reading archives entry by entry.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::Path;

use flate2::read::GzDecoder;
use tar::EntryType;

use super::error::InstallError;
use super::stage::{Entry, Stage};

/// A kind of archive that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArchiveKind {
    /// Plain tar.
    Tar,
    /// tar, compressed by gzip.
    TarGz,
    /// zip.
    Zip,
}

impl ArchiveKind {
    /// Tells the kind by the first bytes; names lie.
    #[must_use]
    pub fn of(head: &[u8]) -> Option<Self> {
        if head.starts_with(&[0x1f, 0x8b]) {
            Some(Self::TarGz)
        } else if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
            Some(Self::Zip)
        } else if head.get(257..262) == Some(b"ustar") {
            Some(Self::Tar)
        } else {
            None
        }
    }
}

/// Brings everything that the archive at `path` holds into `stage`.
pub(super) fn unpack(path: &Path, stage: &mut Stage) -> Result<(), InstallError> {
    let failed = |source| InstallError::Source { path: path.to_path_buf(), source };
    let mut file = File::open(path).map_err(failed)?;
    let mut head = Vec::new();
    file.by_ref().take(512).read_to_end(&mut head).map_err(failed)?;
    file.rewind().map_err(failed)?;
    let kind = ArchiveKind::of(&head).ok_or_else(|| InstallError::UnknownKind { path: path.to_path_buf() })?;
    match kind {
        ArchiveKind::Tar => from_tar(BufReader::new(file), stage),
        ArchiveKind::TarGz => from_tar(GzDecoder::new(BufReader::new(file)), stage),
        ArchiveKind::Zip => from_zip(BufReader::new(file), stage),
    }
}

fn damaged(stage: &Stage) -> impl Fn(io::Error) -> InstallError + use<> {
    let entries = stage.entries();
    move |error| InstallError::Damaged { entries, reason: error.to_string() }
}

/// The library only parses; names, links and sizes are judged by the stage. Its own `unpack` is not used: it has followed
/// links and changed modes behind them before (RUSTSEC-2021-0080, RUSTSEC-2026-0067).
fn from_tar(reader: impl Read, stage: &mut Stage) -> Result<(), InstallError> {
    let mut archive = tar::Archive::new(reader);
    for entry in archive.entries().map_err(damaged(stage))? {
        let mut entry = entry.map_err(damaged(stage))?;
        let name = entry.path_bytes().into_owned();
        let kind = entry.header().entry_type();
        let is_executable = entry.header().mode().is_ok_and(|mode| mode & 0o111 != 0);
        let taken = match kind {
            EntryType::Directory => Entry::Folder,
            EntryType::Regular | EntryType::Continuous => Entry::File { content: &mut entry, is_executable },
            EntryType::Symlink => {
                let target = entry.link_name_bytes().unwrap_or_default().into_owned();
                Entry::Link { target: String::from_utf8_lossy(&target).into_owned() }
            }
            EntryType::XGlobalHeader => continue,
            EntryType::Link => Entry::Other("hard link"),
            EntryType::Char | EntryType::Block => Entry::Other("device"),
            EntryType::Fifo => Entry::Other("pipe"),
            EntryType::GNUSparse => Entry::Other("sparse file"),
            _ => Entry::Other("thing of an unknown kind"),
        };
        stage.add(&name, taken)?;
    }
    Ok(())
}

fn from_zip(reader: impl Read + Seek, stage: &mut Stage) -> Result<(), InstallError> {
    let broken = |stage: &Stage, error: zip::result::ZipError| InstallError::Damaged {
        entries: stage.entries(),
        reason: error.to_string(),
    };
    let mut archive = zip::ZipArchive::new(reader).map_err(|error| broken(stage, error))?;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(|error| broken(stage, error))?;
        let name = entry.name_raw().to_vec();
        let mode = entry.unix_mode().unwrap_or(0o644);
        let is_executable = mode & 0o111 != 0;
        let kind = mode & 0o170_000;
        if entry.is_symlink() {
            // Longer than any path is no path.
            let mut target = Vec::new();
            entry.by_ref().take(4096).read_to_end(&mut target).map_err(damaged(stage))?;
            stage.add(&name, Entry::Link { target: String::from_utf8_lossy(&target).into_owned() })?;
        } else if entry.is_dir() {
            stage.add(&name, Entry::Folder)?;
        } else if kind == 0 || kind == 0o100_000 {
            stage.add(&name, Entry::File { content: &mut entry, is_executable })?;
        } else {
            stage.add(&name, Entry::Other("special file"))?;
        }
    }
    Ok(())
}
