//! Actions that call their worker, in every language that is here.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use attune_config::SandboxFilesystem;
use attune_pack::{Overrides, inline_spec};
use attune_store::{Store, StoreError};
use attune_types::{
    ArtifactRule, AttemptNumber, DetailedArtifactRule, Execution, ExecutionId, ExecutionSpec, InlineCode, LogChunk,
    LogStream, Outcome, OutputFormat,
};
use attune_worker::helper::{HelperProgram, SecretBytes, SecretRefusal, SecretRequest, SecretSource};
use attune_worker::{ArtifactStore, WorkerHandle};
use serde_json::{Map, Value, json};

use crate::fixture::{Fixture, exited, in_system, shell};

/// Keeps files in memory and logs in the store.
struct Shelf {
    store: Arc<dyn Store>,
    files: Mutex<BTreeMap<String, Vec<u8>>>,
}

#[async_trait]
impl ArtifactStore for Shelf {
    async fn append_logs(&self, chunks: Vec<LogChunk>) -> Result<(), StoreError> {
        self.store.append_logs(chunks).await
    }

    async fn put_file(&self, _: ExecutionId, _: AttemptNumber, name: &str, path: PathBuf) -> Result<(), StoreError> {
        let content = std::fs::read(path).expect("it is there");
        self.files.lock().expect("not poisoned").insert(name.to_owned(), content);
        Ok(())
    }
}

struct OneSecret;

#[async_trait]
impl SecretSource for OneSecret {
    async fn secret(&self, request: &SecretRequest) -> Result<SecretBytes, SecretRefusal> {
        match request.name.as_str() {
            "db" => Ok(SecretBytes::new("s3cr\u{e4}t \"quoted\"".into())),
            _ => Err(SecretRefusal::NotGranted),
        }
    }
}

/// A worker whose actions can call it.
struct Stage {
    fixture: Fixture,
    worker: WorkerHandle,
    shelf: Arc<Shelf>,
}

impl Stage {
    async fn new() -> Self {
        Self::with(SandboxFilesystem::Protect).await
    }

    async fn with(filesystem: SandboxFilesystem) -> Self {
        let fixture = Fixture::embedded().await;
        let mut settings = fixture.settings();
        settings.helper_program = HelperProgram::At(env!("CARGO_BIN_EXE_attune-agent").into());
        settings.runtimes = Some(["shell", "native", "python", "node", "ruby", "perl"].map(str::to_owned).to_vec());
        settings.sandbox.filesystem = filesystem;
        let shelf = Arc::new(Shelf { store: Arc::clone(&fixture.store), files: Mutex::default() });
        let builder = fixture.builder(settings).secrets(Arc::new(OneSecret));
        let builder = builder.artifact_store(Arc::clone(&shelf) as Arc<dyn ArtifactStore>);
        let worker = builder.start().await.expect("the worker starts");
        Self { fixture, worker, shelf }
    }

    async fn run(&self, spec: ExecutionSpec) -> Execution {
        let id = self.fixture.run_spec(&self.worker, spec, Map::new()).await;
        self.fixture.ended(id).await
    }

    async fn shell(&self, script: &str) -> Execution {
        self.run(shell(script)).await
    }

    async fn output(&self, execution: &Execution, stream: LogStream) -> String {
        self.fixture.output(execution.id, stream).await
    }

    fn file(&self, name: &str) -> Option<String> {
        let files = self.shelf.files.lock().expect("not poisoned");
        files.get(name).map(|content| String::from_utf8(content.clone()).expect("text"))
    }

    async fn close(self) {
        self.fixture.stop(&self.worker).await;
    }
}

fn written_in(runtime: &str, name: &str, script: &str) -> ExecutionSpec {
    let code = InlineCode { name: name.to_owned(), content: script.to_owned() };
    let mut spec = inline_spec(code, runtime, &Overrides::default());
    spec.secrets = vec!["db".into(), "other".into()];
    spec
}

const SHELL: &str = r#"
. "$ATTUNE_SHELL_LIB"
progress 25 reading
printf content >file-of-shell && put_artifact folder/kept.txt file-of-shell
set_output 'list:=[1, "two"]'
set_output secret="$(get_secret db)"
get_secret other 2>words && exit 9
set_output refused="$(cat words)"
write_log warning "mind the gap"
"#;

const PYTHON: &str = r#"
import attune
attune.progress(25, "reading")
open("file-of-python", "w").write("content")
attune.put_artifact("file-of-python", "folder/kept.txt")
attune.set_output({"list": [1, "two"]})
attune.set_output(secret=attune.get_secret("db"))
try:
    attune.get_secret("other")
except attune.Refused as refused:
    attune.set_output(refused=str(refused))
attune.log("warning", "mind the gap")
"#;

const NODE: &str = r#"
const attune = require('attune');
attune.progress(25, 'reading');
require('fs').writeFileSync('file-of-node', 'content');
attune.putArtifact('file-of-node', 'folder/kept.txt');
attune.setOutput({ list: [1, 'two'] });
attune.setOutputFields({ secret: attune.getSecret('db') });
try {
  attune.getSecret('other');
} catch (refused) {
  if (!(refused instanceof attune.Refused)) throw refused;
  attune.setOutputFields({ refused: refused.message });
}
attune.log('warning', 'mind the gap');
"#;

const NODE_MODULE: &str = r#"
import { writeFileSync } from 'node:fs';
const attune = await import(process.env.ATTUNE_NODE_MODULE);
attune.progress(25, 'reading');
writeFileSync('file-of-module', 'content');
attune.putArtifact('file-of-module', 'folder/kept.txt');
attune.setOutput({ list: [1, 'two'] });
attune.default.setOutputFields({ secret: attune.getSecret('db') });
try {
  attune.getSecret('other');
} catch (refused) {
  if (!(refused instanceof attune.Refused)) throw refused;
  attune.setOutputFields({ refused: refused.message });
}
attune.log('warning', 'mind the gap');
"#;

const RUBY: &str = r#"
require 'attune'
Attune.progress(25, 'reading')
File.write('file-of-ruby', 'content')
Attune.put_artifact('file-of-ruby', 'folder/kept.txt')
Attune.set_output({ list: [1, 'two'] })
Attune.set_output_fields(secret: Attune.get_secret('db'))
begin
  Attune.get_secret('other')
rescue Attune::Refused => e
  Attune.set_output_fields(refused: e.message)
end
Attune.log('warning', 'mind the gap')
"#;

const PERL: &str = r#"
use strict; use warnings;
use Encode ();
use Attune qw(set_output set_output_fields put_artifact progress get_secret write_log);
progress(25, 'reading');
open(my $file, '>', 'file-of-perl') or die; print {$file} 'content'; close $file;
put_artifact('file-of-perl', 'folder/kept.txt');
set_output({ list => [1, 'two'] });
set_output_fields({ secret => Encode::decode('UTF-8', get_secret('db')) });
eval { get_secret('other'); 1 } and die;
chomp(my $refused = $@);
set_output_fields({ refused => $refused });
write_log('warning', 'mind the gap');
"#;

#[test]
fn every_language_sets_results_keeps_files_reports_and_asks() {
    in_system(async {
        let stage = Stage::new().await;
        let mut ran = Vec::new();
        for (runtime, name, script) in [
            ("shell", "script.sh", SHELL),
            ("python", "script.py", PYTHON),
            ("node", "script.js", NODE),
            ("node", "script.mjs", NODE_MODULE),
            ("ruby", "script.rb", RUBY),
            ("perl", "script.pl", PERL),
        ] {
            // A runtime that is not installed cannot be tried; the shell always is.
            if !stage.worker.capabilities().runtimes.iter().any(|known| known == runtime) {
                continue;
            }
            let execution = stage.run(written_in(runtime, name, script)).await;
            let said = stage.output(&execution, LogStream::Stderr).await;
            assert_eq!(execution.outcome, exited(0), "{name}: {said}");
            let result = execution.result.clone().expect("a result");
            assert_eq!(result["list"], json!([1, "two"]), "{name}");
            // It was read; and a secret in a result is masked like one in a log.
            assert_eq!(result["secret"], "***", "{name}");
            let refused = result["refused"].as_str().expect("words").to_owned();
            assert!(refused.contains("secret other is not granted to"), "{name}: {refused}");
            let system = stage.output(&execution, LogStream::System).await;
            assert_eq!(system, "progress 25 %: reading\nwarning from the action: mind the gap\n", "{name}");
            assert_eq!(
                stage.shelf.files.lock().expect("not poisoned").remove("folder/kept.txt"),
                Some(b"content".into())
            );
            ran.push(name);
        }
        assert!(ran.contains(&"script.sh"), "{ran:?}");
        stage.close().await;
    });
}

#[test]
fn a_result_that_was_set_wins_over_the_file_and_that_over_standard_output() {
    in_system(async {
        let stage = Stage::new().await;
        let file = "printf '{\"from\": \"file\"}' >\"$ATTUNE_RESULT_FILE\"; echo '{\"from\": \"stdout\"}'";
        for (script, from) in [
            (format!("{file}; attune-agent output set from=call"), "call"),
            (format!("attune-agent output set from=call; {file}"), "call"),
            (file.to_owned(), "file"),
            ("echo '{\"from\": \"stdout\"}'".to_owned(), "stdout"),
        ] {
            let mut spec = shell(&script);
            spec.output_format = OutputFormat::Json;
            let execution = stage.run(spec).await;
            assert_eq!(execution.result, Some(json!({"from": from})), "{script}: {:?}", execution.outcome);
        }
        let mut spec = shell("attune-agent output set n=1");
        spec.output_schema = Some(json!({"properties": {"n": {"type": "integer"}}}));
        let execution = stage.run(spec).await;
        assert!(matches!(execution.outcome, Some(Outcome::OutputInvalid { .. })), "{execution:?}");
        let execution = stage.shell("attune-agent output set '{'; attune-agent output set n:=1; exit 3").await;
        assert_eq!((execution.outcome, execution.result), (exited(3), Some(json!({"n": 1}))));
        stage.close().await;
    });
}

#[test]
fn grandchildren_call_too_and_who_closed_the_descriptor_hears_why_not() {
    in_system(async {
        let stage = Stage::new().await;
        let execution = stage.shell("sh -c 'sh -c \"attune-agent output set deep:=true\"; exit $?'").await;
        assert_eq!((execution.outcome, execution.result), (exited(0), Some(json!({"deep": true}))));
        for script in [
            "exec 3>&-; attune-agent output set a=1",
            "exec 3>/dev/null; attune-agent output set a=1",
            "unset ATTUNE_HELPER_FD; attune-agent output set a=1",
        ] {
            let execution = stage.shell(script).await;
            assert_eq!((&execution.outcome, &execution.result), (&exited(69), &None), "{script}");
            let words = stage.output(&execution, LogStream::Stderr).await;
            assert!(words.starts_with("attune-agent: output set: not inside an execution: "), "{words}");
            assert_eq!(words.lines().count(), 1, "{words}");
        }
        let execution = stage.shell("attune-agent outptu set a=1").await;
        assert_eq!(execution.outcome, exited(64));
        let execution = stage.shell("attune-agent --help; attune-agent").await;
        let help = stage.output(&execution, LogStream::Stdout).await;
        assert!(help.matches("attune-agent output set NAME=TEXT").count() == 2, "{help}");
        stage.close().await;
    });
}

#[test]
fn the_strictest_sandbox_lets_calls_through_and_nothing_of_the_helper_be_changed() {
    in_system(async {
        for filesystem in [SandboxFilesystem::Strict, SandboxFilesystem::Protect] {
            let stage = Stage::with(filesystem).await;
            let script = "echo content >kept.txt; attune-agent artifact put kept.txt && attune-agent output set n:=1
                echo evil >\"$ATTUNE_SHELL_LIB\"; rm -f \"$ATTUNE_AGENT\"; cat \"${ATTUNE_AGENT%/*/*/*}/incarnation\" >&2 && echo readable >&2
                . \"$ATTUNE_SHELL_LIB\"; set_output m:=2";
            let execution = stage.shell(script).await;
            let words = stage.output(&execution, LogStream::Stderr).await;
            assert_eq!(execution.outcome, exited(0), "{words}");
            assert_eq!(execution.result, Some(json!({"n": 1, "m": 2})), "{words}");
            assert_eq!(stage.file("kept.txt").as_deref(), Some("content\n"));
            // A kernel without Landlock has nothing to protect files with.
            if stage.worker.capabilities().sandbox_level >= 2 {
                assert!(!words.contains("readable"), "{words}");
            }
            stage.close().await;
        }
    });
}

#[test]
fn fifty_processes_of_one_action_call_at_once() {
    in_system(async {
        let stage = Stage::new().await;
        let script = "for i in $(seq 50); do attune-agent output set n$i:=$i & done; wait";
        let execution = stage.shell(script).await;
        let words = stage.output(&execution, LogStream::Stderr).await;
        assert_eq!(execution.outcome, exited(0), "{words}");
        let expected: Map<String, Value> = (1..=50).map(|number| (format!("n{number}"), number.into())).collect();
        assert_eq!(execution.result, Some(Value::Object(expected)), "{words}");
        stage.close().await;
    });
}

#[test]
fn large_results_arrive_and_too_large_ones_are_refused_on_the_spot() {
    in_system(async {
        let stage = Stage::new().await;
        let text = "text() { printf '\"'; head -c $1 /dev/zero | tr '\\0' x; printf '\"'; }";
        let script =
            format!("{text}; text 1000000 | attune-agent output set - && text 1100000 | attune-agent output set -");
        let execution = stage.shell(&script).await;
        assert_eq!(execution.outcome, exited(64));
        let size = execution.result.as_ref().and_then(Value::as_str).map(str::len);
        assert_eq!(size, Some(1_000_000), "the earlier result stands");
        let execution =
            stage.shell("attune-agent artifact put ../up /dev/null; mkfifo p; attune-agent artifact put p").await;
        assert_eq!(execution.outcome, exited(64));
        let words = stage.output(&execution, LogStream::Stderr).await;
        assert_eq!(words.lines().count(), 2, "{words}");
        assert_eq!(stage.file("../up"), None);
        let required = || ArtifactRule::Detailed(DetailedArtifactRule { path: "*.csv".into(), required: true });
        for (script, is_there) in [("echo 1 >x; attune-agent artifact put rows.csv x", true), ("true", false)] {
            let mut spec = shell(script);
            spec.artifacts = vec![required()];
            let execution = stage.run(spec).await;
            assert_eq!(execution.outcome == exited(0), is_there, "{script}: {:?}", execution.outcome);
        }
        stage.close().await;
    });
}
