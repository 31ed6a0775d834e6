//! Sizes as people write them: a number of bytes, or `10MiB`, `64KiB`, `1GB`.

const UNITS: [(&str, u64); 10] = [
    ("b", 1),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("k", 1 << 10),
    ("m", 1 << 20),
    ("g", 1 << 30),
];

/// Reads a size in bytes; `None` when the text is none.
pub(crate) fn parse(text: &str) -> Option<u64> {
    let lower = text.trim().to_lowercase();
    let digits = lower.find(|character: char| !character.is_ascii_digit()).unwrap_or(lower.len());
    let amount: u64 = lower[..digits].parse().ok()?;
    let unit = lower[digits..].trim();
    if unit.is_empty() {
        return Some(amount);
    }
    let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit)?;
    amount.checked_mul(*factor)
}

/// The shortest text that reads back as `bytes`.
pub(crate) fn show(bytes: u64) -> String {
    for (unit, factor) in [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] {
        if bytes > 0 && bytes.is_multiple_of(factor) {
            return format!("{}{unit}", bytes / factor);
        }
    }
    bytes.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, bytes, shown) in [
            ("0", 0, "0"),
            ("1000", 1_000, "1000"),
            ("10MiB", 10 << 20, "10MiB"),
            ("10 mib", 10 << 20, "10MiB"),
            ("64k", 64 << 10, "64KiB"),
            ("1GB", 1_000_000_000, "1000000000"),
            ("2 B", 2, "2"),
        ] {
            assert_eq!(parse(text), Some(bytes), "{text}");
            assert_eq!(show(bytes), shown);
            assert_eq!(parse(shown), Some(bytes));
        }
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in ["", "big", "-1", "1.5MiB", "10XB", "99999999999999GiB", "MiB"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
