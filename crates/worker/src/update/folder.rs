//! Where the fetched program and its record lie.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::examination;
use super::offer::Offer;
use super::public_key::PublicKey;
use super::record::Record;
use super::refusal::Refusal;

/// The folder of a worker's state directory that holds its newer program.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    directory: PathBuf,
}

impl Folder {
    /// The one of a worker with this state directory. Nothing is made yet.
    pub(super) fn of(state_directory: &Path) -> Self {
        Self { directory: state_directory.join("update") }
    }

    /// The program that is started: a fetched one that was tried and found able.
    pub(super) fn program(&self) -> PathBuf {
        self.directory.join("attune-agent")
    }

    /// The program that was fetched last and is still to be tried. The one that proved good stays until it was.
    pub(super) fn candidate(&self) -> PathBuf {
        self.directory.join("attune-agent.next")
    }

    /// Puts the candidate in the place of the program.
    pub(super) fn promote(&self) -> io::Result<()> {
        fs::rename(self.candidate(), self.program())?;
        File::open(&self.directory)?.sync_all()
    }

    /// What became of it; `None` also when that cannot be read.
    pub(super) fn record(&self) -> Option<Record> {
        Record::read(&serde_json::from_str(&fs::read_to_string(self.record_file()).ok()?).ok()?)
    }

    /// Writes down what became of it, so that it survives whatever comes next.
    pub(super) fn note(&self, record: &Record) -> io::Result<()> {
        self.replace(&self.record_file(), 0o600, record.to_value().to_string().as_bytes())
    }

    /// Keeps `program`, which was examined, as the candidate.
    pub(super) fn keep(&self, program: &[u8]) -> io::Result<()> {
        self.replace(&self.candidate(), 0o700, program)
    }

    /// Whether the program is what was offered, and signed.
    pub(super) fn examine_program(&self, offer: &Offer, key: &PublicKey) -> Result<(), Refusal> {
        examine(&self.program(), offer, key)
    }

    /// Whether the candidate is what was offered, and signed.
    pub(super) fn examine_candidate(&self, offer: &Offer, key: &PublicKey) -> Result<(), Refusal> {
        examine(&self.candidate(), offer, key)
    }

    fn record_file(&self) -> PathBuf {
        self.directory.join("record.json")
    }

    /// Writes beside the file, to the disk, and renames: whoever looks finds the old one or the new one, whole.
    fn replace(&self, path: &Path, mode: u32, bytes: &[u8]) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.directory)?;
        let beside = path.with_extension("new");
        // What an earlier try left may belong to somebody who may not be written over.
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside)?;
        let written = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| {
            // A program that is open for writing cannot be executed.
            drop(file);
            fs::rename(&beside, path)
        });
        if written.is_err() {
            let _best_effort = fs::remove_file(&beside);
        }
        written
    }
}

fn examine(path: &Path, offer: &Offer, key: &PublicKey) -> Result<(), Refusal> {
    let program = fs::read(path).map_err(|error| Refusal::Unreadable(error.to_string()))?;
    examination::of_program(&program, offer, key)
}

#[cfg(test)]
mod tests {
    use super::super::record::Standing;
    use super::super::samples::{Signer, program};
    use super::*;

    #[test]
    fn a_candidate_leaves_the_program_alone_until_it_was_tried() {
        let state = tempfile::tempdir().expect("a folder");
        let (folder, signer) = (Folder::of(state.path()), Signer::new());
        let (first, next) = (program("1.1.0"), program("1.2.0"));
        let (first_offer, next_offer) = (signer.offer("1.1.0", &first), signer.offer("1.2.0", &next));
        let key = signer.public_key();
        let missing = folder.examine_candidate(&first_offer, &key).expect_err("nothing is there yet");
        assert!(matches!(missing, Refusal::Unreadable(_)), "{missing}");
        folder.keep(&first).expect("kept");
        assert_eq!(folder.examine_candidate(&first_offer, &key), Ok(()));
        assert!(folder.examine_program(&first_offer, &key).is_err(), "it is still to be tried");
        folder.promote().expect("renamed");
        assert_eq!(folder.examine_program(&first_offer, &key), Ok(()));
        folder.keep(&next).expect("kept");
        assert_eq!(folder.examine_program(&first_offer, &key), Ok(()));
        assert_eq!(folder.examine_candidate(&next_offer, &key), Ok(()));
        let record = Record { offer: first_offer, standing: Standing::Trying };
        folder.note(&record).expect("noted");
        assert_eq!(folder.record(), Some(record.clone()));
        // Whoever may write there may not have it executed.
        fs::write(folder.program(), program("1.1.1")).expect("written");
        assert!(folder.examine_program(&record.offer, &key).is_err());
    }
}
