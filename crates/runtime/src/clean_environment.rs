//! The environment that every script starts from.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use crate::account::Account;

/// A few harmless variables of this process, and nothing else of it.
///
/// A worker's own environment holds its credentials, and whatever certificate and interpreter settings the shell that
/// started it happened to export make `python3` two to six times slower to start. So a script gets an allow-list, and of
/// that only values that are what they should be: `PATH` without relative folders, an absolute `HOME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CleanEnvironment {
    variables: Vec<(OsString, OsString)>,
}

/// One row of the allow-list.
struct Allowed {
    name: &'static str,
    /// What of an inherited value may be handed on.
    accept: fn(&OsStr) -> Option<OsString>,
    /// What it is where nothing acceptable was inherited.
    otherwise: fn(&Account) -> Option<OsString>,
}

const SYSTEM_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// All that a script may get of this process's environment. `PATH` and `HOME` are taken over because an image says with
/// them where its interpreters and their packages are.
const ALLOWED: &[Allowed] = &[
    Allowed { name: "PATH", accept: absolute_places, otherwise: |_| Some(SYSTEM_PATH.into()) },
    Allowed {
        name: "HOME",
        accept: absolute,
        otherwise: |account| Some(account.home.as_deref().unwrap_or("/").into()),
    },
    Allowed { name: "USER", accept: nothing, otherwise: |account| account.name.as_deref().map(OsString::from) },
    Allowed { name: "LOGNAME", accept: nothing, otherwise: |account| account.name.as_deref().map(OsString::from) },
    Allowed { name: "LANG", accept: word, otherwise: |_| Some("C.UTF-8".into()) },
    Allowed { name: "TZ", accept: time_zone, otherwise: |_| None },
    // Without it programs use /tmp.
    Allowed { name: "TMPDIR", accept: folder, otherwise: |_| None },
];

fn nothing(_: &OsStr) -> Option<OsString> {
    None
}

fn absolute(value: &OsStr) -> Option<OsString> {
    Path::new(value).is_absolute().then(|| value.to_owned())
}

fn folder(value: &OsStr) -> Option<OsString> {
    absolute(value).filter(|value| Path::new(value).is_dir())
}

/// A list of places without the empty and relative ones, which mean the folder a script happens to be started in.
fn absolute_places(value: &OsStr) -> Option<OsString> {
    let places: Vec<&[u8]> =
        value.as_bytes().split(|byte| *byte == b':').filter(|place| place.starts_with(b"/")).collect();
    (!places.is_empty()).then(|| OsString::from_vec(places.join(&b':')))
}

fn word(value: &OsStr) -> Option<OsString> {
    let bytes = value.as_bytes();
    let is_word = bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_.@-".contains(byte));
    (is_word && !bytes.is_empty()).then(|| value.to_owned())
}

fn time_zone(value: &OsStr) -> Option<OsString> {
    let bytes = value.as_bytes();
    let is_plain = bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_+-/:,.<>".contains(byte));
    (is_plain && !bytes.is_empty() && !bytes.windows(2).any(|pair| pair == b"..")).then(|| value.to_owned())
}

impl CleanEnvironment {
    /// Takes what is allowed from `inherited`, usually `std::env::vars_os()`; whose the environment is, is asked from the
    /// machine.
    pub fn from_inherited(inherited: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        Self::of(inherited, &Account::current())
    }

    fn of(inherited: impl IntoIterator<Item = (OsString, OsString)>, account: &Account) -> Self {
        let inherited: Vec<(OsString, OsString)> = inherited.into_iter().collect();
        let variables = ALLOWED.iter().filter_map(|allowed| {
            let found = inherited.iter().find(|(known, _)| known == allowed.name);
            let value =
                found.and_then(|(_, value)| (allowed.accept)(value)).or_else(|| (allowed.otherwise)(account))?;
            Some((OsString::from(allowed.name), value))
        });
        Self { variables: variables.collect() }
    }

    /// The value of a variable.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_os_str())
    }

    /// Sets a variable, in place of what was there.
    pub fn set(&mut self, name: &str, value: OsString) {
        match self.variables.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = value,
            None => self.variables.push((OsString::from(name), value)),
        }
    }

    /// All of it.
    #[must_use]
    pub fn into_variables(self) -> Vec<(OsString, OsString)> {
        self.variables
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(inherited: &[(&str, &str)], account: &Account) -> Vec<(String, String)> {
        let inherited = inherited.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let text = |value: OsString| value.into_string().expect("text");
        let variables = CleanEnvironment::of(inherited, account).into_variables();
        variables.into_iter().map(|(name, value)| (text(name), text(value))).collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn nothing_but_the_allowed_is_taken_over() {
        let inherited =
            [("PATH", "/bin"), ("AWS_SECRET_ACCESS_KEY", "x"), ("LANG", ""), ("PYTHONPATH", "/evil"), ("USER", "eve")];
        let expected = [("PATH", "/bin"), ("HOME", "/"), ("LANG", "C.UTF-8")];
        assert_eq!(of(&inherited, &Account::default()), pairs(&expected));
    }

    #[test]
    fn a_value_that_is_not_what_it_should_be_is_replaced() {
        let account = Account { name: Some("ada".into()), home: Some("/home/ada".into()) };
        let odd = [
            ("PATH", ":.:bin:/usr/bin::/bin"),
            ("HOME", "relative"),
            ("LANG", "../../evil"),
            ("TZ", "../../etc/shadow"),
            ("TMPDIR", "/does/not/exist"),
        ];
        let expected = [
            ("PATH", "/usr/bin:/bin"),
            ("HOME", "/home/ada"),
            ("USER", "ada"),
            ("LOGNAME", "ada"),
            ("LANG", "C.UTF-8"),
        ];
        assert_eq!(of(&odd, &account), pairs(&expected));
        let fine = [("PATH", "."), ("HOME", "/srv"), ("LANG", "de_DE.UTF-8"), ("TZ", "Europe/Berlin"), ("TMPDIR", "/")];
        let expected = [
            ("PATH", SYSTEM_PATH),
            ("HOME", "/srv"),
            ("USER", "ada"),
            ("LOGNAME", "ada"),
            ("LANG", "de_DE.UTF-8"),
            ("TZ", "Europe/Berlin"),
            ("TMPDIR", "/"),
        ];
        assert_eq!(of(&fine, &account), pairs(&expected));
    }
}
