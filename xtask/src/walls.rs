//! The walls: which crate may use which. The table below is the drawing in ARCHITECTURE.md; `deny.toml` names who may
//! touch the heavy dependencies.

use std::fs;
use std::path::Path;

use crate::graph::Graph;

/// (crate, what it may use). `*` is for the composition root and for programs that test the whole.
const MAY_USE: &[(&str, &[&str])] = &[
    ("attune-types", &[]),
    ("attune-supervise", &[]),
    ("attune-process", &[]),
    ("attune-pack", &["attune-types"]),
    ("attune-config", &["attune-types"]),
    ("attune-secret", &["attune-types"]),
    ("attune-store", &["attune-types", "attune-secret"]),
    ("attune-names", &[]),
    ("attune-queue", &["attune-types", "attune-names"]),
    ("attune-artifacts", &["attune-types", "attune-config"]),
    ("attune-runtime", &["attune-types", "attune-process", "attune-pack"]),
    (
        "attune-worker",
        &[
            "attune-types",
            "attune-supervise",
            "attune-names",
            "attune-process",
            "attune-runtime",
            "attune-pack",
            "attune-config",
            "attune-store",
            "attune-queue",
            "attune-artifacts",
            "attune-secret",
        ],
    ),
    (
        "attune-control",
        &[
            "attune-types",
            "attune-supervise",
            "attune-names",
            "attune-pack",
            "attune-config",
            "attune-store",
            "attune-queue",
            "attune-artifacts",
            "attune-secret",
        ],
    ),
    ("attune-cli", &["*"]),
    ("attune-testkit", &[]),
    ("attune-bench", &["*"]),
    ("attune-end-to-end", &["*"]),
    ("attune-simulation", &["*"]),
    ("attune-chaos", &["*"]),
    ("attune-container-tests", &["*"]),
    ("attune-security-tests", &["*"]),
    ("attune-fuzz", &["*"]),
    ("example-custom-actor", &["*"]),
    ("xtask", &["attune-config"]),
];

/// One line per breach.
pub(crate) fn problems(root: &Path, graph: &Graph) -> Vec<String> {
    let bans = match fs::read_to_string(root.join("deny.toml")) {
        Ok(text) => bans(&text),
        Err(error) => return vec![format!("deny.toml cannot be read: {error}")],
    };
    let mut problems = Vec::new();
    for (from, to) in graph.named_edges() {
        let ours = to.starts_with("attune-");
        match MAY_USE.iter().find(|(name, _)| *name == from) {
            Some((_, allowed)) if ours && !allowed.contains(&to) && !allowed.contains(&"*") => {
                problems.push(format!("{from} may not use {to} (see ARCHITECTURE.md)"));
            }
            None if ours => problems.push(format!("{from} is not in the table of xtask/src/walls.rs")),
            _ => {}
        }
        for ban in bans.iter().filter(|ban| ban.krate == to) {
            if !ban.wrappers.iter().any(|wrapper| wrapper == from) && !is_own_family(from, to) {
                problems.push(format!("{from} may not use {to} (deny.toml)"));
            }
        }
    }
    problems
}

/// A family's own parts (`sqlx-postgres` beside `sqlx`) are behind the same wall.
fn is_own_family(from: &str, to: &str) -> bool {
    from.starts_with(&format!("{to}-"))
}

struct Ban {
    krate: String,
    wrappers: Vec<String>,
}

/// Reads the `{ crate = "...", wrappers = [...] }` lines.
fn bans(text: &str) -> Vec<Ban> {
    text.lines()
        .map(str::trim)
        .filter(|line| line.starts_with("{ crate = "))
        .filter_map(|line| {
            let mut words = line.split('"').skip(1).step_by(2).map(str::to_owned);
            words.next().map(|krate| Ban { krate, wrappers: words.collect() })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bans_are_read_with_their_wrappers() {
        let bans = bans(
            "deny = [\n  { crate = \"lapin\", wrappers = [\"attune-queue\", \"b\"] },\n  { crate = \"openssl-sys\" },\n]",
        );
        assert_eq!(bans.len(), 2);
        assert_eq!((bans[0].krate.as_str(), bans[0].wrappers.join(",")), ("lapin", "attune-queue,b".to_owned()));
        assert!(bans[1].wrappers.is_empty());
    }
}
