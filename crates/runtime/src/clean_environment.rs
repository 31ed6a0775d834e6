//! The environment that every script starts from.

use std::ffi::{OsStr, OsString};

/// A few harmless variables of this process, and nothing else of it.
///
/// A worker's own environment holds its credentials, and whatever certificate and interpreter settings the shell that
/// started it happened to export make `python3` two to six times slower to start. So a script gets an allow-list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CleanEnvironment {
    variables: Vec<(OsString, OsString)>,
}

impl CleanEnvironment {
    /// What is taken over, and the value used where it is not set. An empty one is left out.
    const ALLOWED: &[(&str, &str)] = &[
        ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        ("HOME", "/"),
        ("LANG", "C.UTF-8"),
        ("TZ", ""),
    ];

    /// Takes what is allowed from `inherited`, usually `std::env::vars_os()`.
    pub fn from_inherited(inherited: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let inherited: Vec<(OsString, OsString)> = inherited.into_iter().collect();
        let variables = Self::ALLOWED.iter().filter_map(|(name, default)| {
            let found = inherited.iter().find(|(known, value)| known == name && !value.is_empty());
            let value = found.map_or(OsStr::new(default), |(_, value)| value.as_os_str());
            (!value.is_empty()).then(|| (OsString::from(name), value.to_owned()))
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

    #[test]
    fn nothing_but_the_allowed_is_taken_over() {
        let inherited = [("PATH", "/bin"), ("AWS_SECRET_ACCESS_KEY", "x"), ("LANG", ""), ("PYTHONPATH", "/evil")];
        let environment = CleanEnvironment::from_inherited(inherited.map(|(name, value)| (name.into(), value.into())));
        let expected = [("PATH", "/bin"), ("HOME", "/"), ("LANG", "C.UTF-8")];
        assert_eq!(
            environment.into_variables(),
            expected.map(|(name, value)| (OsString::from(name), OsString::from(value)))
        );
    }
}
