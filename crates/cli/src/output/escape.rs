//! Text that somebody else wrote, made safe for a terminal.
//!
//! A log line may hold escape sequences that retitle the window, move the cursor over other output or paste into the
//! shell. On a terminal every control character but tab and line feed is shown as `\x1b`; bytes that are not UTF-8 are
//! shown as `\xff`. Colours and weights (SGR) of a log pass, and are ended with it. Where the output goes to a file or a
//! pipe, or `--raw` was given, bytes pass through untouched.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Escapes a complete text. `raw` passes it through.
pub(crate) fn foreign(text: &str, raw: bool) -> Cow<'_, str> {
    if raw || !text.chars().any(is_dangerous) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        push(&mut safe, character);
    }
    Cow::Owned(safe)
}

/// Control characters, and the ones that reorder the text around them.
fn is_dangerous(character: char) -> bool {
    (character.is_control() && !matches!(character, '\n' | '\t'))
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn push(safe: &mut String, character: char) {
    if !is_dangerous(character) {
        safe.push(character);
    } else if character.is_ascii() {
        let _ = write!(safe, "\\x{:02x}", u32::from(character));
    } else {
        let _ = write!(safe, "\\u{{{:x}}}", u32::from(character));
    }
}

/// Escapes a stream that arrives in pieces, which may cut a character in two.
#[derive(Debug, Default)]
pub(crate) struct Escaper {
    /// The beginning of a character, or a carriage return that waits to see whether a line feed follows.
    pending: Vec<u8>,
    /// Whether a colour was let through.
    is_coloured: bool,
}

/// What begins with an escape character.
enum Colour {
    /// A sequence that sets colours and weights (SGR), and how long it is.
    Whole(usize),
    /// What may become one.
    Begun,
    None,
}

/// `ESC [ digits ; : m`: the one kind of sequence that only changes how the text behind it looks.
fn colour(text: &str) -> Colour {
    const LONGEST: usize = 48;
    let bytes = text.as_bytes();
    if bytes.get(1).is_some_and(|second| *second != b'[') {
        return Colour::None;
    }
    // No further than what is waited for, or a text that comes at once would be another than one that comes in pieces.
    for (index, byte) in bytes.iter().enumerate().take(LONGEST).skip(2) {
        match byte {
            b'm' => return Colour::Whole(index + 1),
            b'0'..=b'9' | b';' | b':' => {}
            _ => return Colour::None,
        }
    }
    if bytes.len() < LONGEST { Colour::Begun } else { Colour::None }
}

impl Escaper {
    /// The next piece, safe to print.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> String {
        let mut input = std::mem::take(&mut self.pending);
        input.extend_from_slice(bytes);
        self.run(&input, false)
    }

    /// What was still waiting, at the end of the stream.
    pub(crate) fn finish(&mut self) -> String {
        let input = std::mem::take(&mut self.pending);
        let mut safe = self.run(&input, true);
        if std::mem::take(&mut self.is_coloured) {
            // What follows is not the script's, and shall not look like it.
            safe.push_str("\u{1b}[0m");
        }
        safe
    }

    fn run(&mut self, input: &[u8], last: bool) -> String {
        let mut safe = String::with_capacity(input.len());
        let mut rest = input;
        loop {
            match std::str::from_utf8(rest) {
                Ok(text) => {
                    self.push_text(&mut safe, text, last);
                    return safe;
                }
                Err(error) => {
                    let (valid, after) = rest.split_at(error.valid_up_to());
                    self.push_text(&mut safe, &String::from_utf8_lossy(valid), true);
                    let Some(length) = error.error_len().or(last.then_some(after.len())) else {
                        self.pending = after.to_vec();
                        return safe;
                    };
                    for byte in &after[..length] {
                        let _ = write!(safe, "\\x{byte:02x}");
                    }
                    rest = &after[length..];
                }
            }
        }
    }

    /// Line ends of the other kind (CR LF) are not worth a warning; a lone CR hides what stands before it.
    fn push_text(&mut self, safe: &mut String, text: &str, last: bool) {
        let mut rest = text;
        while let Some(character) = rest.chars().next() {
            match (character, rest[character.len_utf8()..].chars().next()) {
                ('\r', Some('\n')) => {}
                ('\r', None) if !last => self.pending.push(b'\r'),
                ('\u{1b}', _) => match colour(rest) {
                    Colour::Whole(length) => {
                        self.is_coloured = true;
                        safe.push_str(&rest[..length]);
                        rest = &rest[length..];
                        continue;
                    }
                    Colour::Begun if !last => {
                        self.pending.extend_from_slice(rest.as_bytes());
                        return;
                    }
                    Colour::Begun | Colour::None => push(safe, character),
                },
                _ => push(safe, character),
            }
            rest = &rest[character.len_utf8()..];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_become_visible_and_text_stays() {
        assert_eq!(foreign("a\u{1b}]0;x\u{7}b\tç\n", false), "a\\x1b]0;x\\x07b\tç\n");
        assert_eq!(foreign("a\u{202e}b\u{9b}", false), "a\\u{202e}b\\u{9b}");
        assert_eq!(foreign("a\u{1b}b", true), "a\u{1b}b");
    }

    #[test]
    fn colours_pass_and_nothing_else_that_a_terminal_obeys() {
        for (raw, safe) in [
            ("\u{1b}[1;31mred\u{1b}[0m.", "\u{1b}[1;31mred\u{1b}[0m.\u{1b}[0m"),
            ("\u{1b}]52;c;cm0gLXJm\u{7}", "\\x1b]52;c;cm0gLXJm\\x07"),
            ("\u{1b}[2J\u{1b}[H", "\\x1b[2J\\x1b[H"),
            ("good\rbad", "good\\x0dbad"),
            ("a\u{202e}b\0", "a\\u{202e}b\\x00"),
            ("\u{1b}[31", "\\x1b[31"),
            ("\u{1b}", "\\x1b"),
        ] {
            let mut whole = Escaper::default();
            let shown = whole.feed(raw.as_bytes()) + &whole.finish();
            assert_eq!(shown, safe, "{raw:?}");
            let mut cut = Escaper::default();
            let mut shown: String = raw.bytes().map(|byte| cut.feed(&[byte])).collect();
            shown.push_str(&cut.finish());
            assert_eq!(shown, safe, "{raw:?} byte by byte");
        }
    }

    #[test]
    fn a_colour_has_a_longest_length_however_it_arrives() {
        for digits in 40..50 {
            let raw = format!("\u{1b}[{}m", "1".repeat(digits));
            let mut whole = Escaper::default();
            let shown = whole.feed(raw.as_bytes()) + &whole.finish();
            let mut cut = Escaper::default();
            let mut pieces: String = raw.bytes().map(|byte| cut.feed(&[byte])).collect();
            pieces.push_str(&cut.finish());
            assert_eq!(pieces, shown, "{digits} digits");
            assert_eq!(shown.starts_with('\u{1b}'), digits <= 45, "{digits} digits: {shown}");
        }
    }

    #[test]
    fn pieces_may_cut_characters_and_line_ends() {
        let mut escaper = Escaper::default();
        let all = "ö€\r\n\rz".as_bytes();
        let mut safe: String = all.iter().map(|byte| escaper.feed(&[*byte])).collect();
        safe.push_str(&escaper.feed(&[0xff, b'!', 0xe2, 0x82]));
        safe.push_str(&escaper.finish());
        assert_eq!(safe, "ö€\n\\x0dz\\xff!\\xe2\\x82");
    }
}
