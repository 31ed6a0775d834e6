//! Names that others choose.

use std::net::IpAddr;

use attune_artifacts::{check_name, quoted};
use attune_config::SecretUrl;
use attune_types::{PlainText, PlainTextAnswer, Version, VersionConstraint, variable_refusal};

/// Variables that a runtime wants to set.
pub(super) fn variables(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (name, value) = text.split_once('\n').unwrap_or((text, ""));
    let refusal = variable_refusal(name, value);
    let is_malformed = name.is_empty() || name.contains(['=', '\0', ' ']) || value.contains('\0');
    let is_dangerous = name.starts_with("LD_") || name.starts_with("BASH_FUNC_") || name.starts_with("ATTUNE");
    if is_malformed || is_dangerous {
        assert!(refusal.is_some(), "{name:?} passes");
    }
}

/// Names of artifacts.
pub(super) fn artifact_name(data: &[u8]) {
    let Ok(name) = std::str::from_utf8(data) else { return };
    let shown = quoted(name);
    assert!(!shown.contains(|one: char| one.is_control()), "{shown:?}");
    if check_name(name).is_ok() {
        assert!(name.split('/').all(|part| !matches!(part, "" | "." | "..")), "{name:?} leaves");
        assert!(!name.contains(['\0', '\n', '\r', '\\']) && name.len() <= 255, "{name:?}");
    }
}

/// Versions, and what is asked of them.
pub(super) fn version(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (version, constraint) = text.split_once('\n').unwrap_or((text, ""));
    if let Ok(version) = version.parse::<Version>() {
        let again: Version = version.to_string().parse().expect("reads what it writes");
        assert_eq!(again, version);
    }
    if let Ok(constraint) = constraint.parse::<VersionConstraint>() {
        let again: VersionConstraint = constraint.to_string().parse().expect("reads what it writes");
        assert_eq!(again, constraint);
    }
}

/// Hosts that may be spoken to in plain text, and URLs with passwords.
pub(super) fn plain_text(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut lines = text.lines();
    let (host, addresses) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let found: Vec<IpAddr> = addresses.split(' ').filter_map(|text| text.parse().ok()).collect();
    let is_elsewhere = found.is_empty() || found.iter().any(|address| !address.to_canonical().is_loopback());
    let answer = PlainText::default().judge(host, &found);
    assert_eq!(answer == PlainTextAnswer::Refused, is_elsewhere);
    let shown = SecretUrl::new(format!("postgres://user:{}CR3D{}@host/name", host, addresses)).to_string();
    assert!(!shown.contains("CR3D"), "{shown}");
}
