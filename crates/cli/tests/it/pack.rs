//! Commands about packs, actions, configuration and completions.

use crate::fixture::Place;

#[test]
fn a_broken_pack_is_named_by_file_line_and_column() {
    let place = Place::new();
    place.write("broken/pack.yaml", "ref: broken\nversion: 1.0.0\nlabl: Broken\n");
    let ran = place.run(&["pack", "check", "broken"]);
    assert_eq!(ran.code, Some(64), "{ran:?}");
    assert!(ran.stdout.contains("pack.yaml:3:1: ") && ran.stdout.contains("label"), "{ran:?}");
    assert_eq!(place.run(&["pack", "check", "packs/proof"]).code, Some(0));
}

#[test]
fn packs_and_actions_are_listed_without_a_server() {
    let place = Place::new();
    let packs = place.run(&["pack", "list", "-o", "name"]);
    assert_eq!(packs.stdout, "core\nexamples\nproof\n", "{packs:?}");
    let actions = place.run(&["action", "list", "--pack", "proof", "-o", "name"]);
    assert!(actions.stdout.contains("proof.number\n"), "{actions:?}");
    let shown = place.run(&["action", "show", "proof.number"]);
    assert!(shown.stdout.contains("count") && shown.stdout.contains("integer"), "{shown:?}");
}

#[test]
fn the_configuration_says_where_values_come_from() {
    let place = Place::new();
    let ran = place.run(&["config", "show", "--origin"]);
    assert!(ran.stdout.contains("ATTUNE__PACKS__DIRECTORIES"), "{ran:?}");
    let ran = place.run(&["config", "show"]);
    assert!(ran.code == Some(0) && !ran.stdout.contains("# "), "{ran:?}");
}

#[test]
fn completions_and_help_are_printed_for_people() {
    let place = Place::new();
    assert!(place.run(&["completions", "bash"]).stdout.contains("_attune"));
    let help = place.run(&["run", "--help"]);
    assert!(help.code == Some(0) && help.stdout.contains("Examples:") && help.stdout.contains("124"), "{help:?}");
}
