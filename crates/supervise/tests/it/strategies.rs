//! Siblings that share a fate.

use actix::Addr;
use attune_supervise::{ChildSpec, ChildState, Restart, Strategy, Supervisor};

use crate::{
    subject::{Break, Count, Habits, Subject},
    support::{Journal, child_in, paused, status, tree},
};

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

fn four(strategy: Strategy, journal: &Journal, last: Restart) -> (Vec<Addr<Subject>>, Addr<Supervisor>) {
    let mut tree = tree(strategy);
    let mut addresses = Vec::new();
    for name in NAMES {
        let restart = if name == "d" { last } else { Restart::Permanent };
        let journal = journal.clone();
        let spec = ChildSpec::new(name, restart);
        addresses.push(tree.child(spec, move |life| Subject::new(life, name, &journal, Habits::default())));
    }
    (addresses, tree.start())
}

fn only(journal: &Journal, what: &str) -> Vec<String> {
    journal
        .entries()
        .into_iter()
        .filter_map(|entry| entry.strip_suffix(what).map(|name| name.trim().to_owned()))
        .collect()
}

#[test]
fn exactly_the_affected_siblings_go_down_in_reverse_and_come_up_in_order() {
    let table = [
        (Strategy::OneForOne, [0, 1, 0, 0], vec![], vec!["b"]),
        (Strategy::RestForOne, [0, 1, 1, 1], vec!["d", "c"], vec!["b", "c", "d"]),
        (Strategy::OneForAll, [1, 1, 1, 1], vec!["d", "c", "a"], vec!["a", "b", "c", "d"]),
    ];
    for (strategy, restarts, down, up) in table {
        paused(async move {
            let journal = Journal::default();
            let (addresses, supervisor) = four(strategy, &journal, Restart::Permanent);
            for address in &addresses {
                assert_eq!(address.send(Count).await.expect("it runs"), (0, 1));
            }
            assert_eq!(only(&journal, "started"), NAMES, "in order of declaration");
            journal.clear();
            addresses[1].do_send(Break::PanicInHandler);
            let queued: Vec<_> = addresses.iter().map(|address| address.send(Count)).collect();
            child_in(&supervisor, "b", ChildState::Running, 1).await;
            for (name, restarts) in NAMES.iter().zip(restarts) {
                child_in(&supervisor, name, ChildState::Running, restarts).await;
            }
            assert_eq!(only(&journal, "stopped"), down, "{strategy:?}");
            assert_eq!(only(&journal, "started"), up, "{strategy:?}");
            for queued in queued {
                queued.await.expect("nothing queued is lost, whoever went down");
            }
            for (address, restarts) in addresses.iter().zip(restarts) {
                assert_eq!(address.send(Count).await.expect("all answer").0, restarts, "{strategy:?}");
            }
        });
    }
}

#[test]
fn a_temporary_sibling_shares_the_fall_but_not_the_rise() {
    paused(async {
        let journal = Journal::default();
        let (addresses, supervisor) = four(Strategy::OneForAll, &journal, Restart::Temporary);
        addresses[3].send(Count).await.expect("it runs");
        addresses[0].do_send(Break::Fail);
        child_in(&supervisor, "c", ChildState::Running, 1).await;
        child_in(&supervisor, "d", ChildState::Ended, 0).await;
        assert!(addresses[3].send(Count).await.is_err());
    });
}

#[test]
fn siblings_that_fail_together_are_restarted_together_once() {
    paused(async {
        let journal = Journal::default();
        let (addresses, supervisor) = four(Strategy::OneForAll, &journal, Restart::Permanent);
        for address in &addresses {
            address.send(Count).await.expect("it runs");
        }
        for address in &addresses {
            address.do_send(Break::PanicInHandler);
        }
        for name in NAMES {
            child_in(&supervisor, name, ChildState::Running, 1).await;
        }
        tokio::time::sleep(std::time::Duration::from_secs(30)).await;
        assert!(
            status(&supervisor).await.children.iter().all(|child| child.restarts == 1),
            "reports of old lives are stale"
        );
    });
}
