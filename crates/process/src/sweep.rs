//! What an earlier life of this program left behind.

use crate::process_table::{self, Entry};
use crate::survivor::Survivor;
use crate::system;

/// How the processes of earlier lives are told from everybody else's: by two variables in the environment that each
/// child was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remnants {
    /// Name and value that all lives share, e.g. the worker's name.
    pub owner: (String, String),
    /// Name and value of this life alone, e.g. its incarnation. Processes without the name are left alone.
    pub life: (String, String),
}

/// Kills every process that carries [`Remnants::owner`] and a value of [`Remnants::life`] that is not this life's, until
/// none is found twice in a row. Returns what died.
///
/// Processes whose environment may not be read belong to another user and are left alone; so is this process's own
/// session, should it have been started by such a remnant. Reads all of `/proc`: call it where blocking is allowed.
#[must_use]
pub fn sweep(remnants: &Remnants) -> Vec<Survivor> {
    let own_session = system::own_session();
    let is_remnant = |entry: &Entry| {
        entry.session != own_session
            && process_table::environment(entry.identity.pid).is_some_and(|environment| remnants.hold_for(&environment))
    };
    process_table::kill_until_none_is_left(is_remnant, || {})
}

impl Remnants {
    fn hold_for(&self, environment: &[u8]) -> bool {
        let value = |name: &str| {
            environment.split(|byte| *byte == 0).find_map(|line| line.strip_prefix(name.as_bytes())?.strip_prefix(b"="))
        };
        value(&self.owner.0) == Some(self.owner.1.as_bytes())
            && value(&self.life.0).is_some_and(|life| life != self.life.1.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_earlier_lives_of_the_same_owner_are_remnants() {
        let remnants = Remnants { owner: ("OWNER".into(), "w1".into()), life: ("LIFE".into(), "2".into()) };
        for (environment, expected) in [
            (&b"A=b\0OWNER=w1\0LIFE=1\0"[..], true),
            (b"OWNER=w1\0LIFE=2\0", false),
            (b"OWNER=w2\0LIFE=1\0", false),
            (b"OWNER=w1\0", false),
            (b"OWNER=w11\0LIFE=1\0", false),
            (b"XOWNER=w1\0LIFE=1\0", false),
            (b"", false),
        ] {
            assert_eq!(remnants.hold_for(environment), expected, "{}", String::from_utf8_lossy(environment));
        }
    }
}
