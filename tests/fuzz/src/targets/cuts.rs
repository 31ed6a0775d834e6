//! Texts that are cut into lines, and templates that are filled.

use std::ffi::OsStr;

use attune_types::{AttemptNumber, ExecutionId, LogChunk, LogStream, Timestamp};
use serde_json::Value;

use super::fill::fill;
use super::lines::{LONGEST, LineCutter, LogLine};
use crate::input::Input;

/// Lines of a log do not depend on how it came, hold every byte in order, and are bounded.
pub(super) fn lines(data: &[u8]) {
    let mut input = Input(data);
    let (cut, repeat) = (usize::from(input.byte()) + 1, usize::from(input.byte() % 8) * 700 + 1);
    let text: Vec<u8> = input.bytes(data.len()).repeat(repeat).into_iter().take(80_000).collect();
    let cut_by = |size: usize| {
        let (mut cutter, mut lines) = (LineCutter::default(), Vec::new());
        for (index, piece) in text.chunks(size).enumerate() {
            let chunk = LogChunk {
                execution: ExecutionId(1),
                attempt: AttemptNumber::FIRST,
                sequence: index as i64,
                stream: LogStream::Stdout,
                offset: (index * size) as u64,
                at: Timestamp(0),
                bytes: piece.to_vec(),
            };
            cutter.feed(&chunk, &mut lines);
        }
        lines.extend(cutter.finish());
        lines.iter().map(LogLine::to_json).collect::<Vec<String>>()
    };
    let whole = cut_by(usize::MAX);
    assert!(cut_by(cut) == whole, "in pieces of {cut} it is another");
    let mut next = 0;
    for line in &whole {
        let shown: Value = serde_json::from_str(line).expect("one line of JSON");
        let (offset, text_of_it) = (shown["offset"].as_u64(), shown["line"].as_str().unwrap_or_default());
        assert_eq!(offset, Some(next as u64), "nothing is left out");
        let rest = &text[next..];
        let length = rest.iter().take(LONGEST).position(|byte| *byte == b'\n').unwrap_or(rest.len().min(LONGEST));
        assert_eq!(text_of_it, String::from_utf8_lossy(&rest[..length]).replace('\0', "\u{fffd}"));
        next += length + usize::from(rest.get(length) == Some(&b'\n'));
    }
    assert_eq!(next, text.len(), "nothing is left over");
}

/// What is put into a template stays what it is, and is not looked at again.
pub(super) fn templates(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (template, value) = text.split_once('\n').unwrap_or((text, ""));
    let values =
        [("{pack_dir}", Some(OsStr::new(value))), ("{script}", Some(OsStr::new("{pack_dir}"))), ("{tool}", None)];
    let filled = fill(template, &values);
    assert_eq!(filled.is_none(), template.contains("{tool}"), "{template:?}");
    let Some(filled) = filled else { return };
    let parts: Vec<String> = template.split("{pack_dir}").map(|part| part.replace("{script}", "{pack_dir}")).collect();
    assert_eq!(filled.to_str(), Some(parts.join(value).as_str()), "{template:?}");
}
