use std::collections::BTreeSet;
use std::path::Path;

use attune_config::{Config, KEYS, Key, Sources, example_yaml, reference_markdown};

use crate::support::load;

fn example_file() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/attune.yaml");
    std::fs::read_to_string(path).expect("config/attune.yaml is there")
}

#[test]
fn the_example_file_is_the_one_the_table_makes() {
    assert!(
        example_file() == example_yaml(),
        "config/attune.yaml is out of date; `cargo run -p attune-config --example example_yaml` prints it"
    );
}

#[test]
fn the_example_file_loads_as_it_is_and_changes_nothing() {
    let config = load(&example_file(), &[], &[]).expect("loads");
    assert!(config.settings().iter().all(|setting| setting.origin == "default"));
}

#[test]
fn the_example_file_covers_every_key_and_loads_with_every_key_set() {
    let set: String = example_file()
        .lines()
        .filter(|line| !line.trim_start().starts_with("# "))
        .map(|line| format!("{}\n", line.replacen('#', "", 1)))
        .collect();
    let config = load(&set, &[], &[]).expect("loads");
    for setting in config.settings() {
        assert!(setting.origin.starts_with("file:"), "{} is not in the example", setting.key.path);
        if setting.key.default.is_some() && setting.key.path != "worker.labels" {
            let default = Config::default();
            let unchanged = default.settings().iter().find(|other| other.key.path == setting.key.path);
            assert_eq!(setting.shown, unchanged.and_then(|other| other.shown.clone()), "{}", setting.key.path);
        }
    }
}

#[test]
fn what_print_config_prints_can_be_loaded_again() {
    let variables = [
        ("ATTUNE_WORKER_NAME", "yes: no # \"'"),
        ("ATTUNE__WORKER__LABELS", "a=1,b=x y,no=on"),
        ("ATTUNE_WORKER_RUNTIMES", "python,1,a: b"),
        ("ATTUNE_LOG", "true"),
        ("ATTUNE__WORKER__HOST", "1e3"),
    ];
    let config = load("", &variables, &[]).expect("loads");
    let printed = config.print_with_origins();
    assert!(printed.contains("# environment ATTUNE_WORKER_NAME"), "{printed}");
    let again = Config::from_yaml(&printed).expect("loads");
    for (setting, other) in config.settings().iter().zip(again.settings()) {
        assert_eq!(setting.shown, other.shown, "{}", setting.key.path);
    }
}

#[test]
fn the_reference_page_names_every_key_and_every_variable() {
    let page = reference_markdown();
    for key in KEYS {
        assert!(page.contains(&format!("| `{}`<br>`{}`", key.path, key.environment_name())), "{}", key.path);
        assert!(key.short_names.iter().all(|name| page.contains(&format!("`{name}`"))), "{}", key.path);
        assert!(key.doc.ends_with('.') && !key.doc.contains('|'), "{}", key.path);
    }
}

#[test]
fn no_two_keys_share_a_name() {
    let mut names = BTreeSet::new();
    for key in KEYS {
        for name in [key.path].iter().chain(key.aliases).chain(key.short_names) {
            assert!(names.insert(*name), "{name} is declared twice");
        }
        assert!(!key.path.ends_with("_file"), "{} would hide a credential's file", key.path);
    }
}

#[test]
fn every_key_can_be_set_from_the_environment() {
    for key in KEYS {
        let name = Key::environment_name(key);
        let variables = [(name.as_str(), "\u{1}")];
        let result = Config::load(Sources { file: None, environment: variables, overrides: Vec::new() });
        let reached = match &result {
            Ok(config) => config.settings().iter().any(|setting| setting.origin.ends_with(&name)),
            Err(error) => error.to_string().contains(&format!("environment {name}")),
        };
        assert!(reached, "{name}: {result:?}");
    }
}
