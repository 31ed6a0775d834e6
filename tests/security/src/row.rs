//! One attack.

/// A test that tries an attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    /// The package that it belongs to.
    pub package: &'static str,
    /// The file that it stands in, from the root of the repository.
    pub file: &'static str,
    /// Its name, without the modules around it.
    pub test: &'static str,
}

/// One attack: what is done, what comes of it, and how that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Its name, which the threat model uses too.
    pub id: &'static str,
    /// What the attacker does.
    pub attack: &'static str,
    /// What comes of it.
    pub refusal: &'static str,
    /// What refuses it: a sandbox level, or the part that does it always.
    pub level: &'static str,
    /// The tests that try it.
    pub tests: &'static [Proof],
    /// What of it is not tried, or not here, and why.
    pub apart: &'static str,
}
