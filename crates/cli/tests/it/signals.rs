//! Ctrl-C.

use crate::fixture::{Place, eventually, is_alive};

/// The numbers of the processes that the action started.
fn processes(place: &Place) -> Vec<String> {
    eventually("the action to start", || {
        place.truth().first().map(|line| line.split_whitespace().map(str::to_owned).collect())
    })
}

#[test]
fn an_interrupt_ends_the_whole_tree_and_gives_130() {
    let place = Place::new();
    let running = place.start(&["run", "proof.tree"]);
    let processes = processes(&place);
    running.signal(libc::SIGINT);
    let ran = running.wait();
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(130), ""), "{ran:?}");
    assert!(ran.stderr.contains("interrupted: waiting"), "{ran:?}");
    let left: Vec<_> = processes.iter().filter(|pid| is_alive(pid)).collect();
    assert!(left.is_empty(), "{left:?} of {processes:?}");
}

#[test]
fn a_second_interrupt_kills_what_ignores_the_first() {
    let place = Place::new();
    let running = place.start(&["run", "proof.stubborn"]);
    let processes = processes(&place);
    running.signal(libc::SIGTERM);
    eventually("the first signal to be noticed", || {
        // The state of the execution is only in that process; that it ignores SIGTERM shows in being alive.
        is_alive(&processes[1]).then_some(())
    });
    running.signal(libc::SIGINT);
    running.signal(libc::SIGINT);
    let ran = running.wait();
    assert_eq!(ran.code, Some(130), "{ran:?}");
    assert!(processes.iter().all(|pid| !is_alive(pid)), "{processes:?}");
}
