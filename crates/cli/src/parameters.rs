//! `name=value`, `name:=json` and `--params` become one JSON object.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use attune_pack::{read_json, read_yaml};
use attune_types::ActionSpec;
use serde_json::{Map, Value};

use crate::error::CliError;

/// One parameter as it was written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Given {
    /// `name=value`: text, read as the action's schema asks where it does not ask for text.
    Text(String),
    /// `name:=json`: exactly this value.
    Json(Value),
}

/// Reads one `name=value` or `name:=json`.
pub(crate) fn parse_pair(text: &str) -> Result<(String, Given), CliError> {
    let refused = |reason: &str| {
        CliError::usage(
            format!("{text:?} is not a parameter: {reason}"),
            "write name=value for text and name:=json for anything else, e.g. `count:=3 verbose:=true`",
        )
    };
    let (name, value) = text.split_once('=').ok_or_else(|| refused("it has no ="))?;
    let (name, value) = match name.strip_suffix(':') {
        Some(name) => {
            let value = read_json(value.as_bytes()).map_err(|error| refused(&format!("not valid JSON ({error})")))?;
            (name, Given::Json(value))
        }
        None => (name, Given::Text(value.to_owned())),
    };
    if name.is_empty() {
        return Err(refused("it has no name"));
    }
    Ok((name.to_owned(), value))
}

/// Puts the pairs over what the file says. A name that is written twice on the command line is refused: one of the two
/// would be lost silently. For an `action`, text becomes what its schema asks for (`count=3` is a number where a number
/// is wanted); a script gets text.
pub(crate) fn merge(
    file: Map<String, Value>,
    pairs: &[String],
    action: Option<&ActionSpec>,
) -> Result<Map<String, Value>, CliError> {
    let mut given = Map::new();
    for pair in pairs {
        let (name, value) = parse_pair(pair)?;
        let value = match (value, action) {
            (Given::Json(value), _) => value,
            (Given::Text(text), Some(action)) => attune_pack::coerce_text(action, &name, &text),
            (Given::Text(text), None) => Value::String(text),
        };
        if given.insert(name.clone(), value).is_some() {
            return Err(CliError::usage(
                format!("parameter {name:?} is given twice"),
                "give every parameter once; a list is written name:='[1, 2]'",
            ));
        }
    }
    let mut merged = file;
    merged.extend(given);
    Ok(merged)
}

/// Reads `--params FILE` (JSON or YAML); `-` is standard input.
pub(crate) fn read_file(path: &Path) -> Result<Map<String, Value>, CliError> {
    let text = if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().lock().read_to_string(&mut text).map_err(CliError::file("reading", "standard input"))?;
        text
    } else {
        fs::read_to_string(path).map_err(CliError::file("reading", path))?
    };
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    // JSON is tried first because its messages are better; every JSON document is also YAML.
    let parsed = if text.trim_start().starts_with('{') { read_json(text.as_bytes()) } else { read_yaml(&text) };
    let problem = |source| CliError::Input {
        what: format!("the parameter file {}", path.display()),
        hint: "it must hold one JSON object or one YAML mapping of parameter names to values".into(),
        source,
    };
    match parsed {
        Ok(Value::Object(parameters)) => Ok(parameters),
        Ok(Value::Null) => Ok(Map::new()),
        Ok(other) => Err(problem(format!("it holds {}", kind(&other)).into())),
        Err(error) => Err(problem(Box::new(error))),
    }
}

const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn one_sign_passes_text_and_two_pass_json() {
        for (text, name, value) in [
            ("name=Ada", "name", Given::Text("Ada".into())),
            ("n=3", "n", Given::Text("3".into())),
            ("n:=3", "n", Given::Json(json!(3))),
            ("list:=[1,2]", "list", Given::Json(json!([1, 2]))),
            ("url=http://a/?b=c", "url", Given::Text("http://a/?b=c".into())),
            ("empty=", "empty", Given::Text(String::new())),
            ("text=:=", "text", Given::Text(":=".into())),
        ] {
            assert_eq!(parse_pair(text).expect(text), (name.to_owned(), value));
        }
    }

    #[test]
    fn what_is_no_parameter_is_refused() {
        for text in ["name", "=x", ":=1", "n:=", "n:={"] {
            assert!(parse_pair(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_would_reach_the_script_changed_is_refused_with_its_place() {
        for (text, words) in [
            (r#"n:="\ud800""#, "line 1 column 8: a lone surrogate"),
            (r#"n:={"a": 1, "a": 2}"#, "line 1 column 12: duplicate key"),
            ("n:=18446744073709551616", "beyond 64 bits"),
            ("n:=NaN", "JSON has no NaN"),
        ] {
            let message = parse_pair(text).expect_err(text).to_string();
            assert!(message.contains(words), "{message}");
        }
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("parameters");
        for (text, words) in [
            ("{\"a\": 1,\n \"a\": 2}", "line 2 column 4"),
            ("a: 1\nb: .inf\n", "line 2"),
            ("- 1\n", "it holds a list"),
            ("{\"a\": \"\\udc00\"}", "line 1 column 13: a lone surrogate"),
        ] {
            fs::write(&path, text).expect("written");
            let error = read_file(&path).expect_err(text);
            let source = std::error::Error::source(&error).expect("says why").to_string();
            assert!(source.contains(words), "{text:?}: {source}");
        }
    }

    #[test]
    fn the_command_line_wins_over_the_file_and_no_name_comes_twice() {
        let file = Map::from_iter([("a".to_owned(), json!(1)), ("b".to_owned(), json!(2))]);
        let merged = merge(file, &["b=x".to_owned()], None).expect("merges");
        assert_eq!(Value::Object(merged), json!({"a": 1, "b": "x"}));
        assert!(merge(Map::new(), &["b=x".to_owned(), "b=y".to_owned()], None).is_err());
    }
}
