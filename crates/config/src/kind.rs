use config::{Value, ValueKind};
use serde_json::{Value as Json, json};

use crate::print::yaml_text;
use crate::secret::Secret;
use crate::secret_url::SecretUrl;
use crate::{duration, size};

/// What the values of a key look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// Text that is never shown, of at least this many characters.
    Secret {
        /// The least number of characters.
        least_characters: usize,
    },
    /// A URL that may hold a password and starts with one of these.
    SecretUrl(&'static [&'static str]),
    /// A URL without credentials that starts with one of these.
    Url(&'static [&'static str]),
    /// A whole number in this range.
    Number {
        /// The smallest.
        least: u64,
        /// The largest.
        most: u64,
    },
    /// `true` or `false`.
    Switch,
    /// A duration of at least this many milliseconds.
    Duration {
        /// The shortest, in milliseconds.
        least_ms: u64,
    },
    /// A number of bytes, at least this many.
    Size {
        /// The smallest.
        least: u64,
    },
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A file or folder.
    Path,
    /// A list of texts; a comma list in the environment.
    List,
    /// Names with values; `name=value,name=value` in the environment.
    Labels,
}

/// A value that fits its kind.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reading {
    /// As the sections read it: durations in milliseconds, sizes in bytes.
    pub(crate) tree: Json,
    /// As it may be shown.
    pub(crate) shown: String,
}

impl Kind {
    /// A word for the reference page.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Secret { .. } => "secret".to_owned(),
            Self::SecretUrl(_) => "URL (secret)".to_owned(),
            Self::Url(_) => "URL".to_owned(),
            Self::Number { .. } => "number".to_owned(),
            Self::Switch => "true or false".to_owned(),
            Self::Duration { .. } => "duration".to_owned(),
            Self::Size { .. } => "size".to_owned(),
            Self::Choice(words) => words.join(", "),
            Self::Path => "path".to_owned(),
            Self::List => "list".to_owned(),
            Self::Labels => "names and values".to_owned(),
        }
    }

    /// Reads a raw value, or says what is wrong with it and what to write instead.
    pub(crate) fn read(self, raw: &Value) -> Result<Reading, String> {
        let text = || self.plain_text(&raw.kind);
        let refuse = |wanted: &str| Err(format!("{} is not {wanted}", self.got(&raw.kind)));
        match self {
            Self::Text | Self::Path => text().map(|text| Reading { tree: json!(text), shown: text }),
            Self::Secret { least_characters } => {
                let text = text()?;
                if text.chars().count() < least_characters {
                    return Err(format!(
                        "*** is too short; write at least {least_characters} characters (`openssl rand -hex 32` makes a good one)"
                    ));
                }
                Ok(Reading { tree: json!(text), shown: Secret::MASK.to_owned() })
            }
            Self::SecretUrl(schemes) | Self::Url(schemes) => {
                let text = text()?;
                let shown = SecretUrl::new(text.as_str()).to_string();
                match SecretUrl::problem(&text, schemes) {
                    Some(problem) => Err(format!("\"{shown}\" {problem}")),
                    None => Ok(Reading { tree: json!(text), shown }),
                }
            }
            Self::Number { least, most } => match as_text(&raw.kind).and_then(|text| text.trim().parse::<u64>().ok()) {
                Some(number) if (least..=most).contains(&number) => {
                    Ok(Reading { tree: json!(number), shown: number.to_string() })
                }
                _ => refuse(&format!("a whole number from {least} to {most}")),
            },
            Self::Switch => match as_text(&raw.kind).map(|text| text.trim().to_lowercase()).as_deref() {
                Some("true" | "yes" | "on" | "1") => Ok(Reading { tree: json!(true), shown: "true".to_owned() }),
                Some("false" | "no" | "off" | "0") => Ok(Reading { tree: json!(false), shown: "false".to_owned() }),
                _ => refuse("true or false"),
            },
            Self::Duration { least_ms } => match as_text(&raw.kind).and_then(|text| duration::parse(&text)) {
                Some(read) if read.as_millis() >= u128::from(least_ms) => {
                    Ok(Reading { tree: json!(read.as_millis() as u64), shown: duration::show(read) })
                }
                Some(_) => {
                    let least = duration::show(std::time::Duration::from_millis(least_ms));
                    Err(format!("{} is too short; the least is {least}", self.got(&raw.kind)))
                }
                None => refuse("a duration; write a number of seconds, or like 5s, 250ms, 2m"),
            },
            Self::Size { least } => match as_text(&raw.kind).and_then(|text| size::parse(&text)) {
                Some(bytes) if bytes >= least => Ok(Reading { tree: json!(bytes), shown: size::show(bytes) }),
                Some(_) => Err(format!("{} is too small; the least is {}", self.got(&raw.kind), size::show(least))),
                None => refuse("a size; write a number of bytes, or like 64KiB, 10MiB"),
            },
            Self::Choice(words) => {
                let word = as_text(&raw.kind).map(|text| text.trim().to_lowercase());
                match words.iter().find(|known| word.as_deref() == Some(known)) {
                    Some(known) => Ok(Reading { tree: json!(known), shown: (*known).to_owned() }),
                    None => refuse(&format!("one of {}", words.join(", "))),
                }
            }
            Self::List => {
                let items = self.items(&raw.kind)?;
                let shown: Vec<String> = items.iter().map(|item| yaml_text(item)).collect();
                Ok(Reading { shown: format!("[{}]", shown.join(", ")), tree: json!(items) })
            }
            Self::Labels => {
                let mut labels = serde_json::Map::new();
                for item in self.items(&raw.kind)? {
                    let Some((name, value)) = item.split_once('=').filter(|(name, _)| !name.trim().is_empty()) else {
                        return Err(format!("\"{item}\" is not a name with a value; write name=value"));
                    };
                    labels.insert(name.trim().to_owned(), json!(value.trim()));
                }
                let shown: Vec<String> = labels
                    .iter()
                    .map(|(name, value)| {
                        format!("{}: {}", yaml_text(name), yaml_text(value.as_str().unwrap_or_default()))
                    })
                    .collect();
                Ok(Reading { shown: format!("{{{}}}", shown.join(", ")), tree: Json::Object(labels) })
            }
        }
    }

    /// The text of a value that must be text. A number is refused rather than printed, because YAML has already
    /// changed it: 007 became 7 and 1e3 became 1000.
    fn plain_text(self, raw: &ValueKind) -> Result<String, String> {
        match raw {
            ValueKind::String(text) => Ok(text.clone()),
            ValueKind::Table(_) | ValueKind::Array(_) | ValueKind::Nil => Err(format!("{} is not text", self.got(raw))),
            _ => Err(format!("{} is not text to YAML; write it in quotes", self.got(raw))),
        }
    }

    fn items(self, raw: &ValueKind) -> Result<Vec<String>, String> {
        match raw {
            ValueKind::Array(items) => items.iter().map(|item| self.plain_text(&item.kind)).collect(),
            ValueKind::String(text) => {
                Ok(text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect())
            }
            _ if self == Self::Labels => Err(format!("{} is not names with values", self.got(raw))),
            _ => Err(format!("{} is not a list", self.got(raw))),
        }
    }

    /// What was found instead, secrets masked.
    fn got(self, raw: &ValueKind) -> String {
        match raw {
            ValueKind::Table(_) => "a mapping".to_owned(),
            ValueKind::Array(_) => "a list".to_owned(),
            ValueKind::Nil => "nothing".to_owned(),
            _ if matches!(self, Self::Secret { .. } | Self::SecretUrl(_)) => Secret::MASK.to_owned(),
            ValueKind::String(text) => quoted(text),
            other => other.to_string(),
        }
    }
}

/// Scalars as they would be written.
fn as_text(raw: &ValueKind) -> Option<String> {
    match raw {
        ValueKind::String(text) => Some(text.clone()),
        ValueKind::Boolean(_)
        | ValueKind::I64(_)
        | ValueKind::I128(_)
        | ValueKind::U64(_)
        | ValueKind::U128(_)
        | ValueKind::Float(_) => Some(raw.to_string()),
        ValueKind::Table(_) | ValueKind::Array(_) | ValueKind::Nil => None,
    }
}

/// In double quotes, on one line, and not longer than a line.
fn quoted(text: &str) -> String {
    let short: String = text.chars().take(80).collect();
    let dots = if short.len() < text.len() { "..." } else { "" };
    format!("{:?}{dots}", short)
}
