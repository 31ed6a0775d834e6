//! The result of an execution: where it is written, how it is read, and what is wrong with it.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use attune_types::OutputFormat;
use serde_json::Value;

/// The largest result, in bytes.
pub(crate) const MAX_BYTES: usize = 1 << 20;

/// How a result is read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ResultRules {
    /// How standard output is read.
    pub(crate) format: OutputFormat,
    /// What it must look like.
    pub(crate) schema: Option<Value>,
}

/// Bytes that hold a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ResultBytes {
    /// All of them.
    Whole(Vec<u8>),
    /// There are more than [`MAX_BYTES`].
    TooMany,
}

impl ResultRules {
    /// Whether standard output has to be kept to be read.
    pub(crate) const fn reads_stdout(&self) -> bool {
        !matches!(self.format, OutputFormat::Text)
    }

    /// The result: from the file when the action wrote one, else from standard output.
    ///
    /// # Errors
    /// Where it is wrong, and why.
    pub(crate) fn read(&self, file: Option<ResultBytes>, stdout: ResultBytes) -> Result<Option<Value>, String> {
        let result = match file {
            Some(bytes) => {
                Some(parse(self.format_of_file(), bytes).map_err(|why| format!("ATTUNE_RESULT_FILE: {why}"))?)
            }
            None if self.reads_stdout() => {
                Some(parse(self.format, stdout).map_err(|why| format!("standard output: {why}"))?)
            }
            None => None,
        };
        match (&self.schema, &result) {
            (Some(schema), Some(result)) => attune_pack::check_result(schema, result)?,
            (Some(_), None) => return Err("the action promises a result and wrote none".to_owned()),
            (None, _) => {}
        }
        Ok(result)
    }

    const fn format_of_file(&self) -> OutputFormat {
        match self.format {
            OutputFormat::Text | OutputFormat::Json => OutputFormat::Json,
            other => other,
        }
    }
}

/// Reads the file an action may have written; `None` when it did not.
pub(crate) fn read_file(path: &Path) -> io::Result<Option<ResultBytes>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(Some(if bytes.len() > MAX_BYTES { ResultBytes::TooMany } else { ResultBytes::Whole(bytes) }))
}

fn parse(format: OutputFormat, bytes: ResultBytes) -> Result<Value, String> {
    let ResultBytes::Whole(bytes) = bytes else { return Err(format!("larger than {MAX_BYTES} bytes")) };
    let text = std::str::from_utf8(&bytes).map_err(|error| format!("byte {} is not UTF-8", error.valid_up_to() + 1))?;
    if text.trim().is_empty() {
        // An empty list of lines is a list; an empty document is no document.
        return if format == OutputFormat::Jsonl { Ok(Value::Array(Vec::new())) } else { Err("empty".to_owned()) };
    }
    match format {
        OutputFormat::Text | OutputFormat::Json => serde_json::from_str(text).map_err(|error| position(&error, 0)),
        OutputFormat::Jsonl => text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty())
            .map(|(index, line)| serde_json::from_str(line).map_err(|error| position(&error, index)))
            .collect::<Result<Vec<Value>, String>>()
            .map(Value::Array),
        OutputFormat::Yaml => serde_saphyr::from_str(text).map_err(|error| {
            let words = error.to_string();
            words.lines().next().unwrap_or("not YAML").to_owned()
        }),
    }
}

fn position(error: &serde_json::Error, lines_before: usize) -> String {
    let words = error.to_string();
    let reason = words.split(" at line ").next().unwrap_or("not JSON").to_owned();
    format!("line {} column {}: {reason}", error.line() + lines_before, error.column())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rules(format: OutputFormat) -> ResultRules {
        ResultRules { format, schema: None }
    }

    fn whole(text: &str) -> ResultBytes {
        ResultBytes::Whole(text.as_bytes().to_vec())
    }

    #[test]
    fn every_format_is_read() {
        for (format, text, expected) in [
            (OutputFormat::Text, "hello", None),
            (OutputFormat::Json, "{\"a\": [1, 2]}\n", Some(json!({"a": [1, 2]}))),
            (OutputFormat::Json, "null", Some(json!(null))),
            (OutputFormat::Jsonl, "1\n\n{\"b\":2}\n", Some(json!([1, {"b": 2}]))),
            (OutputFormat::Jsonl, "", Some(json!([]))),
            (OutputFormat::Yaml, "a:\n  - 1\n  - two\n", Some(json!({"a": [1, "two"]}))),
        ] {
            assert_eq!(rules(format).read(None, whole(text)), Ok(expected), "{format:?} {text:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_position() {
        for (format, text, expected) in [
            (OutputFormat::Json, "{\n  \"a\": }", "standard output: line 2 column 8: expected value"),
            (OutputFormat::Json, "1 2", "standard output: line 1 column 3: trailing characters"),
            (OutputFormat::Json, "", "standard output: empty"),
            (OutputFormat::Jsonl, "1\n2\n}\n", "standard output: line 3 column 1: expected value"),
        ] {
            assert_eq!(rules(format).read(None, whole(text)), Err(expected.to_owned()), "{text:?}");
        }
        let bytes = ResultBytes::Whole(b"ab\xff".to_vec());
        assert_eq!(rules(OutputFormat::Json).read(None, bytes), Err("standard output: byte 3 is not UTF-8".to_owned()));
        assert!(rules(OutputFormat::Yaml).read(None, whole("a: [1")).is_err());
        let error = rules(OutputFormat::Json).read(None, ResultBytes::TooMany).expect_err("too large");
        assert_eq!(error, "standard output: larger than 1048576 bytes");
    }

    #[test]
    fn a_file_that_was_written_wins_and_the_schema_is_kept() {
        let schema = json!({"type": "object", "required": ["n"]});
        let rules = ResultRules { format: OutputFormat::Text, schema: Some(schema) };
        assert_eq!(rules.read(Some(whole("{\"n\": 1}")), whole("noise")), Ok(Some(json!({"n": 1}))));
        assert!(rules.read(Some(whole("{}")), whole("")).expect_err("n is missing").contains("\"n\""));
        assert!(rules.read(None, whole("")).expect_err("none").contains("wrote none"));
        assert!(rules.read(Some(whole("x")), whole("")).expect_err("bad").starts_with("ATTUNE_RESULT_FILE: line 1"));
    }

    #[test]
    fn a_file_is_read_up_to_its_limit() {
        let directory = tempfile::tempdir().expect("directory");
        let path = directory.path().join("result");
        assert_eq!(read_file(&path).expect("no file is no error"), None);
        std::fs::write(&path, vec![b' '; MAX_BYTES]).expect("written");
        assert!(matches!(read_file(&path).expect("read"), Some(ResultBytes::Whole(_))));
        std::fs::write(&path, vec![b' '; MAX_BYTES + 1]).expect("written");
        assert_eq!(read_file(&path).expect("read"), Some(ResultBytes::TooMany));
    }
}
