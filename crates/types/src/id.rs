//! Identities, each its own type so that one can never stand where another is meant.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident, $inner:ty) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }

        impl FromStr for $name {
            type Err = std::num::ParseIntError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

number_id!(
    /// One request to run an action. Assigned by the database, increasing, never reused.
    ExecutionId, i64
);
number_id!(
    /// A registered worker. Stable across restarts: a worker that registers the same name keeps its id.
    WorkerId, i64
);
number_id!(
    /// The how-manieth try of an execution, starting at 1.
    AttemptNumber, i32
);

impl AttemptNumber {
    /// The first try.
    pub const FIRST: Self = Self(1);

    /// The try after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// The text did not hold exactly 16 bytes in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected 32 hexadecimal digits, found {found} characters")]
pub struct NotSixteenBytes {
    /// How long the refused text was.
    pub found: usize,
}

fn to_hex(bytes: &[u8; 16]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Result<[u8; 16], NotSixteenBytes> {
    let refused = || NotSixteenBytes { found: text.chars().count() };
    if text.len() != 32 || !text.is_ascii() {
        return Err(refused());
    }
    let mut bytes = [0; 16];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[index * 2..index * 2 + 2], 16).map_err(|_| refused())?;
    }
    Ok(bytes)
}

/// One life of a worker process: random at every start, so a restarted worker is never mistaken for its predecessor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Incarnation(pub [u8; 16]);

impl fmt::Display for Incarnation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&to_hex(&self.0))
    }
}

impl FromStr for Incarnation {
    type Err = NotSixteenBytes;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        from_hex(text).map(Self)
    }
}

impl Serialize for Incarnation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Incarnation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The right to finish one attempt: 128 random bits, handed to the worker that claimed it.
///
/// The database stores only a hash. `Debug` shows no digit of it, and it is not serialisable on purpose:
/// a token travels in no message and in no log.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct LeaseToken(pub [u8; 16]);

impl fmt::Debug for LeaseToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("LeaseToken(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_incarnation_survives_its_text_form() {
        let incarnation = Incarnation([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 254, 255]);
        assert_eq!(incarnation.to_string().parse(), Ok(incarnation));
        assert_eq!("zz".parse::<Incarnation>(), Err(NotSixteenBytes { found: 2 }));
        assert!("é".repeat(16).parse::<Incarnation>().is_err());
    }

    #[test]
    fn a_token_never_prints_itself() {
        assert_eq!(format!("{:?}", LeaseToken([7; 16])), "LeaseToken(***)");
    }
}
