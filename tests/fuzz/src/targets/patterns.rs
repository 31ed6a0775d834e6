//! Patterns that others choose.

use std::time::Duration;

use super::version_text::{compile, first_line, version_in};
use crate::engine::spent;

/// How much of a pattern, and of what a program printed, is taken.
const PATTERN: usize = 256;
const PRINTED: usize = 4 << 10;
/// A match may take so long. Unoptimized programs are not asked.
const QUICK: Duration = Duration::from_millis(10);

/// A pattern for versions is refused, or finds plain text, and is quick about it.
pub(super) fn version_pattern(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (pattern, printed) = text.split_once('\n').unwrap_or((text, ""));
    let Ok(pattern) = compile(&pattern[..pattern.floor_char_boundary(PATTERN)]) else { return };
    let printed = &printed[..printed.floor_char_boundary(PRINTED)];
    let printed = printed.repeat(PRINTED / printed.len().max(1));
    let look = || {
        let begun = spent();
        (version_in(&printed, Some(&pattern)), spent().saturating_sub(begun))
    };
    let (found, first) = look();
    if let Some(version) = found {
        let is_plain = version.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".+-_".contains(&byte));
        assert!(is_plain && version.len() <= 64, "{version:?}");
        assert!(version.starts_with(|first: char| first.is_ascii_digit()), "{version:?}");
    }
    // Best of several, since the first look also fills what the engine remembers.
    if cfg!(not(debug_assertions)) && first > QUICK {
        let best = (0..5).map(|_| look().1).min().unwrap_or_default();
        assert!(best <= QUICK, "a match takes {best:?}");
    }
    let shown = first_line(printed.as_bytes());
    assert!(shown.chars().count() <= 120 && !shown.contains(char::is_control), "{shown:?}");
}
