//! The server against callers of every kind.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use attune_artifacts::HarvestLimits;
use attune_store::StoreError;
use attune_types::{AttemptNumber, ExecutionId, LogChunk};
use proptest::prelude::*;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::calls::{Calls, CallsDeps};
use super::protocol::{self, Call, Level, MAX_ANSWER, MAX_SECRET, MAX_VALUE};
use super::secret_source::{NoSecrets, SecretBytes, SecretRefusal, SecretRequest, SecretSource};
use super::{serve, system};
use crate::artifacts::ArtifactStore;
use crate::executions::Key;

/// Remembers what it was given.
#[derive(Default)]
struct Kept(Mutex<Vec<(String, Vec<u8>)>>);

#[async_trait]
impl ArtifactStore for Kept {
    async fn append_logs(&self, _: Vec<LogChunk>) -> Result<(), StoreError> {
        Ok(())
    }

    async fn put_file(&self, _: ExecutionId, _: AttemptNumber, name: &str, path: PathBuf) -> Result<(), StoreError> {
        let content = std::fs::read(path).expect("it is there");
        self.0.lock().expect("not poisoned").push((name.to_owned(), content));
        Ok(())
    }
}

struct Known;

#[async_trait]
impl SecretSource for Known {
    async fn secret(&self, request: &SecretRequest) -> Result<SecretBytes, SecretRefusal> {
        match request.name.as_str() {
            "db" => Ok(SecretBytes::new(b"\xff\n\0secret".to_vec())),
            "large" => Ok(SecretBytes::new(vec![b'x'; MAX_SECRET])),
            "huge" => Ok(SecretBytes::new(vec![b'x'; MAX_SECRET + 1])),
            "foreign" => Err(SecretRefusal::NotGranted),
            _ => Err(SecretRefusal::Unknown),
        }
    }
}

/// An execution whose calls are answered.
struct Stage {
    socket: OwnedFd,
    calls: Arc<Calls>,
    kept: Arc<Kept>,
    lines: mpsc::Receiver<String>,
    serving: JoinHandle<()>,
    directory: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        Self::with(Arc::new(Known))
    }

    fn with(secrets: Arc<dyn SecretSource>) -> Self {
        let directory = tempfile::tempdir().expect("directory");
        let (socket, end) = system::pair().expect("a pair");
        let kept = Arc::new(Kept::default());
        let deps = CallsDeps {
            key: Key::new(ExecutionId(1), AttemptNumber(1)),
            action: "pack.action".parse().expect("a reference"),
            declared_secrets: ["db", "large", "huge", "foreign", "none"].map(str::to_owned).to_vec(),
            secrets,
            artifacts: Arc::clone(&kept) as Arc<dyn ArtifactStore>,
            waiting: directory.path().join("waiting"),
            limits: HarvestLimits { files: 4, bytes: 400_000 },
        };
        let (sender, lines) = mpsc::channel(10_000);
        let calls = Arc::new(Calls::new(deps, sender));
        let serving = tokio::spawn(serve(end, Arc::clone(&calls)));
        Self { socket, calls, kept, lines, serving, directory }
    }

    async fn call(&self, call: Call, body: &[u8], other: Option<OwnedFd>) -> Result<Vec<u8>, String> {
        let socket = self.socket.try_clone().expect("a copy");
        let request = protocol::write_request(&call, body);
        tokio::task::spawn_blocking(move || ask(&socket, &request, other)).await.expect("asked").expect("answered")
    }

    async fn set(&self, text: &str, merge: bool) -> Result<(), String> {
        self.call(Call::OutputSet { merge }, text.as_bytes(), None).await.map(drop)
    }

    fn result(&self) -> Option<Value> {
        self.calls.conclude().result.map(|text| serde_json::from_slice(&text).expect("JSON"))
    }
}

/// Sends a request and waits for its answer. `None`: it was never answered.
fn ask(socket: &OwnedFd, request: &[u8], other: Option<OwnedFd>) -> Option<Result<Vec<u8>, String>> {
    let (answers, reply) = system::pair().expect("a pair");
    let mut descriptors = vec![reply.as_fd()];
    descriptors.extend(other.as_ref().map(AsFd::as_fd));
    system::send(socket.as_fd(), request, &descriptors, true).ok()?;
    drop(reply);
    let mut buffer = vec![0; MAX_ANSWER];
    let received = system::receive(answers.as_fd(), &mut buffer, true).ok().filter(|received| received.length > 0)?;
    Some(protocol::read_answer(&buffer[..received.length]).expect("an answer").map(<[u8]>::to_vec))
}

fn get(name: &str) -> Call {
    Call::SecretGet { name: name.to_owned() }
}

fn put(name: &str) -> Call {
    Call::ArtifactPut { name: name.to_owned() }
}

fn file(content: &[u8]) -> OwnedFd {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(content).expect("written");
    file.into()
}

#[tokio::test(flavor = "multi_thread")]
async fn results_are_set_whole_by_field_and_up_to_a_mebibyte() {
    let stage = Stage::new();
    assert_eq!(stage.set("[1, 2]", false).await, Ok(()));
    assert_eq!(stage.set("{\"a\": 1}", false).await, Ok(()));
    assert_eq!(stage.set("{\"b\": 2}", true).await, Ok(()));
    let why = stage.set("{", false).await.expect_err("not JSON");
    assert_eq!(why, "the value is not JSON: line 1 column 1: EOF while parsing an object");
    let value = format!("\"{}\"", "x".repeat(MAX_VALUE - 100));
    let text = format!("{{\"c\": {value}}}");
    let sealed = system::sealed(text.as_bytes()).expect("a file");
    let set = || Call::OutputSet { merge: true };
    assert_eq!(stage.call(set(), b"", Some(sealed)).await, Ok(Vec::new()));
    let sealed = system::sealed(text.as_bytes()).expect("a file");
    assert!(stage.call(set(), b"both", Some(sealed)).await.is_err());
    let sealed = system::sealed(&vec![b' '; MAX_VALUE + 1]).expect("a file");
    assert!(stage.call(set(), b"", Some(sealed)).await.expect_err("too large").contains("1048576"));
    assert!(stage.call(set(), b"", Some(file(b"{}"))).await.is_err(), "a file that can change is no value");
    let result = stage.result().expect("set");
    assert_eq!((&result["a"], &result["b"]), (&Value::from(1), &Value::from(2)));
    assert_eq!(result["c"].as_str().map(str::len), Some(MAX_VALUE - 102 + 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_kept_under_their_names_and_nothing_waits_afterwards() {
    let stage = Stage::new();
    let content = vec![b'x'; 300_000];
    assert_eq!(stage.call(put("a/b.csv"), b"", Some(file(&content))).await, Ok(Vec::new()));
    assert_eq!(stage.kept.0.lock().expect("not poisoned").as_slice(), [("a/b.csv".to_owned(), content)]);
    for name in ["../a", "/etc/passwd", "", "a\nb"] {
        assert!(stage.call(put(name), b"", Some(file(b"x"))).await.expect_err("no name").contains("artifact"));
    }
    assert!(stage.call(put("a"), b"", None).await.is_err());
    let why = stage.call(put("large"), b"", Some(file(&vec![b'x'; 100_001]))).await.expect_err("too many bytes");
    assert!(why.contains("may keep 4 files with 400000 bytes, and has handed over 1 with 300000"), "{why}");
    for _ in 0..3 {
        assert_eq!(stage.call(put("small"), b"", Some(file(b"x"))).await, Ok(Vec::new()));
    }
    assert!(stage.call(put("small"), b"", Some(file(b"x"))).await.is_err(), "too many files");
    assert_eq!(stage.calls.conclude().stored.into_iter().collect::<Vec<_>>(), ["a/b.csv", "small"]);
    let Stage { calls, serving, directory, .. } = stage;
    serving.abort();
    assert!(serving.await.is_err());
    // A call that was answered lets go a moment after its answer.
    while Arc::strong_count(&calls) > 1 {
        tokio::task::yield_now().await;
    }
    drop(calls);
    assert!(!directory.path().join("waiting").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_given_as_they_are_or_refused_with_the_reason() {
    let stage = Stage::new();
    assert_eq!(stage.call(get("db"), b"", None).await, Ok(b"\xff\n\0secret".to_vec()));
    assert_eq!(stage.call(get("large"), b"", None).await.map(|secret| secret.len()), Ok(MAX_SECRET));
    for (name, words) in [
        ("foreign", "secret foreign is not granted to pack.action"),
        ("none", "no secret of this name"),
        ("undeclared", "does not declare it"),
        ("huge", "more than 65536 bytes"),
    ] {
        let why = stage.call(get(name), b"", None).await.expect_err(name);
        assert!(why.contains(words), "{why}");
    }
    let without = Stage::with(Arc::new(NoSecrets));
    let why = without.call(get("db"), b"", None).await.expect_err("none");
    assert_eq!(why, "secret db is not granted to pack.action: this worker has no store of secrets");
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_and_messages_become_lines_that_cannot_be_mistaken() {
    let mut stage = Stage::new();
    let progress = |percent, message: &str| Call::Progress { percent, message: Some(message.to_owned()) };
    assert_eq!(stage.call(progress(10.0, "a\nb"), b"", None).await, Ok(Vec::new()));
    assert_eq!(stage.call(progress(20.0, "c"), b"", None).await, Ok(Vec::new()));
    assert_eq!(stage.lines.recv().await.as_deref(), Some("progress 10 %: a b\n"));
    // Nobody calls any more, and still the latest is said.
    assert_eq!(stage.lines.recv().await.as_deref(), Some("progress 20 %: c\n"));
    assert!(stage.call(progress(100.5, ""), b"", None).await.is_err());
    let message = || Call::Log { level: Level::Warning, message: "x".repeat(100_000).split_off(70_000) };
    assert_eq!(stage.call(message(), b"", None).await, Ok(Vec::new()));
    let line = stage.lines.recv().await.expect("a line");
    assert_eq!(line, format!("warning from the action: {}\n", "x".repeat(1024)));
    for _ in 0..1200 {
        assert_eq!(stage.call(message(), b"", None).await, Ok(Vec::new()));
    }
    let last = stage.calls.conclude().lines;
    assert!(matches!(&last[..], [line] if line.contains("lines of progress and log calls left out")), "{last:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_callers_at_once_are_all_answered() {
    let stage = Arc::new(Stage::new());
    let callers: Vec<_> = (0..50)
        .map(|number| {
            let stage = Arc::clone(&stage);
            tokio::spawn(async move { stage.set(&format!("{{\"n{number}\": {number}}}"), true).await })
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.await.expect("joined"), Ok(()));
    }
    let result = stage.result().expect("set");
    assert_eq!(result.as_object().map(serde_json::Map::len), Some(50));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_accepted_after_the_end() {
    let stage = Stage::new();
    assert_eq!(stage.set("1", false).await, Ok(()));
    // It waits in the socket when the end comes.
    stage.serving.abort();
    while !stage.serving.is_finished() {
        tokio::task::yield_now().await;
    }
    let request = protocol::write_request(&Call::OutputSet { merge: false }, b"2");
    assert_eq!(ask(&stage.socket, &request, None), None);
    assert_eq!(stage.result(), Some(Value::from(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_an_answer_sees_the_end() {
    struct Never;
    #[async_trait]
    impl SecretSource for Never {
        async fn secret(&self, _: &SecretRequest) -> Result<SecretBytes, SecretRefusal> {
            std::future::pending().await
        }
    }
    let stage = Stage::with(Arc::new(Never));
    let socket = stage.socket.try_clone().expect("a copy");
    let request = protocol::write_request(&get("db"), b"");
    let asking = tokio::task::spawn_blocking(move || ask(&socket, &request, None));
    assert_eq!(stage.set("1", false).await, Ok(()), "others are answered meanwhile");
    stage.serving.abort();
    assert_eq!(asking.await.expect("joined"), None);
}

/// Descriptors of every kind that has no business here.
fn strange(kind: u8) -> OwnedFd {
    match kind % 7 {
        0 => io::pipe().expect("a pipe").0.into(),
        1 => io::pipe().expect("a pipe").1.into(),
        2 => UnixStream::pair().expect("a pair").0.into(),
        3 => File::open("/").expect("opens").into(),
        4 => File::open("/dev/zero").expect("opens").into(),
        5 => system::pair().expect("a pair").0,
        _ => file(b"content"),
    }
}

fn hostile_send(socket: &OwnedFd, bytes: &[u8], descriptors: &[OwnedFd]) {
    let borrowed: Vec<BorrowedFd<'_>> = descriptors.iter().map(AsFd::as_fd).collect();
    system::send(socket.as_fd(), bytes, &borrowed, true).expect("sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn strange_descriptors_are_closed_and_the_next_caller_is_answered() {
    let stage = Stage::new();
    for call in [get("db"), put("a"), Call::OutputSet { merge: false }] {
        let request = protocol::write_request(&call, b"");
        for first in 0..7 {
            hostile_send(&stage.socket, &request, &[strange(first)]);
            for second in 0..7 {
                let (_, reply) = system::pair().expect("a pair");
                hostile_send(&stage.socket, &request, &[reply, strange(second)]);
                hostile_send(&stage.socket, &request, &[strange(first), strange(second), strange(second)]);
            }
        }
        hostile_send(&stage.socket, &request, &[]);
        hostile_send(&stage.socket, &request, &(0..25).map(strange).collect::<Vec<_>>());
    }
    let (mut end, given) = io::pipe().expect("a pipe");
    hostile_send(&stage.socket, b"x", &[given.into()]);
    assert_eq!(stage.set("7", false).await, Ok(()));
    assert_eq!(stage.result(), Some(Value::from(7)));
    let left = tokio::task::spawn_blocking(move || end.read(&mut [0]).expect("reads")).await.expect("joined");
    assert_eq!(left, 0, "the worker keeps nothing open");
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_requests_whose_answers_nobody_reads_hold_nobody_else_up() {
    let flooded = Stage::new();
    let quiet = Stage::new();
    let socket = flooded.socket.try_clone().expect("a copy");
    let flood = tokio::task::spawn_blocking(move || {
        let (_answers, reply) = system::pair().expect("a pair");
        let request = protocol::write_request(&Call::Log { level: Level::Debug, message: "x".repeat(1000) }, b"");
        let mut value = protocol::write_request(&Call::OutputSet { merge: true }, b"{\"a\": ");
        value.extend_from_slice(&[b'['; 20_000]);
        for number in 0..10_000 {
            let bytes = if number % 10 == 0 { &value } else { &request };
            system::send(socket.as_fd(), bytes, &[reply.as_fd()], true).expect("sent");
        }
    });
    for number in 0..100 {
        assert_eq!(quiet.set(&number.to_string(), false).await, Ok(()));
    }
    flood.await.expect("joined");
    assert_eq!(flooded.set("1", false).await, Ok(()));
    assert_eq!(flooded.result(), Some(Value::from(1)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn no_datagrams_stop_the_server(
        datagrams in proptest::collection::vec(
            (
                prop_oneof![
                    proptest::collection::vec(any::<u8>(), 0..300),
                    "\\{\"v\":[0-3],\"call\":\"(output_set|progress|log|secret_get)\"[\",:a-z0-9{}]{0,40}\\}\n[\\[{\"0-9]{0,9}"
                        .prop_map(String::into_bytes),
                    (30_000..100_000_usize).prop_map(|size| vec![b'{'; size]),
                ],
                proptest::collection::vec(any::<u8>(), 0..4),
            ),
            0..20,
        )
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        runtime.block_on(async {
            let stage = Stage::new();
            for (bytes, kinds) in datagrams {
                let descriptors: Vec<OwnedFd> = kinds.into_iter().map(strange).collect();
                hostile_send(&stage.socket, &bytes, &descriptors);
            }
            assert_eq!(stage.set("7", false).await, Ok(()));
            assert_eq!(stage.result(), Some(Value::from(7)));
        });
    }
}
