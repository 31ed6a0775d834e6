//! Children that nobody waits for.

use std::time::Duration;

use crate::fixture::{Fixture, until};

const TREE: &str = "trap '' TERM; sleep 1000 & setsid sleep 1000 & echo ready; wait";

#[test]
fn a_dropped_child_takes_its_tree_with_it() {
    let fixture = Fixture::new();
    fixture.run(async {
        let (sender, _receiver) = tokio::sync::mpsc::channel(1);
        let child = fixture.spawn(fixture.shell(TREE), sender).await;
        until("the tree is there", &mut || fixture.tagged() == 3).await;
        drop(child);
    });
}

#[test]
fn a_wait_that_is_given_up_takes_the_tree_with_it() {
    let fixture = Fixture::new();
    fixture.run(async {
        let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
        let child = fixture.spawn(fixture.shell(TREE), sender).await;
        tokio::select! {
            _ = child.wait() => panic!("it does not end by itself"),
            _ = receiver.recv() => {}
        }
    });
}

#[test]
fn a_runtime_that_goes_away_takes_its_children_with_it() {
    let fixture = Fixture::new();
    fixture.run(async {
        let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
        let child = fixture.spawn(fixture.shell(TREE), sender).await;
        tokio::spawn(child.wait());
        receiver.recv().await.expect("it is ready");
    });
    // The fixture drops the runtime, with the waiting task in it, only after this.
    fixture.lose_runtime(Duration::from_secs(5));
}
