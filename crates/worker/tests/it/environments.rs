//! Environments of packs: made once, by whoever comes first, and never used half-made.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use attune_pack::{Library, Overrides, Pack, execution_spec};
use attune_process::Command;
use attune_runtime::environment::ToolSettings;
use attune_testkit::archive::zip;
use attune_testkit::eventually;
use attune_testkit::postgres::TestDatabase;
use attune_testkit::rabbitmq::TestBroker;
use attune_types::{
    AttemptState, Environment, EnvironmentState, ExecutionId, ExecutionSpec, ExecutionStatus, LogStream, Outcome,
};
use attune_worker::{
    EnvironmentFailure, EnvironmentKey, Mode, Preparer, ReadyEnvironment, Settings, Stamp, WorkerBuilder, WorkerHandle,
};
use serde_json::Map;
use tokio::sync::Semaphore;

use crate::fixture::{Fixture, LONG, exited, in_system, launcher};

/// Writes a pack. Beside it lie the runtimes that come with Attune.
fn pack(fixture: &Fixture, name: &str, files: &[(&str, &str)]) -> PathBuf {
    let packs = fixture.directory.path().join("packs");
    fs::create_dir_all(packs.join(name)).expect("a folder");
    let core = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packs/core");
    if !packs.join("core").exists() {
        std::os::unix::fs::symlink(core, packs.join("core")).expect("a link");
    }
    let declaration = format!("ref: {name}\nversion: 1.0.0\n");
    for (path, text) in files.iter().copied().chain([("pack.yaml", declaration.as_str())]) {
        let path = packs.join(name).join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    packs.join(name)
}

/// A pack whose environments are made by a text for the shell: quickly, and only when it is let.
fn shell_pack(fixture: &Fixture, recipe: &str) -> PathBuf {
    fs::create_dir_all(fixture.directory.path().join("free")).expect("a folder");
    let recipe = recipe.replace("FREE", &fixture.directory.path().join("free").display().to_string());
    let runtime = format!(
        "ref: demo.tool\nname: tool\nexecution_config: {{extension: tool}}\n\
         detection: {{binaries: [sh], version_arguments: [-c, 'echo 1.0.0']}}\n\
         environment:\n  manifests: [needs.txt]\n  recipes:\n    - steps:\n        - name: make\n          run: |\n            {}\n  \
         env_vars: {{DEMO_DIR: {{set: '{{environment_dir}}'}}}}\n  check: [cat, '{{environment_dir}}/made']\n",
        recipe.replace('\n', "\n            ")
    );
    let action = "ref: demo.show\nrunner_type: tool\nentry_point: show.tool\n";
    let files = [
        ("needs.txt", "one\n"),
        ("runtimes/tool.yaml", runtime.as_str()),
        ("actions/show.yaml", action),
        ("actions/show.tool", "cat \"$DEMO_DIR/made\"\n"),
    ];
    pack(fixture, "demo", &files)
}

fn settings(fixture: &Fixture, name: &str) -> Settings {
    let mut settings = fixture.settings();
    settings.name = format!("{name}-{}", settings.name);
    settings.state_directory = fixture.directory.path().join(name);
    settings.pack_directories = vec![fixture.directory.path().join("packs")];
    settings.runtimes = Some(["shell", "python", "node", "tool"].map(str::to_owned).to_vec());
    settings
}

async fn start(fixture: &Fixture, mode: Mode, settings: Settings) -> WorkerHandle {
    let builder = WorkerBuilder::new(mode, settings).launcher(launcher());
    let builder = builder.store(Arc::clone(&fixture.store)).queue(Arc::clone(&fixture.queue));
    builder.start().await.expect("the worker starts")
}

fn spec(pack: &Path, action: &str) -> ExecutionSpec {
    let pack = Pack::load(pack).expect("a pack");
    let action = pack.actions.iter().find(|known| known.action_ref.name == action).expect("an action");
    execution_spec(action, &pack.spec.version, &Overrides::default())
}

async fn run(fixture: &Fixture, worker: &WorkerHandle, pack: &Path, action: &str) -> ExecutionId {
    fixture.run_spec(worker, spec(pack, action), Map::new()).await
}

/// Runs it to its end; its outcome and its output.
async fn outcome(fixture: &Fixture, worker: &WorkerHandle, pack: &Path, action: &str) -> (Option<Outcome>, String) {
    let id = run(fixture, worker, pack, action).await;
    (fixture.ended(id).await.outcome, fixture.output(id, LogStream::Stdout).await)
}

/// What the store was told, when it was told this of every worker.
async fn told(fixture: &Fixture, states: &[EnvironmentState]) -> Vec<Environment> {
    eventually("the store to be told", LONG, || async {
        let told = fixture.store.environments().await.expect("the store answers");
        (told.iter().map(|one| one.state).collect::<Vec<_>>() == states).then_some(told)
    })
    .await
}

fn lines(path: &Path) -> usize {
    fs::read_to_string(path).map_or(0, |text| text.lines().count())
}

/// A folder in which pip finds `attune-demo` 1.0 and nothing else.
fn python_index(fixture: &Fixture) -> ToolSettings {
    let index = fixture.directory.path().join("index");
    fs::create_dir_all(&index).expect("a folder");
    let files = [
        ("attune_demo.py", "VALUE = 'from the wheel'\n"),
        ("attune_demo-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: attune-demo\nVersion: 1.0\n"),
        (
            "attune_demo-1.0.dist-info/WHEEL",
            "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        ),
        ("attune_demo-1.0.dist-info/RECORD", ""),
    ];
    let mut wheel = fs::File::create(index.join("attune_demo-1.0-py3-none-any.whl")).expect("a file");
    wheel.write_all(&zip(&files)).expect("written");
    ToolSettings::from_inherited([
        ("PIP_NO_INDEX".into(), "1".into()),
        ("PIP_FIND_LINKS".into(), index.into()),
        ("UV_OFFLINE".into(), "1".into()),
        ("UV_NO_INDEX".into(), "1".into()),
        ("UV_FIND_LINKS".into(), fixture.directory.path().join("index").into()),
    ])
}

const PYTHON_ACTION: [(&str, &str); 2] = [
    ("actions/show.yaml", "ref: py.show\nrunner_type: python\nentry_point: show.py\n"),
    ("actions/show.py", "import attune_demo, sys\nprint(attune_demo.VALUE, sys.prefix != sys.base_prefix)\n"),
];

#[test]
fn ten_executions_on_two_workers_that_need_the_same_new_environment_make_it_once() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let pack = pack(&fixture, "py", &[PYTHON_ACTION[0], PYTHON_ACTION[1], ("requirements.txt", "attune-demo\n")]);
        let tools = python_index(&fixture);
        let mut workers = Vec::new();
        for name in ["one", "two"] {
            let settings = Settings { tool_settings: tools.clone(), ..settings(&fixture, name) };
            workers.push(start(&fixture, Mode::Agent, settings).await);
        }
        let mut ids = Vec::new();
        for number in 0..10 {
            ids.push(run(&fixture, &workers[number % 2], &pack, "show").await);
        }
        fixture.assert_ended_once(&ids, ExecutionStatus::Completed).await;
        for id in &ids {
            assert_eq!(fixture.output(*id, LogStream::Stdout).await, "from the wheel True\n");
            let attempt = fixture.store.attempts(*id).await.expect("the store answers").remove(0);
            assert!(attempt.evidence.and_then(|evidence| evidence.environment_ms).is_some());
        }
        use EnvironmentState::Ready;
        let told = told(&fixture, &[Ready, Ready]).await;
        assert_eq!(told.iter().filter(|one| one.took_ms.is_some()).count(), 1, "{told:#?}");
        assert_eq!(told[0].directory, told[1].directory);
        assert!(told[0].size_bytes.is_some_and(|bytes| bytes > 0));
        let log = fs::read_to_string(format!("{}.log", told[0].directory)).expect("a log");
        assert_eq!(log.matches("== install: ").count(), 1, "{log}");
        // Again, and nobody looks for anything.
        let id = run(&fixture, &workers[0], &pack, "show").await;
        fixture.assert_ended_once(&[id], ExecutionStatus::Completed).await;
        for worker in &workers {
            fixture.stop(worker).await;
        }
    });
}

#[test]
fn what_cannot_be_installed_is_told_with_the_tools_words_and_works_as_soon_as_it_is_mended() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let missing = ("requirements.txt", "attune-demo\nattune-no-such-thing\n");
        let pack = pack(&fixture, "py", &[PYTHON_ACTION[0], PYTHON_ACTION[1], missing]);
        let settings = Settings { tool_settings: python_index(&fixture), ..settings(&fixture, "one") };
        let worker = start(&fixture, Mode::Agent, settings).await;
        let id = run(&fixture, &worker, &pack, "show").await;
        let execution = fixture.ended(id).await;
        let Some(Outcome::EnvironmentFailed { step, log }) = execution.outcome else {
            panic!("{:?}", execution.outcome)
        };
        assert_eq!(step, "install");
        assert!(log.contains("attune-no-such-thing"), "{log}");
        let attempts = fixture.store.attempts(id).await.expect("the store answers");
        assert_eq!(attempts[0].started_at, None, "nothing of it ran");
        let failed = told(&fixture, &[EnvironmentState::Failed]).await;
        assert!(failed[0].log.contains("attune-no-such-thing"));
        fs::write(pack.join("requirements.txt"), "attune-demo\n").expect("mended");
        let (outcome, output) = outcome(&fixture, &worker, &pack, "show").await;
        assert_eq!((outcome, output.as_str()), (exited(0), "from the wheel True\n"));
        fixture.stop(&worker).await;
    });
}

#[test]
fn a_package_of_the_packs_own_is_required_by_a_script_for_node() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let files = [
            ("actions/show.yaml", "ref: js.show\nrunner_type: node\nentry_point: show.js\n"),
            ("actions/show.js", "console.log(require('attune-demo').value);\n"),
            (
                "package.json",
                r#"{"name": "x", "version": "1.0.0", "dependencies": {"attune-demo": "file:vendor/attune-demo"}}"#,
            ),
            ("vendor/attune-demo/package.json", r#"{"name": "attune-demo", "version": "1.0.0"}"#),
            ("vendor/attune-demo/index.js", "exports.value = 'from the package';\n"),
        ];
        let pack = pack(&fixture, "js", &files);
        let offline = [("NPM_CONFIG_OFFLINE".into(), "true".into())];
        let settings = Settings { tool_settings: ToolSettings::from_inherited(offline), ..settings(&fixture, "one") };
        let worker = start(&fixture, Mode::Agent, settings).await;
        let (first, output) = outcome(&fixture, &worker, &pack, "show").await;
        assert_eq!((first, output.as_str()), (exited(0), "from the package\n"));
        fixture.stop(&worker).await;
    });
}

#[test]
fn a_full_worker_prepares_everything_before_it_takes_work_and_again_when_a_pack_changes() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let pack = shell_pack(
            &fixture,
            "echo x >> FREE/count\nwhile [ ! -e FREE/gate ]; do sleep 0.02; done\ncp \"$ATTUNE_MANIFEST\" made",
        );
        let free = fixture.directory.path().join("free");
        let worker = start(&fixture, Mode::Worker, settings(&fixture, "one")).await;
        let status = || async { fixture.store.workers().await.expect("the store answers")[0].status };
        eventually("the worker to take no work", LONG, || async {
            (status().await == attune_types::WorkerStatus::Draining).then_some(())
        })
        .await;
        told(&fixture, &[EnvironmentState::Building]).await;
        fs::write(free.join("gate"), b"").expect("opened");
        eventually("the worker to take work", LONG, || async {
            (status().await == attune_types::WorkerStatus::Active).then_some(())
        })
        .await;
        assert_eq!(lines(&free.join("count")), 1, "it was made although nobody asked");
        assert_eq!(outcome(&fixture, &worker, &pack, "show").await, (exited(0), "one\n".into()));
        fs::write(pack.join("needs.txt"), "two, more\n").expect("changed");
        eventually("another one to be made", LONG, || async { (lines(&free.join("count")) == 2).then_some(()) }).await;
        eventually("what it says", LONG, || async {
            (outcome(&fixture, &worker, &pack, "show").await.1 == "two, more\n").then_some(())
        })
        .await;
        fixture.stop(&worker).await;
    });
}

#[test]
fn an_environment_that_does_not_work_any_more_is_made_again_once() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let pack = shell_pack(&fixture, "echo x >> FREE/count\ncp \"$ATTUNE_MANIFEST\" made");
        let count = fixture.directory.path().join("free/count");
        for (life, builds) in [("one", 1), ("two", 1), ("three", 2), ("four", 2)] {
            if life == "three" {
                let made = told(&fixture, &[EnvironmentState::Ready; 2]).await.remove(0).directory;
                fs::remove_file(Path::new(&made).join("made")).expect("broken");
            }
            let worker = start(&fixture, Mode::Agent, settings(&fixture, life)).await;
            assert_eq!(outcome(&fixture, &worker, &pack, "show").await, (exited(0), "one\n".into()), "{life}");
            assert_eq!(lines(&count), builds, "{life}");
            fixture.stop(&worker).await;
        }
    });
}

#[test]
fn nothing_half_made_is_used_when_its_builder_is_killed_and_the_next_one_takes_over() {
    in_system(async {
        let (database, broker) = (TestDatabase::create().await, TestBroker::create().await);
        let queue = attune_queue::connect(broker.url(), attune_queue::ConnectOptions::default());
        let queue = queue.await.expect("the broker answers");
        let fixture = Fixture::on(database.url(), queue, attune_testkit::TestDirectory::create()).await;
        let pack = shell_pack(
            &fixture,
            "echo x >> FREE/count\necho half > made\nwhile [ ! -e FREE/gate ]; do sleep 0.02; done\ncp \"$ATTUNE_MANIFEST\" made",
        );
        let directory = fixture.directory.path();
        let free = directory.join("free");
        // The program itself, so that it can be killed.
        let mut program = Command::new(env!("CARGO_BIN_EXE_attune-worker"));
        let inherited = std::env::var_os("PATH").map(|path| ("PATH".into(), path));
        let (mark, value) = fixture.tag.variable();
        program.environment = inherited.into_iter().collect();
        for (name, value) in [
            ("ATTUNE__DATABASE__URL", database.url().to_owned()),
            ("ATTUNE__MESSAGE_QUEUE__URL", broker.url().to_owned()),
            ("ATTUNE__WORKER__NAME", "doomed".to_owned()),
            ("ATTUNE__PACKS__DIRECTORIES", directory.join("packs").display().to_string()),
            ("ATTUNE__PATHS__STATE_DIR", directory.join("doomed").display().to_string()),
            ("ATTUNE__PATHS__ARTIFACTS_DIR", directory.join("artifacts").display().to_string()),
            ("ATTUNE__PATHS__RUNTIME_ENVS_DIR", directory.join("runtime_envs").display().to_string()),
            (mark, value.to_owned()),
        ] {
            program = program.variable(name, value);
        }
        let (sender, mut said) = tokio::sync::mpsc::channel(64);
        let outer = launcher();
        let doomed = outer.spawn(program, sender).await.expect("it starts");
        let hearing = tokio::spawn(async move {
            let mut text = String::new();
            while let Some(chunk) = said.recv().await {
                text.push_str(&String::from_utf8_lossy(&chunk.bytes));
            }
            text
        });
        let (pid, running) = (doomed.pid(), tokio::spawn(doomed.wait()));
        eventually("the build to be half-way", LONG, || async {
            assert!(!running.is_finished(), "it runs");
            (lines(&free.join("count")) == 1).then_some(())
        })
        .await;
        rustix_kill(pid);
        let _ended = running.await.expect("joined");
        let worker = start(&fixture, Mode::Agent, settings(&fixture, "next")).await;
        let id = run(&fixture, &worker, &pack, "show").await;
        eventually("the next one to build", LONG, || async { (lines(&free.join("count")) == 2).then_some(()) }).await;
        fs::write(free.join("gate"), b"").expect("opened");
        let execution = fixture.ended(id).await;
        assert_eq!(execution.outcome, exited(0), "{}", hearing.await.expect("joined"));
        assert_eq!(fixture.output(id, LogStream::Stdout).await, "one\n");
        fixture.stop(&worker).await;
        fixture.queue.close().await;
        fixture.store.close().await;
    });
}

fn rustix_kill(pid: i32) {
    // SAFETY: a signal to a process that this test started and has not waited for.
    let sent = unsafe { libc::kill(pid, libc::SIGKILL) };
    assert_eq!(sent, 0, "killed");
}

/// Prepares when it is allowed to, and fails for one pack.
struct Gate {
    open: Semaphore,
    asked: AtomicUsize,
}

#[async_trait]
impl Preparer for Gate {
    fn needs(&self, key: &EnvironmentKey) -> Option<Stamp> {
        (key.pack.as_deref() != Some("free")).then(|| Stamp::of(&1))
    }

    async fn prepare(&self, key: &EnvironmentKey) -> Result<Option<Arc<ReadyEnvironment>>, EnvironmentFailure> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.open.acquire().await.expect("open").forget();
        if key.pack.as_deref() == Some("broken") {
            return Err(EnvironmentFailure { step: "install".into(), log: "no such package".into() });
        }
        Ok(None)
    }

    fn is_good(&self, _: &ReadyEnvironment) -> bool {
        true
    }
}

#[test]
fn nothing_runs_and_nothing_is_called_running_before_its_environment_is_ready() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let packs = ["demo", "broken", "free"].map(|name| {
            let action = format!("ref: {name}.show\nrunner_type: shell\nentry_point: show.sh\n");
            pack(&fixture, name, &[("actions/show.yaml", &action), ("actions/show.sh", "true\n")])
        });
        let [demo, broken, free] = &packs;
        let gate = Arc::new(Gate { open: Semaphore::new(0), asked: AtomicUsize::new(0) });
        let builder = WorkerBuilder::new(Mode::Agent, settings(&fixture, "one")).launcher(launcher());
        let builder = builder.store(Arc::clone(&fixture.store)).queue(Arc::clone(&fixture.queue));
        let builder = builder.packs(Library::scan(&[fixture.directory.path().join("packs")]));
        let worker = builder.preparer(Arc::clone(&gate) as Arc<dyn Preparer>).start().await.expect("it starts");
        let ids = [run(&fixture, &worker, demo, "show").await, run(&fixture, &worker, demo, "show").await];
        for id in ids {
            eventually("a held claim", LONG, || async {
                let attempts = fixture.store.attempts(id).await.expect("the store answers");
                (attempts[0].state == AttemptState::Claimed).then_some(())
            })
            .await;
            assert_eq!(fixture.execution(id).await.status, ExecutionStatus::Scheduled);
        }
        // Who needs nothing waits for nobody, and is not held.
        let other = run(&fixture, &worker, free, "show").await;
        fixture.assert_ended_once(&[other], ExecutionStatus::Completed).await;
        let attempt = fixture.store.attempts(other).await.expect("the store answers").remove(0);
        assert_eq!(attempt.claimed_at, attempt.started_at, "it was started by its claim");
        // One build is enough for both.
        gate.open.add_permits(1);
        fixture.assert_ended_once(&ids, ExecutionStatus::Completed).await;
        assert_eq!(gate.asked.load(Ordering::SeqCst), 1);
        let again = run(&fixture, &worker, demo, "show").await;
        fixture.assert_ended_once(&[again], ExecutionStatus::Completed).await;
        let attempt = fixture.store.attempts(again).await.expect("the store answers").remove(0);
        assert_eq!(attempt.claimed_at, attempt.started_at, "what is ready is not held for");
        let id = run(&fixture, &worker, broken, "show").await;
        gate.open.add_permits(1);
        let outcome = Outcome::EnvironmentFailed { step: "install".into(), log: "no such package".into() };
        assert_eq!(fixture.ended(id).await.outcome, Some(outcome));
        fixture.stop(&worker).await;
    });
}
