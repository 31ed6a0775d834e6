//! Numbers as people read them, the same in every surface.

/// A span of time: `12 ms`, `1.5 s`, `2m05s`, `3h02m`, `10 days`. Negative spans read as nothing.
#[must_use]
pub fn span(millis: i64) -> String {
    match millis {
        ..1000 => format!("{} ms", millis.max(0)),
        1000..60_000 => format!("{}.{} s", millis / 1000, millis % 1000 / 100),
        60_000..3_600_000 => format!("{}m{:02}s", millis / 60_000, millis / 1000 % 60),
        3_600_000..172_800_000 => format!("{}h{:02}m", millis / 3_600_000, millis / 60_000 % 60),
        _ => format!("{} days", millis / 86_400_000),
    }
}

/// A size: `0 B`, `1023 B`, `1.5 KiB`, `64 MiB`, `1.0 GiB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut whole = bytes;
    let mut rest = 0;
    let mut unit = 0;
    for (index, _) in UNITS.iter().enumerate() {
        if whole < 1024 {
            break;
        }
        rest = whole % 1024;
        whole /= 1024;
        unit = index;
    }
    let tenth = rest * 10 / 1024;
    if tenth == 0 && whole >= 10 {
        format!("{whole} {}", UNITS[unit])
    } else {
        format!("{whole}.{tenth} {}", UNITS[unit])
    }
}

/// `1 file`, `2 files`: for words whose plural takes an `s`, or `es` after one.
#[must_use]
pub fn count(number: u64, word: &str) -> String {
    let plural = match () {
        () if number == 1 => "",
        () if word.ends_with('s') => "es",
        () => "s",
    };
    format!("{number} {word}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        for (millis, text) in [
            (12, "12 ms"),
            (1540, "1.5 s"),
            (125_000, "2m05s"),
            (10_920_000, "3h02m"),
            (864_000_000, "10 days"),
            (-5, "0 ms"),
        ] {
            assert_eq!(span(millis), text);
        }
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            (64 << 20, "64 MiB"),
            ((64 << 20) + (1 << 19), "64.5 MiB"),
            (u64::MAX, "16383.9 PiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
        assert_eq!(
            (count(1, "process"), count(2, "process"), count(0, "file")),
            ("1 process".into(), "2 processes".into(), "0 files".into())
        );
    }
}
