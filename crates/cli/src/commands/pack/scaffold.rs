//! What a new pack consists of.

use clap::ValueEnum;

/// A language that a first action can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    Shell,
    Python,
    Node,
    Ruby,
    Perl,
}

/// One file of a new pack.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) is_executable: bool,
}

impl Language {
    /// The runtime's name, the file's extension, and the script.
    const fn script(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Shell => ("shell", "sh", SHELL),
            Self::Python => ("python", "py", PYTHON),
            Self::Node => ("node", "js", NODE),
            Self::Ruby => ("ruby", "rb", RUBY),
            Self::Perl => ("perl", "pl", PERL),
        }
    }

    /// How its parameters arrive and its result leaves: a shell has no JSON, so it reads variables and calls the helper.
    const fn delivery(self) -> &'static str {
        match self {
            Self::Shell => "parameter_delivery: env\n",
            Self::Python | Self::Node | Self::Ruby | Self::Perl => "output_format: json\n",
        }
    }
}

/// The files of a new pack called `name`.
pub(crate) fn files(name: &str, language: Language) -> Vec<File> {
    let (runtime, extension, script) = language.script();
    let file = |path: &str, text: String| File { path: path.to_owned(), text, is_executable: false };
    vec![
        file("pack.yaml", PACK.replace("{name}", name)),
        file(
            "actions/hello.yaml",
            ACTION
                .replace("{name}", name)
                .replace("{runtime}", runtime)
                .replace("{extension}", extension)
                .replace("{delivery}", language.delivery()),
        ),
        File { is_executable: true, ..file(&format!("actions/hello.{extension}"), script.to_owned()) },
        file("tests/hello.yaml", TEST.replace("{name}", name)),
        file("README.md", README.replace("{name}", name)),
    ]
}

const PACK: &str = "\
ref: {name}
label: {name}
description: What this pack is for.
version: 0.1.0
";

const ACTION: &str = "\
ref: {name}.hello
label: Say hello
description: Greets somebody.
runner_type: {runtime}
entry_point: hello.{extension}
parameters:
  name:
    type: string
    description: Who is greeted.
    required: true
{delivery}output_schema:
  type: object
  required: [greeting]
  properties:
    greeting: {type: string}
timeout_seconds: 30
";

const TEST: &str = "\
# Run with `attune pack test`. Each case runs the action for real and looks at how it ended.
- name: greets by name
  action: {name}.hello
  parameters: {name: Ada}
  expect:
    result: {greeting: \"Hello, Ada!\"}
- name: needs a name
  action: {name}.hello
  expect:
    refused: name
";

const README: &str = "\
# {name}

    attune pack check .
    attune pack test .
    attune run {name}.hello name=Ada --packs-dir ..

`actions/` holds one YAML file per action and its script beside it, `lib/` code that actions share, `runtimes/` languages
that Attune does not know yet, `tests/` what `attune pack test` runs. Dependencies go into the usual file of the language
(`requirements.txt`, `package.json`, `Gemfile`); they are installed once per interpreter, before the first run.
";

const SHELL: &str = r#"#!/bin/sh
set -eu
echo "greeting $ATTUNE_PARAM_NAME" >&2
attune-agent output set greeting="Hello, $ATTUNE_PARAM_NAME!"
"#;

const PYTHON: &str = r#"import json
import sys

parameters = json.load(sys.stdin)
print("greeting", parameters["name"], file=sys.stderr)
json.dump({"greeting": f"Hello, {parameters['name']}!"}, sys.stdout)
"#;

const NODE: &str = r#"const parameters = JSON.parse(require("fs").readFileSync(0, "utf8"));
console.error("greeting", parameters.name);
console.log(JSON.stringify({ greeting: `Hello, ${parameters.name}!` }));
"#;

const RUBY: &str = r##"require "json"

parameters = JSON.parse($stdin.read)
warn "greeting #{parameters["name"]}"
puts JSON.generate(greeting: "Hello, #{parameters["name"]}!")
"##;

const PERL: &str = r#"use strict;
use warnings;
use JSON::PP;

local $/;
my $parameters = decode_json(<STDIN>);
print STDERR "greeting $parameters->{name}\n";
print encode_json({ greeting => "Hello, $parameters->{name}!" });
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_new_pack_keeps_the_rules() {
        for language in Language::value_variants() {
            let folder = tempfile::tempdir().expect("a folder");
            for file in files("demo-1", *language) {
                let path = folder.path().join(&file.path);
                std::fs::create_dir_all(path.parent().expect("inside")).expect("a folder");
                std::fs::write(path, file.text).expect("written");
            }
            let pack = attune_pack::Pack::load(folder.path()).expect("it keeps the rules");
            assert_eq!((pack.spec.pack_ref.as_str(), pack.actions.len()), ("demo-1", 1), "{language:?}");
        }
    }
}
