//! Secrets, from the command line to the action that lists them, and to nobody else.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use attune_end_to_end::{Client, Deployment, binary};
use attune_testkit::eventually;
use attune_testkit::postgres::TestDatabase;
use attune_testkit::rabbitmq::TestBroker;
use serde_json::{Value, json};

const VALUE: &str = "s3cret of 'the' \"house\" \u{e9}";
/// What `sha256sum` makes of it: a secret is masked in output, and a digest of it is not.
const DIGEST: &str = "69f2e2b4c2e49eac41939c1984fe591e8dd3bb99afc98a90928e4d5ffb9245f3";

/// A folder with packs and keys.
struct Home(tempfile::TempDir);

impl Home {
    fn create() -> Self {
        let home = Self(tempfile::Builder::new().prefix("attune-secrets-").tempdir().expect("a folder"));
        for pack in ["house", "guest"] {
            std::fs::create_dir_all(home.path(&format!("packs/{pack}/actions"))).expect("folders");
            home.write(&format!("packs/{pack}/pack.yaml"), &format!("ref: {pack}\nversion: 1.0.0\n"));
        }
        let library = ". \"$ATTUNE_SHELL_LIB\"";
        home.action("house.helper", "secrets: [db]\n", &format!("{library}\nget_secret db | sha256sum\nget_secret db"));
        home.action("house.agent", "secrets: [db]\n", "attune-agent secret get db | sha256sum");
        home.action(
            "house.reads",
            "secrets: [db]\nsecret_delivery: stdin\n",
            "python3 -c 'import hashlib, json, sys; print(hashlib.sha256(json.loads(sys.stdin.readline())[\"db\"].encode()).hexdigest())'",
        );
        let look = "env | sha256sum >/dev/null; env; tr '\\0' ' ' </proc/$$/cmdline; tr '\\0' '\\n' </proc/$$/environ; ls /proc/$$/fd >/dev/null";
        home.action("house.looks", "secrets: [db]\n", look);
        home.action("house.unlisted", "", &format!("{library}\nget_secret db"));
        home.action("house.unknown", "secrets: [gone]\n", "echo ran");
        home.action("guest.asks", "secrets: [db]\n", "echo ran");
        home.action(
            "house.mints",
            "parameters:\n  ticket: {type: string, secret: true, required: true}\noutput_schema:\n  properties:\n    token: {type: string, secret: true}\n    for: {type: string}\n",
            "cat >/dev/null; printf '{\"token\": \"%s-%s\", \"for\": \"house\"}' m1nted \"$ATTUNE_EXECUTION_ID\" >\"$ATTUNE_RESULT_FILE\"",
        );
        home.action(
            "house.all",
            "secrets: [many-000, many-249]\n",
            &format!("{library}\nfor name in many-000 many-249; do get_secret $name | sha256sum; done"),
        );
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).expect("written");
        self.path(name).display().to_string()
    }

    fn action(&self, action: &str, more: &str, script: &str) {
        let (pack, name) = action.split_once('.').expect("pack.action");
        self.write(&format!("packs/{pack}/actions/{name}.sh"), &format!("{script}\n"));
        let text = format!("ref: {action}\nrunner_type: shell\nentry_point: {name}.sh\n{more}");
        self.write(&format!("packs/{pack}/actions/{name}.yaml"), &text);
    }

    fn deployment(&self, database: &TestDatabase, broker: &TestBroker, keys: &str) -> Deployment {
        let packs = self.path("packs").display().to_string();
        let extra = [("ATTUNE__PACKS__DIRECTORIES", packs.as_str()), ("ATTUNE__SECURITY__ENCRYPTION_KEYS_FILE", keys)];
        Deployment::start(database.url(), broker.url(), &extra).expect("a server")
    }

    /// With a server that has one key, and a worker.
    fn staffed(database: &TestDatabase, broker: &TestBroker) -> (Self, Deployment) {
        let home = Self::create();
        let keys = home.write("keys", &format!("1 {}\n", "k".repeat(40)));
        let mut deployment = home.deployment(database, broker, &keys);
        home.add_worker(&mut deployment);
        (home, deployment)
    }

    fn add_worker(&self, deployment: &mut Deployment) {
        let packs = self.path("packs").display().to_string();
        deployment.add_worker("w1", 2, &[("ATTUNE__PACKS__DIRECTORIES", &packs)]).expect("a worker");
        deployment.wait_for_workers(1).expect("it registers");
    }
}

#[expect(clippy::disallowed_methods, reason = "the program under test is no child of a worker")]
fn attune(deployment: &Deployment, arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(binary("attune"));
    command.args(arguments).env("ATTUNE_API_URL", deployment.client().address()).current_dir(deployment.folder());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("attune is built");
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("it ends");
    assert!(!String::from_utf8_lossy(&output.stderr).contains("s3cret"), "{output:?}");
    output
}

/// Runs an action; how it ended, and what it printed.
fn run(client: &Client, action: &str) -> (Value, String) {
    let id = client.submit(action, &json!({})).expect("accepted");
    let ended = client.wait(id).expect("it ends");
    let lines = client.lines(&format!("/executions/{id}/logs")).expect("its output");
    let text = lines.iter().filter_map(|line| line["text"].as_str()).collect();
    (ended, text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_reaches_what_lists_it_and_nothing_else() {
    let (database, broker) = (TestDatabase::create().await, TestBroker::create().await);
    let (_home, deployment) = Home::staffed(&database, &broker);
    let client = deployment.client();
    for arguments in [&["key", "set", "db", "--pack", "house", "--stdin"][..], &["secret", "set", "other", "--stdin"]] {
        let stored = attune(&deployment, arguments, &format!("{VALUE}\n"));
        assert!(stored.status.success(), "{stored:?}");
    }
    let listed = attune(&deployment, &["key", "list", "-o", "json"], "");
    let listed: Value = serde_json::from_slice(&listed.stdout).expect("JSON");
    assert_eq!(listed.as_array().map(Vec::len), Some(2));
    assert!(!listed.to_string().contains("s3cret"), "{listed}");

    for action in ["house.helper", "house.agent", "house.reads"] {
        let (ended, text) = run(&client, action);
        assert_eq!(ended["status"], "completed", "{action}: {ended} {text}");
        assert!(text.contains(DIGEST), "{action}: {text}");
        assert!(!text.contains("s3cret"), "{action}: {text}");
        assert_eq!(text.contains("***"), action == "house.helper", "{action}: {text}");
    }
    let (ended, text) = run(&client, "house.looks");
    assert_eq!(ended["status"], "completed", "{ended} {text}");
    assert!(text.contains("ATTUNE_EXECUTION_ID") && !text.contains("s3cret") && !text.contains("***"), "{text}");
    // Nothing of it was there to be masked, either.
    let attempts = client.get(&format!("/executions/{}/attempts", ended["id"])).expect("attempts");
    assert_eq!(attempts["items"][0]["evidence"]["leaks"], Value::Null, "{attempts}");

    let (ended, text) = run(&client, "house.unlisted");
    assert_eq!(ended["status"], "failed", "{ended}");
    assert!(text.contains("db") && !text.contains("s3cret"), "{text}");
    for (action, words) in [("house.unknown", "gone"), ("guest.asks", "db")] {
        let (ended, text) = run(&client, action);
        assert_eq!((&ended["status"], &ended["outcome"]["cause"]), (&json!("failed"), &json!("secret_unavailable")));
        assert!(ended["summary"].as_str().is_some_and(|said| said.contains(words)), "{ended}");
        assert_eq!(text, "", "{action} never ran");
    }

    // SEC-08: what was put in the place of another does not open, and nothing else is given instead.
    database.execute(
        "UPDATE secret SET ciphertext = (SELECT ciphertext FROM secret WHERE name = 'other') WHERE name = 'db'",
    );
    let (ended, _) = run(&client, "house.agent");
    assert_eq!((&ended["status"], &ended["outcome"]["cause"]), (&json!("failed"), &json!("secret_unavailable")));
    let said = ended["summary"].as_str().unwrap_or_default();
    assert!(said.contains("secret db cannot be decrypted (authentication failed)"), "{ended}");
    let gone = attune(&deployment, &["key", "delete", "db", "--pack", "house"], "");
    assert!(gone.status.success(), "{gone:?}");
    let (ended, _) = run(&client, "house.agent");
    assert_eq!(ended["outcome"]["cause"], "secret_unavailable", "{ended}");
}

/// Outputs that are marked `secret`: sealed by the worker, masked wherever they are shown, nowhere in the database, and read
/// again by who may, which is noted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_output_is_sealed_masked_and_revealed_to_who_may_read_it() {
    let (database, broker) = (TestDatabase::create().await, TestBroker::create().await);
    let (_home, deployment) = Home::staffed(&database, &broker);
    let client = deployment.client();
    let ask = json!({"ticket": "t1cket-nobody-reads"});
    let ids: Vec<i64> = (0..2)
        .map(|_| {
            let id = client.submit("house.mints", &ask).expect("accepted");
            let ended = client.wait(id).expect("it ends");
            assert_eq!(ended["status"], "completed", "{ended}");
            assert_eq!(ended["result"], json!({"token": "***", "for": "house"}), "{ended}");
            id
        })
        .collect();
    let id = ids[0];
    let logs = client.lines(&format!("/executions/{id}/logs")).expect("its output");
    assert!(logs.iter().all(|line| !line.to_string().contains("m1nted")), "{logs:?}");
    for place in ["", "/attempts", "/events", "/timeline"] {
        let answer = client.get(&format!("/executions/{id}{place}")).expect("answered").to_string();
        assert!(!answer.contains("m1nted") && !answer.contains("t1cket"), "{place}: {answer}");
    }
    for arguments in [&["execution", "list", "-o", "json"][..], &["execution", "show", &id.to_string()]] {
        let shown = attune(&deployment, arguments, "");
        assert!(shown.status.success() && !String::from_utf8_lossy(&shown.stdout).contains("m1nted"), "{shown:?}");
    }
    let dump = String::from_utf8_lossy(&database.dump()).to_lowercase();
    assert!(dump.contains("house.mints"));
    // As text, and in the hexadecimal of a column of bytes.
    for part in ["m1nted", "6d316e746564", "t1cket", "7431636b6574"] {
        assert!(!dump.contains(part), "{part} is in the database");
    }

    let reveal = |id: i64| attune(&deployment, &["execution", "reveal", &id.to_string(), "-o", "json"], "");
    let revealed = reveal(id);
    let said: Value = serde_json::from_slice(&revealed.stdout).expect("JSON");
    assert_eq!(said["result"], json!({"token": format!("m1nted-{id}"), "for": "house"}), "{revealed:?}");
    assert_eq!(said["outputs"], json!({"/token": format!("m1nted-{id}")}));
    let audit = client.get("/audit").expect("the audit trail").to_string();
    assert!(audit.contains("execution.reveal") && audit.contains(&format!("execution/{id}")), "{audit}");
    assert!(!audit.contains("m1nted"), "{audit}");

    // Whatever the key is replaced by, they open.
    let rotated = attune(&deployment, &["key", "rotate", "--re-encrypt"], "");
    assert!(rotated.status.success(), "{rotated:?}");
    assert_eq!(reveal(id).stdout, revealed.stdout);

    // SEC-08: what one execution answered, or was asked, in the place of what another of the same action did.
    let [one, other] = [ids[0], ids[1]];
    for (from, to) in [(one, -1), (other, one), (-1, other)] {
        database.execute(&format!(
            "UPDATE secret SET execution_id = {to}, name = '{to}' WHERE execution_id = {from} AND owner_kind = 'output'"
        ));
    }
    let swapped = reveal(id);
    assert!(!swapped.status.success() && !String::from_utf8_lossy(&swapped.stdout).contains("m1nted"), "{swapped:?}");

    // A repetition is given what the first was given, sealed for itself.
    let again = client.post(&format!("/executions/{id}/retry"), &json!({})).expect("repeated");
    let again = again["id"].as_i64().expect("an id");
    assert_eq!(client.wait(again).expect("it ends")["status"], "completed");
    let said: Value = serde_json::from_slice(&reveal(again).stdout).expect("JSON");
    assert_eq!(said["result"]["token"], json!(format!("m1nted-{again}")));
}

fn key_ids(client: &Client) -> Vec<i64> {
    let listed = client.get("/secrets").expect("listed");
    listed["items"].as_array().expect("a list").iter().filter_map(|one| one["key_id"].as_i64()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_survives_a_kill_and_a_missing_key_stops_the_start() {
    let (database, broker) = (TestDatabase::create().await, TestBroker::create().await);
    let home = Home::create();
    let (first, second) = (format!("1 {}\n", "k".repeat(40)), format!("2 {}\n", "n".repeat(40)));
    let one = home.write("one", &first);
    let both = home.write("both", &format!("{first}{second}"));
    let two = home.write("two", &second);

    let deployment = home.deployment(&database, &broker, &one);
    let client = deployment.client();
    for number in 0..250 {
        let body = json!({"name": format!("many-{number:03}"), "value": VALUE});
        client.post("/secrets", &body).expect("stored");
    }
    assert!(key_ids(&client).iter().all(|key| *key == 1));
    drop(deployment);

    let mut deployment = home.deployment(&database, &broker, &both);
    let client = deployment.client();
    let rotating = {
        let client = client.clone();
        std::thread::spawn(move || client.post("/secrets/rotate", &json!({})))
    };
    eventually("something to be moved", Duration::from_secs(30), || async {
        key_ids(&client).contains(&2).then_some(())
    })
    .await;
    deployment.server.signal(libc::SIGKILL);
    deployment.server.wait(Duration::from_secs(10)).expect("it dies");
    let _broken_off = rotating.join().expect("no panic");
    drop(deployment);

    // Between two keys everything opens.
    let mut deployment = home.deployment(&database, &broker, &both);
    home.add_worker(&mut deployment);
    let client = deployment.client();
    assert_eq!(key_ids(&client).len(), 250);
    let (ended, text) = run(&client, "house.all");
    assert_eq!((ended["status"].as_str(), text.matches(DIGEST).count()), (Some("completed"), 2), "{ended} {text}");
    let rotated = attune(&deployment, &["key", "rotate"], "");
    assert!(rotated.status.success(), "{rotated:?}");
    assert!(key_ids(&client).iter().all(|key| *key == 2), "all are moved");
    let (ended, text) = run(&client, "house.all");
    assert_eq!((ended["status"].as_str(), text.matches(DIGEST).count()), (Some("completed"), 2), "{ended} {text}");

    // The new key is enough, and the old one is not.
    let packs = home.path("packs").display().to_string();
    for (label, keys, is_enough) in [("new", &two, true), ("old", &one, false)] {
        let extra =
            [("ATTUNE__PACKS__DIRECTORIES", packs.as_str()), ("ATTUNE__SECURITY__ENCRYPTION_KEYS_FILE", keys.as_str())];
        let mut server = deployment.add_server(label, &extra).expect("started");
        if is_enough {
            eventually("it to listen", Duration::from_secs(30), || async {
                server.printed().contains("serving").then_some(())
            })
            .await;
        } else {
            let code = server.wait(Duration::from_secs(30)).expect("it ends");
            let said = server.printed();
            assert!(code != 0 && said.contains("key id 2 unknown; have 1"), "{code}: {said}");
        }
    }
}
