//! What a program runs on.

use std::fmt;
use std::str::FromStr;

/// A processor's architecture, in the words of `uname -m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Architecture {
    X86_64,
    Aarch64,
}

/// How many bytes of a file tell its architecture.
pub(crate) const HEADER_BYTES: usize = 20;

impl Architecture {
    pub(crate) const ALL: [Self; 2] = [Self::X86_64, Self::Aarch64];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Aarch64 => "aarch64",
        }
    }

    /// The architecture of a program by the first bytes of its file; `None` when it is no 64-bit Linux program of one of
    /// them.
    pub(crate) fn of_program(header: &[u8]) -> Option<Self> {
        // Magic, 64 bits, little endian; then e_machine.
        if !header.starts_with(&[0x7f, b'E', b'L', b'F', 2, 1]) {
            return None;
        }
        match header.get(18..HEADER_BYTES)? {
            [62, 0] => Some(Self::X86_64),
            [183, 0] => Some(Self::Aarch64),
            _ => None,
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Architecture {
    type Err = String;

    /// Also the names that Docker and Go have for them.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "x86_64" | "amd64" => Ok(Self::X86_64),
            "aarch64" | "arm64" => Ok(Self::Aarch64),
            _ => Err(format!(
                "is no architecture that there is an agent for; there are {}",
                Self::ALL.map(Self::as_str).join(", ")
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_programs_header_says_what_it_runs_on() {
        let own = std::fs::read("/proc/self/exe").expect("can be read");
        assert_eq!(Architecture::of_program(&own).map(Architecture::as_str), Some(std::env::consts::ARCH));
        let mut arm = own[..HEADER_BYTES].to_vec();
        arm[18..].copy_from_slice(&[183, 0]);
        assert_eq!(Architecture::of_program(&arm), Some(Architecture::Aarch64));
        for other in [&b"#!/bin/sh\necho this is no program at all"[..], &own[..10], b""] {
            assert_eq!(Architecture::of_program(other), None);
        }
    }

    #[test]
    fn architectures_are_read_by_every_name_they_have() {
        for (text, expected) in
            [("amd64", "x86_64"), ("x86_64", "x86_64"), ("arm64", "aarch64"), ("aarch64", "aarch64")]
        {
            assert_eq!(text.parse::<Architecture>().map(Architecture::as_str), Ok(expected));
        }
        assert!("riscv64".parse::<Architecture>().is_err());
    }
}
