//! Whose a secret is, and what it is called.

use std::fmt;

use attune_types::{ActionRef, action::is_valid_name};

/// Whose a secret is. A narrower owner wins over a wider one of the same name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// Everybody's: any action that lists it gets it.
    System,
    /// One pack's: its actions get it.
    Pack(String),
    /// One action's.
    Action(ActionRef),
}

impl Owner {
    /// The word that the stores keep: `system`, `pack` or `action`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Pack(_) => "pack",
            Self::Action(_) => "action",
        }
    }

    /// Which pack or action; empty for [`Owner::System`].
    #[must_use]
    pub fn reference(&self) -> String {
        match self {
            Self::System => String::new(),
            Self::Pack(pack) => pack.clone(),
            Self::Action(action) => action.to_string(),
        }
    }

    /// The owner that [`Owner::kind`] and [`Owner::reference`] make; `None` when they make none.
    #[must_use]
    pub fn of(kind: &str, reference: &str) -> Option<Self> {
        match kind {
            "system" if reference.is_empty() => Some(Self::System),
            "pack" if is_valid_name(reference) => Some(Self::Pack(reference.to_owned())),
            "action" => reference.parse().ok().map(Self::Action),
            _ => None,
        }
    }

    /// How narrow it is: the largest wins.
    #[must_use]
    pub const fn narrowness(&self) -> u8 {
        match self {
            Self::System => 0,
            Self::Pack(_) => 1,
            Self::Action(_) => 2,
        }
    }

    /// Whether executions of `action` may be given what this owner has.
    #[must_use]
    pub fn serves(&self, action: &ActionRef) -> bool {
        match self {
            Self::System => true,
            Self::Pack(pack) => *pack == action.pack,
            Self::Action(owner) => owner == action,
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => formatter.write_str("system"),
            Self::Pack(pack) => write!(formatter, "pack {pack}"),
            Self::Action(action) => write!(formatter, "action {action}"),
        }
    }
}

/// The identity of a secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretId {
    /// Whose it is.
    pub owner: Owner,
    /// What it is called.
    pub name: String,
}

impl fmt::Display for SecretId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.owner {
            Owner::System => formatter.write_str(&self.name),
            owner => write!(formatter, "{} of {owner}", self.name),
        }
    }
}

/// The longest name of a secret, in bytes.
pub const LONGEST_NAME: usize = 128;

/// Whether a secret may be called this: letters, digits, `_`, `-` and `.`, a letter or a digit first, at most
/// [`LONGEST_NAME`] bytes.
#[must_use]
pub fn is_valid_secret_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    name.len() <= LONGEST_NAME
        && bytes.next().is_some_and(|first| first.is_ascii_alphanumeric())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(text: &str) -> ActionRef {
        text.parse().expect("an action")
    }

    #[test]
    fn an_owner_survives_being_stored() {
        for owner in [Owner::System, Owner::Pack("core".into()), Owner::Action(action("core.http.get"))] {
            assert_eq!(Owner::of(owner.kind(), &owner.reference()), Some(owner));
        }
        for (kind, reference) in [("system", "x"), ("pack", ""), ("pack", "../x"), ("action", "core"), ("user", "x")] {
            assert_eq!(Owner::of(kind, reference), None, "{kind} {reference}");
        }
    }

    #[test]
    fn an_owner_serves_its_own_and_nobody_else() {
        let own = action("core.echo");
        assert!(Owner::System.serves(&own) && Owner::Pack("core".into()).serves(&own));
        assert!(Owner::Action(own.clone()).serves(&own));
        assert!(!Owner::Pack("cor".into()).serves(&own) && !Owner::Action(action("core.echo.x")).serves(&own));
        assert!(Owner::Action(own.clone()).narrowness() > Owner::Pack("core".into()).narrowness());
        assert!(Owner::Pack("core".into()).narrowness() > Owner::System.narrowness());
    }

    #[test]
    fn names_are_plain() {
        for name in ["db.password", "API_KEY", "x", "9-lives"] {
            assert!(is_valid_secret_name(name), "{name}");
        }
        for name in ["", ".x", "a b", "a/b", "é", "a\n", &"x".repeat(129)] {
            assert!(!is_valid_secret_name(name), "{name:?}");
        }
    }
}
