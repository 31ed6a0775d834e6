//! What an action and its worker say to each other, as bytes.
//!
//! A request is one datagram on the execution's socket, so that processes which share the socket never mix theirs. It
//! begins with its head, a JSON object on one line; what follows the line end is the body. With it travel descriptors:
//! first the caller's reply socket, then, where the call has one, a sealed memory file that holds the body, or the file
//! that is put. The answer is one datagram on the reply socket, made the same way.

use serde::{Deserialize, Serialize};

/// The version of the protocol. It changes when a worker of before would misunderstand; new calls do not change it.
pub(crate) const VERSION: u32 = 1;
/// Name of the variable that says which descriptor the socket is.
pub(crate) const VARIABLE: &str = "ATTUNE_HELPER_FD";
/// The largest request, in bytes.
pub(crate) const MAX_REQUEST: usize = 48 << 10;
/// The largest body that travels inside the request; a larger one is put into a memory file.
pub(crate) const MAX_INLINE: usize = 32 << 10;
/// The largest result, in bytes.
pub(crate) const MAX_VALUE: usize = 1 << 20;
/// The largest answer, in bytes: what fits into an empty socket whatever the system's limits.
pub(crate) const MAX_ANSWER: usize = 80 << 10;
/// The largest secret that is handed out, in bytes.
pub(crate) const MAX_SECRET: usize = 64 << 10;
/// The longest message of a progress report or a log line, in bytes; what is longer is cut.
pub(crate) const MAX_MESSAGE: usize = 1 << 10;

/// What an action may ask for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "snake_case")]
pub(crate) enum Call {
    /// Set the result to the JSON value in the body, or put the fields of the object in the body into it.
    OutputSet {
        /// Keep the fields that are set already.
        merge: bool,
    },
    /// Keep the file that travels along under this name.
    ArtifactPut {
        /// The name, relative, with `/` between its parts.
        name: String,
    },
    /// Say how far the action is.
    Progress {
        /// From 0 to 100.
        percent: f64,
        /// What it does.
        message: Option<String>,
    },
    /// Read a secret.
    SecretGet {
        /// Its name.
        name: String,
    },
    /// Say something in the log of the execution.
    Log {
        /// How bad it is.
        level: Level,
        /// The words.
        message: String,
    },
}

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Level {
    /// For whoever looks for a fault.
    Debug,
    /// Ordinary.
    Info,
    /// Worth a look.
    Warning,
    /// Wrong.
    Error,
}

impl Level {
    /// All of them, with their names.
    pub(crate) const ALL: [(&'static str, Self); 4] =
        [("debug", Self::Debug), ("info", Self::Info), ("warning", Self::Warning), ("error", Self::Error)];

    /// Its name.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

#[derive(Serialize, Deserialize)]
struct RequestHead<C> {
    v: u32,
    #[serde(flatten)]
    call: C,
}

#[derive(Deserialize)]
struct VersionAlone {
    v: u32,
}

#[derive(Serialize, Deserialize)]
struct AnswerHead {
    v: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
}

/// A request as it is sent.
pub(crate) fn write_request(call: &Call, body: &[u8]) -> Vec<u8> {
    framed(&RequestHead { v: VERSION, call }, body)
}

/// The call and the body of a request.
///
/// # Errors
/// Why it is none, for whoever sent it.
pub(crate) fn read_request(bytes: &[u8]) -> Result<(Call, &[u8]), String> {
    let (head, body) = split(bytes).ok_or("a request begins with a line of JSON")?;
    let VersionAlone { v } = serde_json::from_slice(head).map_err(|error| format!("not a request: {error}"))?;
    if v != VERSION {
        return Err(format!("the request is of protocol version {v}; this worker speaks version {VERSION}"));
    }
    let RequestHead { call, .. } =
        serde_json::from_slice(head).map_err(|error| format!("this worker does not understand the call: {error}"))?;
    Ok((call, body))
}

/// An answer as it is sent: what was asked for, or why not.
pub(crate) fn write_answer(answer: Result<&[u8], &str>) -> Vec<u8> {
    match answer {
        Ok(body) => framed(&AnswerHead { v: VERSION, refused: None }, body),
        Err(why) => framed(&AnswerHead { v: VERSION, refused: Some(cut(why, MAX_REQUEST).to_owned()) }, b""),
    }
}

/// What an answer says. `None`: it is no answer.
pub(crate) fn read_answer(bytes: &[u8]) -> Option<Result<&[u8], String>> {
    let (head, body) = split(bytes)?;
    let head: AnswerHead = serde_json::from_slice(head).ok()?;
    Some(head.refused.map_or(Ok(body), Err))
}

fn framed(head: &impl Serialize, body: &[u8]) -> Vec<u8> {
    // Heads are structures of texts and numbers: writing them to memory does not fail.
    let mut bytes = serde_json::to_vec(head).unwrap_or_default();
    bytes.push(b'\n');
    bytes.extend_from_slice(body);
    bytes
}

fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    Some((&bytes[..end], &bytes[end + 1..]))
}

/// The beginning of a text that has at most so many bytes.
pub(crate) fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_call_reads_back() {
        for call in [
            Call::OutputSet { merge: true },
            Call::ArtifactPut { name: "a/b \u{e4}\n.csv".into() },
            Call::Progress { percent: 12.5, message: None },
            Call::Progress { percent: 100.0, message: Some("done\n\"quoted\"".into()) },
            Call::SecretGet { name: "db".into() },
            Call::Log { level: Level::Warning, message: "x".into() },
        ] {
            let bytes = write_request(&call, b"body\n\0");
            assert_eq!(read_request(&bytes), Ok((call, &b"body\n\0"[..])));
        }
    }

    #[test]
    fn what_is_no_request_is_refused_with_the_reason() {
        for (bytes, words) in [
            (&b""[..], "line of JSON"),
            (b"{}", "line of JSON"),
            (b"{}\n", "missing field `v`"),
            (b"{\"v\": 2, \"call\": \"new\"}\n", "version 2"),
            (b"{\"v\": 1, \"call\": \"dance\"}\n", "dance"),
            (b"{\"v\": 1, \"call\": \"output_set\"}\n", "merge"),
            (b"\xff\n", "not a request"),
        ] {
            let why = read_request(bytes).expect_err("no request");
            assert!(why.contains(words), "{why}");
        }
    }

    #[test]
    fn answers_read_back() {
        assert_eq!(read_answer(&write_answer(Ok(b"\n\xff"))), Some(Ok(&b"\n\xff"[..])));
        assert_eq!(read_answer(&write_answer(Err("no"))), Some(Err("no".to_owned())));
        assert_eq!(read_answer(b"x"), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_reading_fail(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "\\PC{0,80}") {
            let _ignored = (read_request(&bytes), read_answer(&bytes));
            let _ignored = read_request(format!("{{\"v\":1,\"call\":{text}}}\n").as_bytes());
        }
    }
}
