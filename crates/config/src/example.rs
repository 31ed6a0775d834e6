use crate::key::Key;
use crate::keys::KEYS;
use crate::kind::Kind;
use crate::print::{indented_name, section_lines};

/// A commented configuration file with every key at its default, made from [`KEYS`]. All of it is commented out but
/// the section names, so that it can be used as it is.
#[must_use]
pub fn example_yaml() -> String {
    let mut text = String::from(INTRODUCTION);
    let mut previous = "";
    for key in KEYS {
        let sections = section_lines(previous, key.path);
        text.push_str(if sections.is_empty() || !previous.contains('.') { "" } else { "\n" });
        text.push_str(&sections);
        previous = key.path;
        let name = indented_name(key.path);
        let indent = &name[..name.len() - name.trim_start().len()];
        text.push_str(&format!("{indent}# {}\n{indent}#{}: {}\n", key.doc, name.trim_start(), value(key)));
    }
    text
}

/// The default as YAML, or a value that shows what one looks like.
fn value(key: &Key) -> String {
    match (key.kind, key.default) {
        (Kind::List, Some(items)) => format!("[{items}]"),
        (Kind::Labels, _) => "{zone: eu}".to_owned(),
        (Kind::Path, Some(text)) => format!("{:?}", text.replace("{paths.state_dir}", ".attune")),
        (_, Some(text)) => text.to_owned(),
        (Kind::SecretUrl(schemes), None) => format!("{}user:password@host/name", schemes[0]),
        (Kind::Url(schemes), None) => format!("{}127.0.0.1:8080", schemes[0]),
        (Kind::Secret { .. }, None) => "\"0123456789abcdef0123456789abcdef\"".to_owned(),
        (Kind::Path, None) if key.path.ends_with(".ca_path") => "/etc/attune/authority.pem".to_owned(),
        (Kind::Path, None) => "/etc/attune/runtimes.yaml".to_owned(),
        (Kind::Number { least, .. }, None) => least.to_string(),
        (_, None) => "w1".to_owned(),
    }
}

const INTRODUCTION: &str = "\
# Attune reads this file when --config or ATTUNE_CONFIG names it. Every key is here with its default, or with an
# example where it has none; take away a '#' to set one. ATTUNE__SECTION__KEY in the environment wins over this file.
# docs/configuration.md is the reference.

";
