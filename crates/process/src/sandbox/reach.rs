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

#[cfg(test)]
mod tests {
    use super::*;

    fn support(landlock_abi: u32, has_seccomp: bool) -> SandboxSupport {
        SandboxSupport {
            landlock_abi,
            landlock_missing: (landlock_abi == 0).then(|| "no landlock".to_owned()),
            seccomp_missing: (!has_seccomp).then(|| "no seccomp".to_owned()),
        }
    }

    #[test]
    fn what_is_reached_is_what_is_complete() {
        use SandboxLevel::{Base, Filtered, Isolated};
        let cases = [
            (support(7, true), Filtered, Base, Filtered, 0),
            (support(7, true), Isolated, Base, Isolated, 0),
            (support(7, true), Base, Base, Base, 0),
            (support(6, true), Base, Filtered, Filtered, 0),
            (support(6, false), Filtered, Base, Isolated, 1),
            (support(6, false), Filtered, Isolated, Isolated, 1),
            (support(5, true), Filtered, Base, Base, 1),
            (support(0, true), Isolated, Base, Base, 1),
            (support(0, false), Filtered, Base, Base, 2),
            (support(0, false), Base, Base, Base, 0),
        ];
        for (support, wanted, required, level, missing) in cases {
            let reached = reach(&support, wanted, required).expect("enough is there");
            assert_eq!((reached.level, reached.missing.len()), (level, missing), "{support:?} {wanted} {required}");
        }
    }

    #[test]
    fn less_than_required_is_refused_with_everything_that_is_missing() {
        use SandboxLevel::{Base, Filtered, Isolated};
        let cases = [
            (support(0, true), Base, Isolated, Base, "no landlock"),
            (support(4, true), Isolated, Isolated, Base, "Landlock ABI 4"),
            (support(7, false), Filtered, Filtered, Isolated, "no seccomp"),
            (support(0, false), Base, Filtered, Base, "no landlock; no seccomp"),
        ];
        for (support, wanted, required, reached, why) in cases {
            let refusal = reach(&support, wanted, required).expect_err("too little is there");
            assert_eq!((refusal.needed, refusal.reached), (required, reached));
            assert!(refusal.why.contains(why), "{}", refusal.why);
        }
    }
}
