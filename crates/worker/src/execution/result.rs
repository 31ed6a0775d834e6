//! The result of an execution: where it is written, how it is read, and what is wrong with it.

use std::ffi::CStr;
use std::fs::File;
use std::io::Read;
use std::os::fd::BorrowedFd;

use attune_pack::{Misread, read_json, read_yaml};
use attune_types::OutputFormat;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, chmodat, fstat, openat, statat};
use rustix::io::Errno;
use serde_json::{Map, Value};

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

/// A result, and what was taken out of it.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Answer {
    /// The result; `***` stands where it has secret outputs.
    pub(crate) shown: Option<Value>,
    /// Those, by JSON pointer.
    pub(crate) secret: Map<String, Value>,
}

impl From<Option<Value>> for Answer {
    fn from(shown: Option<Value>) -> Self {
        Self { shown, secret: Map::new() }
    }
}

/// A result that fits its schema, apart from its secret outputs.
fn checked(schema: &Value, mut result: Value) -> Result<Answer, String> {
    let has_secrets = attune_types::has_secret_outputs(schema);
    attune_pack::check_result(schema, &result).map_err(|why| match why.split_once(": ") {
        // What is wrong may be quoted.
        Some((place, _)) if has_secrets => format!("{place}: does not fit output_schema, which has secret outputs"),
        _ => why,
    })?;
    let secret = if has_secrets { attune_pack::take_secret_outputs(schema, &mut result) } else { Map::new() };
    Ok(Answer { shown: Some(result), secret })
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
    pub(crate) fn read(&self, file: Option<ResultBytes>, stdout: ResultBytes) -> Result<Answer, String> {
        let result = match file {
            Some(bytes) => {
                Some(parse(self.format_of_file(), bytes).map_err(|why| format!("ATTUNE_RESULT_FILE: {why}"))?)
            }
            None if self.reads_stdout() => {
                Some(parse(self.format, stdout).map_err(|why| format!("standard output: {why}"))?)
            }
            None => None,
        };
        match (&self.schema, result) {
            (Some(schema), Some(result)) => checked(schema, result),
            (Some(_), None) => Err("the action promises a result and wrote none".to_owned()),
            (None, result) => Ok(result.into()),
        }
    }

    /// The result that the action set by calling its worker, which wins over everything else.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn read_set(&self, text: Vec<u8>) -> Result<Answer, String> {
        let parsed = parse(OutputFormat::Json, ResultBytes::Whole(text));
        let result = parsed.map_err(|why| format!("attune-agent output set: {why}"))?;
        match &self.schema {
            Some(schema) => checked(schema, result),
            None => Ok(Some(result).into()),
        }
    }

    const fn format_of_file(&self) -> OutputFormat {
        match self.format {
            OutputFormat::Text | OutputFormat::Json => OutputFormat::Json,
            other => other,
        }
    }
}

/// Reads the file an action may have written; `None` when it did not. Only a regular file with one name is read: what
/// else may stand there could make its reader wait for ever or give away what the action cannot read itself.
pub(crate) fn read_file(directory: BorrowedFd<'_>, name: &CStr) -> Result<Option<ResultBytes>, String> {
    let stat = match statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => stat,
        Err(Errno::NOENT) => return Ok(None),
        Err(errno) => return Err(failed("cannot be looked at", errno)),
    };
    // Looked at before it is opened, since opening is what some devices act upon; and afterwards, in case it changed.
    refusal(&stat).map_or(Ok(()), Err)?;
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = openat(directory, name, flags, Mode::empty()).or_else(|errno| match errno {
        // Its own mode may forbid it to the very user it belongs to.
        Errno::ACCESS => {
            chmodat(directory, name, Mode::RUSR, AtFlags::empty())?;
            openat(directory, name, flags, Mode::empty())
        }
        other => Err(other),
    });
    let file = file.map_err(|errno| failed("cannot be opened", errno))?;
    let stat = fstat(&file).map_err(|errno| failed("cannot be looked at", errno))?;
    refusal(&stat).map_or(Ok(()), Err)?;
    let mut bytes = Vec::new();
    let read = File::from(file).take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|error| format!("cannot be read: {error}"))?;
    Ok(Some(if bytes.len() > MAX_BYTES { ResultBytes::TooMany } else { ResultBytes::Whole(bytes) }))
}

fn failed(what: &str, errno: Errno) -> String {
    format!("{what}: {}", std::io::Error::from(errno))
}

fn refusal(stat: &Stat) -> Option<String> {
    let what = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile if stat.st_nlink > 1 => format!("one of {} names of a file", stat.st_nlink),
        FileType::RegularFile => return None,
        FileType::Directory => "a directory".to_owned(),
        FileType::Symlink => "a symbolic link".to_owned(),
        FileType::Fifo => "a FIFO".to_owned(),
        FileType::Socket => "a socket".to_owned(),
        FileType::CharacterDevice | FileType::BlockDevice => "a device".to_owned(),
        FileType::Unknown => "nothing known".to_owned(),
    };
    Some(format!("is {what}; a result is written into a regular file of its own"))
}

fn parse(format: OutputFormat, bytes: ResultBytes) -> Result<Value, String> {
    let ResultBytes::Whole(bytes) = bytes else { return Err(format!("larger than {MAX_BYTES} bytes")) };
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let column = before.len() - before.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1) + 1;
        format!("line {line} column {column}: byte {} is not UTF-8", before.len() + 1)
    })?;
    if text.trim().is_empty() {
        // An empty list of lines is a list; an empty document is no document.
        return if format == OutputFormat::Jsonl { Ok(Value::Array(Vec::new())) } else { Err("empty".to_owned()) };
    }
    match format {
        OutputFormat::Text | OutputFormat::Json => read_json(text.as_bytes()).map_err(|error| error.to_string()),
        OutputFormat::Jsonl => text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty())
            .map(|(index, line)| {
                let moved = |error: Misread| Misread { line: error.line + index, ..error }.to_string();
                read_json(line.as_bytes()).map_err(moved)
            })
            .collect::<Result<Vec<Value>, String>>()
            .map(Value::Array),
        OutputFormat::Yaml => read_yaml(text).map_err(|error| error.to_string()),
    }
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
            assert_eq!(rules(format).read(None, whole(text)), Ok(expected.into()), "{format:?} {text:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_position() {
        for (format, text, expected) in [
            (OutputFormat::Json, "{\n  \"a\": }", "standard output: line 2 column 8: expected value"),
            (OutputFormat::Json, "1 2", "standard output: line 1 column 3: trailing characters"),
            (OutputFormat::Json, "", "standard output: empty"),
            (OutputFormat::Jsonl, "1\n2\n}\n", "standard output: line 3 column 1: expected value"),
            (OutputFormat::Json, "{\"a\": 1, \"a\": 2}", "standard output: line 1 column 12: duplicate key \"a\""),
            (
                OutputFormat::Jsonl,
                "1\n[NaN]\n",
                "standard output: line 2 column 2: JSON has no NaN; write null or a text",
            ),
            (OutputFormat::Json, "[1e999]", "standard output: line 1 column 6: number out of range"),
        ] {
            assert_eq!(rules(format).read(None, whole(text)), Err(expected.to_owned()), "{text:?}");
        }
        let bytes = ResultBytes::Whole(b"ab\xff".to_vec());
        assert_eq!(
            rules(OutputFormat::Json).read(None, bytes),
            Err("standard output: line 1 column 3: byte 3 is not UTF-8".to_owned())
        );
        for (text, words) in
            [("a: [1", "line "), ("a: 1\na: 2", "duplicate"), ("a: .inf", "line 1"), ("a: &x [*x]", "line 1")]
        {
            let error = rules(OutputFormat::Yaml).read(None, whole(text)).expect_err(text);
            assert!(error.starts_with("standard output: line ") && error.contains(words), "{text:?}: {error}");
        }
        for deep in ["[".repeat(100_000), "{\"a\":".repeat(100_000)] {
            for format in [OutputFormat::Json, OutputFormat::Yaml, OutputFormat::Jsonl] {
                assert!(rules(format).read(None, whole(&deep)).expect_err("too deep").contains("line 1 column"));
            }
        }
        let error = rules(OutputFormat::Json).read(None, ResultBytes::TooMany).expect_err("too large");
        assert_eq!(error, "standard output: larger than 1048576 bytes");
    }

    #[test]
    fn a_file_that_was_written_wins_and_the_schema_is_kept() {
        let schema = json!({"type": "object", "required": ["n"]});
        let rules = ResultRules { format: OutputFormat::Text, schema: Some(schema) };
        assert_eq!(rules.read(Some(whole("{\"n\": 1}")), whole("noise")), Ok(Some(json!({"n": 1})).into()));
        assert!(rules.read(Some(whole("{}")), whole("")).expect_err("n is missing").contains("\"n\""));
        assert!(rules.read(None, whole("")).expect_err("none").contains("wrote none"));
        assert!(rules.read(Some(whole("x")), whole("")).expect_err("bad").starts_with("ATTUNE_RESULT_FILE: line 1"));
    }

    #[test]
    fn a_file_is_read_up_to_its_limit() {
        use std::os::fd::AsFd;
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().expect("directory");
        let path = directory.path().join("result");
        let held = File::open(directory.path()).expect("opens");
        let read = || read_file(held.as_fd(), c"result");
        assert_eq!(read(), Ok(None), "no file is no error");
        std::fs::write(&path, vec![b' '; MAX_BYTES]).expect("written");
        assert!(matches!(read(), Ok(Some(ResultBytes::Whole(_)))));
        std::fs::write(&path, vec![b' '; MAX_BYTES + 1]).expect("written");
        assert_eq!(read(), Ok(Some(ResultBytes::TooMany)));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).expect("set");
        assert_eq!(read(), Ok(Some(ResultBytes::TooMany)), "its own mode does not hide it");
    }
}
