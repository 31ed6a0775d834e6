//! The wrapper that fetches the agent, against a real server and against one that lies.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use attune_end_to_end::{Deployment, repository};
use attune_testkit::postgres::TestDatabase;
use attune_testkit::rabbitmq::TestBroker;
use serde_json::{Value, json};

use crate::signing::{KeyPair, sha256};

const TOKEN: &str = "att_only-for-this-very-test-7c1f";
const ARCHITECTURE: &str = std::env::consts::ARCH;

/// A program that says what it was given, and that a server takes for an agent of this version.
fn agent_of_version(version: &str) -> Vec<u8> {
    let mut program = std::fs::read("/bin/echo").expect("every Debian has it");
    program.extend(format!("attune-agent-version={version}\0").bytes());
    program
}

/// A place with nothing but these programs on its search path.
struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn with(programs: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let bin = folder.path().join("bin");
        std::fs::create_dir(&bin).expect("a folder");
        let usual = [
            "sh", "cat", "cut", "tr", "sed", "tail", "uname", "mkdir", "rm", "mv", "cp", "chmod", "id", "wc", "od",
            "sleep",
        ];
        for program in usual.iter().chain(programs) {
            let found = ["/usr/bin", "/bin"]
                .map(|folder| Path::new(folder).join(program))
                .into_iter()
                .find(|path| path.exists());
            std::os::unix::fs::symlink(found.expect("it is installed"), bin.join(program)).expect("linked");
        }
        Self { folder }
    }

    fn agent(&self) -> PathBuf {
        self.folder.path().join("agent/attune-agent")
    }

    #[expect(clippy::disallowed_methods, reason = "the wrapper is no child of an Attune worker")]
    fn run(&self, address: &str, more: &[(&str, &str)]) -> Output {
        let mut command = Command::new("sh");
        command.arg(repository().join("scripts/attune-agent-wrapper.sh")).args(["--name", "w1"]);
        command.env_clear().env("PATH", self.folder.path().join("bin")).env("ATTUNE_API_URL", address);
        command.env("ATTUNE_API_TOKEN", TOKEN).env("ATTUNE_AGENT_DIR", self.folder.path().join("agent"));
        command.env("ATTUNE_AGENT_RETRIES", "1").envs(more.iter().copied());
        command.output().expect("sh starts")
    }

    /// What it says when it refuses: one line, nothing executed, nothing left.
    fn refusal(&self, address: &str, more: &[(&str, &str)], code: i32) -> String {
        let output = self.run(address, more);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "", "nothing was executed");
        assert_eq!(said.lines().count(), 1, "one line: {said}");
        assert!(!self.agent().exists(), "nothing was left");
        let left = std::fs::read_dir(self.folder.path().join("agent")).map_or(0, Iterator::count);
        assert_eq!(left, 0, "no part of it either");
        said
    }
}

/// Answers requests for information with `info`, and for the program with `program` under a header that says `length`.
fn liar(info: Value, program: Vec<u8>, length: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("bound"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut path = String::new();
            let mut reader = BufReader::new(stream.try_clone().expect("a handle"));
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                if path.is_empty() {
                    path = std::mem::take(&mut line);
                }
                line.clear();
            }
            let body = if path.contains("/info") { info.to_string().into_bytes() } else { program.clone() };
            let length = if path.contains("/info") { body.len() } else { length };
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
            // Whoever refuses may hang up before the end.
            let _sent = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
        }
    });
    address
}

fn info_of(program: &[u8], change: &[(&str, Value)]) -> Value {
    let mut info = json!({
        "version": "0.1.0", "architecture": ARCHITECTURE, "size": program.len(), "sha256": sha256(program), "signature": null,
    });
    for (key, value) in change {
        info[*key] = value.clone();
    }
    info
}

#[test]
fn what_is_not_what_the_server_said_is_refused_and_not_executed() {
    let program = agent_of_version("0.1.0");
    let mut altered = program.clone();
    altered[5000] ^= 1;
    let mut foreign = program.clone();
    foreign[18] = if ARCHITECTURE == "x86_64" { 183 } else { 62 };
    let other = if ARCHITECTURE == "x86_64" { "aarch64" } else { "x86_64" };
    let old = [("ATTUNE_AGENT_MIN_VERSION", "0.2")];
    let pinned = [("ATTUNE_AGENT_SHA256", "00")];
    let none: &[(&str, &str)] = &[];
    let cases = [
        ("wrong checksum", info_of(&program, &[]), altered, none, "has not the checksum"),
        ("truncated", info_of(&program, &[]), program[..program.len() / 2].to_vec(), none, "bytes came of"),
        ("another architecture's file", info_of(&foreign, &[]), foreign.clone(), none, "is no program for"),
        (
            "another architecture's offer",
            info_of(&program, &[("architecture", json!(other))]),
            program.clone(),
            none,
            "offers an agent for",
        ),
        ("old version", info_of(&program, &[]), program.clone(), &old[..], "is the oldest allowed"),
        ("no checksum", info_of(&program, &[("sha256", json!(null))]), program.clone(), none, "tells no checksum"),
        ("another file than the pinned one", info_of(&program, &[]), program.clone(), &pinned[..], "is allowed"),
        (
            "a script",
            info_of(b"#!/bin/sh\necho bad\n", &[]),
            b"#!/bin/sh\necho bad\n".to_vec(),
            none,
            "is no program for",
        ),
        ("a page", json!("<html>"), program.clone(), none, "tells no checksum"),
    ];
    for tool in ["curl", "wget"] {
        for (what, info, body, more, says) in &cases {
            let address = liar(info.clone(), body.clone(), body.len());
            let said = Bench::with(&[tool, "sha256sum"]).refusal(&address, more, 76);
            assert!(said.contains(says), "{what} with {tool}: {said}");
        }
    }
    // The connection breaks off: no answer, as far as the tool is concerned.
    let address = liar(info_of(&program, &[]), program[..program.len() / 2].to_vec(), program.len());
    Bench::with(&["curl", "sha256sum"]).refusal(&address, none, 69);
    let said = Bench::with(&["sha256sum"]).refusal("http://127.0.0.1:9", none, 69);
    assert!(said.contains("neither curl nor wget"), "{said}");
    let said = Bench::with(&["curl", "sha256sum"]).refusal("http://127.0.0.1:9", none, 69);
    assert!(said.contains("did not answer"), "{said}");
}

#[test]
fn only_what_is_signed_with_the_right_key_is_taken_when_a_key_is_given() {
    let program = agent_of_version("0.1.0");
    let bench = Bench::with(&["curl", "sha256sum", "openssl"]);
    let (own, other) = (KeyPair::new(), KeyPair::new());
    let signature = own.sign(&program);
    let signed = liar(info_of(&program, &[("signature", json!(signature))]), program.clone(), program.len());
    let unsigned = liar(info_of(&program, &[]), program.clone(), program.len());
    for (address, key, says) in
        [(&unsigned, &own.public(), "it is not signed"), (&signed, &other.public(), "it is not signed with the key")]
    {
        let said = bench.refusal(address, &[("ATTUNE_AGENT_PUBLIC_KEY", key)], 76);
        assert!(said.contains(says), "{said}");
    }
    let taken = bench.run(&signed, &[("ATTUNE_AGENT_PUBLIC_KEY", &own.public())]);
    assert_eq!(String::from_utf8_lossy(&taken.stdout), "--name w1\n", "{}", String::from_utf8_lossy(&taken.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_server_gives_the_agent_to_whoever_may_have_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let (database, broker) = (TestDatabase::create().await, TestBroker::create().await);
    let directory = folder.path().display().to_string();
    let settings = [("ATTUNE__SERVER__AGENT_DIRECTORY", directory.as_str()), ("ATTUNE__SERVER__API_TOKEN", TOKEN)];
    let deployment = Deployment::start(database.url(), broker.url(), &settings).expect("a server");
    let client = deployment.client().with_token(TOKEN);
    let address = deployment.address();

    let said = Bench::with(&["curl", "sha256sum"]).refusal(address, &[], 69);
    assert!(said.contains("(404)"), "there is none yet: {said}");
    let program = folder.path().join(format!("attune-agent-{ARCHITECTURE}"));
    std::fs::write(&program, agent_of_version("0.1.0")).expect("written");
    let offer = client.get(&format!("/agent/info?arch={ARCHITECTURE}")).expect("an offer");
    assert_eq!(
        (&offer["version"], &offer["sha256"]),
        (&json!("0.1.0"), &json!(sha256(&std::fs::read(&program).expect("given out"))))
    );
    assert_eq!(client.get("/agent/info").expect("offers")["items"].as_array().map(Vec::len), Some(1));

    for tool in ["curl", "wget"] {
        let bench = Bench::with(&[tool, "sha256sum"]);
        for token in ["att_somebody-elses-token", ""] {
            let code = if token.is_empty() { 64 } else { 69 };
            let said = bench.refusal(address, &[("ATTUNE_API_TOKEN", token)], code);
            assert!(said.contains(if token.is_empty() { "is set" } else { "(401)" }), "{said}");
        }
        // Twice: the second time it is there already.
        for _ in 0..2 {
            let output = bench.run(address, &[]);
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(String::from_utf8_lossy(&output.stdout), "--name w1\n", "it became the agent: {said}");
        }
        assert_eq!(
            sha256(&std::fs::read(bench.agent()).expect("fetched")),
            sha256(&std::fs::read(&program).expect("given out"))
        );
        let mode = std::fs::metadata(bench.agent()).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o755);
    }
}
