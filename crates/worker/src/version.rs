//! The program's version, where it is found without running the program.

use std::hint::black_box;

/// A server that gives this program out reads its version here, also of a program for another architecture. A zero byte
/// ends it.
static MARK: &str = concat!("attune-agent-version=", env!("CARGO_PKG_VERSION"), "\0");
/// The longest version that is read, in bytes.
const MOST_BYTES: usize = 64;

/// The version of this program, read from the same place.
pub(crate) fn version() -> &'static str {
    let mark = black_box(MARK);
    let version = mark.split_once('=').map_or(mark, |(_, version)| version);
    version.trim_end_matches('\0')
}

/// The version that another program was built as.
pub(crate) fn version_in(program: &[u8]) -> Option<&str> {
    // Taken from the mark: written down once more, it would be found in this program as a mark without a version.
    let mark = black_box(MARK).as_bytes();
    let mark = &mark[..=mark.iter().position(|byte| *byte == b'=')?];
    let mut rest = program;
    while let Some(at) = rest.iter().position(|byte| *byte == mark[0]) {
        rest = &rest[at..];
        if let Some(found) = rest.strip_prefix(mark) {
            let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b".-+".contains(byte);
            let length = found.iter().take(MOST_BYTES).position(|byte| !plain(byte)).unwrap_or(0);
            if length > 0 && found[length] == 0 {
                return std::str::from_utf8(&found[..length]).ok();
            }
        }
        rest = &rest[1..];
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_says_its_version_at_its_mark() {
        for (program, expected) in [
            (&b"..attune-agent-version=1.2.3\0.."[..], Some("1.2.3")),
            (b"attune-agent-version=attune-agent-version=2.0.0-rc.1\0", Some("2.0.0-rc.1")),
            (b"attune-agent-version=1.2.3", None),
            (b"attune-agent-version=\0", None),
            (b"attune-agent-version", None),
            (b"", None),
        ] {
            assert_eq!(version_in(program), expected, "{}", String::from_utf8_lossy(program));
        }
        assert_eq!(version_in(MARK.as_bytes()), Some(version()));
    }
}
