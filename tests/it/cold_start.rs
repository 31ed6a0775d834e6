//! From nothing to the end of the first execution, and what the second costs.

use std::time::Instant;

use serde_json::json;

use crate::scratch::{Scratch, Site, figure};

#[tokio::test(flavor = "multi_thread")]
async fn the_first_execution_follows_the_start_and_the_second_does_no_work_for_its_environment() {
    let scratch = Scratch::create();
    scratch.action("cold.show", "python", ("show.py", "print('{\"ran\": true}')\n"), "output_format: json\n");
    scratch.write("packs/warm/requirements.txt", "# nothing but an environment of its own\n");
    let script = "import sys\nprint('{\"own\": %s}' % str(sys.prefix != sys.base_prefix).lower())\n";
    scratch.action("warm.show", "python", ("show.py", script), "output_format: json\n");
    let mut site = Site::serving(&scratch.packs()).await;
    // It waits for whoever comes.
    let first = site.client.submit("cold.show", &json!({})).expect("accepted");
    let begun = Instant::now();
    site.agent("cold", &[]);
    let ended = site.client.wait(first).expect("an answer");
    let took = begun.elapsed();
    assert_eq!(ended["status"], "completed", "{ended:#}");
    let script = &site.attempt(first)["resources"]["wall_ms"];
    figure(&format!(
        "agent start to first execution finished: {} ms, of which the script {script} ms",
        took.as_millis()
    ));
    assert!(!site.was_held(first), "it needs no environment: {:#}", site.attempt(first));

    // The same where the pack needs an environment: the second execution finds it without looking.
    let id = site.client.submit("warm.show", &json!({})).expect("accepted");
    assert_eq!(site.result(id), json!({"own": true}));
    assert!(site.was_held(id), "it waited for its environment: {:#}", site.attempt(id));
    let printed = || site.deployment.workers[0].printed();
    let work = |text: &str| text.lines().filter(|line| line.contains("environment")).count();
    let before = work(&printed());
    let second = site.client.submit("warm.show", &json!({})).expect("accepted");
    assert_eq!(site.result(second), json!({"own": true}));
    assert!(!site.was_held(second), "it waited for nothing: {:#}", site.attempt(second));
    assert_eq!(work(&printed()), before, "nothing was said of an environment:\n{}", printed());
}
