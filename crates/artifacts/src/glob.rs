//! Globs, as a shell has them.

/// Whether a path fits a glob: `?` and `*` stand for anything but `/`, `**` for anything.
#[must_use]
pub fn matches(glob: &str, path: &str) -> bool {
    if let Some(rest) = glob.strip_prefix("**") {
        let rest = rest.strip_prefix('/').unwrap_or(rest);
        return (0..=path.len()).filter(|at| path.is_char_boundary(*at)).any(|at| matches(rest, &path[at..]));
    }
    if let Some(rest) = glob.strip_prefix('*') {
        let end = path.find('/').unwrap_or(path.len());
        return (0..=end).filter(|at| path.is_char_boundary(*at)).any(|at| matches(rest, &path[at..]));
    }
    let (mut glob_characters, mut path_characters) = (glob.chars(), path.chars());
    match (glob_characters.next(), path_characters.next()) {
        (None, None) => true,
        (Some('?'), Some(character)) if character != '/' => matches(glob_characters.as_str(), path_characters.as_str()),
        (Some(wanted), Some(character)) if wanted == character => {
            matches(glob_characters.as_str(), path_characters.as_str())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_as_in_a_shell() {
        for (glob, path, expected) in [
            ("*.txt", "report.txt", true),
            ("*.txt", "a/report.txt", false),
            ("**/*.txt", "a/b/report.txt", true),
            ("**/*.txt", "report.txt", true),
            ("a/**", "a/b/c", true),
            ("a/**", "b/c", false),
            ("r?port*", "report.txt", true),
            ("?", "/", false),
            ("", "", true),
            ("*", "\u{e4}", true),
        ] {
            assert_eq!(matches(glob, path), expected, "{glob} {path}");
        }
    }
}
