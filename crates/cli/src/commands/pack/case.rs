//! One case of a pack's tests: what is run, and what must come of it.

use std::fs;
use std::path::{Path, PathBuf};

use attune_types::ActionRef;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::error::CliError;

/// One case of a pack's tests.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    /// What it shows, in words.
    pub(crate) name: String,
    /// The action to run.
    pub(crate) action: ActionRef,
    /// What it is given.
    #[serde(default)]
    pub(crate) parameters: Map<String, Value>,
    /// What must come of it.
    #[serde(default)]
    pub(crate) expect: Expectation,
}

/// What must come of a case. What is not said is not looked at, but without any word it must complete.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expectation {
    /// The exit code; 0 when nothing is said.
    #[serde(default)]
    pub(crate) exit: Option<u8>,
    /// The result holds all of this: of objects the keys that are named, everything else as it is.
    #[serde(default)]
    pub(crate) result: Option<Value>,
    /// Standard output holds this text.
    #[serde(default)]
    pub(crate) stdout: Option<String>,
    /// Standard error holds this text.
    #[serde(default)]
    pub(crate) stderr: Option<String>,
    /// Its parameters are refused before anything starts, because of this one.
    #[serde(default)]
    pub(crate) refused: Option<String>,
}

/// What came of a case.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Seen {
    pub(crate) exit: u8,
    pub(crate) summary: String,
    pub(crate) result: Option<Value>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

impl Expectation {
    /// Everything that is not as it must be, one line each.
    pub(crate) fn breaches(&self, seen: &Seen) -> Vec<String> {
        let mut breaches = Vec::new();
        let exit = self.exit.unwrap_or(0);
        if seen.exit != exit {
            breaches.push(format!("exit code {} instead of {exit} ({})", seen.exit, seen.summary));
        }
        if let Some(wanted) = &self.result {
            match &seen.result {
                Some(result) => differences(wanted, result, "result", &mut breaches),
                None => breaches.push("there is no result".to_owned()),
            }
        }
        for (name, wanted, bytes) in [("stdout", &self.stdout, &seen.stdout), ("stderr", &self.stderr, &seen.stderr)] {
            if let Some(wanted) = wanted
                && !String::from_utf8_lossy(bytes).contains(wanted.as_str())
            {
                breaches.push(format!("{name} does not hold {wanted:?}"));
            }
        }
        breaches
    }
}

/// Where `seen` lacks or contradicts something of `wanted`.
fn differences(wanted: &Value, seen: &Value, place: &str, breaches: &mut Vec<String>) {
    match (wanted, seen) {
        (Value::Object(wanted), Value::Object(seen)) => {
            for (name, value) in wanted {
                match seen.get(name) {
                    Some(found) => differences(value, found, &format!("{place}.{name}"), breaches),
                    None => breaches.push(format!("{place}.{name} is not there")),
                }
            }
        }
        (wanted, seen) if wanted == seen => {}
        (wanted, seen) => breaches.push(format!("{place} is {seen} instead of {wanted}")),
    }
}

/// The cases in `tests/*.yaml` of the pack in `folder`, by file.
pub(crate) fn read(folder: &Path) -> Result<Vec<Case>, CliError> {
    let tests = folder.join("tests");
    let mut paths: Vec<PathBuf> = match fs::read_dir(&tests) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(CliError::file("reading", tests)(error)),
    };
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml"));
    paths.sort();
    let mut cases = Vec::new();
    for path in paths {
        let text = fs::read_to_string(&path).map_err(CliError::file("reading", &path))?;
        let read: Vec<Case> = serde_saphyr::from_str(&text).map_err(|error| CliError::Input {
            what: path.display().to_string(),
            hint: "a test file is a list of cases: name, action, parameters, expect (exit, result, stdout, stderr, refused)"
                .to_owned(),
            source: error.to_string().lines().next().unwrap_or("not YAML").to_owned().into(),
        })?;
        cases.extend(read);
    }
    Ok(cases)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_expected_is_looked_at_and_nothing_else() {
        let seen = Seen {
            exit: 0,
            summary: "exit 0".into(),
            result: Some(json!({"a": {"b": 1, "c": 2}, "d": [1, 2]})),
            stdout: b"hello world".to_vec(),
            stderr: Vec::new(),
        };
        let expectation = |value: Value| serde_json::from_value::<Expectation>(value).expect("an expectation");
        for (wanted, breaches) in [
            (json!({}), vec![]),
            (json!({"result": {"a": {"b": 1}}, "stdout": "world"}), vec![]),
            (json!({"exit": 3}), vec!["exit code 0 instead of 3 (exit 0)"]),
            (
                json!({"result": {"a": {"b": 2, "x": 1}}}),
                vec!["result.a.b is 1 instead of 2", "result.a.x is not there"],
            ),
            (json!({"result": {"d": [1]}}), vec!["result.d is [1,2] instead of [1]"]),
            (json!({"stderr": "x"}), vec!["stderr does not hold \"x\""]),
        ] {
            assert_eq!(expectation(wanted.clone()).breaches(&seen), breaches, "{wanted}");
        }
        assert_eq!(expectation(json!({"result": 1})).breaches(&Seen::default()), ["there is no result"]);
    }
}
