//! Two versions of one language side by side, and work for a third.

use std::collections::BTreeSet;
use std::time::Duration;

use attune_testkit::eventually;
use serde_json::json;

use crate::languages::{detected, versions};
use crate::scratch::{Scratch, Site, does_without, figure};

/// Major and minor number.
fn number(version: &str) -> (u32, u32) {
    let mut parts = version.split('.').filter_map(|part| part.parse().ok());
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_constraint_picks_the_python_that_meets_it_and_one_that_nobody_meets_waits_and_is_explained() {
    let found: BTreeSet<(u32, u32)> =
        versions(&detected(&[])).remove("python").unwrap_or_default().iter().map(|version| number(version)).collect();
    let mut newest = found.iter().rev();
    let (Some(new), Some(old)) = (newest.next(), newest.next()) else {
        assert!(
            does_without("second-python"),
            "one Python only: {found:?}; put another where version managers do, or set ATTUNE_TEST_WITHOUT=second-python"
        );
        return figure("NOT TESTED, as ATTUNE_TEST_WITHOUT says: second-python");
    };
    let scratch = Scratch::create();
    let show = "import sys, json\nprint(json.dumps({'version': list(sys.version_info[:2])}))\n";
    let (at_least, below) = (format!(">={}.{}", new.0, new.1), format!("<{}.{}", new.0, new.1));
    for (name, constraint) in [("new", at_least.as_str()), ("old", below.as_str()), ("none", ">=3.99"), ("any", ">=3")]
    {
        let more = format!("runtime_version: \"{constraint}\"\noutput_format: json\n");
        scratch.action(&format!("two.{name}"), "python", ("show.py", show), &more);
    }
    let mut site = Site::serving(&scratch.packs()).await;
    site.agent("both", &[]);
    site.deployment.wait_for_workers(1).expect("the agent");
    let homeless = site.client.submit("two.none", &json!({})).expect("accepted");
    let ran = |action: &str| site.run(action, &json!({}))["version"].clone();
    assert_eq!(ran("two.new"), json!([new.0, new.1]), "{at_least} of {found:?}");
    assert_eq!(ran("two.old"), json!([old.0, old.1]), "the newest that is {below} of {found:?}");
    figure(&format!("python {}.{} and {}.{} side by side", new.0, new.1, old.0, old.1));

    let still = site.client.get(&format!("/executions/{homeless}")).expect("an answer");
    assert_eq!(still["status"], "requested", "it waits: {still}");
    let why = site.client.get(&format!("/executions/{homeless}/explain")).expect("an answer").to_string();
    assert!(why.contains("python >=3.99") && why.contains("both"), "{why}");
    assert!(why.contains(&format!("{}.{}", new.0, new.1)), "it says what is there: {why}");
    site.client.post(&format!("/executions/{homeless}/cancel"), &json!({})).expect("cancelled");
    eventually("it to be cancelled", Duration::from_secs(20), || async {
        (site.client.get(&format!("/executions/{homeless}")).ok()?["status"] == "cancelled").then_some(())
    })
    .await;
}
