//! A worker, its launcher and its guards, killed and stopped while twenty executions run.

use attune_end_to_end::{Client, Deployment};
use attune_testkit::eventually;
use attune_testkit::postgres::TestDatabase;
use attune_testkit::rabbitmq::TestBroker;
use serde_json::{Value, json};

use crate::trouble::{LONG, Trouble, guard_of, launcher_of, signal};

/// A deployment whose worker has twenty slots and loses its lease within seconds.
struct Stand {
    deployment: Deployment,
    client: Client,
    packs: String,
}

impl Stand {
    const TIMING: [(&str, &str); 7] = [
        ("ATTUNE__WORKER__HEARTBEAT_INTERVAL", "500ms"),
        ("ATTUNE__WORKER__KILL_GRACE", "500ms"),
        ("ATTUNE__PROTOCOL__LEASE", "8s"),
        ("ATTUNE__PROTOCOL__UNREACHABLE", "3s"),
        ("ATTUNE__PROTOCOL__FENCE_TERMINATE", "4s"),
        ("ATTUNE__PROTOCOL__FENCE_KILL", "5s"),
        ("ATTUNE__PROTOCOL__REAPER_TICK", "500ms"),
    ];

    async fn build(trouble: &Trouble, database: &str, broker: &str) -> Self {
        let packs = trouble.packs();
        let extra = Self::extra(&packs);
        let deployment = Deployment::start(database, broker, &extra).expect("a server");
        let client = deployment.client();
        let mut stand = Self { deployment, client, packs };
        stand.add_worker().await;
        stand
    }

    fn extra(packs: &str) -> Vec<(&str, &str)> {
        let mut extra = Self::TIMING.to_vec();
        extra.push(("ATTUNE__PACKS__DIRECTORIES", packs));
        extra
    }

    async fn add_worker(&mut self) {
        let packs = self.packs.clone();
        self.deployment.add_worker("guarded", 20, &Self::extra(&packs)).expect("a worker");
        let worker = self.deployment.workers.last().expect("just added");
        eventually("the worker to consume", LONG, || async { worker.printed().contains("consuming").then_some(()) })
            .await;
    }

    /// Waits for the ends of executions and insists that each has a cause that is one of these.
    fn assert_ended(&self, ids: &[i64], status: &str, causes: &[&str]) -> Vec<Value> {
        let ends = ids.iter().map(|id| self.client.wait(*id).expect("an answer")).collect::<Vec<_>>();
        for end in &ends {
            let cause = end["outcome"]["cause"].as_str().unwrap_or("none");
            assert!(end["status"] == status && causes.contains(&cause), "expected {status} by {causes:?}: {end}");
        }
        ends
    }

    /// Whatever happened, the worker runs what comes next.
    fn assert_goes_on(&self, trouble: &Trouble) {
        trouble.open_gate();
        let id = self.client.submit("trouble.plain", &json!({})).expect("accepted");
        self.assert_ended(&[id], "completed", &["exited"]);
        trouble.close_gate();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_worker_is_killed_its_trees_die_and_all_is_settled_when_it_is_back() {
    let (database, broker) = (TestDatabase::create().await, TestBroker::create().await);
    let trouble = Trouble::create();
    let mut stand = Stand::build(&trouble, database.url(), broker.url()).await;
    let ids = trouble.start_twenty(&stand.client).await;

    stand.deployment.workers[0].signal(libc::SIGKILL);
    trouble.wait_until_dead("the worker was killed").await;
    stand.deployment.workers.clear();
    stand.add_worker().await;
    stand.assert_ended(&ids, "abandoned", &["worker_lost"]);
    assert!(trouble.count("end").is_empty(), "nothing ended by itself");
    assert!(trouble.count("start").values().all(|count| *count == 1), "nothing ran twice");
    stand.assert_goes_on(&trouble);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_guards_and_then_the_launcher_are_killed_each_end_says_so_and_the_worker_goes_on() {
    let (database, broker) = (TestDatabase::create().await, TestBroker::create().await);
    let trouble = Trouble::create();
    let stand = Stand::build(&trouble, database.url(), broker.url()).await;
    let worker = &stand.deployment.workers[0];
    let ids = trouble.start_twenty(&stand.client).await;

    // The fork bomb, a daemoniser and a plain one.
    let victims = [ids[0], ids[1], ids[10]];
    let guards = victims.map(|id| guard_of(worker, id));
    guards.iter().for_each(|guard| signal(*guard, libc::SIGKILL));
    for end in stand.assert_ended(&victims, "abandoned", &["interrupted"]) {
        assert!(end["outcome"]["by"].as_str().is_some_and(|by| by.contains("guard")), "{end}");
    }
    trouble.open_gate();
    let others: Vec<i64> = ids.iter().copied().filter(|id| !victims.contains(id)).collect();
    stand.assert_ended(&others, "completed", &["exited"]);
    trouble.wait_until_dead("the gate was opened").await;
    trouble.close_gate();

    let ids = trouble.start_twenty(&stand.client).await;
    signal(launcher_of(worker), libc::SIGKILL);
    trouble.wait_until_dead("the launcher was killed").await;
    for end in stand.assert_ended(&ids, "abandoned", &["interrupted"]) {
        assert!(end["outcome"]["by"].as_str().is_some_and(|by| by.contains("launcher")), "{end}");
    }
    stand.assert_goes_on(&trouble);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_worker_is_stopped_its_trees_die_before_anybody_else_may_run_them() {
    let (database, broker) = (TestDatabase::create().await, TestBroker::create().await);
    let trouble = Trouble::create();
    let stand = Stand::build(&trouble, database.url(), broker.url()).await;
    let worker = &stand.deployment.workers[0];
    let ids = trouble.start_twenty(&stand.client).await;

    worker.signal(libc::SIGSTOP);
    trouble.wait_until_dead("the worker was stopped, whose fence is at 5 s").await;
    let are_running =
        |id: &i64| stand.client.get(&format!("/executions/{id}")).expect("an answer")["status"] == "running";
    assert!(ids.iter().all(are_running), "nobody was given the work before it was dead");
    stand.assert_ended(&ids, "abandoned", &["worker_lost"]);
    worker.signal(libc::SIGCONT);
    eventually("the worker to be back", LONG, || async {
        let body = stand.client.get("/workers/guarded").ok()?;
        (body["status"] == "active").then_some(())
    })
    .await;
    stand.assert_goes_on(&trouble);
    assert!(trouble.count("start").values().all(|count| *count == 1), "nothing ran twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_launcher_is_stopped_what_runs_ends_and_what_comes_runs_when_it_goes_on() {
    let (database, broker) = (TestDatabase::create().await, TestBroker::create().await);
    let trouble = Trouble::create();
    let stand = Stand::build(&trouble, database.url(), broker.url()).await;
    let ids = trouble.start_twenty(&stand.client).await;
    let launcher = launcher_of(&stand.deployment.workers[0]);
    signal(launcher, libc::SIGSTOP);
    trouble.open_gate();
    stand.assert_ended(&ids, "completed", &["exited"]);
    let more = stand.client.submit_many("trouble.plain", &json!({}), 20).expect("accepted");
    // A launcher that the worker gave up may be gone already.
    if std::path::Path::new(&format!("/proc/{launcher}")).exists() {
        signal(launcher, libc::SIGCONT);
    }
    stand.assert_ended(&more, "completed", &["exited"]);
    trouble.wait_until_dead("the last end").await;
    assert!(trouble.count("start").values().all(|count| *count == 1), "nothing ran twice");
}
