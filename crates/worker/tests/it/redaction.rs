//! Secrets that actions write, and where they are not found afterwards.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use attune_pack::{Overrides, inline_spec};
use attune_types::{Evidence, Execution, ExecutionSpec, InlineCode, LogStream};
use attune_worker::helper::{HelperProgram, SecretBytes, SecretRefusal, SecretRequest, SecretSource};
use serde_json::{Map, json};

use crate::fixture::{Fixture, exited, in_system};

const SECRET: &str = "c4nary-in-a-\"mine\"-'42'";

struct Canary;

#[async_trait]
impl SecretSource for Canary {
    async fn secret(&self, _: &SecretRequest) -> Result<SecretBytes, SecretRefusal> {
        Ok(SecretBytes::new(SECRET.into()))
    }
}

async fn run(fixture: &Fixture, runtime: &str, script: &str) -> Execution {
    let mut settings = fixture.settings();
    settings.helper_program = HelperProgram::At(env!("CARGO_BIN_EXE_attune-agent").into());
    settings.runtimes = Some(["shell", "python"].map(str::to_owned).to_vec());
    let worker = fixture.builder(settings).secrets(Arc::new(Canary)).start().await.expect("the worker starts");
    let code = InlineCode { name: "script".to_owned(), content: script.to_owned() };
    let mut spec: ExecutionSpec = inline_spec(code, runtime, &Overrides::default());
    spec.secrets = vec!["canary".into()];
    let id = fixture.run_spec(&worker, spec, Map::new()).await;
    let ended = fixture.ended(id).await;
    fixture.stop(&worker).await;
    ended
}

async fn evidence(fixture: &Fixture, execution: &Execution) -> Evidence {
    let attempts = fixture.store.attempts(execution.id).await.expect("answers");
    attempts[0].evidence.clone().expect("evidence")
}

/// What a file below `directory` holds that it must not.
fn found_below(directory: &Path, needle: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_path_buf()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(&next).into_iter().flatten().flatten() {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                open.push(path);
            } else if let Ok(content) = std::fs::read(&path)
                && content.windows(needle.len()).any(|window| window == needle)
            {
                found.push(path.display().to_string());
            }
        }
    }
    found
}

#[test]
fn sec_03_a_secret_is_masked_however_it_is_written() {
    const SCRIPT: &str = r#"
import base64, html, json, os, sys, time, urllib.parse, traceback
import attune
secret = attune.get_secret("canary")
out = sys.stdout.buffer
def say(name, text):
    out.write(name.encode() + b": " + (text if isinstance(text, bytes) else text.encode()) + b"\n")
    out.flush()
data = secret.encode()
say("raw", data)
for name in ["base64", "base64-1", "base64-2"]:
    before = b"ab"[:["base64", "base64-1", "base64-2"].index(name)]
    say(name, base64.b64encode(before + data))
say("base64url", base64.urlsafe_b64encode(data))
say("hex", data.hex())
say("HEX", data.hex().upper())
say("percent", urllib.parse.quote(secret))
say("json", json.dumps({"password": secret}))
say("xml", html.escape(secret))
say("repr", repr({"a": secret}))
say("debug", str(list(data)))
out.write(b"bytes: "); out.flush()
for byte in data:
    os.write(1, bytes([byte]))
say("", "")
out.write(b"slow: "); out.flush()
for at in range(0, len(data), 3):
    os.write(1, data[at:at + 3]); time.sleep(0.07)
say("", "")
out.write(b"x" * 65530 + data + b"\n"); out.flush()
try:
    raise ValueError("wrong password " + secret)
except ValueError:
    traceback.print_exc()
attune.log("info", "using " + secret)
attune.progress(50, "with " + secret)
attune.set_output({"token": secret, "n": 1})
"#;
    in_system(async {
        let fixture = Fixture::embedded().await;
        let ended = run(&fixture, "python", SCRIPT).await;
        assert_eq!(ended.outcome, exited(0));
        let (stdout, stderr, log) = (
            fixture.output(ended.id, LogStream::Stdout).await,
            fixture.output(ended.id, LogStream::Stderr).await,
            fixture.output(ended.id, LogStream::System).await,
        );
        let mut all = String::new();
        let _written = write!(all, "{stdout}{stderr}{log}{:?}", ended.result);
        let lines: Vec<&str> = stdout.lines().filter(|line| line.contains(": ")).collect();
        assert!(lines.len() >= 14 && lines.iter().all(|line| line.contains("***")), "{lines:#?}");
        for part in ["c4nary", "mine", "'42'", "Y2FuYXJ5", "63346e", "63346E", "99, 52"] {
            assert!(!all.contains(part), "{part} is in {}", all.replace('x', ""));
        }
        assert!(stderr.contains("ValueError: wrong password ***"), "{stderr}");
        assert!(log.contains("using ***") && log.contains("with ***"), "{log}");
        assert_eq!(ended.result, Some(json!({"token": "***", "n": 1})));
        let leaks = evidence(&fixture, &ended).await.leaks;
        let told = |place: &str, encoding: &str| {
            leaks.iter().any(|leak| leak.secret == "canary" && leak.place == place && leak.encoding == encoding)
        };
        for encoding in ["raw", "base64", "hex", "HEX", "percent", "json", "xml", "decimal"] {
            assert!(told("stdout", encoding), "{encoding}: {leaks:#?}");
        }
        assert!(told("stderr", "raw") && told("log", "raw") && told("result", "raw"), "{leaks:#?}");
        let first = leaks.iter().find(|leak| leak.place == "stdout" && leak.encoding == "raw").expect("told");
        assert_eq!((first.line, first.times), (Some(1), 4));
        assert_eq!(found_below(fixture.directory.path(), b"c4nary-in-a-"), Vec::<String>::new());
    });
}

#[test]
fn a_shell_that_traces_itself_shows_no_secret() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let script = ". \"$ATTUNE_SHELL_LIB\"\nset -x\nS=$(get_secret canary)\necho \"$S\" >/dev/null\nexit 3\n";
        let ended = run(&fixture, "shell", script).await;
        assert_eq!(ended.outcome, exited(3));
        let stderr = fixture.output(ended.id, LogStream::Stderr).await;
        assert!(stderr.contains("***") && !stderr.contains("c4nary") && !stderr.contains("mine"), "{stderr}");
    });
}

#[test]
fn an_execution_without_secrets_reports_no_leaks_and_is_left_as_it_is() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let worker = fixture.worker().await;
        let id = fixture.run(&worker, "echo c4nary").await;
        let ended = fixture.ended(id).await;
        assert_eq!(fixture.output(id, LogStream::Stdout).await, "c4nary\n");
        assert!(evidence(&fixture, &ended).await.leaks.is_empty());
        fixture.stop(&worker).await;
    });
}
