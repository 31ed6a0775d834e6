//! One environment for many, whoever dies while it is made, and what goes wrong on the way.

use std::path::Path;
use std::time::Duration;

use attune_end_to_end::Program;
use attune_testkit::eventually;
use serde_json::json;

use crate::scratch::{Scratch, Site, figure};

const LONG: Duration = Duration::from_secs(60);

/// A pack whose environment takes as long as the file `gate` is not there, and says in `builds` that it is being made.
fn gated(scratch: &Scratch) {
    let out = scratch.place("out");
    scratch.write(
        "packs/slow/runtimes/tool.yaml",
        format!(
            "ref: slow.tool\nname: tool\nexecution_config: {{extension: tool}}\n\
             detection: {{binaries: [sh], version_arguments: [-c, 'echo 1.0.0']}}\n\
             environment:\n  manifests: [needs.txt]\n  recipes:\n    - steps:\n        - name: make\n          run: |\n            \
             echo \"$ATTUNE_ENVIRONMENT_DIR\" >> {out}/builds\n            echo half > made\n            \
             until [ -e {out}/gate ]; do sleep 0.02; done\n            cp \"$ATTUNE_MANIFEST\" made\n  \
             env_vars: {{TOOL_DIR: {{set: '{{environment_dir}}'}}}}\n  check: [cat, '{{environment_dir}}/made']\n"
        ),
    );
    scratch.write("packs/slow/needs.txt", "whole\n");
    let script = "printf '{\"made\": \"%s\"}\\n' \"$(cat \"$TOOL_DIR/made\")\"\n";
    scratch.action("slow.show", "tool", ("show.tool", script), "output_format: json\n");
}

fn builds(scratch: &Scratch) -> usize {
    std::fs::read_to_string(scratch.path("out/builds")).map_or(0, |text| text.lines().count())
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_executions_on_two_agents_share_one_build_and_a_killed_builder_is_replaced() {
    let scratch = Scratch::create();
    gated(&scratch);
    let volume = scratch.place("volume");
    let shared = [("ATTUNE__PATHS__RUNTIME_ENVS_DIR", volume.as_str())];
    let mut site = Site::serving(&scratch.packs()).await;
    site.agent("one", &shared);
    site.agent("two", &shared);
    site.deployment.wait_for_workers(2).expect("both agents");
    let ids = site.client.submit_many("slow.show", &json!({}), 10).expect("accepted");
    eventually("a build to begin", LONG, || async { (builds(&scratch) == 1).then_some(()) }).await;
    let holding = |worker: &Program| worker.printed().contains("preparing an environment");
    let waits = |worker: &Program| worker.printed().contains("waiting for the environment");
    eventually("the other one to wait", LONG, || async { site.deployment.workers.iter().any(waits).then_some(()) })
        .await;
    let builder = site.deployment.workers.iter().position(holding).expect("one builds");
    assert_eq!(builds(&scratch), 1, "the other one does not build as well");

    // Half-way it dies, and with it what it ran.
    site.deployment.workers[builder].signal(libc::SIGKILL);
    eventually("the other one to take over", LONG, || async { (builds(&scratch) == 2).then_some(()) }).await;
    scratch.write("out/gate", "");
    // What the dead one held is settled by its lease; nothing of it had started, so it goes to the other.
    for id in ids {
        assert_eq!(site.result(id), json!({"made": "whole"}), "nothing half-made is used");
    }
    let places = std::fs::read_to_string(scratch.path("out/builds")).expect("written");
    let mut places: Vec<&str> = places.lines().collect();
    places.dedup();
    assert_eq!(places.len(), 2, "the second is made beside what was left, not in it: {places:?}");
    assert!(!Path::new(places[0]).exists() && Path::new(places[1]).exists(), "what was left half-made is gone");
    // Whoever comes later builds nothing.
    site.agent("three", &shared);
    site.deployment.wait_for_workers(2).expect("the third agent");
    let more = site.client.submit_many("slow.show", &json!({}), 10).expect("accepted");
    more.into_iter().for_each(|id| assert_eq!(site.result(id), json!({"made": "whole"})));
    assert_eq!(builds(&scratch), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_installed_is_told_by_its_tool_and_works_when_the_pack_is_mended() {
    let scratch = Scratch::create();
    scratch.write("packs/broken/requirements.txt", "attune-no-such-thing == 1.0\n");
    scratch.action("broken.show", "python", ("show.py", "print('{\"ran\": true}')\n"), "output_format: json\n");
    let mut site = Site::serving(&scratch.packs()).await;
    let index = scratch.place("out");
    site.agent("one", &[("PIP_NO_INDEX", "1"), ("PIP_FIND_LINKS", &index), ("UV_NO_INDEX", "1"), ("UV_OFFLINE", "1")]);
    site.deployment.wait_for_workers(1).expect("the agent");
    let id = site.client.submit("broken.show", &json!({})).expect("accepted");
    let ended = site.client.wait(id).expect("an answer");
    let outcome = &ended["outcome"];
    assert_eq!((&ended["status"], &outcome["cause"]), (&json!("failed"), &json!("environment_failed")), "{ended:#}");
    assert_eq!(outcome["step"], "install");
    let log = outcome["log"].as_str().unwrap_or_default();
    assert!(log.contains("attune-no-such-thing"), "the tool's own words: {log}");
    scratch.write("packs/broken/requirements.txt", "# nothing\n");
    assert_eq!(site.run("broken.show", &json!({})), json!({"ran": true}), "without anybody cleaning up");
}

/// Volumes that fail: what is told names the volume and what is wrong with it.
#[tokio::test(flavor = "multi_thread")]
async fn a_volume_that_is_full_or_read_only_is_told_as_that() {
    // SAFETY: geteuid has no preconditions.
    if unsafe { libc::geteuid() } != 0 {
        assert!(crate::scratch::does_without("root"), "only root may mount volumes");
        return figure("NOT TESTED, as ATTUNE_TEST_WITHOUT says: volumes that are full or read-only");
    }
    let scratch = Scratch::create();
    let fill = "dd if=/dev/zero of=big bs=65536 count=1024";
    for (pack, step) in [("filler", fill), ("writer", "echo x > made")] {
        scratch.write(
            &format!("packs/{pack}/runtimes/{pack}.yaml"),
            format!(
                "ref: {pack}.{pack}\nname: {pack}\nexecution_config: {{extension: sh}}\n\
                 detection: {{binaries: [sh], version_arguments: [-c, 'echo 1.0.0']}}\n\
                 environment:\n  manifests: [needs.txt]\n  recipes:\n    - steps: [{{name: make, run: '{step}'}}]\n"
            ),
        );
        scratch.write(&format!("packs/{pack}/needs.txt"), "x\n");
        scratch.action(&format!("{pack}.show"), pack, ("show.sh", "true\n"), "");
    }
    let volume = scratch.place("volume");
    std::fs::create_dir(&volume).expect("a folder");
    let site = Site::serving(&scratch.packs()).await;
    for (name, options, action, step, words) in [
        ("full", "size=1m", "filler.show", "make", "is full"),
        ("nearly-none", "size=8k,nr_inodes=3", "writer.show", "volume", "is full"),
        ("read-only", "ro,size=1m", "writer.show", "volume", "can only be read"),
    ] {
        let label = format!("volume={name}");
        let variables = site.deployment.variables(name, 2, &scratch.place(&format!("state-{name}")), &site.packs);
        let mut environment: Vec<(&str, &str)> =
            variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        environment.extend([("ATTUNE__PATHS__RUNTIME_ENVS_DIR", volume.as_str()), ("ATTUNE__WORKER__LABELS", &label)]);
        let script = format!("mount -t tmpfs -o {options} none '{volume}' && exec \"$0\"");
        let program = attune_end_to_end::binary("attune-agent").display().to_string();
        let arguments = ["--mount", "--propagation=private", "sh", "-c", &script, &program];
        let mut agent =
            Program::start_at("/usr/bin/unshare".as_ref(), name, &arguments, &environment, &scratch.path("out"))
                .expect("unshare starts");
        site.deployment.wait_for_workers(1).expect("the agent");
        let id = site.client.submit(action, &json!({})).expect("accepted");
        let ended = site.client.wait(id).expect("an answer");
        let outcome = &ended["outcome"];
        assert_eq!(outcome["cause"], "environment_failed", "{name}: {ended:#}");
        let log = outcome["log"].as_str().unwrap_or_default();
        assert!(outcome["step"] == step && log.contains(words) && log.contains(&volume), "{name}: {outcome:#}");
        agent.signal(libc::SIGTERM);
        assert_eq!(agent.wait(Duration::from_secs(30)).expect("it ends"), 0, "{name}: {}", agent.printed());
    }
}
