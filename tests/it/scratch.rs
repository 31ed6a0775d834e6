//! Packs that a test writes itself, and a server that knows them.

use std::io::Write;
use std::path::{Path, PathBuf};

use attune_end_to_end::{Client, Deployment, Program, repository};
use attune_testkit::postgres::TestDatabase;
use attune_testkit::rabbitmq::TestBroker;
use serde_json::Value;

/// A folder with packs, and beside them `out`, where actions may write.
pub(crate) struct Scratch {
    folder: tempfile::TempDir,
}

impl Scratch {
    pub(crate) fn create() -> Self {
        let folder = tempfile::Builder::new().prefix("attune-scratch-").tempdir().expect("a temporary folder");
        std::fs::create_dir_all(folder.path().join("out")).expect("a folder");
        std::fs::create_dir_all(folder.path().join("packs")).expect("a folder");
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The same as text.
    pub(crate) fn place(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        std::fs::write(&path, content).expect("a file");
        path
    }

    /// Adds an action to a pack, and the pack's declaration. `more` is further lines of the action.
    pub(crate) fn action(&self, name: &str, runner: &str, script: (&str, &str), more: &str) {
        let (pack, action) = name.split_once('.').expect("pack.action");
        let (entry, text) = script;
        self.write(&format!("packs/{pack}/pack.yaml"), format!("ref: {pack}\nversion: 1.0.0\n"));
        let spec = format!("ref: {name}\nrunner_type: {runner}\nentry_point: {entry}\ntimeout_seconds: 120\n{more}");
        self.write(&format!("packs/{pack}/actions/{action}.yaml"), spec);
        let path = self.write(&format!("packs/{pack}/actions/{entry}"), text);
        mark_executable(&path);
    }

    pub(crate) fn packs(&self) -> String {
        self.place("packs")
    }
}

pub(crate) fn mark_executable(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
}

/// A server with a database and a broker of its own. Workers stop first when it is dropped.
pub(crate) struct Site {
    pub(crate) deployment: Deployment,
    pub(crate) client: Client,
    pub(crate) packs: String,
    _database: TestDatabase,
    _broker: TestBroker,
}

impl Site {
    /// A server that knows the packs in these folders.
    pub(crate) async fn serving(packs: &str) -> Self {
        let (database, broker) = (TestDatabase::create().await, TestBroker::create().await);
        let extra = [("ATTUNE__PACKS__DIRECTORIES", packs)];
        let deployment = Deployment::start(database.url(), broker.url(), &extra).expect("a server");
        let client = deployment.client();
        Self { deployment, client, packs: packs.to_owned(), _database: database, _broker: broker }
    }

    /// One more agent, with more variables.
    pub(crate) fn agent(&mut self, name: &str, extra: &[(&str, &str)]) {
        let packs = self.packs.clone();
        let mut extra = extra.to_vec();
        extra.insert(0, ("ATTUNE__PACKS__DIRECTORIES", packs.as_str()));
        self.deployment.add_agent(name, 10, &extra).expect("an agent");
    }

    /// Waits for the end of an execution that is to complete; its result.
    pub(crate) fn result(&self, id: i64) -> Value {
        let ended = self.client.wait(id).expect("an answer");
        assert_eq!(ended["status"], "completed", "{ended:#}\n{}", self.output(id));
        ended["result"].clone()
    }

    /// Runs an action to its end; its result.
    pub(crate) fn run(&self, action: &str, parameters: &Value) -> Value {
        self.result(self.client.submit(action, parameters).expect("accepted"))
    }

    /// Everything that it wrote, in one text.
    pub(crate) fn output(&self, id: i64) -> String {
        let lines = self.client.lines(&format!("/executions/{id}/logs")).unwrap_or_default();
        lines.iter().filter_map(|line| line["text"].as_str()).collect::<Vec<_>>().join("\n")
    }

    /// The last attempt.
    pub(crate) fn attempt(&self, id: i64) -> Value {
        let attempts = self.client.get(&format!("/executions/{id}/attempts")).expect("an answer");
        let items = attempts["items"].as_array().cloned().unwrap_or_default();
        items.last().cloned().unwrap_or_default()
    }

    /// Whether its claim was held until something was made for it. What needs nothing, or finds what it needs ready,
    /// starts with its claim.
    pub(crate) fn was_held(&self, id: i64) -> bool {
        let attempt = self.attempt(id);
        assert!(attempt["started_at"].is_string(), "it started: {attempt:#}");
        attempt["claimed_at"] != attempt["started_at"]
    }
}

/// The packs that come with Attune.
pub(crate) fn own_packs() -> String {
    repository().join("packs").display().to_string()
}

/// Whether a test is told to do without a program that this machine cannot have: `ATTUNE_TEST_WITHOUT` lists them. What
/// is not there and not listed there fails the test: nothing is passed over in silence.
pub(crate) fn does_without(word: &str) -> bool {
    std::env::var("ATTUNE_TEST_WITHOUT").unwrap_or_default().split(',').any(|listed| listed.trim() == word)
}

/// Runs a program of this machine to its end, which is to be a success; what it printed.
pub(crate) fn tool(program: &str, arguments: &[&str], environment: &[(&str, &str)], folder: &Path) -> String {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(program)).find(|path| path.is_file());
    let found = found.unwrap_or_else(|| panic!("{program} is not installed; run scripts/install-test-languages.sh"));
    let label = format!("tool-{}", program.replace('/', "-"));
    let mut running = Program::start_at(&found, &label, arguments, environment, folder).expect("it starts");
    let code = running.wait(std::time::Duration::from_secs(120)).expect("it ends");
    let printed = running.printed();
    std::fs::remove_file(folder.join(format!("{label}.log"))).expect("its log");
    assert_eq!(code, 0, "{program} {arguments:?}: {printed}");
    printed
}

/// Says a figure where whoever runs the test looks for figures.
pub(crate) fn figure(words: &str) {
    let _unheard = writeln!(std::io::stderr(), "figure: {words}");
}
