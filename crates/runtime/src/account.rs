//! Whom this process runs as.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

/// The account of this process, as far as the machine has one: a container may run any number as its user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Account {
    /// The user's name.
    pub(crate) name: Option<String>,
    /// The user's home folder, when it exists.
    pub(crate) home: Option<String>,
}

impl Account {
    /// The account of the effective user. Asks two files and no name service: a directory server that does not answer
    /// must not keep a worker from starting.
    pub(crate) fn current() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let found = effective_user_of_this_process().map(|user| Self::find(&read("/etc/passwd"), user));
        let account = found.unwrap_or_default();
        Self { home: account.home.filter(|home| Path::new(home).is_dir()), ..account }
    }

    fn find(passwd: &str, user: u32) -> Self {
        let found = passwd
            .lines()
            .map(|line| line.split(':').collect::<Vec<_>>())
            .find(|fields| fields.len() >= 6 && fields.get(2).and_then(|number| number.parse().ok()) == Some(user));
        let Some(fields) = found else { return Self::default() };
        let field = |index: usize| fields.get(index).filter(|text| !text.is_empty()).map(|text| (*text).to_owned());
        Self { name: field(0), home: field(5).filter(|home| home.starts_with('/')) }
    }
}

/// The effective user's number. It does not change while a worker runs.
pub(crate) fn effective_user_of_this_process() -> Option<u32> {
    static USER: OnceLock<Option<u32>> = OnceLock::new();
    *USER.get_or_init(|| effective_user(&fs::read_to_string("/proc/self/status").unwrap_or_default()))
}

fn effective_user(status: &str) -> Option<u32> {
    status.lines().find_map(|line| line.strip_prefix("Uid:"))?.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_found_by_its_number() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nbroken\nada:x:1000:1000::/home/ada:\nodd:x:7:7::relative:\n";
        let account =
            |name: &str, home: Option<&str>| Account { name: Some(name.to_owned()), home: home.map(str::to_owned) };
        assert_eq!(Account::find(passwd, 1000), account("ada", Some("/home/ada")));
        assert_eq!(Account::find(passwd, 7), account("odd", None));
        assert_eq!(Account::find(passwd, 4711), Account::default());
        assert_eq!(effective_user("Name:\tx\nUid:\t1\t2\t3\t4\n"), Some(2));
        assert_eq!(effective_user(""), None);
    }
}
