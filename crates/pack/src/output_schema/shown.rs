//! Values as messages show them.

use std::fmt::{self, Write};

use serde_json::Value;

/// What is read by people is not longer than this, in bytes.
const MOST_BYTES: usize = 120;

/// A value as JSON, cut where it would fill the line. What comes after is not even formatted: a result may have a mebibyte.
pub(super) fn shown(value: &Value) -> String {
    let mut text = Cut(String::new());
    if write!(text, "{value}").is_err() {
        text.0.push_str("...");
    }
    text.0
}

/// A text as JSON, cut likewise; no more of it is looked at than may be shown.
pub(super) fn shown_text(text: &str) -> String {
    shown(&Value::from(text.chars().take(2 * MOST_BYTES).collect::<String>()))
}

struct Cut(String);

impl Write for Cut {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let left = MOST_BYTES.saturating_sub(self.0.len());
        if more.len() <= left {
            self.0.push_str(more);
            return Ok(());
        }
        let end = (0..=left).rev().find(|end| more.is_char_boundary(*end)).unwrap_or(0);
        self.0.push_str(&more[..end]);
        Err(fmt::Error)
    }
}
