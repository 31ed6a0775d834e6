//! Every end explained, everywhere in the same words, through the real program.

use serde_json::{Value, json};

use crate::fixture::{Dev, Place, Ran, eventually};

/// Name, script, what its declaration adds.
const ACTIONS: &[(&str, &str, &str)] = &[
    ("done", "echo out; echo err >&2; echo '{\"sum\": 3}' >\"$ATTUNE_RESULT_FILE\"\n", ""),
    ("fails", "echo why >&2; exit 3\n", ""),
    ("slow", "sleep 600\n", "timeout_seconds: 1\n"),
    ("waits", "sleep 600\n", ""),
    ("killed", "kill -KILL $$\n", ""),
    ("hungry", "head -c 400000000 /dev/zero | tail\n", "resources: {memory_bytes: 33554432}\n"),
    ("leaves", "sleep 600 & echo left\n", ""),
    (
        "second",
        "test \"$ATTUNE_ATTEMPT\" = 2 || exit 5\n",
        "retry: {on: [failed], max_attempts: 2, backoff: {initial_seconds: 0}}\n",
    ),
];

// In this order: the place sees to it on drop that no process of it is left.
struct Stage {
    dev: Dev,
    place: Place,
}

impl Stage {
    fn new() -> Self {
        let place = Place::new();
        place.write("packs/story/pack.yaml", "ref: story\nversion: 1.0.0\n");
        for (name, script, extra) in ACTIONS {
            place.write(&format!("packs/story/actions/{name}.sh"), script);
            let declared = format!("ref: story.{name}\nrunner_type: shell\nentry_point: {name}.sh\n{extra}");
            place.write(&format!("packs/story/actions/{name}.yaml"), &declared);
        }
        place.write("packs/story/actions/broken", "#!/nonexistent/interpreter\n");
        let declared = "ref: story.broken\nrunner_type: native\nentry_point: broken\n";
        place.write("packs/story/actions/broken.yaml", declared);
        let dev = place.dev(&[]);
        Self { dev, place }
    }

    fn remote(&self, arguments: &[&str]) -> Ran {
        let mut command = self.place.attune(arguments);
        command.env("ATTUNE_API_URL", self.dev.line("listens")).env("ATTUNE_API_TOKEN", self.dev.line("token"));
        Ran::of(command.output().expect("the program starts"))
    }

    fn document(&self, arguments: &[&str]) -> Value {
        self.remote(&[arguments, &["-o", "json"]].concat()).json()
    }

    /// Runs an action to its end; its id.
    fn run(&self, action: &str) -> String {
        let ran = self.remote(&["run", action, "-o", "json"]);
        ran.json()["id"].as_i64().unwrap_or_else(|| panic!("no id: {ran:?}")).to_string()
    }

    /// The story of an execution, with `fragments` in their order and nothing wider than 80 columns.
    fn story(&self, id: &str, fragments: &[&str]) -> String {
        let ran = self.remote(&["execution", "show", id]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        // Lines were cut at spaces to fit.
        let flat = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut rest = flat.as_str();
        for fragment in fragments {
            let at = rest.find(fragment).unwrap_or_else(|| panic!("{fragment:?} is not there: {}", ran.stdout));
            rest = &rest[at + fragment.len()..];
        }
        let widest = ran.stdout.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(80), "{}", ran.stdout);
        assert!(!ran.stdout.contains('\u{1b}'), "{}", ran.stdout);
        ran.stdout
    }

    /// The words of the outcome are the same wherever it is told; they are returned.
    fn words(&self, id: &str) -> String {
        let shown = self.document(&["execution", "show", id]);
        let words = shown["execution"]["summary"].as_str().unwrap_or_else(|| panic!("no words: {shown}")).to_owned();
        let listed = self.document(&["execution", "list"]);
        let numbers: i64 = id.parse().expect("a number");
        assert!(listed.as_array().expect("a list").iter().any(|one| one["id"] == json!(numbers)), "{listed}");
        let explained = self.remote(&["execution", "explain", id]).stdout;
        assert!(explained.contains(&words), "{words}: {explained}");
        let table = self.remote(&["execution", "list"]).stdout;
        assert!(table.lines().any(|line| line.starts_with(id) && line.contains(&words)), "{words}: {table}");
        let last = shown["attempts"].as_array().and_then(|attempts| attempts.last()).expect("an attempt");
        assert_eq!(last["summary"], json!(words));
        assert_eq!(last["hint"], shown["execution"]["hint"]);
        let hint = shown["execution"]["hint"].as_str();
        assert_eq!(hint.is_none(), words == "exit 0", "{shown}");
        words
    }
}

#[test]
fn every_end_is_told_as_a_dated_story_in_the_same_words_everywhere() {
    let stage = Stage::new();

    let done = stage.run("story.done");
    let story = stage.story(
        &done,
        &[
            "status completed",
            "outcome exit 0",
            "(UTC)",
            "requested",
            "scheduled to dev-",
            "claimed",
            "environment ready after",
            "started, pid",
            "sandbox level",
            "exit 0,",
            "output: 4 B on stdout, 4 B on stderr",
            "completed; result of 9 B stored",
            "attempt 1 on dev-",
            "processor",
            "sandbox level",
        ],
    );
    assert!(!story.contains("hint:"), "{story}");
    assert_eq!(stage.words(&done), "exit 0");
    let shown = stage.document(&["execution", "show", &done]);
    let evidence = &shown["attempts"][0]["evidence"];
    assert!(evidence["pid"].as_i64() > Some(1) && evidence["sandbox"]["level"].as_i64() >= Some(1), "{evidence}");
    assert_eq!(evidence["output"], json!({"stdout_bytes": 4, "stderr_bytes": 4}));
    let kinds: Vec<&str> =
        shown["timeline"].as_array().expect("a list").iter().filter_map(|line| line["kind"].as_str()).collect();
    assert_eq!(kinds.first().zip(kinds.last()), Some((&"execution.requested", &"execution.completed")), "{kinds:?}");

    let fails = stage.run("story.fails");
    stage.story(&fails, &["status failed", "started, pid", "exit 3,", "failed", "hint: ", &format!("logs {fails}")]);
    assert_eq!(stage.words(&fails), "exit 3");
    let ran = stage.remote(&["run", "story.fails"]);
    assert!(ran.stderr.contains("story.fails did not complete: exit 3"), "{ran:?}");

    let slow = stage.run("story.slow");
    stage.story(&slow, &["status timeout", "started, pid", "timed out after 1 s", "timeout", "hint: raise"]);
    assert_eq!(stage.words(&slow), "timed out after 1 s");

    let killed = stage.run("story.killed");
    stage.story(&killed, &["status failed", "started, pid", "killed by signal 9", "failed", "hint: "]);
    assert!(stage.words(&killed).starts_with("killed by signal 9"));

    let broken = stage.run("story.broken");
    stage.story(&broken, &["status failed", "scheduled to dev-", "failed", "attempt 1 on dev-", "hint: "]);
    stage.words(&broken);

    let second = stage.run("story.second");
    stage.story(
        &second,
        &[
            "attempt 1: started, pid",
            "attempt 1: exit 5,",
            "attempt 1: is tried again",
            "attempt 2: started, pid",
            "attempt 2: exit 0,",
            "attempt 2: completed",
            "attempt 1 on dev-",
            "outcome exit 5",
            "attempt 2 on dev-",
        ],
    );
    assert_eq!(stage.words(&second), "exit 0");

    let leaves = stage.run("story.leaves");
    let story = stage.story(&leaves, &["exit 0,", "output: 5 B on stdout", "completed"]);
    assert!(story.contains("left behind") || story.contains("closed early"), "{story}");
}

#[test]
fn a_cancel_is_told_with_who_asked_for_it() {
    let stage = Stage::new();
    let id = stage.remote(&["run", "story.waits", "--detach"]).stdout.trim().to_owned();
    eventually("it to run", || {
        let shown = stage.document(&["execution", "show", &id]);
        (shown["execution"]["status"] == "running").then_some(())
    });
    stage.story(&id, &["status running, for", "claimed and allowed to start"]);
    assert_eq!(stage.remote(&["execution", "cancel", &id]).code, Some(0));
    eventually("its end", || {
        let shown = stage.document(&["execution", "show", &id]);
        (shown["execution"]["status"] == "cancelled").then_some(())
    });
    stage
        .story(&id, &["status cancelled", "started, pid", "cancel asked for by", "cancelled by", "hint: run it again"]);
    assert!(stage.words(&id).starts_with("cancelled by"));
    let events = stage.remote(&["execution", "events", &id]).stdout;
    assert!(events.contains("cancel asked for by"), "{events}");
}

#[test]
fn a_script_that_takes_more_memory_than_it_may_is_told_so_where_that_can_be_proved() {
    let stage = Stage::new();
    let worker = stage.document(&["worker", "list"])[0]["name"].as_str().expect("a name").to_owned();
    let limits = stage.document(&["worker", "show", &worker])["capabilities"]["limits"].clone();
    let shown = stage.remote(&["worker", "show", &worker]).stdout;
    assert!(shown.contains("\nlimits ") && shown.contains("\nsandbox "), "{shown}");
    if limits["memory"]["by"] != "cgroup" {
        // Without a control group nobody can prove it; that an honest other cause is told is shown elsewhere.
        return;
    }
    let id = stage.run("story.hungry");
    let fragments =
        ["status failed", "out of memory", "limits memory 32 MiB by cgroup", "hint: raise `resources.memory"];
    stage.story(&id, &fragments);
    assert!(stage.words(&id).contains("out of memory"));
}
