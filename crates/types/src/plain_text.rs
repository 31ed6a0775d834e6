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
