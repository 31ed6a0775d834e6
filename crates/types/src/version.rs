//! Versions of interpreters and constraints on them, as `runtime_version: ">=3.11, <3.13"` says.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A dotted number such as `3.12.4` or `21`. Missing parts count as zero when compared, so `3.12` equals `3.12.0`.
#[derive(Debug, Clone)]
pub struct Version(Vec<u64>);

/// The text holds no dotted number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a version like 3.12.4")]
pub struct NotAVersion {
    /// What was refused.
    pub text: String,
}

impl Version {
    fn part(&self, index: usize) -> u64 {
        self.0.get(index).copied().unwrap_or(0)
    }

    /// Whether `self` starts with every part of `prefix`: 3.12.4 starts with 3.12 but not with 3.1.
    #[must_use]
    pub fn starts_with(&self, prefix: &Self) -> bool {
        (0..prefix.0.len()).all(|index| self.part(index) == prefix.part(index))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        (0..self.0.len().max(other.0.len()))
            .map(|index| self.part(index).cmp(&other.part(index)))
            .find(|ordering| ordering.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version {}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.0.iter().map(u64::to_string).collect();
        formatter.write_str(&parts.join("."))
    }
}

impl FromStr for Version {
    type Err = NotAVersion;

    /// Reads the leading dotted number and ignores what distributions append (`3.12.4+deb12u1`, `1.8.0_392`, `v20.1`).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || NotAVersion { text: text.to_owned() };
        let trimmed = text.trim();
        let bare = trimmed.strip_prefix(['v', 'V']).unwrap_or(trimmed);
        let end = bare.find(|character: char| !character.is_ascii_digit() && character != '.').unwrap_or(bare.len());
        let number = bare[..end].trim_end_matches('.');
        let parts: Result<Vec<u64>, _> = number.split('.').map(str::parse).collect();
        parts.map(Self).map_err(|_| refused())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    AtLeast,
    Above,
    AtMost,
    Below,
    Not,
    /// The parts that are written must agree: `3.12` means any 3.12.x.
    Prefix,
    /// `^3.11`: at least that, and the first part agrees.
    Compatible,
    /// `~3.11.2`: at least that, and all but the last written part agree.
    Approximate,
}

/// Comma-separated comparisons that must all hold. The empty text allows everything.
#[derive(Debug, Clone)]
pub struct VersionConstraint {
    text: String,
    comparisons: Vec<(Operator, Version)>,
}

impl VersionConstraint {
    /// Whether `version` meets every comparison.
    #[must_use]
    pub fn allows(&self, version: &Version) -> bool {
        self.comparisons.iter().all(|(operator, bound)| match operator {
            Operator::AtLeast => version >= bound,
            Operator::Above => version > bound,
            Operator::AtMost => version <= bound,
            Operator::Below => version < bound,
            Operator::Not => !version.starts_with(bound),
            Operator::Prefix => version.starts_with(bound),
            Operator::Compatible => version >= bound && version.part(0) == bound.part(0),
            Operator::Approximate => {
                let kept = bound.0.len().saturating_sub(1).max(1);
                version >= bound && version.starts_with(&Version(bound.0[..kept.min(bound.0.len())].to_vec()))
            }
        })
    }

    /// The constraint as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl PartialEq for VersionConstraint {
    fn eq(&self, other: &Self) -> bool {
        self.comparisons == other.comparisons
    }
}

impl fmt::Display for VersionConstraint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl FromStr for VersionConstraint {
    type Err = NotAVersion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let operators = [
            (">=", Operator::AtLeast),
            ("<=", Operator::AtMost),
            ("!=", Operator::Not),
            ("==", Operator::Prefix),
            ("~=", Operator::Approximate),
            (">", Operator::Above),
            ("<", Operator::Below),
            ("=", Operator::Prefix),
            ("^", Operator::Compatible),
            ("~", Operator::Approximate),
        ];
        let mut comparisons = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty() && *part != "*") {
            let (operator, rest) = operators
                .iter()
                .find_map(|(sign, operator)| part.strip_prefix(sign).map(|rest| (*operator, rest)))
                .unwrap_or((Operator::Prefix, part));
            let bare = rest.trim().trim_end_matches(".*").trim_end_matches(".x");
            let written = bare.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            if !written {
                return Err(NotAVersion { text: rest.trim().to_owned() });
            }
            comparisons.push((operator, bare.parse()?));
        }
        Ok(Self { text: text.trim().to_owned(), comparisons })
    }
}

impl Serialize for VersionConstraint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for VersionConstraint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_say_what_they_allow() {
        for (constraint, version, allowed) in [
            (">=3.11, <3.13", "3.12.4", true),
            (">=3.11, <3.13", "3.13.0", false),
            (">= 3.12", "3.12", true),
            ("3.12", "3.12.9", true),
            ("3.1", "3.12.9", false),
            ("==3.12.*", "3.12.9", true),
            ("^18", "20.1.0", false),
            ("^18.2", "18.20.1", true),
            ("~3.11.2", "3.11.9", true),
            ("~3.11.2", "3.12.0", false),
            ("!=3.12", "3.12.1", false),
            ("", "1", true),
            ("*", "1", true),
            (">20", "20.0.1", true),
            ("<=1.8", "1.8.0_392", true),
        ] {
            let parsed: VersionConstraint = constraint.parse().expect(constraint);
            assert_eq!(parsed.allows(&version.parse().expect(version)), allowed, "{constraint} {version}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["latest", ">=x", "3..1", ">=3.11-rc1"] {
            assert!(text.parse::<VersionConstraint>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_distributions_append_is_ignored() {
        assert_eq!("v20.20.2".parse::<Version>().expect("node").to_string(), "20.20.2");
        assert_eq!("5.2.15(1)-release".parse::<Version>().expect("bash").to_string(), "5.2.15");
    }
}
