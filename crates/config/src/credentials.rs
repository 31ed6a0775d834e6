//! The credentials in a configuration, for whoever keeps them from being seen.

use crate::config::Config;
use crate::secret_url::SecretUrl;

impl Config {
    /// Every credential by the path of its key, also in the forms that clients send it in. What is to be looked for in
    /// log lines: a library that logs what it sends would give it away.
    #[must_use]
    pub fn credentials(&self) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        for (key, url) in [("database.url", &self.database.url), ("message_queue.url", &self.message_queue.url)] {
            found.extend(url.iter().flat_map(passwords).map(|text| (key, text)));
        }
        for (key, secret) in [
            ("security.encryption_key", &self.security.encryption_key),
            ("security.encryption_keys", &self.security.encryption_keys),
            ("server.api_token", &self.server.api_token),
            ("client.api_token", &self.client.api_token),
            ("artifacts.secret_access_key", &self.artifacts.secret_access_key),
        ] {
            found.extend(secret.iter().map(|secret| (key, secret.expose().to_owned())));
        }
        found
    }

    /// The environment variables that credentials came from.
    #[must_use]
    pub fn credential_variables(&self) -> Vec<String> {
        let credentials = self.settings().iter().filter(|setting| setting.key.is_credential());
        let names = credentials.filter_map(|setting| setting.origin.strip_prefix("environment "));
        names.map(str::to_owned).collect()
    }
}

/// The password in a URL, as it is written, as it is meant, and with the user in front as databases and brokers get it.
fn passwords(url: &SecretUrl) -> Vec<String> {
    let rest = url.expose().split_once("://").map_or("", |(_, rest)| rest);
    let Some((user, written)) = rest.rsplit_once('@').and_then(|(user_info, _)| user_info.split_once(':')) else {
        return Vec::new();
    };
    let meant = decoded(written);
    let mut forms = vec![format!("{user}:{written}@"), format!("\0{user}\0{meant}"), written.to_owned(), meant];
    forms.dedup();
    forms
}

fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((first, behind)) = rest.split_first() {
        let digits = behind.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.filter(|_| *first == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &behind[2..];
            }
            None => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sources;

    #[test]
    fn every_credential_is_listed_in_the_forms_it_travels_in() {
        let url = "postgres://attune:p%40ss-word@db/attune";
        let sources = Sources {
            file: None,
            environment: [("ATTUNE__DATABASE__URL", url), ("ATTUNE_API_TOKEN", "a-token-of-mine")],
            overrides: Vec::new(),
        };
        let config = Config::load(sources).expect("loads");
        let found = config.credentials();
        for expected in ["p%40ss-word", "p@ss-word", "attune:p%40ss-word@", "\0attune\0p@ss-word", "a-token-of-mine"] {
            assert!(found.iter().any(|(_, text)| text == expected), "{expected:?}");
        }
        let mut variables = config.credential_variables();
        variables.sort();
        assert_eq!(variables, ["ATTUNE_API_TOKEN", "ATTUNE__DATABASE__URL"]);
    }
}
