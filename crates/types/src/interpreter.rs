//! Interpreters that were found on a machine.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The C library that a program was linked for. What is compiled for one does not load into the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Libc {
    /// The GNU C library.
    Glibc,
    /// musl, as in Alpine.
    Musl,
    /// None at run time: the program is linked statically.
    None,
}

impl Libc {
    /// The word for it: `glibc`, `musl` or `none`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Glibc => "glibc",
            Self::Musl => "musl",
            Self::None => "none",
        }
    }
}

impl fmt::Display for Libc {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.word())
    }
}

/// One interpreter that was found and proved to run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DetectedInterpreter {
    /// The runtime it serves, e.g. `python`.
    pub runtime: String,
    /// Absolute path that it is started by; empty for `native`.
    pub path: String,
    /// What its version command said; empty when it does not say, and for `native`.
    pub version: String,
    /// The file that the path really is, behind all links; empty when it is not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub real_path: String,
    /// What it was linked for, from its own file; absent when that does not say. Of a script it is what its `#!` line
    /// starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub libc: Option<Libc>,
    /// The processor it was made for: `x86_64`, `aarch64`, ...; empty when its file does not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub architecture: String,
    /// How it came to be here when not by the usual search, in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_older_workers_registered_can_be_read() {
        let old = r#"{"runtime": "python", "path": "/usr/bin/python3", "version": "3.11.2"}"#;
        let read: DetectedInterpreter = serde_json::from_str(old).expect("reads");
        assert_eq!((read.libc, read.real_path.as_str()), (None, ""));
        let new = DetectedInterpreter { libc: Some(Libc::Musl), ..read };
        assert!(serde_json::to_string(&new).expect("writes").contains(r#""libc":"musl""#));
    }
}
