//! Who depends on whom, as `cargo metadata` resolves it for Linux.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// The resolved dependency graph.
pub(crate) struct Graph {
    names: BTreeMap<String, String>,
    /// Normal and build dependencies, by package id.
    edges: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    /// Asks cargo, without touching the lock file.
    pub(crate) fn load(root: &Path) -> Result<Self, String> {
        #[expect(clippy::disallowed_methods, reason = "a chore outside the product; the guard is for actions")]
        let output = Command::new(env!("CARGO"))
            .args(["metadata", "--format-version=1", "--locked", "--filter-platform=x86_64-unknown-linux-gnu"])
            .current_dir(root)
            .output()
            .map_err(|error| format!("cargo metadata could not be started: {error}"))?;
        if !output.status.success() {
            return Err(format!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr)));
        }
        let metadata: Value =
            serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo metadata: {error}"))?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let names = list(&metadata["packages"]).map(|package| (text(&package["id"]), text(&package["name"]))).collect();
        let edges = list(&metadata["resolve"]["nodes"])
            .map(|node| {
                let shipped = list(&node["deps"])
                    .filter(|dependency| list(&dependency["dep_kinds"]).any(|kind| kind["kind"] != "dev"))
                    .map(|dependency| text(&dependency["pkg"]))
                    .collect();
                (text(&node["id"]), shipped)
            })
            .collect();
        Ok(Self { names, edges })
    }

    /// Direct shipped dependencies as (dependent, dependency), by name.
    pub(crate) fn named_edges(&self) -> impl Iterator<Item = (&str, &str)> {
        self.edges
            .iter()
            .flat_map(move |(from, targets)| targets.iter().map(move |to| (self.name(from), self.name(to))))
    }

    /// How many packages end up in what `package` ships, itself included.
    pub(crate) fn weight(&self, package: &str) -> usize {
        let mut seen = BTreeSet::new();
        let mut open: Vec<&String> = self.names.iter().filter(|(_, name)| *name == package).map(|(id, _)| id).collect();
        while let Some(id) = open.pop() {
            if seen.insert(id)
                && let Some(targets) = self.edges.get(id)
            {
                open.extend(targets);
            }
        }
        seen.len()
    }

    fn name<'a>(&'a self, id: &'a str) -> &'a str {
        self.names.get(id).map_or(id, String::as_str)
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
