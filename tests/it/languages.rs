//! Every language that a distribution has: found with its version, and given parameters for a result.

use std::collections::BTreeMap;
use std::time::Duration;

use attune_end_to_end::Program;
use serde_json::{Value, json};

use crate::scratch::{Site, does_without, figure, own_packs};

/// A language, the example that is run in it, its parameters, and what the result holds.
fn languages() -> Vec<(&'static str, &'static str, Value, Value)> {
    let count = json!({"values": [1, 2, 2, 5], "bins": 2});
    vec![
        ("shell", "hello", json!({"name": "Ada \"L\""}), json!({"greeting": "Hello, Ada \"L\"!"})),
        ("python", "csv_summary", json!({"csv": "a,b\n1,x\n3,y\n"}), json!({"rows": 2})),
        ("node", "markdown_table", json!({"rows": [{"a": 1}]}), json!({"rows": 1})),
        ("ruby", "histogram", count, json!({"low": 1.0, "high": 5.0, "counts": [3, 1]})),
        ("perl", "word_count", json!({"text": "one two two"}), json!({"words": 3})),
        ("go", "checksum", json!({"text": "abc d\n"}), json!({"bytes": 6, "words": 2, "lines": 1})),
        ("java", "roman", json!({"number": 1999}), json!({"roman": "MCMXCIX"})),
        ("r", "quantiles", json!({"values": [1, 2, 3, 4.5]}), json!({"count": 4, "mean": 2.625})),
        ("php", "slug", json!({"title": "It's über!", "taken": []}), json!({"slug": "it-s-ber"})),
        ("lua", "wrap", json!({"text": "a \"b\\c", "width": 3}), json!({"lines": ["a", "\"b\\c"]})),
        ("tcl", "days_between", json!({"from": "2024-02-28", "to": "2024-03-01"}), json!({"days": 2})),
    ]
}

/// What `attune-agent --detect-only --json` prints here.
pub(crate) fn detected(environment: &[(&str, &str)]) -> Value {
    let folder = tempfile::tempdir().expect("a folder");
    let arguments = ["--detect-only", "--json"];
    let mut agent = Program::start("attune-agent", "agent", &arguments, environment, folder.path()).expect("it starts");
    assert_eq!(agent.wait(Duration::from_secs(60)).expect("it ends"), 0, "{}", agent.printed());
    serde_json::from_str(&agent.printed()).unwrap_or_else(|error| panic!("{error}: {}", agent.printed()))
}

/// The versions of each runtime in that.
pub(crate) fn versions(detected: &Value) -> BTreeMap<String, Vec<String>> {
    let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for one in detected["interpreters"].as_array().expect("a list") {
        let text = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
        versions.entry(text("runtime")).or_default().push(text("version"));
    }
    versions
}

#[tokio::test(flavor = "multi_thread")]
async fn every_language_is_found_with_its_version_and_answers_parameters_with_a_result() {
    // Looked at once to warm the disk's cache, as in an image that is in use.
    detected(&[]);
    let detected = detected(&[]);
    let versions = versions(&detected);
    let (took, slowest) = (detected["took_ms"].as_f64(), detected["slowest"]["took_ms"].as_f64());
    let (took, slowest) = (took.expect("it says how long"), slowest.expect("it says who was slowest"));
    figure(&format!(
        "{} interpreters of {} runtimes in {took:.0} ms, {:.0} ms beyond the slowest version command ({})",
        detected["interpreters"].as_array().map_or(0, Vec::len),
        versions.len(),
        took - slowest,
        detected["slowest"]["path"]
    ));
    let is_here = |language: &str| versions.contains_key(language);
    let missing: Vec<&str> = languages().iter().map(|(language, ..)| *language).filter(|one| !is_here(one)).collect();
    let (excused, silent): (Vec<&str>, Vec<&str>) = missing.into_iter().partition(|language| does_without(language));
    let (silent, hint) = (silent.join(","), "run scripts/install-test-languages.sh, or set ATTUNE_TEST_WITHOUT");
    assert!(silent.is_empty(), "not installed here, and nobody said to do without: {silent}; {hint}");
    if !excused.is_empty() {
        figure(&format!("NOT TESTED, as ATTUNE_TEST_WITHOUT says: {}", excused.join(", ")));
    }
    for (language, found) in &versions {
        let has_none = ["shell", "native"].contains(&language.as_str());
        assert!(has_none || found.iter().all(|version| !version.is_empty()), "{language} has a version: {found:?}");
    }

    let mut site = Site::serving(&own_packs()).await;
    site.agent("polyglot", &[]);
    site.deployment.wait_for_workers(1).expect("the agent");
    // All at once, as they come.
    let asked = languages().into_iter().filter(|(language, ..)| is_here(language));
    let submitted: Vec<_> = asked
        .map(|(language, action, parameters, expected)| {
            let id = site.client.submit(&format!("examples.{action}"), &parameters).expect("accepted");
            (language, id, expected)
        })
        .collect();
    for (language, id, expected) in submitted {
        let result = site.result(id);
        for (name, value) in expected.as_object().expect("fields") {
            assert_eq!(&result[name], value, "{language}: {result}");
        }
    }
}
