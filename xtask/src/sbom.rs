//! The list of what a program is made of: CycloneDX 1.5, from what cargo says about exactly this program and target.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

/// The document for `package` built for `target`. It holds no time and no serial number: the same sources give the same
/// bytes.
pub(crate) fn document(root: &Path, package: &str, target: &str) -> Result<Value, String> {
    let shipped = shipped(&cargo(root, &["tree", "--locked", "-p", package, "--target", target, "--edges"])?);
    let checksums = checksums(&fs::read_to_string(root.join("Cargo.lock")).map_err(|error| error.to_string())?);
    let metadata = cargo(root, &["metadata", "--format-version=1", "--locked", "--filter-platform", target])?;
    let metadata: Value = serde_json::from_str(&metadata).map_err(|error| format!("cargo metadata: {error}"))?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut references = BTreeMap::new();
    let mut components = BTreeMap::new();
    for described in list(&metadata["packages"]) {
        let key = (text(&described["name"]), text(&described["version"]));
        if !shipped.contains(&key) {
            continue;
        }
        let (name, version) = &key;
        let reference = format!("pkg:cargo/{name}@{version}");
        references.insert(text(&described["id"]), reference.clone());
        let mut component = json!({
            "type": "library", "bom-ref": reference, "name": name, "version": version, "purl": reference, "scope": "required",
        });
        if let Some(license) = described["license"].as_str() {
            component["licenses"] = json!([{"expression": license.replace('/', " OR ")}]);
        }
        if let Some(checksum) = checksums.get(&key) {
            component["hashes"] = json!([{"alg": "SHA-256", "content": checksum}]);
        }
        components.insert(key, component);
    }
    let own = components.keys().find(|(name, _)| name == package).cloned();
    let own = own.and_then(|key| components.remove(&key)).ok_or_else(|| format!("there is no package {package}"))?;
    let dependencies: BTreeMap<String, BTreeSet<String>> = list(&metadata["resolve"]["nodes"])
        .filter_map(|node| {
            let from = references.get(node["id"].as_str()?)?.clone();
            let to = list(&node["deps"]).filter(|one| list(&one["dep_kinds"]).any(|kind| kind["kind"].is_null()));
            let to = to.filter_map(|one| references.get(one["pkg"].as_str()?).cloned());
            Some((from, to.collect()))
        })
        .collect();
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": own,
            "properties": [{"name": "attune:target", "value": target}],
        },
        "components": components.into_values().collect::<Vec<_>>(),
        "dependencies": dependencies.into_iter()
            .map(|(from, to)| json!({"ref": from, "dependsOn": to})).collect::<Vec<_>>(),
    }))
}

/// What `cargo tree` lists: `name vVERSION ...` a line. Metadata alone would not do: it mixes the features of all programs.
fn shipped(tree: &str) -> BTreeSet<(String, String)> {
    tree.lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            Some((words.next()?.to_owned(), words.next()?.strip_prefix('v')?.to_owned()))
        })
        .collect()
}

/// Checksums of packages as the lock file has them.
fn checksums(lock: &str) -> BTreeMap<(String, String), String> {
    lock.split("[[package]]")
        .filter_map(|block| {
            let value = |key: &str| {
                let line = block.lines().find(|line| line.starts_with(&format!("{key} = \"")))?;
                line.split('"').nth(1).map(str::to_owned)
            };
            Some(((value("name")?, value("version")?), value("checksum")?))
        })
        .collect()
}

fn cargo(root: &Path, arguments: &[&str]) -> Result<String, String> {
    let is_tree = arguments.first() == Some(&"tree");
    #[expect(clippy::disallowed_methods, reason = "a chore outside the product; the guard is for actions")]
    let mut command = Command::new(env!("CARGO"));
    command.args(arguments).current_dir(root);
    if is_tree {
        command.args(["normal,no-proc-macro", "--prefix", "none", "--format", "{p}"]);
    }
    let output = command.output().map_err(|error| format!("cargo could not be started: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo {arguments:?} failed: {}", String::from_utf8_lossy(&output.stderr)));
    }
    String::from_utf8(output.stdout).map_err(|error| error.to_string())
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cargo_prints_is_read() {
        let tree = "attune-worker v0.1.0 (/somewhere/crates/worker)\nactix v0.13.5\nactix v0.13.5 (*)\n";
        assert_eq!(shipped(tree).len(), 2);
        let lock = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nchecksum = \"00ff\"\n\n[[package]]\nname = \"b\"\nversion = \"2.0.0\"\n";
        let found = checksums(lock);
        assert_eq!(found.get(&("a".to_owned(), "1.0.0".to_owned())).map(String::as_str), Some("00ff"));
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn the_agent_is_listed_without_what_it_does_not_ship() {
        let root = crate::repository_root();
        let document = document(&root, "attune-worker", "x86_64-unknown-linux-gnu").expect("cargo answers");
        let names: BTreeSet<_> = list(&document["components"]).filter_map(|one| one["name"].as_str()).collect();
        assert!(names.contains("tokio") && names.contains("attune-process"), "{names:?}");
        assert!(!names.contains("libsqlite3-sys") && !names.contains("proptest"), "{names:?}");
        let without = list(&document["components"]).filter(|one| one["licenses"].is_null()).count();
        assert_eq!(without, 0, "everything has a licence");
    }
}
