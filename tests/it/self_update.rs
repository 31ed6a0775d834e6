//! An agent that replaces itself by a newer one, and the ways back.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use attune_end_to_end::{Program, binary};
use attune_testkit::eventually;
use attune_testkit::postgres::TestDatabase;
use attune_testkit::rabbitmq::TestBroker;
use serde_json::{Value, json};

use crate::signing::{KeyPair, sha256};
use crate::yard::{LONG, Stand, Yard};

/// A program that tells that it was executed, and with what.
const TELLS: &str = "#!/bin/sh\necho \"executed: $* ${ATTUNE_AGENT_BEFORE-unset} $ATTUNE_API_URL\"\nexit 42\n";

const OWN: &str = env!("CARGO_PKG_VERSION");

/// The agent under test as one of another version, with as many digits.
fn agent_as(version: &str) -> Vec<u8> {
    let mark = |version: &str| format!("attune-agent-version={version}\0").into_bytes();
    let (own, other) = (mark(OWN), mark(version));
    assert_eq!(own.len(), other.len(), "it is written over the other one");
    let mut program = std::fs::read(binary("attune-agent")).expect("it is built");
    let places: Vec<usize> =
        program.windows(own.len()).enumerate().filter(|(_, window)| *window == own).map(|(at, _)| at).collect();
    assert!(!places.is_empty(), "a program says its version");
    for at in places {
        program[at..at + own.len()].copy_from_slice(&other);
    }
    program
}

/// Puts a program where the server gives agents out, as a whole, and before it its signature.
fn give_out(shelf: &Path, program: &[u8], signature: Option<&str>) {
    let place = shelf.join(format!("attune-agent-{}", std::env::consts::ARCH));
    let beside = shelf.join("new");
    let signed = place.with_extension("sig");
    match signature {
        Some(text) => std::fs::write(&beside, text).and_then(|()| std::fs::rename(&beside, &signed)),
        None if signed.exists() => std::fs::remove_file(&signed),
        None => Ok(()),
    }
    .expect("the signature");
    std::fs::write(&beside, program).and_then(|()| std::fs::rename(&beside, &place)).expect("the program");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_agent_takes_over_when_what_runs_has_ended_and_one_that_cannot_work_does_not() {
    let (yard, database, broker) = (Yard::create(), TestDatabase::create().await, TestBroker::create().await);
    let shelf = tempfile::tempdir().expect("a folder");
    let place = shelf.path().display().to_string();
    let mut stand = Stand::serving(&yard, database.url(), broker.url(), &[("ATTUNE__SERVER__AGENT_DIRECTORY", &place)]);
    let server = stand.deployment.address().to_owned();
    let (release, other) = (KeyPair::new(), KeyPair::new());
    let key = release.public();
    let extra = [
        ("ATTUNE_AGENT_PUBLIC_KEY", key.as_str()),
        ("ATTUNE__WORKER__SELF_UPDATE", "true"),
        ("ATTUNE__WORKER__SELF_UPDATE_INTERVAL", "250ms"),
        ("ATTUNE_API_URL", server.as_str()),
        // Shorter than what runs: the change takes its time, whatever this says.
        ("ATTUNE__WORKER__SHUTDOWN_TIMEOUT", "1s"),
    ];
    let index = stand.add_agent("one", 2, &extra).await;
    let pid = stand.worker(index).pid();
    let (client, log) = (stand.deployment.client(), stand.deployment.folder().join("one.log"));
    let version = || {
        let worker = client.get("/workers/one").ok()?;
        Some((worker["capabilities"]["container_version"].as_str()?.to_owned(), worker["status"].clone()))
    };
    assert_eq!(version(), Some((OWN.to_owned(), json!("active"))));
    let said = |words: &'static str| {
        let log = log.clone();
        move || {
            let log = log.clone();
            async move { std::fs::read_to_string(log).ok()?.contains(words).then_some(()) }
        }
    };

    let running = stand.submit("yard.once", 2);
    yard.started(&running, 1).await;
    let newer = format!("{}9", &OWN[..OWN.len() - 1]);
    let (next, old) = (agent_as(&newer), agent_as("0.0.0"));
    give_out(shelf.path(), &next, None);
    eventually("it to be refused", LONG, said("why=it is not signed\n")).await;
    give_out(shelf.path(), &next, Some(&other.sign(&next)));
    eventually("it to be refused", LONG, said("it is not signed with the key in worker.self_update_key")).await;
    give_out(shelf.path(), &old, Some(&release.sign(&old)));
    eventually("it to be refused", LONG, said("the server offers version 0.0.0, and this is")).await;
    let lines = std::fs::read_to_string(&log).expect("a log");
    assert_eq!(lines.matches("a newer agent is refused").count(), 3, "each is said once: {lines}");
    let folder = stand.deployment.folder().join("state-one/workers/one/update");
    assert!(!folder.exists(), "nothing was written that could be executed");

    give_out(shelf.path(), &next, Some(&release.sign(&next)));
    eventually("it to be tried and found good", LONG, said("a newer agent takes over when")).await;
    // What comes now waits: this worker takes no more, and there is no other.
    let later = stand.submit("yard.quick", 3);
    assert_eq!(yard.count("end").len(), 0, "what runs was not hurried");
    yard.open_gate();
    eventually("the newer one to be there", LONG, || async {
        version().filter(|(found, status)| *found == newer && *status == "active").map(drop)
    })
    .await;
    let all: Vec<i64> = running.iter().chain(&later).copied().collect();
    stand.assert_completed(&all);
    yard.assert_once(&all);
    eventually("that to be written down", LONG, said("this newer agent has taken over")).await;
    let exe = std::fs::read_link(format!("/proc/{pid}/exe")).expect("the same process");
    assert!(exe.ends_with("state-one/workers/one/update/attune-agent"), "{}", exe.display());

    // A program that is no agent, whatever its mark and its signature say.
    let mut echo = std::fs::read("/bin/echo").expect("every Debian has it");
    echo.extend(b"attune-agent-version=99.0.0\0");
    give_out(shelf.path(), &echo, Some(&release.sign(&echo)));
    eventually("it to be refused", LONG, said("a newer agent cannot work here")).await;
    let last = stand.submit("yard.quick", 1);
    stand.assert_completed(&last);
    assert_eq!(version().expect("it is there").0, newer);

    // Started again, the image's program goes on to the one that proved good.
    stand.worker(index).signal(libc::SIGTERM);
    assert_eq!(stand.worker(index).wait(LONG).expect("it ends"), 0);
    let again = stand.add_agent("one", 2, &extra).await;
    eventually("the newer one to be there again", LONG, || async {
        let exe = std::fs::read_link(format!("/proc/{}/exe", stand.deployment.workers[again].pid())).ok()?;
        exe.ends_with("update/attune-agent").then_some(())
    })
    .await;
    stand.assert_completed(&stand.submit("yard.quick", 1));
}

/// What is written down about a program.
fn record(program: &[u8], signature: Option<&str>, standing: &str) -> Value {
    json!({
        "version": "99.0.0", "architecture": std::env::consts::ARCH, "size": program.len(), "sha256": sha256(program),
        "signature": signature, "standing": standing,
    })
}

/// Starts the agent with a record of a newer program, and without a database, so that it ends at once.
fn start_with(record: &Value, more: &[(&str, &str)], folder: &Path) -> (i32, Value, String) {
    let place = folder.join("state/workers/one/update/record.json");
    std::fs::create_dir_all(place.parent().expect("a folder")).expect("folders");
    std::fs::write(&place, record.to_string()).expect("written");
    let state = folder.join("state").display().to_string();
    let mut environment = vec![
        ("ATTUNE__WORKER__NAME", "one"),
        ("ATTUNE__WORKER__SELF_UPDATE", "true"),
        ("ATTUNE_API_URL", "http://127.0.0.1:9"),
        ("ATTUNE__PATHS__STATE_DIR", state.as_str()),
    ];
    environment.extend_from_slice(more);
    let mut agent = Program::start("attune-agent", "agent", &["--name", "one"], &environment, folder).expect("starts");
    let code = agent.wait(Duration::from_secs(30)).expect("it ends");
    let text = std::fs::read_to_string(place).expect("it is there");
    (code, serde_json::from_str(&text).expect("JSON"), agent.printed())
}

#[test]
fn an_agent_that_does_not_come_up_gives_way_to_the_one_before_it_and_is_refused() {
    let release = KeyPair::new();
    let key = release.public();
    let trying = record(b"it", None, "trying");
    let folder = tempfile::tempdir().expect("a folder");
    // The one before it, which says what it is given.
    let before = folder.path().join("before");
    std::fs::write(&before, TELLS).expect("written");
    std::fs::set_permissions(&before, std::fs::Permissions::from_mode(0o755)).expect("ours");
    let path = before.display().to_string();
    let given = [("ATTUNE_AGENT_BEFORE", path.as_str()), ("ATTUNE_AGENT_PUBLIC_KEY", &key)];
    let (code, record, said) = start_with(&trying, &given, folder.path());
    assert_eq!((code, &record["standing"]), (42, &json!("refused")), "{said}");
    assert!(said.contains("executed: --name one unset http://127.0.0.1:9"), "{said}");

    // One that died before it could go back is found by whatever starts next.
    let folder = tempfile::tempdir().expect("a folder");
    let (code, record, said) = start_with(&trying, &[("ATTUNE_AGENT_PUBLIC_KEY", &key)], folder.path());
    assert_eq!((code, &record["standing"]), (64, &json!("refused")), "{said}");
    assert!(said.contains("did not come up, and is refused"), "{said}");
}

#[test]
fn what_lies_on_the_disk_is_executed_only_when_it_is_signed() {
    let (release, other) = (KeyPair::new(), KeyPair::new());
    let key = release.public();
    let program = TELLS.as_bytes();
    for (what, record, words) in [
        ("not signed", record(program, None, "good"), "it is not signed"),
        ("signed by another", record(program, Some(&other.sign(program)), "good"), "not signed with the key"),
        ("changed since", record(b"it", Some(&release.sign(b"it")), "good"), "bytes came of"),
        ("no program for this machine", record(program, Some(&release.sign(program)), "good"), "no program for"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join("state/workers/one/update/attune-agent");
        std::fs::create_dir_all(place.parent().expect("a folder")).expect("folders");
        std::fs::write(&place, program).expect("written");
        std::fs::set_permissions(&place, std::fs::Permissions::from_mode(0o755)).expect("ours");
        let (code, after, said) = start_with(&record, &[("ATTUNE_AGENT_PUBLIC_KEY", &key)], folder.path());
        assert_eq!((code, &after["standing"]), (64, &json!("good")), "{what}: {said}");
        assert_eq!(said.matches("a newer agent is refused").count(), 1, "{what}: {said}");
        assert!(said.contains(words) && !said.contains("executed:"), "{what}: {said}");
    }
}

#[test]
fn without_a_key_self_update_cannot_be_switched_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let foreign = folder.path().join("key.pub");
    std::fs::write(&foreign, "no key").expect("written");
    let (foreign, missing) = (foreign.display().to_string(), folder.path().join("none").display().to_string());
    for (key, words) in [
        (None, "set worker.self_update_key to a file with the public key"),
        (Some(&foreign), "holds no Ed25519 public key"),
        (Some(&missing), "failed to read worker.self_update_key"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let more: Vec<(&str, &str)> = key.map(|key| ("ATTUNE_AGENT_PUBLIC_KEY", key.as_str())).into_iter().collect();
        let (code, _, said) = start_with(&record(b"it", None, "good"), &more, folder.path());
        assert_eq!(code, 64, "{said}");
        assert!(said.contains(words), "{said}");
        let errors = said.lines().filter(|line| line.to_lowercase().contains("error")).count();
        assert_eq!(errors, 1, "one clear error: {said}");
    }
}
