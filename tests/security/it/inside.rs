//! What an action can do to the worker that runs it, in a deployment of real programs.

use std::fs;
use std::path::Path;

use attune_end_to_end::{Client, Deployment, Program, binary, repository};
use attune_testkit::postgres::TestDatabase;
use attune_testkit::rabbitmq::TestBroker;
use serde_json::{Value, json};

/// In the place of a password. The database of the tests takes any.
const PASSWORD: &str = "canary7d1f0c2a94b3";

/// Tries everything that would put another program in the place of the worker's; `PROGRAM` is its path.
const REPLACE: &str = r#"
tell() { if eval "$1" 2>/dev/null; then echo "$2 yes"; else echo "$2 no"; fi; }
launcher=$(cut -d' ' -f4 /proc/$PPID/stat)
tell 'true >>PROGRAM' written
tell 'true >>/proc/$PPID/exe' guard
tell 'true >>/proc/$launcher/exe' launcher
for directory in /proc/[0-9]*; do
  [ "$(readlink $directory/exe 2>/dev/null)" = PROGRAM ] && tell "true >>$directory/exe" other
done
tell 'echo evil >new && mv -f new PROGRAM' moved
tell 'ln -sf /bin/true PROGRAM' linked
tell 'rm -f PROGRAM && ! test -e PROGRAM' removed
"#;

/// Looks for a password wherever a process of the same user may look; it is written backwards, so that the action is no find.
const LOOK: &str = r#"
needle=$(echo DROWSSAP | rev)
found=0
seen=0
launcher=$(cut -d' ' -f4 /proc/$PPID/stat)
worker=$(cut -d' ' -f4 /proc/$launcher/stat 2>/dev/null)
for process in self $$ $PPID $launcher $worker; do
  for file in environ cmdline; do
    if text=$(tr '\0' '\n' 2>/dev/null </proc/$process/$file); then
      seen=$((seen + 1))
      case $text in *$needle*) echo "found in $process $file"; found=$((found + 1)) ;; esac
    fi
  done
  for file in /proc/$process/fd/*; do
    case $(readlink "$file" 2>/dev/null) in *.yaml | *.log | *.key) echo "open in $process: $(readlink "$file")" ;; esac
  done
done
found=$((found + $(env | grep -c -F "$needle")))
found=$((found + $(grep -rlaF "$needle" STATE "$TMPDIR" 2>/dev/null | wc -l)))
echo "seen $((seen > 3)) found $found"
"#;

fn action(packs: &Path, name: &str, script: &str) {
    let folder = packs.join("inside/actions");
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(packs.join("inside/pack.yaml"), "ref: inside\nversion: 1.0.0\n").expect("written");
    fs::write(folder.join(format!("{name}.sh")), script).expect("written");
    let yaml = format!("ref: inside.{name}\nrunner_type: shell\nentry_point: {name}.sh\n");
    fs::write(folder.join(format!("{name}.yaml")), yaml).expect("written");
}

/// What an action printed.
fn said(client: &Client, action: &str) -> String {
    let id = client.submit(action, &json!({})).expect("accepted");
    let end = client.wait(id).expect("it ends");
    assert_eq!(end["status"], "completed", "{end}");
    let lines = client.lines(&format!("/executions/{id}/logs?view=lines&stream=stdout")).expect("a log");
    lines.iter().filter_map(|line| line["line"].as_str()).map(|line| format!("{line}\n")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_action_replaces_no_program_and_finds_no_credential() {
    let (database, broker) = (TestDatabase::create().await, TestBroker::create().await);
    let home = tempfile::Builder::new().prefix("attune-inside-").tempdir().expect("a folder");
    let at = |name: &str| home.path().join(name).display().to_string();
    let (program, packs, state) = (at("program/attune-worker"), home.path().join("packs"), at("state"));
    fs::create_dir(at("program")).expect("a folder");
    fs::copy(binary("attune-worker"), &program).expect("copied");
    let before = fs::metadata(&program).expect("there");
    action(&packs, "replace", &REPLACE.replace("PROGRAM", &program));
    let backwards: String = PASSWORD.chars().rev().collect();
    action(&packs, "look", &LOOK.replace("STATE", &state).replace("DROWSSAP", &backwards));

    let packs = packs.display().to_string();
    let mut deployment =
        Deployment::start(database.url(), broker.url(), &[("ATTUNE__PACKS__DIRECTORIES", &packs)]).expect("a server");
    let with_password = database.url().replacen('@', &format!(":{PASSWORD}@"), 1);
    let mut variables = deployment.variables("inside", 1, &state, &packs);
    variables.retain(|(name, _)| *name != "ATTUNE__DATABASE__URL");
    variables.push(("ATTUNE__DATABASE__URL", with_password));
    let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let worker = Program::start_at(Path::new(&program), "worker", &[], &variables, deployment.folder());
    deployment.workers.push(worker.expect("a worker"));
    deployment.wait_for_workers(1).expect("it registers");
    let client = deployment.client();
    let level = client.get("/workers/inside").expect("it is known")["capabilities"]["sandbox_level"].as_u64();

    let found = said(&client, "inside.look");
    assert_eq!(found, "seen 1 found 0\n");
    let log = deployment.workers[0].printed();
    assert!(!log.contains(PASSWORD) && log.contains("inside"), "{log}");

    // What runs is not written to on any kernel; from level 2 on nothing takes its place either.
    let tried = said(&client, "inside.replace");
    let allowed: Vec<&str> = tried.lines().filter(|line| line.ends_with(" yes")).collect();
    assert!(tried.lines().count() >= 6, "{tried}");
    let writes = ["written", "guard", "launcher", "other"];
    assert!(!allowed.iter().any(|line| writes.iter().any(|write| line.starts_with(write))), "{tried}");
    if level >= Some(2) {
        assert!(allowed.is_empty(), "{tried}");
        let after = fs::metadata(&program).expect("still there");
        let identity = |data: &fs::Metadata| (data.len(), data.modified().ok(), data.is_file());
        assert_eq!(identity(&before), identity(&after));
    }
}

#[test]
fn the_agents_folder_is_mounted_read_only_wherever_workers_are_described() {
    let mut mounts = 0;
    for (file, is_read_only) in [
        ("docker-compose.yaml", "/opt/attune/agent:ro"),
        ("docker-compose.agent.yaml", "/opt/attune/agent:ro"),
        ("charts/attune/templates/workers.yaml", "mountPath: /opt/attune/agent, readOnly: true"),
    ] {
        let text = fs::read_to_string(repository().join(file)).expect(file);
        assert!(text.contains(is_read_only), "{file} has no worker with {is_read_only}");
        mounts += text.matches(is_read_only).count();
    }
    assert!(mounts >= 3);
    let text = fs::read_to_string(repository().join("deploy/ecs/task-definition.json")).expect("there");
    let task: Value = serde_json::from_str(&text).expect("JSON");
    let containers = task["containerDefinitions"].as_array().expect("containers");
    let agents = containers
        .iter()
        .flat_map(|one| one["mountPoints"].as_array().into_iter().flatten().map(move |mount| (one, mount)));
    for (container, mount) in agents.filter(|(_, mount)| mount["containerPath"] == "/opt/attune/agent") {
        // One fills the folder and ends; whoever stays reads it.
        assert_eq!(mount["readOnly"] != true, container["essential"] == false, "{container}");
    }
}

#[test]
fn nothing_fetches_the_agent_but_the_wrapper_and_what_was_switched_on() {
    let mut open = vec![repository().join("crates")];
    let mut asking = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).expect("readable").flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs")
                && fs::read_to_string(&path).expect("text").contains("agent/binary")
            {
                asking.push(path);
            }
        }
    }
    // The server gives it out, and its configuration says where from.
    asking.retain(|path| {
        !["crates/control", "crates/config"].iter().any(|part| path.starts_with(repository().join(part)))
    });
    // The one place in the agent holds what it fetches against the operator's key.
    let source = repository().join("crates/worker/src/update/source.rs");
    assert_eq!(asking, [source], "they ask for the agent's program");
    let search = fs::read_to_string(repository().join("crates/worker/src/update/search.rs")).expect("text");
    let position = |words: &str| search.find(words).expect("it is there");
    assert!(position("examination::of_program") < position("folder.keep"), "examined before it is a file");
    // Nobody gets it without asking for it, and for whose signature.
    let reference = fs::read_to_string(repository().join("config/attune.yaml")).expect("text");
    assert!(reference.contains("  #self_update: false\n"), "off by default");
    assert!(!reference.contains("  self_update"), "and nowhere switched on");
}
