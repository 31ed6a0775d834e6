//! Command lines of the programs that stay. The one for people is tried where it lies.

use clap::Parser as _;
use clap::error::ErrorKind;

use super::{server_arguments, worker_arguments};

/// A command line is read, or refused with words.
pub(super) fn command_line(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let words = || std::iter::once("program").chain(text.split('\n'));
    let mut refusals = Vec::new();
    match worker_arguments::Arguments::try_parse_from(words()) {
        Ok(read) => assert!(read.overrides().iter().all(|(key, _)| key.starts_with("worker."))),
        Err(refusal) => refusals.push(refusal),
    }
    match server_arguments::Arguments::try_parse_from(words()) {
        Ok(read) => assert!(read.overrides().iter().all(|(key, _)| key.starts_with("server."))),
        Err(refusal) => refusals.push(refusal),
    }
    for refusal in refusals {
        let is_asked_for = matches!(refusal.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
        assert_eq!(refusal.use_stderr(), !is_asked_for);
        assert!(!refusal.to_string().is_empty());
    }
}
