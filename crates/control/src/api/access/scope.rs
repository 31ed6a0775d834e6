//! Every scope there is.

/// What a token may be allowed to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Scope {
    ExecutionsRead,
    ExecutionsRun,
    ExecutionsCancel,
    ExecutionsAll,
    PacksRead,
    PacksWrite,
    WorkersRead,
    WorkersWrite,
    WorkersEnroll,
    EnvironmentsRead,
    SecretsRead,
    SecretsWrite,
    TokensRead,
    TokensWrite,
    AuditRead,
    AgentRead,
    OutputsRead,
}

/// The word that stands for every scope, and for seeing what is anybody's.
pub(crate) const ADMIN: &str = "admin";

/// Scope, word, and what it allows. A scope that is not here does not exist: whoever adds one adds a row.
pub(crate) const TABLE: &[(Scope, &str, &str)] = &[
    (Scope::ExecutionsRead, "executions:read", "see its own executions, their logs and files"),
    (Scope::ExecutionsRun, "executions:run", "run actions, and repeat what it ran"),
    (Scope::ExecutionsCancel, "executions:cancel", "cancel its own executions"),
    (Scope::ExecutionsAll, "executions:all", "do with everybody's executions what it may do with its own"),
    (Scope::PacksRead, "packs:read", "see packs, actions and runtimes"),
    (Scope::PacksWrite, "packs:write", "register packs"),
    (Scope::WorkersRead, "workers:read", "see workers"),
    (Scope::WorkersWrite, "workers:write", "drain and resume workers"),
    (Scope::WorkersEnroll, "workers:enroll", "enrol the one worker that a bootstrap token names"),
    (Scope::EnvironmentsRead, "environments:read", "see environments"),
    (Scope::SecretsRead, "secrets:read", "see the names of secrets; nobody sees values"),
    (Scope::SecretsWrite, "secrets:write", "store and delete secrets"),
    (Scope::TokensRead, "tokens:read", "see its owner's tokens"),
    (Scope::TokensWrite, "tokens:write", "make tokens that may do no more than itself, and revoke its owner's"),
    (Scope::AuditRead, "audit:read", "read and check the audit trail"),
    (Scope::AgentRead, "agent:read", "download the agent"),
    (Scope::OutputsRead, "outputs:read", "read the secret outputs of its own executions"),
];

impl Scope {
    /// The word that stands for it.
    pub(crate) fn as_str(self) -> &'static str {
        TABLE.iter().find(|(scope, _, _)| *scope == self).map_or("", |(_, word, _)| word)
    }

    const fn bit(self) -> u32 {
        1 << self as u8
    }
}

/// A set of scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scopes {
    bits: u32,
    admin: bool,
}

impl Scopes {
    /// Every scope.
    pub(crate) const ALL: Self = Self { bits: u32::MAX, admin: true };
    /// No scope.
    pub(crate) const NONE: Self = Self { bits: 0, admin: false };

    /// The scopes that words stand for; the first word that stands for none is the error.
    pub(crate) fn read<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, &'a str> {
        words.into_iter().try_fold(Self::NONE, |scopes, word| {
            if word == ADMIN {
                return Ok(Self::ALL);
            }
            let (scope, _, _) = TABLE.iter().find(|(_, known, _)| *known == word).ok_or(word)?;
            Ok(Self { bits: scopes.bits | scope.bit(), ..scopes })
        })
    }

    /// Whether it holds a scope.
    pub(crate) fn has(self, scope: Scope) -> bool {
        self.bits & scope.bit() != 0
    }

    /// Whether it is everything.
    pub(crate) fn is_admin(self) -> bool {
        self.admin
    }

    /// Whether nothing in `other` is missing here.
    pub(crate) fn covers(self, other: Self) -> bool {
        self.admin || (!other.admin && self.bits & other.bits == other.bits)
    }
}

/// All words, for people.
pub(crate) fn words() -> String {
    let words: Vec<&str> = TABLE.iter().map(|(_, word, _)| *word).chain([ADMIN]).collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_has_one_word_and_one_bit() {
        for (place, (scope, word, doc)) in TABLE.iter().enumerate() {
            assert_eq!(*scope as usize, place, "{word}");
            assert_eq!(scope.as_str(), *word);
            assert!(!doc.is_empty() && word.contains(':'));
            let only = Scopes::read([*word]).expect("known");
            assert!(TABLE.iter().all(|(other, _, _)| only.has(*other) == (other == scope)), "{word}");
        }
        assert!(TABLE.len() < 32);
    }

    #[test]
    fn nobody_can_give_more_than_they_have() {
        let some = Scopes::read(["executions:read", "executions:run"]).expect("known");
        let one = Scopes::read(["executions:run"]).expect("known");
        assert!(some.covers(one) && !one.covers(some) && Scopes::ALL.covers(some) && !some.covers(Scopes::ALL));
        let nearly: Vec<&str> = TABLE.iter().map(|(_, word, _)| *word).collect();
        assert!(!Scopes::read(nearly).expect("known").covers(Scopes::ALL), "admin is more than the sum of all scopes");
        assert_eq!(Scopes::read(["executions:read", "root"]), Err("root"));
    }
}
