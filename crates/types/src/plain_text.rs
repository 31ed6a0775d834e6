//! Whom credentials and work may be sent to without encryption.

use std::net::IpAddr;

/// The one policy about connections without encryption, or to somebody who did not prove who he is: within one machine
/// they are fine; to any other host they are refused unless somebody allowed that host by its name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlainText {
    allowed: Vec<String>,
}

/// What the policy says about one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlainTextAnswer {
    /// It stays within this machine.
    Local,
    /// Somebody allowed it by name. It is to be said in the log.
    Allowed,
    /// No.
    Refused,
}

impl PlainText {
    /// The key of the configuration that allows hosts.
    pub const KEY: &'static str = "security.allow_insecure";

    /// Allows these hosts, as they are written in URLs. `true` and `*` allow every host.
    #[must_use]
    pub fn allowing(hosts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { allowed: hosts.into_iter().map(|host| host.into().to_lowercase()).collect() }
    }

    /// What is to be done about `host`, which was found to have `addresses`.
    #[must_use]
    pub fn judge(&self, host: &str, addresses: &[IpAddr]) -> PlainTextAnswer {
        let host = host.trim_start_matches('[').trim_end_matches(']').to_lowercase();
        if !addresses.is_empty() && addresses.iter().all(|address| address.to_canonical().is_loopback()) {
            PlainTextAnswer::Local
        } else if self.allowed.iter().any(|allowed| *allowed == host || allowed == "*" || allowed == "true") {
            PlainTextAnswer::Allowed
        } else {
            PlainTextAnswer::Refused
        }
    }

    /// The host, as it is written, and the port that an `http://` URL leads to; `None` for every other URL.
    #[must_use]
    pub fn http_place(url: &str) -> Option<(&str, u16)> {
        let authority = url.strip_prefix("http://")?.split(['/', '?', '#']).next().unwrap_or_default();
        // What stands before the last @ is a user, whatever it looks like.
        let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
        match place.rsplit_once(':') {
            // A colon inside of brackets belongs to the address.
            Some((host, port)) if !port.contains(']') => Some((host, port.parse().unwrap_or(80))),
            _ => Some((place, 80)),
        }
    }

    /// Why a connection is refused, and what to do about it. `what` is at `host`; `instead` says how it is encrypted.
    #[must_use]
    pub fn refusal(what: &str, host: &str, instead: &str) -> String {
        format!(
            "{what} at {host} is another machine, and the connection would not be encrypted and verified: {instead}; \
             or allow this host by name with {} (ATTUNE__SECURITY__ALLOW_INSECURE={host})",
            Self::KEY
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_where_it_leads_and_not_what_it_looks_like() {
        for (url, place) in [
            ("http://127.0.0.1:8080", Some(("127.0.0.1", 8080))),
            ("http://[::1]:8080/api", Some(("[::1]", 8080))),
            ("http://[2001:db8::1]", Some(("[2001:db8::1]", 80))),
            ("http://attune.example.org?a:1", Some(("attune.example.org", 80))),
            ("http://127.0.0.1@192.0.2.7/", Some(("192.0.2.7", 80))),
            ("http://127.0.0.1:80@192.0.2.7:81/", Some(("192.0.2.7", 81))),
            ("http://server:x", Some(("server", 80))),
            ("https://server", None),
        ] {
            assert_eq!(PlainText::http_place(url), place, "{url}");
        }
    }

    #[test]
    fn other_machines_are_refused_unless_they_are_named() {
        let addresses =
            |texts: &[&str]| -> Vec<IpAddr> { texts.iter().map(|text| text.parse().expect("an address")).collect() };
        let named = PlainText::allowing(["Postgres", "10.0.0.7"]);
        for (policy, host, found, answer) in [
            (PlainText::default(), "localhost", &["127.0.0.1", "::1"][..], PlainTextAnswer::Local),
            (PlainText::default(), "[::1]", &["::1"], PlainTextAnswer::Local),
            (PlainText::default(), "mapped", &["::ffff:127.0.0.1"], PlainTextAnswer::Local),
            // A name that also leads elsewhere is elsewhere; and so is one that leads nowhere.
            (PlainText::default(), "localhost", &["127.0.0.1", "10.0.0.1"], PlainTextAnswer::Refused),
            (PlainText::default(), "localhost", &[], PlainTextAnswer::Refused),
            (PlainText::default(), "postgres", &["172.18.0.2"], PlainTextAnswer::Refused),
            (named.clone(), "postgres", &["172.18.0.2"], PlainTextAnswer::Allowed),
            (named.clone(), "10.0.0.7", &["10.0.0.7"], PlainTextAnswer::Allowed),
            (named, "rabbitmq", &["172.18.0.3"], PlainTextAnswer::Refused),
            (PlainText::allowing(["true"]), "rabbitmq", &["172.18.0.3"], PlainTextAnswer::Allowed),
        ] {
            assert_eq!(policy.judge(host, &addresses(found)), answer, "{host} {found:?}");
        }
        let words = PlainText::refusal("the broker", "rabbitmq", "use amqps://");
        assert!(words.contains("security.allow_insecure") && words.contains("ALLOW_INSECURE=rabbitmq"), "{words}");
    }
}
