//! What comes while an agent runs: packs, definitions, interpreters.

use std::time::Duration;

use attune_testkit::eventually;
use serde_json::json;

use crate::scratch::{Scratch, Site, mark_executable};

const LONG: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn a_pack_that_comes_later_runs_as_soon_as_the_server_knows_it() {
    let scratch = Scratch::create();
    scratch.action("early.show", "shell", ("show.sh", "echo '{\"ran\": true}'\n"), "output_format: json\n");
    let mut site = Site::serving(&scratch.packs()).await;
    site.agent("one", &[]);
    site.deployment.wait_for_workers(1).expect("the agent");
    assert_eq!(site.run("early.show", &json!({})), json!({"ran": true}));

    // With an environment of its own, so that what is decided about it is decided by the pack as it is now.
    scratch.write("packs/late/requirements.txt", "# nothing but an environment of its own\n");
    let script = "import sys\nprint('{\"own\": %s}' % str(sys.prefix != sys.base_prefix).lower())\n";
    scratch.action("late.show", "python", ("show.py", script), "output_format: json\n");
    let client = &site.client;
    let id =
        eventually("the server to see the new pack", LONG, || async { client.submit("late.show", &json!({})).ok() })
            .await;
    assert_eq!(site.result(id), json!({"own": true}));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_an_interpreter_runs_once_it_is_installed() {
    let scratch = Scratch::create();
    scratch.write(
        "packs/odd/runtimes/odd.yaml",
        "ref: odd.odd\nname: odd\nexecution_config: {extension: odd}\n\
         detection: {binaries: [odd-interpreter], version_arguments: [-V], version_regex: 'odd (\\S+)'}\n",
    );
    let more = "output_format: json\nruntime_version: \">=2\"\n";
    scratch.action("odd.show", "odd", ("show.odd", "\n"), more);
    let mut site = Site::serving(&scratch.packs()).await;
    let install = |version: &str| {
        let text = format!(
            "#!/bin/sh\n[ \"$1\" = -V ] && exec echo odd {version}\nprintf '{{\"version\": \"%s\"}}\\n' {version}\n"
        );
        let new = scratch.write(&format!("bin/new-{version}"), text);
        mark_executable(&new);
        std::fs::rename(new, scratch.path("bin/odd-interpreter")).expect("it is ours");
    };
    scratch.write("bin/placeholder", "");
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", scratch.place("bin"));
    site.agent("one", &[("PATH", &path)]);
    site.deployment.wait_for_workers(1).expect("the agent");
    let waiting = site.client.submit("odd.show", &json!({})).expect("accepted");
    let explained = || site.client.get(&format!("/executions/{waiting}/explain")).unwrap_or_default().to_string();
    eventually("it to be explained", LONG, || async { explained().contains("odd").then_some(()) }).await;

    install("1.0.0");
    eventually("the old one to be offered", LONG, || async { explained().contains("1.0.0").then_some(()) }).await;
    let still = site.client.get(&format!("/executions/{waiting}")).expect("an answer");
    assert_eq!(still["status"], "requested", "it is not the one that is wanted: {still}");

    install("2.0.0");
    assert_eq!(site.result(waiting), json!({"version": "2.0.0"}));
    assert_eq!(site.run("odd.show", &json!({})), json!({"version": "2.0.0"}));
}
