//! What follows from what a server offers, and from what is on disk.

use std::cmp::Ordering;

use semver::Version;

use super::examination;
use super::offer::Offer;
use super::record::{Record, Standing};
use super::refusal::Refusal;

/// What to do about an offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decision {
    /// It is this very version, or no version at all.
    Stay,
    /// It did not come up before, which was said then.
    Known,
    /// It is nothing that is ever executed here.
    Refuse(Refusal),
    /// It is worth having.
    Fetch,
}

/// What to do about an offer, for a program of version `own`.
pub(super) fn about(own: &str, offer: &Offer, record: Option<&Record>) -> Decision {
    let known = record.filter(|record| record.offer.sha256.eq_ignore_ascii_case(&offer.sha256));
    match (compare(&offer.version, own), known) {
        (None | Some(Ordering::Equal), _) => Decision::Stay,
        (Some(Ordering::Less), _) => {
            Decision::Refuse(Refusal::Older { offered: offer.version.clone(), own: own.to_owned() })
        }
        (Some(Ordering::Greater), Some(Record { standing: Standing::Refused | Standing::Trying, .. })) => {
            Decision::Known
        }
        (Some(Ordering::Greater), _) => match examination::of_offer(offer) {
            Ok(_) => Decision::Fetch,
            Err(refusal) => Decision::Refuse(refusal),
        },
    }
}

/// Whether a program of version `own` that starts goes on to the recorded one.
pub(super) fn goes_on(own: &str, record: &Record) -> bool {
    record.standing == Standing::Good && compare(&record.offer.version, own) == Some(Ordering::Greater)
}

/// By precedence alone: what a build adds after `+` makes nothing newer.
fn compare(version: &str, own: &str) -> Option<Ordering> {
    Some(Version::parse(version).ok()?.cmp_precedence(&Version::parse(own).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_newer_and_signed_and_was_not_refused_is_fetched() {
        let offer = |version: &str| Offer {
            version: version.into(),
            architecture: std::env::consts::ARCH.into(),
            size: 1,
            sha256: "aB".into(),
            signature: Some(format!("{}==", "A".repeat(86))),
        };
        let record =
            |sha256: &str, standing| Record { offer: Offer { sha256: sha256.into(), ..offer("1.1.0") }, standing };
        let older = |version: &str| Decision::Refuse(Refusal::Older { offered: version.into(), own: "1.0.0".into() });
        for (version, record, expected) in [
            ("1.1.0", None, Decision::Fetch),
            ("1.0.0", None, Decision::Stay),
            ("1.0.0+other", None, Decision::Stay),
            ("0.9.9", None, older("0.9.9")),
            // Before 1.0.0 itself, and so no step forward from it.
            ("1.0.0-rc.1", None, older("1.0.0-rc.1")),
            ("latest", None, Decision::Stay),
            ("1.1.0", Some(record("ab", Standing::Refused)), Decision::Known),
            ("1.1.0", Some(record("ab", Standing::Trying)), Decision::Known),
            ("1.1.0", Some(record("ab", Standing::Good)), Decision::Fetch),
            ("1.1.0", Some(record("cd", Standing::Refused)), Decision::Fetch),
        ] {
            assert_eq!(about("1.0.0", &offer(version), record.as_ref()), expected, "{version} {record:?}");
        }
        let foreign = Offer { architecture: "m68k".into(), ..offer("1.1.0") };
        let other = Refusal::OtherMachine { offered: "m68k".into(), own: std::env::consts::ARCH };
        assert_eq!(about("1.0.0", &foreign, None), Decision::Refuse(other));
        for (signature, expected) in [
            (None, Refusal::Unsigned),
            (Some(String::new()), Refusal::Unsigned),
            (Some("AAAA".into()), Refusal::NoSignature),
            (Some("no base64".into()), Refusal::NoSignature),
        ] {
            let offer = Offer { signature, ..offer("1.1.0") };
            assert_eq!(about("1.0.0", &offer, None), Decision::Refuse(expected), "{offer:?}");
        }
        assert!(goes_on("1.0.0", &record("ab", Standing::Good)));
        assert!(!goes_on("1.1.0", &record("ab", Standing::Good)), "the image was replaced meanwhile");
        assert!(!goes_on("1.0.0", &record("ab", Standing::Trying)));
    }
}
