//! What was found once stays found.

use std::time::Duration;

use attune_fuzz::{TARGETS, corpus, fuzz};

#[test]
fn every_example_holds_and_every_target_has_some() {
    for target in TARGETS {
        let files = std::fs::read_dir(corpus(target.name)).expect("a corpus").flatten();
        let examples: Vec<Vec<u8>> = files.map(|file| std::fs::read(file.path()).expect("read")).collect();
        assert!(!examples.is_empty(), "{} has no examples", target.name);
        if let Err(found) = fuzz(*target, &examples, Duration::ZERO, 1) {
            panic!("{}: {} for {:?}", target.name, found.message, String::from_utf8_lossy(&found.input));
        }
    }
}
