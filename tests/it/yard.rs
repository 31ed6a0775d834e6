//! A deployment that is broken on purpose, and actions that tell what really ran.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use attune_end_to_end::{Client, Deployment, Program};
use attune_testkit::eventually;
use attune_testkit::processes::living_with;
use attune_types::Timestamp;
use serde_json::{Value, json};

/// How long a condition may take before the test is called broken.
pub(crate) const LONG: Duration = Duration::from_secs(90);

/// A folder with the pack `yard`, whose actions append what they do to a file that Attune knows nothing of and go on until
/// a gate is open. `yard.once` must not run twice; `yard.again` may, after its worker was lost.
pub(crate) struct Yard {
    folder: tempfile::TempDir,
}

impl Yard {
    pub(crate) fn create() -> Self {
        let folder = tempfile::Builder::new().prefix("attune-yard-").tempdir().expect("a temporary folder");
        let yard = Self { folder };
        for part in ["out", "packs/yard/actions"] {
            std::fs::create_dir_all(yard.path(part)).expect("folders");
        }
        let (truth, gate) = (yard.path("out/truth"), yard.path("out/gate"));
        let script = |wait: &str| {
            format!(
                "echo \"start $ATTUNE_EXECUTION_ID\" >>'{0}'\n{wait}\necho \"end $ATTUNE_EXECUTION_ID\" >>'{0}'\n",
                truth.display()
            )
        };
        let gated = script(&format!("until [ -e '{}' ]; do sleep 0.05; done", gate.display()));
        let retried =
            "idempotent: true\nretry:\n  on: [lost, interrupted]\n  max_attempts: 3\n  backoff: {initial_seconds: 1}\n";
        yard.write("packs/yard/pack.yaml", "ref: yard\nversion: 1.0.0\nlabel: Yard\n");
        for (name, body, more) in [
            ("once", gated.as_str(), ""),
            ("again", gated.as_str(), retried),
            ("quick", &script(":"), ""),
            ("stubborn", &format!("trap '' TERM\n{gated}"), ""),
        ] {
            yard.write(&format!("packs/yard/actions/{name}.sh"), body);
            let text = format!("ref: yard.{name}\nrunner_type: shell\nentry_point: {name}.sh\n{more}");
            yard.write(&format!("packs/yard/actions/{name}.yaml"), &text);
        }
        yard
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("a file");
    }

    pub(crate) fn packs(&self) -> String {
        self.path("packs").display().to_string()
    }

    pub(crate) fn open_gate(&self) {
        self.write("out/gate", "");
    }

    /// How often each execution wrote `what`.
    pub(crate) fn count(&self, what: &str) -> BTreeMap<i64, usize> {
        let truth = std::fs::read_to_string(self.path("out/truth")).unwrap_or_default();
        let mut count = BTreeMap::new();
        for id in truth.lines().filter_map(|line| line.strip_prefix(what)?.trim().parse().ok()) {
            *count.entry(id).or_default() += 1;
        }
        count
    }

    /// Waits until each of these has started so often.
    pub(crate) async fn started(&self, ids: &[i64], times: usize) {
        eventually("the executions to start", LONG, || async {
            let starts = self.count("start");
            ids.iter().all(|id| starts.get(id) == Some(&times)).then_some(())
        })
        .await;
    }

    /// Insists that each of these started and ended exactly once, and nothing else did.
    pub(crate) fn assert_once(&self, ids: &[i64]) {
        let expected: BTreeMap<i64, usize> = ids.iter().map(|id| (*id, 1)).collect();
        assert_eq!(self.count("start"), expected);
        assert_eq!(self.count("end"), expected);
    }

    /// Processes of its actions.
    pub(crate) fn living(&self) -> usize {
        let folder = self.path("packs/yard").canonicalize().expect("it is there").display().to_string();
        living_with("ATTUNE_PACK_DIR", &folder).len()
    }
}

impl Drop for Yard {
    fn drop(&mut self) {
        assert!(std::thread::panicking() || self.living() == 0, "processes of actions are left");
    }
}

/// A server with workers, by their names.
pub(crate) struct Stand {
    pub(crate) deployment: Deployment,
    pub(crate) client: Client,
    packs: String,
}

impl Stand {
    pub(crate) fn build(yard: &Yard, database: &str, broker: &str) -> Self {
        Self::serving(yard, database, broker, &[])
    }

    /// The same with a server that is told more.
    pub(crate) fn serving(yard: &Yard, database: &str, broker: &str, more: &[(&str, &str)]) -> Self {
        let packs = yard.packs();
        let mut extra = vec![("ATTUNE__PACKS__DIRECTORIES", packs.as_str())];
        extra.extend_from_slice(more);
        let deployment = Deployment::start(database, broker, &extra).expect("a server");
        let client = deployment.client();
        Self { deployment, client, packs }
    }

    /// Starts a worker and waits until it consumes; where it stands among the workers.
    pub(crate) async fn add_worker(&mut self, name: &str, slots: u32, extra: &[(&str, &str)]) -> usize {
        self.add(name, extra, |deployment, all| deployment.add_worker(name, slots, all)).await
    }

    /// The same with an agent.
    pub(crate) async fn add_agent(&mut self, name: &str, slots: u32, extra: &[(&str, &str)]) -> usize {
        self.add(name, extra, |deployment, all| deployment.add_agent(name, slots, all)).await
    }

    async fn add(
        &mut self,
        name: &str,
        extra: &[(&str, &str)],
        start: impl FnOnce(&mut Deployment, &[(&str, &str)]) -> std::io::Result<()>,
    ) -> usize {
        let consumed = self.consumed(name);
        let mut all = vec![("ATTUNE__PACKS__DIRECTORIES", self.packs.as_str())];
        all.extend_from_slice(extra);
        start(&mut self.deployment, &all).expect("a worker");
        eventually("the worker to consume", LONG, || async { (self.consumed(name) > consumed).then_some(()) }).await;
        self.deployment.workers.len() - 1
    }

    /// How often workers of this name began to consume.
    pub(crate) fn consumed(&self, name: &str) -> usize {
        let log = self.deployment.folder().join(format!("{name}.log"));
        std::fs::read_to_string(log).unwrap_or_default().matches("consuming").count()
    }

    pub(crate) fn worker(&mut self, index: usize) -> &mut Program {
        &mut self.deployment.workers[index]
    }

    /// Kills a worker with SIGKILL and waits until it is gone.
    pub(crate) fn kill(&mut self, index: usize) -> Instant {
        let worker = self.worker(index);
        worker.signal(libc::SIGKILL);
        let at = Instant::now();
        assert_eq!(worker.wait(Duration::from_secs(10)).expect("it dies"), 128 + libc::SIGKILL);
        at
    }

    pub(crate) fn submit(&self, action: &str, count: usize) -> Vec<i64> {
        self.client.submit_many(action, &json!({}), count).expect("accepted")
    }

    /// Waits for the ends of executions.
    pub(crate) fn ends(&self, ids: &[i64]) -> Vec<Value> {
        ids.iter().map(|id| self.client.wait(*id).expect("an answer")).collect()
    }

    pub(crate) fn assert_completed(&self, ids: &[i64]) -> Vec<Value> {
        let ends = self.ends(ids);
        for end in &ends {
            assert_eq!(end["status"], "completed", "{end}");
        }
        ends
    }
}

/// Seconds between two moments of an execution.
pub(crate) fn between(execution: &Value, from: &str, to: &str) -> f64 {
    let moment = |name: &str| serde_json::from_value::<Timestamp>(execution[name].clone()).expect("a moment").0;
    (moment(to) - moment(from)) as f64 / 1e6
}

/// The largest but one in a hundred.
pub(crate) fn p99(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[(values.len() * 99).div_ceil(100) - 1]
}

pub(crate) fn figure(what: &str, seconds: f64, promised: f64) {
    eprintln!("figure: {what}: {seconds:.2} s (promised {promised} s)");
}
