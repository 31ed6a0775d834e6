//! Documents from outside.

use std::path::Path;

use attune_config::Config;
use attune_pack::{Pack, parse_document, read_json, read_yaml};
use attune_types::{ActionSpec, Capabilities, Envelope, Evidence, ExecutionSpec, Outcome, PackSpec, RuntimeSpec};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{body, marks};

/// What reads back is the same.
fn same<T: Serialize + DeserializeOwned>(data: &[u8]) {
    if let Ok(read) = serde_json::from_slice::<T>(data) {
        let written = serde_json::to_value(&read).expect("what was read can be written");
        let again: T = serde_json::from_value(written.clone()).expect("what was written can be read");
        assert_eq!(serde_json::to_value(&again).expect("and written again"), written);
    }
}

/// Messages of the broker: what is read is written as it was, and other versions are not read.
pub(super) fn envelope(data: &[u8]) {
    same::<Envelope>(data);
    if let Ok(envelope) = body::read(data) {
        assert_eq!(envelope.version, Envelope::VERSION);
        assert!(!envelope.payload.routing_key().contains(char::is_whitespace));
        let written = body::write(&envelope).expect("what was read can be written");
        assert_eq!(body::read(&written), Ok(envelope), "what was written can be read");
    }
}

/// What lies in the database.
pub(super) fn stored(data: &[u8]) {
    same::<Outcome>(data);
    same::<Evidence>(data);
    same::<ExecutionSpec>(data);
    same::<Capabilities>(data);
    if let Ok(outcome) = serde_json::from_slice::<Outcome>(data) {
        let _words = (outcome.summary(), outcome.hint(), outcome.exit_code(), outcome.execution_status());
    }
}

/// What packs declare.
pub(super) fn declarations(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let path = Path::new("x.yaml");
    for problem in [
        parse_document::<PackSpec>(path, text).err(),
        parse_document::<ActionSpec>(path, text).err(),
        parse_document::<RuntimeSpec>(path, text).err(),
    ]
    .into_iter()
    .flatten()
    {
        assert!(problem.to_string().starts_with("x.yaml"), "no place: {problem}");
    }
}

/// Results and parameters in JSON.
pub(super) fn exact_json(data: &[u8]) {
    if let Ok(value) = read_json(data) {
        let text = serde_json::to_vec(&value).expect("it can be written");
        assert_eq!(read_json(&text).expect("and read"), value);
    }
}

/// Results and parameters in YAML.
pub(super) fn exact_yaml(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(value) = read_yaml(text) {
        let text = serde_json::to_vec(&value).expect("it can be written");
        assert_eq!(read_json(&text).expect("what YAML holds JSON holds, too"), value);
    }
}

/// The configuration file: whatever it says, what it holds of credentials is not shown.
pub(super) fn configuration(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let shown = match Config::from_yaml(text) {
        Ok(config) => format!("{config:?}\n{}", config.print_with_origins()),
        Err(error) => error.to_string(),
    };
    if marks::are_credentials(text) {
        assert!(!shown.contains(marks::MARK), "{shown}");
    }
}

/// An archive that claims to be a pack: nothing beside the place for packs changes.
pub(super) fn archive(data: &[u8]) {
    // In memory where there is such a place: whatever is unpacked is synchronised with the disk.
    let memory = Path::new("/dev/shm");
    let place = if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() };
    let directory = tempfile::tempdir_in(place).expect("a directory");
    let canary = directory.path().join("canary");
    std::fs::write(&canary, "sings").expect("written");
    let root = directory.path().join("packs");
    for name in ["pack.tar", "pack.tar.gz", "pack.zip"] {
        let path = directory.path().join(name);
        std::fs::write(&path, data).expect("written");
        if let Ok(installed) = attune_pack::install::PackStore::new(&root).install_archive(&path) {
            let _named = format!("{installed:?}");
        }
        std::fs::remove_file(&path).expect("removed");
    }
    let mut names: Vec<_> = std::fs::read_dir(directory.path()).expect("read").flatten().collect();
    names.retain(|entry| entry.file_name() != "packs");
    assert_eq!(names.len(), 1, "something lies beside the place for packs: {names:?}");
    assert_eq!(std::fs::read(&canary).expect("still there"), b"sings");
    let _pack = Pack::load(&root);
}
