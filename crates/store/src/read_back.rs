//! Between stored text and typed values.

use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::StoreError;
use crate::trouble::Trouble;

/// A JSON document as text.
pub(crate) fn to_text<T: Serialize + ?Sized>(value: &T) -> Result<String, Trouble> {
    serde_json::to_string(value).map_err(|error| Trouble::Sql(sqlx::Error::Encode(Box::new(error))))
}

/// A stored JSON document.
pub(crate) fn document<T: DeserializeOwned>(what: &'static str, text: &str) -> Result<T, Trouble> {
    serde_json::from_str(text).map_err(|error| corrupt(what, error.to_string()))
}

/// A stored JSON document that may be missing.
pub(crate) fn maybe_document<T: DeserializeOwned>(
    what: &'static str,
    text: Option<String>,
) -> Result<Option<T>, Trouble> {
    text.map(|text| document(what, &text)).transpose()
}

/// A stored word.
pub(crate) fn from_word<T>(what: &'static str, word: &str) -> Result<T, Trouble>
where
    T: FromStr,
    T::Err: std::fmt::Display,
{
    word.parse().map_err(|error: T::Err| corrupt(what, error.to_string()))
}

/// Sixteen stored bytes.
pub(crate) fn sixteen(what: &'static str, bytes: &[u8]) -> Result<[u8; 16], Trouble> {
    bytes.try_into().map_err(|_| corrupt(what, format!("expected 16 bytes, found {}", bytes.len())))
}

pub(crate) fn corrupt(what: &'static str, reason: String) -> Trouble {
    Trouble::Store(StoreError::Corrupt { what, reason })
}

/// Text that both databases can keep: PostgreSQL refuses the NUL character, so it becomes the replacement character.
pub(crate) fn storable(text: &str) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text.to_owned() }
}
