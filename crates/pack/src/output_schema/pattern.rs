//! Patterns of JSON Schema, which are JavaScript's.

use std::iter::Peekable;
use std::str::Chars;

use regex::{Regex, RegexBuilder};

use super::category;

/// The most memory that a compiled pattern may take, in bytes.
const MOST_BYTES: usize = 1 << 20;
const DIGIT: &str = "0-9";
const WORD: &str = "A-Za-z0-9_";
const SPACE: &str = "\\t-\\r \\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}\\x{feff}";

/// A pattern as the engine here reads it. It takes one pass over what it looks at, whatever the pattern, and for that
/// knows no look-around and no references back.
pub(super) fn compile(pattern: &str) -> Result<Regex, String> {
    let unusable = |reason: &str| format!("the pattern {pattern:?} cannot be used: {reason}");
    let translated = translated(pattern).map_err(|reason| unusable(&reason))?;
    RegexBuilder::new(&translated).size_limit(MOST_BYTES).build().map_err(|error| {
        let words = error.to_string();
        unusable(words.lines().last().unwrap_or_default().trim_start_matches("error: "))
    })
}

/// Says in the engine's words what it would read otherwise: what `\d`, `\w` and `\s` are, and what is special in a class.
fn translated(pattern: &str) -> Result<String, String> {
    let mut text = String::with_capacity(pattern.len() + 16);
    let mut rest = pattern.chars().peekable();
    let mut is_in_class = false;
    while let Some(next) = rest.next() {
        match next {
            '\\' => escaped(&mut rest, is_in_class, &mut text)?,
            '[' if !is_in_class => {
                is_in_class = true;
                text.push('[');
                if rest.next_if_eq(&'^').is_some() {
                    text.push('^');
                }
                if rest.peek() == Some(&']') {
                    return Err("a class of nothing, or of everything, is not known".to_owned());
                }
            }
            ']' if is_in_class => {
                is_in_class = false;
                text.push(']');
            }
            '[' | '&' | '~' if is_in_class => text.extend(['\\', next]),
            '-' if is_in_class && rest.peek() == Some(&'-') => {
                return Err("write \\- for a hyphen beside another one".to_owned());
            }
            other => text.push(other),
        }
    }
    Ok(text)
}

fn escaped(rest: &mut Peekable<Chars<'_>>, is_in_class: bool, text: &mut String) -> Result<(), String> {
    let Some(letter) = rest.next() else { return Err("it ends with \\".to_owned()) };
    let mut class = |members: &str| {
        let (open, close) = match (letter.is_ascii_uppercase(), is_in_class) {
            (true, _) => ("[^", "]"),
            (false, false) => ("[", "]"),
            (false, true) => ("", ""),
        };
        text.push_str(&format!("{open}{members}{close}"));
    };
    match letter {
        'd' | 'D' => class(DIGIT),
        'w' | 'W' => class(WORD),
        's' | 'S' => class(SPACE),
        'b' if is_in_class => text.push_str("\\x08"),
        'b' | 'B' => text.push_str(&format!("(?-u:\\{letter})")),
        '0' if !rest.peek().is_some_and(char::is_ascii_digit) => text.push_str("\\x00"),
        'c' => match rest.next().filter(char::is_ascii_alphabetic) {
            Some(control) => text.push_str(&format!("\\x{:02x}", control as u8 % 32)),
            None => return Err("\\c takes a letter".to_owned()),
        },
        'p' | 'P' => {
            let property = category::read(rest)?;
            text.push_str(&format!("\\{letter}{property}"));
        }
        // The engine's words are the same, or its refusal of references back.
        'f' | 'n' | 'r' | 't' | 'v' | 'u' | 'x' | 'k' | '0'..='9' => text.extend(['\\', letter]),
        other if other.is_ascii_alphabetic() => return Err(format!("\\{other} is not known")),
        other if other.is_ascii_punctuation() && !matches!(other, '<' | '>') => text.extend(['\\', other]),
        other => text.push(other),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_they_mean_in_javascript() {
        for (pattern, fits, does_not) in [
            ("^\\d+$", "12", "\u{663}"),
            ("^[\\d-]+$", "1-2", "1+2"),
            ("^\\w$", "a", "\u{e9}"),
            ("^[^\\w]$", "\u{e9}", "a"),
            ("^[\\W\\d]+$", "1\u{e9}", "a"),
            ("^\\s$", "\u{feff}", "\u{180e}"),
            ("^\\S$", "\u{85}", "\u{a0}"),
            ("^[a[]+$", "[a", "]"),
            ("^[a&&b]$", "&", "&&"),
            ("^[~]$", "~", "a"),
            ("^\\cJ$", "\n", "J"),
            ("^\\/\\<\\u00e9\\x41$", "/<\u{e9}A", "/<eA"),
            ("^\\p{L}$", "\u{e9}", "1"),
            ("^[\\p{Lu}\\p{gc=Decimal_Number}]$", "1", "a"),
            ("^\\P{Letter}$", "1", "\u{e9}"),
            ("\\bcat\\b", "a cat.", "concat"),
            ("^[\\b]$", "\u{8}", "b"),
            ("^(?:a|b){2}$", "ab", "abc"),
        ] {
            let regex = compile(pattern).expect(pattern);
            assert!(regex.is_match(fits) && !regex.is_match(does_not), "{pattern}");
        }
        for (pattern, words) in [
            ("(", "unclosed group"),
            ("^(?!a)", "look-around"),
            ("(a)\\1", "backreferences"),
            ("[]", "a class of nothing"),
            ("[^]", "a class of nothing"),
            ("[a--b]", "hyphen"),
            ("\\a", "\\a is not known"),
            ("\\p{Script=Greek}", "general categories are"),
            ("[\\P{Alphabetic}]", "general categories are"),
            ("\\pL", "in braces"),
            ("\\p{L", "not closed"),
            ("a\\", "ends with"),
            ("\\c1", "takes a letter"),
            ("a{1000}{1000}{1000}", "size limit"),
        ] {
            let told = compile(pattern).expect_err(pattern);
            assert!(told.contains(words), "{pattern}: {told}");
        }
    }
}
