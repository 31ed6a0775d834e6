//! What packs need of their languages' package managers: real tools of the distribution, private sources on disk.

use std::path::Path;

use attune_testkit::archive::zip;
use serde_json::json;

use crate::scratch::{Scratch, Site, does_without, figure, tool};

/// A language, its script, how it takes parameters, and what it needs, as `scripts/install-test-languages.sh` calls it.
const ACTIONS: [(&str, (&str, &str), &str, &str); 8] = [
    (
        "python",
        (
            "greet.py",
            "import json, sys, greeter\nprint(json.dumps({'greeting': greeter.greet(json.load(sys.stdin)['name'])}))\n",
        ),
        "stdin",
        "python",
    ),
    (
        "node",
        (
            "greet.mjs",
            "import { greet } from 'greeter';\nimport { createRequire } from 'node:module';\nimport fs from 'node:fs';\n\
             const again = createRequire(import.meta.url)('greeter');\n\
             if (again.greet('x') !== greet('x')) throw new Error('required and imported differ');\n\
             console.log(JSON.stringify({ greeting: greet(JSON.parse(fs.readFileSync(0)).name) }));\n",
        ),
        "stdin",
        "npm",
    ),
    (
        "ruby",
        (
            "greet.rb",
            "require 'json'\nrequire 'bundler/setup'\nrequire 'greeter'\n\
             puts JSON.generate({greeting: Greeter.greet(JSON.parse($stdin.read)['name'])})\n",
        ),
        "stdin",
        "bundler",
    ),
    (
        "perl",
        (
            "greet.pl",
            "use JSON::PP; use Text::Greeter; local $/;\n\
             print encode_json({greeting => Text::Greeter::greet(decode_json(<STDIN>)->{name})});\n",
        ),
        "stdin",
        "cpanm",
    ),
    (
        "r",
        (
            "greet.R",
            "library(greeter)\ncat(sprintf('{\"greeting\": \"%s\"}\\n', greet(Sys.getenv('ATTUNE_PARAM_NAME'))))\n",
        ),
        "env",
        "r",
    ),
    (
        "go",
        (
            "greet.go",
            "package main\n\nimport (\n\t\"encoding/json\"\n\t\"os\"\n\n\t\"example.com/greeter\"\n)\n\nfunc main() {\n\
             \tvar parameters struct{ Name string }\n\tif json.NewDecoder(os.Stdin).Decode(&parameters) != nil {\n\t\tos.Exit(2)\n\t}\n\
             \tjson.NewEncoder(os.Stdout).Encode(map[string]string{\"greeting\": greeter.Greet(parameters.Name)})\n}\n",
        ),
        "stdin",
        "go",
    ),
    (
        "java",
        (
            "Greet.java",
            "public class Greet {\n    public static void main(String[] arguments) {\n        String name = System.getenv(\"ATTUNE_PARAM_NAME\");\n\
             \x20       System.out.println(\"{\\\"greeting\\\": \\\"\" + greeter.Greeter.greet(name) + \"\\\"}\");\n    }\n}\n",
        ),
        "env",
        "java",
    ),
    // Modules of the pack's own folder: nothing is fetched, and nothing could be.
    (
        "vendored.go",
        (
            "greet.go",
            "package main\n\nimport (\n\t\"fmt\"\n\n\t\"example.com/greeter\"\n)\n\nfunc main() {\n\
             \tfmt.Printf(\"{\\\"greeting\\\": %q}\\n\", greeter.Greet(\"Ada\"))\n}\n",
        ),
        "env",
        "go",
    ),
];

const GO_MODULE: &str = "module example.com/greeter\n\ngo 1.17\n";
const GO_SOURCE: &str = "package greeter\n\nfunc Greet(name string) string { return \"Hello, \" + name }\n";

/// A wheel in a folder, for pip and uv.
fn python(scratch: &Scratch) -> Vec<(&'static str, String)> {
    let metadata = "Metadata-Version: 2.1\nName: greeter\nVersion: 1.0\n";
    let wheel = zip(&[
        ("greeter.py", "def greet(name):\n    return 'Hello, ' + name\n"),
        ("greeter-1.0.dist-info/METADATA", metadata),
        ("greeter-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"),
        ("greeter-1.0.dist-info/RECORD", ""),
    ]);
    scratch.write("sources/wheels/greeter-1.0-py3-none-any.whl", wheel);
    scratch.write("packs/python/requirements.txt", "greeter >= 1.0\n");
    let wheels = scratch.place("sources/wheels");
    vec![
        ("PIP_NO_INDEX", "1".into()),
        ("PIP_FIND_LINKS", wheels.clone()),
        ("UV_NO_INDEX", "1".into()),
        ("UV_FIND_LINKS", wheels),
    ]
}

/// A package in the pack's own vendor folder, required and imported.
fn node(scratch: &Scratch) -> Vec<(&'static str, String)> {
    let declaration =
        json!({"name": "greeter", "version": "1.0.0", "exports": {"import": "./greet.mjs", "require": "./greet.cjs"}});
    scratch.write("packs/node/vendor/greeter/package.json", declaration.to_string());
    scratch.write("packs/node/vendor/greeter/greet.mjs", "export const greet = (name) => `Hello, ${name}`;\n");
    scratch.write("packs/node/vendor/greeter/greet.cjs", "exports.greet = (name) => `Hello, ${name}`;\n");
    let needs = json!({"name": "needs", "version": "1.0.0", "private": true, "dependencies": {"greeter": "file:vendor/greeter"}});
    scratch.write("packs/node/package.json", needs.to_string());
    vec![("NPM_CONFIG_OFFLINE", "true".into())]
}

/// A gem server's files, in the place of the public one.
fn ruby(scratch: &Scratch) -> Vec<(&'static str, String)> {
    scratch.write(
        "sources/gem/greeter.gemspec",
        "Gem::Specification.new do |gem|\n  gem.name = 'greeter'\n  gem.version = '1.2.3'\n  gem.summary = 'Greets.'\n  \
         gem.authors = ['x']\n  gem.files = ['lib/greeter.rb']\nend\n",
    );
    scratch.write("sources/gem/lib/greeter.rb", "module Greeter\n  def self.greet(name) = \"Hello, #{name}\"\nend\n");
    std::fs::create_dir_all(scratch.path("sources/gems/gems")).expect("folders");
    let built = scratch.place("sources/gems/gems/greeter-1.2.3.gem");
    tool("gem", &["build", "greeter.gemspec", "--output", &built], &[], &scratch.path("sources/gem"));
    tool("gem", &["generate_index"], &[], &scratch.path("sources/gems"));
    scratch.write("packs/ruby/Gemfile", "source 'https://rubygems.org'\ngem 'greeter', '~> 1.2'\n");
    vec![("BUNDLE_MIRROR__ALL", format!("file://{}", scratch.place("sources/gems")))]
}

/// A mirror with one distribution in it.
fn perl(scratch: &Scratch) -> Vec<(&'static str, String)> {
    let folder = "sources/perl/Text-Greeter-1.02";
    let make =
        "use ExtUtils::MakeMaker;\nWriteMakefile(NAME => 'Text::Greeter', VERSION_FROM => 'lib/Text/Greeter.pm');\n";
    scratch.write(&format!("{folder}/Makefile.PL"), make);
    let module = "package Text::Greeter;\nour $VERSION = '1.02';\nsub greet { \"Hello, $_[0]\" }\n1;\n";
    scratch.write(&format!("{folder}/lib/Text/Greeter.pm"), module);
    let place = "authors/id/X/XX/XX/Text-Greeter-1.02.tar.gz";
    let archive = scratch.write(&format!("sources/cpan/{place}"), "");
    let archive = archive.display().to_string();
    tool("tar", &["czf", &archive, "Text-Greeter-1.02"], &[], &scratch.path("sources/perl"));
    let index = scratch.write(
        "sources/cpan/modules/02packages.details.txt",
        format!("File: 02packages.details.txt\nColumns: package name, version, path\nLine-Count: 1\n\nText::Greeter 1.02 {}\n", &place[11..]),
    );
    tool("gzip", &[&index.display().to_string()], &[], &scratch.path("sources"));
    scratch.write("packs/perl/cpanfile", "requires 'Text::Greeter', '>= 1.0';\n");
    vec![("PERL_CPANM_OPT", format!("--mirror file://{} --mirror-only", scratch.place("sources/cpan")))]
}

/// A repository of source packages.
fn r(scratch: &Scratch) -> Vec<(&'static str, String)> {
    let description = "Package: greeter\nVersion: 1.0\nTitle: Greets\nDescription: Greets.\nAuthor: x\n\
                       Maintainer: x <x@example.com>\nLicense: MIT\n";
    scratch.write("sources/r/greeter/DESCRIPTION", description);
    scratch.write("sources/r/greeter/NAMESPACE", "export(greet)\n");
    scratch.write("sources/r/greeter/R/greet.R", "greet <- function(name) paste0('Hello, ', name)\n");
    let contrib = scratch.path("sources/cran/src/contrib");
    std::fs::create_dir_all(&contrib).expect("folders");
    tool("R", &["CMD", "build", "../../../r/greeter"], &[], &contrib);
    tool("Rscript", &["--vanilla", "-e", "tools::write_PACKAGES('.', type = 'source')"], &[], &contrib);
    scratch.write("packs/r/DESCRIPTION", "Package: needs\nVersion: 1.0\nImports: greeter (>= 1.0)\n");
    vec![("CRAN", format!("file://{}", scratch.place("sources/cran")))]
}

/// A module proxy's files.
fn go(scratch: &Scratch) -> Vec<(&'static str, String)> {
    let place = "sources/go/example.com/greeter/@v";
    scratch.write(&format!("{place}/list"), "v1.0.0\n");
    scratch.write(
        &format!("{place}/v1.0.0.info"),
        json!({"Version": "v1.0.0", "Time": "2026-01-01T00:00:00Z"}).to_string(),
    );
    scratch.write(&format!("{place}/v1.0.0.mod"), GO_MODULE);
    let files =
        [("example.com/greeter@v1.0.0/go.mod", GO_MODULE), ("example.com/greeter@v1.0.0/greeter.go", GO_SOURCE)];
    scratch.write(&format!("{place}/v1.0.0.zip"), zip(&files));
    let needs = "module needs\n\ngo 1.17\n\nrequire example.com/greeter v1.0.0\n";
    scratch.write("packs/go/go.mod", needs);
    let proxy = format!("file://{}", scratch.place("sources/go"));
    let home = scratch.place("out/gohome");
    let told = [
        ("GOPROXY", proxy.as_str()),
        ("GONOSUMDB", "*"),
        ("GONOSUMCHECK", "1"),
        ("GOFLAGS", "-mod=mod"),
        ("GOPATH", &home),
    ];
    // What the author of a pack does once: it writes go.sum.
    tool("go", &["mod", "download", "example.com/greeter"], &told, &scratch.path("packs/go"));

    scratch.write("packs/vendored/go.mod", needs);
    scratch.write("packs/vendored/vendor/example.com/greeter/greeter.go", GO_SOURCE);
    let listed = "# example.com/greeter v1.0.0\n## explicit; go 1.17\nexample.com/greeter\n";
    scratch.write("packs/vendored/vendor/modules.txt", listed);
    vec![("GOPROXY", proxy), ("GONOSUMDB", "*".into())]
}

/// A jar in the pack's own lib folder: for the language whose package manager a pack seldom needs.
fn java(scratch: &Scratch) -> Vec<(&'static str, String)> {
    scratch.write(
        "sources/java/greeter/Greeter.java",
        "package greeter;\n\npublic class Greeter {\n    public static String greet(String name) {\n        return \"Hello, \" + name;\n    }\n}\n",
    );
    let folder = scratch.path("sources/java");
    tool("javac", &["greeter/Greeter.java"], &[], &folder);
    std::fs::create_dir_all(scratch.path("packs/java/lib")).expect("folders");
    tool("jar", &["cf", &scratch.place("packs/java/lib/greeter.jar"), "greeter/Greeter.class"], &[], &folder);
    Vec::new()
}

/// How often the agent began to make an environment.
fn builds(printed: &str) -> usize {
    printed.lines().filter(|line| line.contains("preparing an environment")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_language_installs_what_a_pack_needs_from_a_private_source_once() {
    let (mut without, mut actions) = (Vec::new(), Vec::new());
    for action in ACTIONS {
        match does_without(action.3) {
            true => without.push(action.3),
            false => actions.push(action),
        }
    }
    if !without.is_empty() {
        figure(&format!("NOT TESTED, as ATTUNE_TEST_WITHOUT says: dependencies by {}", without.join(", ")));
    }
    let scratch = Scratch::create();
    let mut settings = Vec::new();
    for (language, script, delivery, _) in actions.iter().copied() {
        let (pack, runner) = language.split_once('.').unwrap_or((language, language));
        let more = format!(
            "parameter_delivery: {delivery}\noutput_format: json\nparameters: {{name: {{type: string, default: Ada}}}}\n"
        );
        scratch.action(&format!("{pack}.greet"), runner, script, &more);
        settings.extend(match language {
            "python" => python(&scratch),
            "node" => node(&scratch),
            "ruby" => ruby(&scratch),
            "perl" => perl(&scratch),
            "r" => r(&scratch),
            "go" => go(&scratch),
            "java" => java(&scratch),
            _ => Vec::new(),
        });
    }
    let mut site = Site::serving(&scratch.packs()).await;
    let volume = scratch.place("volume");
    settings.push(("ATTUNE__PATHS__RUNTIME_ENVS_DIR", volume.clone()));
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    site.agent("installer", &settings);
    site.deployment.wait_for_workers(1).expect("the agent");

    let run_all = || {
        let submitted: Vec<_> = actions
            .iter()
            .map(|(language, ..)| {
                let pack = language.split('.').next().unwrap_or(language);
                (*language, site.client.submit(&format!("{pack}.greet"), &json!({})).expect("accepted"))
            })
            .collect();
        for (language, id) in &submitted {
            assert_eq!(site.result(*id), json!({"greeting": "Hello, Ada"}), "{language}");
        }
        submitted
    };
    let first = run_all();
    for (language, id) in first {
        // The jar lies where it is used: there is nothing to install.
        assert_eq!(site.was_held(id), language != "java", "{language}");
        let took = &site.attempt(id)["evidence"]["environment_ms"];
        figure(&format!("{language}: environment made in {took} ms, all of them at once"));
    }
    let before = site.deployment.workers[0].printed();
    let written = newest(volume.as_ref());
    // Again: nothing of all that is done, or even looked at.
    for (language, id) in run_all() {
        assert!(!site.was_held(id), "{language}: {:#}", site.attempt(id));
    }
    assert_eq!(builds(&site.deployment.workers[0].printed()), builds(&before));
    assert_eq!(newest(volume.as_ref()), written, "nothing was written on the volume");
}

/// The time of the file below a folder that was written last, but for Go's own notes of what it used.
fn newest(folder: &Path) -> Option<std::time::SystemTime> {
    let (mut waiting, mut newest) = (vec![folder.to_path_buf()], None);
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_dir() && entry.file_name() != "cache" {
                waiting.push(entry.path());
            } else if metadata.is_file() {
                newest = newest.max(metadata.modified().ok());
            }
        }
    }
    newest
}
