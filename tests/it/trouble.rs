//! A pack of actions that make trouble, and what can be seen of their processes from outside.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use attune_end_to_end::{Client, Program};
use attune_testkit::eventually;
use attune_testkit::leaks::children_of;
use attune_testkit::processes::living_with;
use serde_json::json;

/// How long a condition may take before the test is called broken.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// Forks as fast as it can until a hundred sessions ignore SIGTERM, and three more change their number all the time.
/// Whatever happens, each ends by itself after two minutes.
const BOMB: &str = r#"
use POSIX ();
alarm 120;
$SIG{TERM} = 'IGNORE';
my $root = $$;
for (1 .. 3) {
    next if fork;
    POSIX::setsid();
    for (1 .. 20000) { alarm 120; exit 0 if fork; select undef, undef, undef, 0.005; }
    exit 0;
}
for (1 .. 100) {
    next if fork;
    POSIX::setsid();
    alarm 120;
    POSIX::pause() while 1;
}
"#;

/// A folder with the pack `trouble`, whose actions write into the file `truth` and go on until the file `gate` is there.
pub(crate) struct Trouble {
    folder: tempfile::TempDir,
}

impl Trouble {
    pub(crate) fn create() -> Self {
        let folder = tempfile::Builder::new().prefix("attune-trouble-").tempdir().expect("a temporary folder");
        let trouble = Self { folder };
        // Beside a folder of packs, which workers protect, actions can make nothing new; below a folder they can.
        std::fs::create_dir(trouble.path("out")).expect("a folder");
        let truth = trouble.path("out/truth").display().to_string();
        let gate = trouble.path("out/gate").display().to_string();
        let body = format!(
            "echo \"start $ATTUNE_EXECUTION_ID\" >>'{truth}'\nuntil [ -e '{gate}' ]; do sleep 0.1; done\n\
             echo \"end $ATTUNE_EXECUTION_ID\" >>'{truth}'\n"
        );
        trouble.write("packs/trouble/pack.yaml", "ref: trouble\nversion: 1.0.0\nlabel: Trouble\n");
        trouble.write("packs/trouble/actions/bomb.pl", BOMB);
        let daemon = "perl -MPOSIX -e 'exit if fork; POSIX::setsid(); exit if fork; $SIG{TERM} = q(IGNORE); sleep 120' \
                      >/dev/null 2>&1";
        for (name, before) in [
            ("plain", String::new()),
            ("daemon", format!("trap '' TERM\n{daemon}\nsetsid sleep 120 &\n")),
            ("bomb", "trap '' TERM\nperl \"$ATTUNE_PACK_DIR/actions/bomb.pl\"\n".to_owned()),
        ] {
            trouble.write(&format!("packs/trouble/actions/{name}.sh"), &format!("{before}{body}"));
            trouble.write(
                &format!("packs/trouble/actions/{name}.yaml"),
                &format!("ref: trouble.{name}\nrunner_type: shell\nentry_point: {name}.sh\ntimeout_seconds: 110\n"),
            );
        }
        trouble
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        std::fs::write(path, text).expect("a file");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn packs(&self) -> String {
        self.path("packs").display().to_string()
    }

    /// Submits twenty executions: a fork bomb, six daemonisers and thirteen plain ones; waits until all have started.
    pub(crate) async fn start_twenty(&self, client: &Client) -> Vec<i64> {
        let before = self.count("start").len();
        let mut ids = vec![client.submit("trouble.bomb", &json!({})).expect("accepted")];
        ids.extend(client.submit_many("trouble.daemon", &json!({}), 6).expect("accepted"));
        ids.extend(client.submit_many("trouble.plain", &json!({}), 13).expect("accepted"));
        eventually("twenty to start", LONG, || async { (self.count("start").len() == before + 20).then_some(()) })
            .await;
        ids
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

    pub(crate) fn open_gate(&self) {
        self.write("out/gate", "");
    }

    pub(crate) fn close_gate(&self) {
        std::fs::remove_file(self.path("out/gate")).expect("it was open");
    }

    /// Processes of its actions, however far they went from where they were born.
    fn living(&self) -> usize {
        let folder = self.path("packs/trouble").canonicalize().expect("it is there").display().to_string();
        living_with("ATTUNE_PACK_DIR", &folder).len()
    }

    /// Waits until no process of its actions is left, and says how long that took.
    pub(crate) async fn wait_until_dead(&self, since: &str) {
        let begun = Instant::now();
        eventually("the trees to be dead", LONG, || async { (self.living() == 0).then_some(()) }).await;
        eprintln!("figure: trees dead {:?} after {since}", begun.elapsed());
    }
}

impl Drop for Trouble {
    fn drop(&mut self) {
        assert!(std::thread::panicking() || self.living() == 0, "processes of actions are left");
    }
}

/// The launcher of a worker.
pub(crate) fn launcher_of(worker: &Program) -> u32 {
    let is_launcher = |pid: &u32| {
        std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.starts_with(b"attune-launcher"))
    };
    let found: Vec<u32> = children_of(worker.pid()).into_iter().filter(is_launcher).collect();
    assert_eq!(found.len(), 1, "a worker has one launcher: {found:?}");
    found[0]
}

/// The guard of an execution.
pub(crate) fn guard_of(worker: &Program, execution: i64) -> u32 {
    let roots: Vec<u32> =
        living_with("ATTUNE_EXECUTION_ID", &execution.to_string()).iter().map(|one| one.pid).collect();
    let guards = children_of(launcher_of(worker));
    let found = guards.into_iter().find(|guard| children_of(*guard).iter().any(|child| roots.contains(child)));
    found.unwrap_or_else(|| panic!("no guard runs {execution}"))
}

/// Sends a signal to a process of the deployment.
pub(crate) fn signal(pid: u32, signal: i32) {
    assert!(Path::new(&format!("/proc/{pid}")).exists(), "{pid} lives");
    let pid = libc::pid_t::try_from(pid).expect("a process number");
    // SAFETY: kill has no memory effects; the process was found as a descendant of a program of this test.
    unsafe { libc::kill(pid, signal) };
}
