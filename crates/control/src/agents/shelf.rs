//! The folder with the agents.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::architecture::{Architecture, HEADER_BYTES};
use super::offer::Offer;

/// What stands before the version in every agent; a zero byte ends it.
const MARK: &[u8] = b"attune-agent-version=";
/// The longest signature that is read, in bytes: Ed25519's is 88 in base64.
const SIGNATURE_BYTES: u64 = 256;

/// Why an agent cannot be given out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unavailable {
    /// The folder has none for the architecture.
    #[error("there is no {}", path.display())]
    Missing { path: PathBuf },
    /// What is there is something else.
    #[error("{} is not an agent for {architecture}: {why}", path.display())]
    Foreign { path: PathBuf, architecture: Architecture, why: &'static str },
    /// It cannot be read.
    #[error("failed to read {}", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// What tells whether a file is still the one that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
}

impl Stamp {
    fn of(file: &File) -> io::Result<Self> {
        let known = file.metadata()?;
        Ok(Self {
            device: known.dev(),
            inode: known.ino(),
            bytes: known.size(),
            modified: (known.mtime(), known.mtime_nsec()),
        })
    }
}

/// The folder with the agents: `attune-agent-x86_64`, `attune-agent-aarch64`, and beside each `....sig` when it is signed.
///
/// A file is read once to the end and remembered until it is another; what is said and what is sent are always of the same
/// open file, so that replacing it by renaming never mixes two of them.
#[derive(Debug)]
pub(crate) struct AgentShelf {
    directory: PathBuf,
    known: Mutex<HashMap<Architecture, (Stamp, Offer)>>,
}

impl AgentShelf {
    /// The agents in `directory`, which need not be there yet.
    pub(crate) fn new(directory: PathBuf) -> Self {
        Self { directory, known: Mutex::default() }
    }

    /// The agent for `architecture`, open at its beginning, and what is to be said about it. Blocks while it is read.
    pub(crate) fn open(&self, architecture: Architecture) -> Result<(File, Offer), Unavailable> {
        let path = self.directory.join(format!("attune-agent-{architecture}"));
        let unreadable = |source: io::Error| match source.kind() {
            ErrorKind::NotFound => Unavailable::Missing { path: path.clone() },
            _ => Unavailable::Unreadable { path: path.clone(), source },
        };
        let mut file = File::open(&path).map_err(unreadable)?;
        let stamp = Stamp::of(&file).map_err(unreadable)?;
        let signature = signature_beside(&path).map_err(unreadable)?;
        let remembered = {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.get(&architecture).filter(|(of, _)| *of == stamp).map(|(_, offer)| offer.clone())
        };
        if let Some(offer) = remembered {
            return Ok((file, Offer { signature, ..offer }));
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(unreadable)?;
        file.rewind().map_err(unreadable)?;
        let foreign = |why| Unavailable::Foreign { path: path.clone(), architecture, why };
        if Architecture::of_program(&bytes[..bytes.len().min(HEADER_BYTES)]) != Some(architecture) {
            return Err(foreign("it is no program for it"));
        }
        let version = version_in(&bytes).ok_or_else(|| foreign("it names no version"))?;
        let sha256 = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let offer = Offer { version, architecture, size: bytes.len() as u64, sha256, signature };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(architecture, (stamp, offer.clone()));
        Ok((file, offer))
    }
}

/// The signature beside a program.
fn signature_beside(program: &Path) -> io::Result<Option<String>> {
    let mut name = program.as_os_str().to_owned();
    name.push(".sig");
    let mut text = String::new();
    match File::open(name) {
        Ok(file) => file.take(SIGNATURE_BYTES).read_to_string(&mut text)?,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(Some(text.trim().to_owned()))
}

/// The version that a program was built as.
fn version_in(program: &[u8]) -> Option<String> {
    let mut rest = program;
    while let Some(at) = find(rest, MARK) {
        rest = &rest[at + MARK.len()..];
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b".-+".contains(byte);
        let length = rest.iter().take(64).position(|byte| !plain(byte))?;
        // The mark itself may be there again, as what some program looks for.
        if length > 0 && rest[length] == 0 {
            return std::str::from_utf8(&rest[..length]).ok().map(str::to_owned);
        }
    }
    None
}

/// Where `needle` begins in `text`. Looks for its first byte, which is quick enough for something that is done once.
fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    let mut from = 0;
    while let Some(at) = text[from..].iter().position(|byte| *byte == first) {
        if text[from + at..].starts_with(needle) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(machine: u8, version: &str) -> Vec<u8> {
        let mut bytes = vec![0x7f, b'E', b'L', b'F', 2, 1];
        bytes.resize(18, 0);
        bytes.extend([machine, 0]);
        bytes.extend(b"attune-agent-version=");
        bytes.extend(version.as_bytes());
        bytes.push(0);
        bytes
    }

    #[test]
    fn an_agent_is_described_by_what_it_is_and_again_when_it_is_another() {
        let folder = tempfile::tempdir().expect("a folder");
        let shelf = AgentShelf::new(folder.path().to_owned());
        let missing = shelf.open(Architecture::X86_64);
        assert!(matches!(missing, Err(Unavailable::Missing { .. })), "{missing:?}");
        let path = folder.path().join("attune-agent-x86_64");
        std::fs::write(&path, program(62, "1.2.3")).expect("written");
        let (mut file, offer) = shelf.open(Architecture::X86_64).expect("an agent");
        assert_eq!((offer.version.as_str(), offer.size, offer.signature), ("1.2.3", 46 + 1, None));
        let mut sent = Vec::new();
        file.read_to_end(&mut sent).expect("reads");
        assert_eq!(sent, program(62, "1.2.3"), "it is open at its beginning");
        std::fs::write(folder.path().join("new"), program(62, "1.10.0")).expect("written");
        std::fs::rename(folder.path().join("new"), &path).expect("renamed");
        std::fs::write(folder.path().join("attune-agent-x86_64.sig"), "c2ln\n").expect("written");
        let (_, offer) = shelf.open(Architecture::X86_64).expect("an agent");
        assert_eq!((offer.version.as_str(), offer.signature.as_deref()), ("1.10.0", Some("c2ln")));
    }

    #[test]
    fn what_is_no_agent_for_an_architecture_is_not_given_out_as_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let shelf = AgentShelf::new(folder.path().to_owned());
        for bytes in [program(62, "1.0.0"), b"#!/bin/sh\n".to_vec(), program(183, ""), Vec::new()] {
            std::fs::write(folder.path().join("attune-agent-aarch64"), &bytes).expect("written");
            let refused = shelf.open(Architecture::Aarch64);
            assert!(matches!(refused, Err(Unavailable::Foreign { .. })), "{refused:?}");
        }
    }
}
