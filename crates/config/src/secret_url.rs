use std::fmt;

use serde::Deserialize;

use crate::secret::Secret;

/// A URL that may hold a password. `Debug` and `Display` show it without.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct SecretUrl(String);

impl SecretUrl {
    /// Wraps a URL.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// The whole URL, for the one place that connects.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Why `text` is not a URL with one of `schemes`; the text itself is not repeated.
    pub(crate) fn problem(text: &str, schemes: &[&str]) -> Option<String> {
        let wanted = || schemes.join(" or ");
        let Some(scheme) = schemes.iter().find(|scheme| text.starts_with(**scheme)) else {
            return Some(format!("must start with {}", wanted()));
        };
        if text.chars().any(|character| character.is_whitespace() || character.is_control()) {
            return Some("must not hold spaces or line breaks (write them as %20)".to_owned());
        }
        let rest = &text[scheme.len()..];
        if rest.is_empty() || (scheme.ends_with("//") && rest.starts_with(':')) {
            return Some(format!("names nothing after {scheme}"));
        }
        None
    }
}

impl fmt::Display for SecretUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((scheme, rest)) = self.0.split_once("://") else {
            // A SQLite path has no place for a password; anything else that is no URL might be one by mistake.
            return formatter.write_str(if self.0.starts_with("sqlite:") { &self.0 } else { Secret::MASK });
        };
        if rest.contains("://") || rest.contains(char::is_whitespace) {
            // Two of them, or one that was cut: nobody can say what in it is a password.
            return write!(formatter, "{scheme}://{}", Secret::MASK);
        }
        // A password may hold an unescaped '/', '?' or '@', so everything up to the last '@' counts as user and
        // password: rather too much hidden than too little.
        let (user_info, place) = match rest.rsplit_once('@') {
            Some((user_info, place)) => (Some(user_info), place),
            None => (None, rest),
        };
        write!(formatter, "{scheme}://")?;
        if let (None, Some(host)) = (user_info, host_before_what_is_no_port(place)) {
            // Most likely the host was forgotten, and this is user and password.
            return write!(formatter, "{host}:{}", Secret::MASK);
        }
        if let Some(user_info) = user_info {
            match user_info.split_once(':') {
                Some((user, _)) => write!(formatter, "{user}:{}@", Secret::MASK)?,
                None => write!(formatter, "{user_info}@")?,
            }
        }
        let Some((path, query)) = place.split_once('?') else {
            return formatter.write_str(place);
        };
        write!(formatter, "{path}?")?;
        for (index, pair) in query.split('&').enumerate() {
            let separator = if index == 0 { "" } else { "&" };
            match pair.split_once('=') {
                Some((name, _)) if names_a_secret(name) => {
                    write!(formatter, "{separator}{name}={}", Secret::MASK)?;
                }
                _ => write!(formatter, "{separator}{pair}")?,
            }
        }
        Ok(())
    }
}

/// What stands before the first colon, when what follows it is not the number of a port.
fn host_before_what_is_no_port(place: &str) -> Option<&str> {
    let authority = place.split(['/', '?', '#']).next().unwrap_or_default();
    let is_place = |host: &str| {
        let behind =
            host.strip_prefix('[').and_then(|inside| inside.split_once(']')).map_or(host, |(_, behind)| behind);
        behind.split_once(':').is_none_or(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let is_fine = authority.split(',').all(is_place);
    if is_fine { None } else { place.split_once(':').map(|(host, _)| host) }
}

fn names_a_secret(name: &str) -> bool {
    let lower = name.to_lowercase();
    ["pass", "secret", "token", "key"].iter().any(|word| lower.contains(word))
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_its_password() {
        for (url, shown) in [
            ("postgres://attune:geheim@db:5432/attune", "postgres://attune:***@db:5432/attune"),
            ("postgres://attune:ge@he/i?m@db/attune", "postgres://attune:***@db/attune"),
            ("amqp://broker:5672/%2f", "amqp://broker:5672/%2f"),
            ("amqp://guest@broker", "amqp://guest@broker"),
            ("postgres://db/a?password=geheim&sslmode=require", "postgres://db/a?password=***&sslmode=require"),
            ("sqlite:/var/lib/attune.db", "sqlite:/var/lib/attune.db"),
            ("geheim", "***"),
            // The host was forgotten.
            ("postgres://attune:geheim", "postgres://attune:***"),
            ("postgres://attune:ge/heim?x", "postgres://attune:***"),
            ("postgres://a postgres://b:geheim", "postgres://***"),
            ("postgres://a:geheim b", "postgres://***"),
            ("postgres://[::1]:5432/a", "postgres://[::1]:5432/a"),
            ("postgres://a:5432,b:5433/a", "postgres://a:5432,b:5433/a"),
        ] {
            assert_eq!(SecretUrl::new(url).to_string(), shown);
            assert_eq!(format!("{:?}", SecretUrl::new(url)), shown);
        }
    }

    #[test]
    fn what_is_no_url_is_said() {
        let schemes = &["postgres://", "sqlite:"];
        for (url, fine) in [
            ("postgres://db/attune", true),
            ("sqlite::memory:", true),
            ("postgres://", false),
            ("postgres://:5432/x", false),
            ("postgre://db", false),
            ("db:5432", false),
            ("postgres://a b", false),
        ] {
            assert_eq!(SecretUrl::problem(url, schemes).is_none(), fine, "{url}");
        }
    }
}
