//! Ends that the store could not take yet, on disk.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use attune_store::Completion;
use attune_types::{
    AttemptNumber, Evidence, ExecutionId, LeaseToken, LogChunk, LogStream, Outcome, Resources, Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::key::Key;

/// Ends that the store could not take yet: one file each, whole or not at all, readable by this user only because the
/// right to finish the attempt is in it.
#[derive(Debug, Clone)]
pub(crate) struct Spool {
    directory: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Spooled {
    execution: ExecutionId,
    attempt: AttemptNumber,
    token: String,
    outcome: Outcome,
    result: Option<Value>,
    /// They are encrypted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    outputs: Option<String>,
    resources: Option<Resources>,
    #[serde(default)]
    evidence: Option<Evidence>,
    logs: Vec<SpooledLog>,
}

#[derive(Serialize, Deserialize)]
struct SpooledLog {
    sequence: i64,
    stream: LogStream,
    offset: u64,
    at: Timestamp,
    bytes: String,
}

impl Spool {
    pub(crate) const fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Writes an end down so that it survives this process and a power cut.
    pub(crate) fn write(&self, completion: &Completion) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.directory)?;
        let path = self.path(Key::new(completion.execution, completion.attempt));
        let beside = path.with_extension("new");
        let text = serde_json::to_vec(&Spooled::from(completion))?;
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&beside, &path)?;
        File::open(&self.directory)?.sync_all()
    }

    /// Removes what the store has taken.
    pub(crate) fn remove(&self, key: Key) {
        if let Err(error) = fs::remove_file(self.path(key))
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(execution.id = %key.execution, error = &error as &dyn std::error::Error, "spooled end could not be removed; it is offered again at the next start");
        }
    }

    /// Everything that lies there. What cannot be read is set aside and named in the log.
    pub(crate) fn read(&self) -> io::Result<Vec<Completion>> {
        let entries = match fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut paths: Vec<PathBuf> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
            .collect();
        paths.sort();
        Ok(paths.iter().filter_map(|path| read_one(path)).collect())
    }

    fn path(&self, key: Key) -> PathBuf {
        self.directory.join(format!("{key}.json"))
    }
}

fn read_one(path: &Path) -> Option<Completion> {
    let read = fs::read(path).map_err(|error| error.to_string()).and_then(|text| {
        let spooled: Spooled = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
        spooled.completion().ok_or_else(|| "a field is damaged".to_owned())
    });
    match read {
        Ok(completion) => Some(completion),
        Err(reason) => {
            let aside = path.with_extension("unreadable");
            let _still_there = fs::rename(path, &aside);
            tracing::error!(path = %aside.display(), %reason, "spooled end cannot be read and was set aside");
            None
        }
    }
}

impl From<&Completion> for Spooled {
    fn from(completion: &Completion) -> Self {
        let logs = completion.logs.iter().map(|chunk| SpooledLog {
            sequence: chunk.sequence,
            stream: chunk.stream,
            offset: chunk.offset,
            at: chunk.at,
            bytes: to_hex(&chunk.bytes),
        });
        Self {
            execution: completion.execution,
            attempt: completion.attempt,
            token: to_hex(&completion.token.0),
            outcome: completion.outcome.clone(),
            result: completion.result.clone(),
            outputs: completion.outputs.as_deref().map(to_hex),
            resources: completion.resources,
            evidence: completion.evidence.clone(),
            logs: logs.collect(),
        }
    }
}

impl Spooled {
    fn completion(self) -> Option<Completion> {
        let (execution, attempt) = (self.execution, self.attempt);
        let token = LeaseToken(from_hex(&self.token)?.try_into().ok()?);
        let logs: Option<Vec<LogChunk>> = self
            .logs
            .into_iter()
            .map(|log| {
                let SpooledLog { sequence, stream, offset, at, bytes } = log;
                Some(LogChunk { execution, attempt, sequence, stream, offset, at, bytes: from_hex(&bytes)? })
            })
            .collect();
        let outputs = match self.outputs {
            Some(text) => Some(from_hex(&text)?),
            None => None,
        };
        let (outcome, result, resources, evidence) = (self.outcome, self.result, self.resources, self.evidence);
        Some(Completion { execution, attempt, token, outcome, result, outputs, resources, evidence, logs: logs? })
    }
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|index| u8::from_str_radix(&text[index..index + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn completion() -> Completion {
        Completion {
            execution: ExecutionId(7),
            attempt: AttemptNumber(2),
            token: LeaseToken([0xab; 16]),
            outcome: Outcome::Exited { code: 3 },
            result: Some(serde_json::json!({"a": [1], "t": "***"})),
            outputs: Some(vec![1, 0, 255]),
            resources: Some(Resources::default()),
            evidence: Some(Evidence { pid: Some(7), ..Evidence::default() }),
            logs: vec![LogChunk {
                execution: ExecutionId(7),
                attempt: AttemptNumber(2),
                sequence: 0,
                stream: LogStream::Stderr,
                offset: 4,
                at: Timestamp(1_000),
                bytes: vec![0, 255, b'x'],
            }],
        }
    }

    #[test]
    fn what_was_spooled_reads_back_until_it_is_removed() {
        let directory = tempfile::tempdir().expect("directory");
        let spool = Spool::new(directory.path().join("ends"));
        assert!(spool.read().expect("empty").is_empty());
        spool.write(&completion()).expect("written");
        let mode = fs::metadata(directory.path().join("ends/7.2.json")).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(spool.read().expect("read"), [completion()]);
        spool.remove(Key::new(ExecutionId(7), AttemptNumber(2)));
        assert!(spool.read().expect("empty").is_empty());
    }

    #[test]
    fn what_cannot_be_read_is_set_aside() {
        let directory = tempfile::tempdir().expect("directory");
        fs::write(directory.path().join("1.1.json"), b"{").expect("written");
        let spool = Spool::new(directory.path().to_owned());
        spool.write(&completion()).expect("written");
        assert_eq!(spool.read().expect("read").len(), 1);
        assert!(directory.path().join("1.1.unreadable").exists());
    }
}
