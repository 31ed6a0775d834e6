//! Whether a token may be sent to a server without encryption.

use std::env;
use std::net::{IpAddr, ToSocketAddrs};

use attune_types::{PlainText, PlainTextAnswer};

use crate::error::CliError;

/// Refuses to send a token to another machine in plain text, unless `ATTUNE__SECURITY__ALLOW_INSECURE` names that machine.
///
/// # Errors
/// It is another machine, and nobody allowed it.
pub(super) fn check(base: &str, has_token: bool) -> Result<(), CliError> {
    let allowed = env::var("ATTUNE__SECURITY__ALLOW_INSECURE").unwrap_or_default();
    let allowed = allowed.split(',').map(str::trim).filter(|name| !name.is_empty());
    judge(base, has_token, &PlainText::allowing(allowed))
}

fn judge(base: &str, has_token: bool, policy: &PlainText) -> Result<(), CliError> {
    let Some((host, port)) = PlainText::http_place(base).filter(|_| has_token) else { return Ok(()) };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    // A name that leads nowhere is told by whoever tries to connect.
    let Ok(found) = (bare, port).to_socket_addrs() else { return Ok(()) };
    let addresses: Vec<IpAddr> = found.map(|address| address.ip()).collect();
    match policy.judge(host, &addresses) {
        PlainTextAnswer::Local | PlainTextAnswer::Allowed => Ok(()),
        PlainTextAnswer::Refused => Err(CliError::usage(
            PlainText::refusal("the server", host, "use its https:// address, so that nobody reads the token"),
            "https://attune.example.org; SSL_CERT_FILE names the file of an authority of your own",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// WRK-06, for people: their token is a credential like every other.
    #[test]
    fn a_token_goes_to_another_machine_encrypted_or_to_one_that_was_named() {
        let (nobody, named) = (PlainText::default(), PlainText::allowing(["192.0.2.7"]));
        for (base, has_token, policy, passes) in [
            ("http://127.0.0.1:8080", true, &nobody, true),
            ("http://[::1]:8080/", true, &nobody, true),
            ("http://192.0.2.7:8080", true, &nobody, false),
            ("http://192.0.2.7", true, &nobody, false),
            ("http://127.0.0.1@192.0.2.7/", true, &nobody, false),
            ("http://[2001:db8::1]:8080", true, &nobody, false),
            ("http://192.0.2.7:8080", true, &named, true),
            ("http://192.0.2.8:8080", true, &named, false),
            ("http://192.0.2.7:8080", false, &nobody, true),
            ("https://192.0.2.7", true, &nobody, true),
        ] {
            assert_eq!(judge(base, has_token, policy).is_ok(), passes, "{base} {has_token} {policy:?}");
        }
        let refusal = judge("http://192.0.2.7", true, &nobody).expect_err("refused").to_string();
        assert!(refusal.contains("192.0.2.7 is another machine") && refusal.contains("ALLOW_INSECURE"), "{refusal}");
    }
}
