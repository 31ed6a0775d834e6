//! The helper's command line.

use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::caller::Failure;
use super::help;
use crate::helper::protocol::{Call, Level, MAX_VALUE};

/// What is asked for.
#[derive(Debug, PartialEq)]
pub(super) enum Asked {
    /// Words about the helper.
    Help(&'static str),
    /// Something of the worker.
    Request(Request),
}

/// What is asked of the worker, before anything was read or opened for it.
#[derive(Debug, PartialEq)]
pub(super) enum Request {
    /// The result, or fields of it, as given.
    Output { text: String, merge: bool },
    /// The same, from standard input.
    OutputFromInput { merge: bool },
    /// A file.
    Artifact { name: String, path: PathBuf },
    /// Anything that is all in the call.
    Plain(Call),
}

/// The message that stands on standard input.
const FROM_INPUT: &str = "-";

/// Reads what follows a word.
type Reader = fn(&[OsString]) -> Result<Request, String>;

/// Reads the command line, without the program's name.
pub(super) fn read(arguments: &[OsString]) -> Result<Asked, String> {
    let Some((word, rest)) = arguments.split_first() else { return Ok(Asked::Help(help::ALL)) };
    let is_help = rest.iter().take_while(|argument| *argument != "--").any(|argument| argument == "--help")
        || matches!(rest.first(), Some(first) if first == "-h");
    let (text, read): (_, Reader) = match word.to_str() {
        Some("-h" | "--help") => return Ok(Asked::Help(help::ALL)),
        Some("output") => (help::OUTPUT, output),
        Some("artifact") => (help::ARTIFACT, artifact),
        Some("progress") => (help::PROGRESS, progress),
        Some("secret") => (help::SECRET, secret),
        Some("log") => (help::LOG, log),
        _ => return Err(format!("{word:?} is none of {}; see attune-agent --help", help::WORDS.join(", "))),
    };
    if is_help { Ok(Asked::Help(text)) } else { read(rest).map(Asked::Request) }
}

fn output(arguments: &[OsString]) -> Result<Request, String> {
    let arguments = after("output", "set", arguments)?;
    let (merge, values) = match arguments.split_first() {
        Some((first, values)) if first == "--merge" => (true, values),
        _ => (false, arguments),
    };
    let values = if values.first().is_some_and(|first| first == "--") { &values[1..] } else { values };
    let values = values.iter().map(|value| text(value)).collect::<Result<Vec<&str>, String>>()?;
    if let ["-"] = values[..] {
        return Ok(Request::OutputFromInput { merge });
    }
    let fields: Vec<(&str, &str)> = values.iter().filter_map(|value| field(value)).collect();
    match values[..] {
        [] => Err("nothing to set: NAME=TEXT, NAME:=JSON, a JSON value, or - for standard input".to_owned()),
        [one] if fields.is_empty() => Ok(Request::Output { text: one.to_owned(), merge }),
        _ if fields.len() == values.len() => Ok(Request::Output { text: object(&fields)?, merge: true }),
        _ => {
            let odd = values.iter().find(|value| field(value).is_none()).unwrap_or(&"");
            Err(format!("{odd:?} is neither NAME=TEXT nor NAME:=JSON (a JSON value stands alone)"))
        }
    }
}

/// The name and the rest of `NAME=...`; of `NAME:=...` the name ends with the colon. A JSON value is never one: its
/// first character cannot begin a name, or there is no `=` in it.
fn field(value: &str) -> Option<(&str, &str)> {
    let (name, rest) = value.split_once('=')?;
    let bare = name.strip_suffix(':').unwrap_or(name);
    let is_name = bare.starts_with(|first: char| first.is_alphabetic() || first == '_')
        && bare.chars().all(|one| one.is_alphanumeric() || "_-.".contains(one));
    is_name.then_some((name, rest))
}

fn object(fields: &[(&str, &str)]) -> Result<String, String> {
    let mut map = Map::new();
    for (name, rest) in fields {
        let (name, value) = match name.strip_suffix(':') {
            Some(name) => {
                let value = serde_json::from_str(rest);
                (name, value.map_err(|error| format!("{name}:={rest} is not JSON: {error} (text: {name}=...)"))?)
            }
            None => (*name, Value::from(*rest)),
        };
        map.insert(name.to_owned(), value);
    }
    Ok(Value::Object(map).to_string())
}

fn artifact(arguments: &[OsString]) -> Result<Request, String> {
    let arguments = after("artifact", "put", arguments)?;
    let arguments = if arguments.first().is_some_and(|first| first == "--") { &arguments[1..] } else { arguments };
    let (name, path) = match arguments {
        [path] => (Path::new(path).file_name().ok_or("the path names no file")?, path),
        [name, path] => (OsStr::new(name), path),
        _ => return Err("a path, or a name and a path: attune-agent artifact put [NAME] PATH".to_owned()),
    };
    Ok(Request::Artifact { name: text(name)?.to_owned(), path: path.into() })
}

fn progress(arguments: &[OsString]) -> Result<Request, String> {
    let Some((percent, message)) = arguments.split_first() else {
        return Err("how far? attune-agent progress PERCENT [MESSAGE]".to_owned());
    };
    let percent = text(percent)?;
    let number = percent.strip_suffix('%').unwrap_or(percent).trim().parse();
    let number = number.ok().filter(|number| (0.0..=100.0).contains(number));
    let number = number.ok_or_else(|| format!("{percent:?} is no number from 0 to 100"))?;
    let message = joined(message)?;
    Ok(Request::Plain(Call::Progress { percent: number, message: Some(message).filter(|message| !message.is_empty()) }))
}

fn secret(arguments: &[OsString]) -> Result<Request, String> {
    match after("secret", "get", arguments)? {
        [name] if !name.is_empty() => Ok(Request::Plain(Call::SecretGet { name: text(name)?.to_owned() })),
        _ => Err("one name: attune-agent secret get NAME".to_owned()),
    }
}

fn log(arguments: &[OsString]) -> Result<Request, String> {
    let [level, message @ ..] = arguments else {
        return Err("a level and a message: attune-agent log LEVEL MESSAGE".to_owned());
    };
    let known = Level::ALL.iter().find(|(name, _)| level == name);
    let (_, known) = known.ok_or_else(|| format!("{level:?} is none of debug, info, warning, error"))?;
    Ok(Request::Plain(Call::Log { level: *known, message: joined(message)? }))
}

/// What follows the only verb of a noun.
fn after<'a>(noun: &str, verb: &str, arguments: &'a [OsString]) -> Result<&'a [OsString], String> {
    match arguments.split_first() {
        Some((first, rest)) if first == verb => Ok(rest),
        _ => Err(format!("attune-agent {noun} {verb} ...; see attune-agent {noun} --help")),
    }
}

fn joined(words: &[OsString]) -> Result<String, String> {
    Ok(words.iter().map(|word| text(word)).collect::<Result<Vec<&str>, String>>()?.join(" "))
}

fn text(argument: &OsStr) -> Result<&str, String> {
    argument.to_str().ok_or_else(|| format!("{argument:?} is not UTF-8"))
}

impl Request {
    /// What is being done, for messages.
    pub(super) fn doing(&self) -> String {
        match self {
            Self::Output { .. } | Self::OutputFromInput { .. } => "output set".to_owned(),
            Self::Artifact { name, .. } => format!("artifact put {name}"),
            Self::Plain(Call::SecretGet { name }) => format!("secret get {name}"),
            Self::Plain(Call::Log { .. }) => "log".to_owned(),
            Self::Plain(_) => "progress".to_owned(),
        }
    }

    /// The call with its body and its file.
    pub(super) fn make(self) -> Result<(Call, Vec<u8>, Option<File>), Failure> {
        Ok(match self {
            Self::Output { text, merge } => (Call::OutputSet { merge }, limited(text.into_bytes())?, None),
            Self::OutputFromInput { merge } => (Call::OutputSet { merge }, limited(input()?)?, None),
            Self::Artifact { name, path } => {
                // Without waiting: a pipe would wait for somebody who writes.
                let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(&path);
                let failed = |error: io::Error| Failure::Input(format!("{}: {error}", path.display()));
                let file = file.map_err(failed)?;
                if !file.metadata().map_err(failed)?.is_file() {
                    return Err(Failure::Input(format!("{} is no regular file", path.display())));
                }
                (Call::ArtifactPut { name }, Vec::new(), Some(file))
            }
            // Arguments are seen by every process of the machine, standard input is not.
            Self::Plain(Call::Log { level, message }) if message == FROM_INPUT => {
                (Call::Log { level, message: words()? }, Vec::new(), None)
            }
            Self::Plain(Call::Progress { percent, message: Some(message) }) if message == FROM_INPUT => {
                let message = Some(words()?).filter(|message| !message.is_empty());
                (Call::Progress { percent, message }, Vec::new(), None)
            }
            Self::Plain(call) => (call, Vec::new(), None),
        })
    }
}

/// Standard input, and a byte more than may be.
fn input() -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    let read = io::stdin().lock().take(MAX_VALUE as u64 + 1).read_to_end(&mut text);
    read.map_err(|error| Failure::Input(format!("standard input: {error}")))?;
    Ok(text)
}

/// A message from standard input, without its last line end.
fn words() -> Result<String, Failure> {
    let text = limited(input()?)?;
    let text = String::from_utf8(text).map_err(|_| Failure::Input("standard input is not UTF-8".to_owned()))?;
    Ok(text.strip_suffix('\n').map(str::to_owned).unwrap_or(text))
}

fn limited(text: Vec<u8>) -> Result<Vec<u8>, Failure> {
    if text.len() <= MAX_VALUE {
        return Ok(text);
    }
    let why = format!("the result has more than {MAX_VALUE} bytes; put what is large as an artifact");
    Err(Failure::Input(why))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_words(words: &[&str]) -> Result<Asked, String> {
        read(&words.iter().map(OsString::from).collect::<Vec<_>>())
    }

    fn set(words: &[&str]) -> Result<(String, bool), String> {
        match read_words(&[&["output", "set"], words].concat())? {
            Asked::Request(Request::Output { text, merge }) => Ok((text, merge)),
            other => panic!("{words:?}: {other:?}"),
        }
    }

    #[test]
    fn fields_and_values_are_told_apart() {
        for (words, text, merge) in [
            (&["a=1", "b:=[1, 2]", "c=x=y"][..], "{\"a\":\"1\",\"b\":[1,2],\"c\":\"x=y\"}", true),
            (&["a="], "{\"a\":\"\"}", true),
            (&["a-b.c="], "{\"a-b.c\":\"\"}", true),
            (&["{\"a\": \"x=y\"}"], "{\"a\": \"x=y\"}", false),
            (&["\"a=b\""], "\"a=b\"", false),
            (&["7"], "7", false),
            (&["--", "-7"], "-7", false),
            (&["-7"], "-7", false),
            (&["hello"], "hello", false),
            (&["--merge", "{\"a\": 1}"], "{\"a\": 1}", true),
        ] {
            assert_eq!(set(words), Ok((text.to_owned(), merge)), "{words:?}");
        }
        assert!(set(&[]).expect_err("nothing").contains("nothing to set"));
        assert!(set(&["a=1", "{}"]).expect_err("mixed").contains("{}"));
        assert!(set(&["n:=one"]).expect_err("not JSON").contains("n=..."));
    }

    #[test]
    fn every_call_has_its_words() {
        let plain = |call| Ok(Asked::Request(Request::Plain(call)));
        let artifact =
            |name: &str, path: &str| Ok(Asked::Request(Request::Artifact { name: name.to_owned(), path: path.into() }));
        let done = |percent, message: Option<&str>| plain(Call::Progress { percent, message: message.map(Into::into) });
        for (words, expected) in [
            (&["artifact", "put", "/tmp/a.csv"][..], artifact("a.csv", "/tmp/a.csv")),
            (&["artifact", "put", "x/y", "/tmp/a.csv"], artifact("x/y", "/tmp/a.csv")),
            (&["progress", "40"], done(40.0, None)),
            (&["progress", "99.5%", "two", "words"], done(99.5, Some("two words"))),
            (&["secret", "get", "db"], plain(Call::SecretGet { name: "db".into() })),
            (
                &["log", "warning", "disk", "full"],
                plain(Call::Log { level: Level::Warning, message: "disk full".into() }),
            ),
            (&["output", "set", "-"], Ok(Asked::Request(Request::OutputFromInput { merge: false }))),
            (&["output", "set", "--merge", "-"], Ok(Asked::Request(Request::OutputFromInput { merge: true }))),
            (&[], Ok(Asked::Help(help::ALL))),
            (&["--help"], Ok(Asked::Help(help::ALL))),
            (&["output", "--help"], Ok(Asked::Help(help::OUTPUT))),
            (&["output", "set", "--help"], Ok(Asked::Help(help::OUTPUT))),
            (&["secret", "-h"], Ok(Asked::Help(help::SECRET))),
        ] {
            assert_eq!(read_words(words), expected, "{words:?}");
        }
        for words in [
            &["output"][..],
            &["output", "get"],
            &["artifact", "put"],
            &["artifact", "put", ".."],
            &["artifact", "put", "a", "b", "c"],
            &["progress"],
            &["progress", "101"],
            &["progress", "NaN"],
            &["secret", "get"],
            &["secret", "get", ""],
            &["log", "loud", "x"],
            &["outptu"],
        ] {
            assert!(read_words(words).is_err(), "{words:?}");
        }
    }
}
