//! The list of attacks is whole.

use std::collections::BTreeSet;

use attune_security_tests::{ROWS, exists, page, repository};

#[test]
fn every_row_has_tests_that_exist_or_a_reason() {
    let ids: BTreeSet<&str> = ROWS.iter().map(|row| row.id).collect();
    assert_eq!(ids.len(), ROWS.len(), "no row stands there twice");
    // The acceptance rows of the threat model.
    for (part, count) in [("SEC", 15), ("SBX", 15), ("PAR", 8), ("API", 11), ("WRK", 8), ("SUP", 6)] {
        for number in 1..=count {
            assert!(ids.contains(format!("{part}-{number:02}").as_str()), "{part}-{number:02}");
        }
    }
    for row in &ROWS {
        assert!(!row.tests.is_empty() || !row.apart.is_empty(), "{} has neither tests nor a reason", row.id);
        assert!(!row.attack.is_empty() && !row.level.is_empty(), "{}", row.id);
        for proof in row.tests {
            assert!(exists(proof), "{}: {} has no test {} of {}", row.id, proof.file, proof.test, proof.package);
        }
    }
}

#[test]
fn the_page_is_the_one_that_the_list_makes() {
    let text = std::fs::read_to_string(repository().join("SECURITY.md")).expect("SECURITY.md");
    let made = page(&text).expect("SECURITY.md has a place for the table");
    assert!(text == made, "write it: cargo run -p attune-security-tests -- --write");
}

#[test]
fn the_lock_file_and_the_walls_are_there() {
    let read = |name: &str| std::fs::read_to_string(repository().join(name)).expect(name);
    let lock = read("Cargo.lock");
    let foreign: Vec<&str> = lock.split("[[package]]").filter(|package| package.contains("source = ")).collect();
    assert!(foreign.len() > 100);
    for package in foreign {
        assert!(package.contains("checksum = \"") && package.contains("registry+https://"), "{package}");
    }
    let rules = read("deny.toml");
    for part in ["[bans]", "[licenses]", "[sources]"] {
        assert!(rules.contains(part), "{part}");
    }
}
