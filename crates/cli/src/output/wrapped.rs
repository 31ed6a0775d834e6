//! Lines that fit.

/// How wide text for people is.
pub(crate) const WIDTH: usize = 80;

/// Cuts `text` into lines of at most `width` characters, at a space where there is one. Line ends in it become spaces:
/// foreign text must not make lines that look like ours.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let characters: Vec<char> = text
        .trim_end()
        .chars()
        .map(|character| if matches!(character, '\n' | '\r' | '\t') { ' ' } else { character })
        .collect();
    let mut rest = &characters[..];
    let mut lines = Vec::new();
    while rest.len() > width {
        // A line may end right before the space that the next one would begin with.
        let cut = rest[..=width].iter().rposition(|character| *character == ' ').filter(|at| *at > 0);
        let (line, after) = match cut {
            Some(at) => (&rest[..at], &rest[at + 1..]),
            None => rest.split_at(width),
        };
        lines.push(line.iter().collect());
        rest = after;
    }
    lines.push(rest.iter().collect());
    lines
}

/// `text` behind `label`, its further lines below its first one.
pub(crate) fn labelled(label: &str, text: &str) -> String {
    let indent = label.chars().count();
    let mut lines = String::new();
    for (index, line) in wrapped(text, WIDTH.saturating_sub(indent)).iter().enumerate() {
        let before = if index == 0 { label.to_owned() } else { " ".repeat(indent) };
        lines.push_str(format!("{before}{line}").trim_end());
        lines.push('\n');
    }
    lines
}

/// Keeps what is shown short; says how long it was.
pub(super) fn shortened(text: &str, most: usize) -> String {
    let length = text.chars().count();
    if length <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most).collect();
    format!("{kept}... ({length} characters)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_at_spaces_where_there_are_some() {
        for (text, lines) in [
            ("", vec![""]),
            ("abc", vec!["abc"]),
            ("abc de", vec!["abc", "de"]),
            ("abcd ef", vec!["abcd", "ef"]),
            ("abcde", vec!["abcd", "e"]),
            ("a\nb c", vec!["a b", "c"]),
            ("ëëëëë ü", vec!["ëëëë", "ë ü"]),
        ] {
            assert_eq!(wrapped(text, 4), lines, "{text:?}");
        }
    }

    #[test]
    fn further_lines_stand_below_the_first() {
        let long = ["word"; 16].join(" ");
        let expected = format!("name  {}\n      word\n", ["word"; 15].join(" "));
        assert_eq!(labelled("name  ", &long), expected);
    }

    #[test]
    fn what_is_long_says_how_long() {
        assert_eq!(shortened("abcdef", 3), "abc... (6 characters)");
        assert_eq!(shortened("abc", 3), "abc");
    }
}
