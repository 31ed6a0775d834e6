//! Decides what a child gets.

use crate::sandbox::sandbox_level::SandboxLevel;
use crate::sandbox::support::SandboxSupport;
use crate::sandbox::unavailable::SandboxUnavailable;

/// What a child gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// The level that is given completely.
    pub level: SandboxLevel,
    /// What was wanted and is missing, in words. Empty: all that was wanted is given.
    pub missing: Vec<String>,
}

/// Decides what a child gets that wants one level and requires another. Wanting less than is required means what is
/// required.
///
/// # Errors
///
/// When less than `required` can be given.
pub fn reach(
    support: &SandboxSupport,
    wanted: SandboxLevel,
    required: SandboxLevel,
) -> Result<Reach, SandboxUnavailable> {
    let wanted = wanted.max(required);
    let reached = support.level().min(wanted);
    if reached < required {
        let why = support.missing_for(required).join("; ");
        return Err(SandboxUnavailable { needed: required, reached, why });
    }
    Ok(Reach { level: reached, missing: support.missing_for(wanted) })
}
