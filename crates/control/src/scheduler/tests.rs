//! Placement by table and by property.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use attune_store::{Placeable, PlacementView, Waiting};
use attune_types::{
    Capabilities, Enforcement, Execution, ExecutionId, ExecutionStatus, Incarnation, LimitKind, Requirement, Timestamp,
    WorkerId, WorkerStatus,
};
use proptest::prelude::*;

use super::{Advances, PaceBook, PlacementPolicy, TakeBack, explain, solve};

fn requirement(runtime: &str) -> Requirement {
    Requirement { runtime: runtime.to_owned(), ..Requirement::default() }
}

fn waiting(id: i64, runtime: &str) -> Waiting {
    let requirement = requirement(runtime);
    Waiting { execution: ExecutionId(id), requirement_key: requirement.key(), requirement }
}

fn worker(id: i64, runtimes: &[&str], slots: u32, live: u32) -> Placeable {
    Placeable {
        worker: WorkerId(id),
        name: format!("w{id}"),
        incarnation: Incarnation([u8::try_from(id).expect("small"); 16]),
        capabilities: Capabilities {
            runtimes: runtimes.iter().map(|runtime| (*runtime).to_owned()).collect(),
            max_concurrent_executions: slots,
            ..Capabilities::default()
        },
        status: WorkerStatus::Active,
        live,
        unclaimed: live.saturating_sub(slots),
    }
}

/// `execution>worker` in order.
fn placed(view: &PlacementView, advances: &Advances) -> Vec<String> {
    let plan = solve(view, advances);
    plan.assignments.iter().map(|assignment| format!("{}>{}", assignment.execution, assignment.worker)).collect()
}

#[test]
fn oldest_goes_first_and_to_the_worker_with_most_free_slots() {
    let view = PlacementView {
        waiting: (1..=5).map(|id| waiting(id, "shell")).collect(),
        workers: vec![worker(1, &["shell"], 2, 1), worker(2, &["shell"], 3, 0)],
    };
    assert_eq!(placed(&view, &Advances::new()), ["1>2", "2>2", "3>1", "4>2"]);
}

#[test]
fn only_active_workers_that_lack_nothing_get_work() {
    let mut draining = worker(1, &["shell"], 9, 0);
    draining.status = WorkerStatus::Draining;
    let view = PlacementView {
        waiting: vec![waiting(1, "shell"), waiting(2, "python")],
        workers: vec![draining, worker(2, &["python"], 9, 0)],
    };
    assert_eq!(placed(&view, &Advances::new()), ["2>2"]);
    assert_eq!(solve(&view, &Advances::new()).exhausted, [requirement("shell").key()]);
}

#[test]
fn unplaceable_work_in_front_never_holds_up_what_fits() {
    let mut queue: Vec<Waiting> = (1..=100).map(|id| waiting(id, "cobol")).collect();
    queue.push(waiting(101, "shell"));
    let view = PlacementView { waiting: queue, workers: vec![worker(1, &["shell"], 1, 0)] };
    assert_eq!(placed(&view, &Advances::new()), ["101>1"]);
}

#[test]
fn free_slots_come_before_work_in_advance() {
    let advances = Advances::from([(WorkerId(1), 2), (WorkerId(2), 2)]);
    let view = PlacementView {
        waiting: (1..=7).map(|id| waiting(id, "shell")).collect(),
        workers: vec![worker(1, &["shell"], 1, 1), worker(2, &["shell"], 2, 0)],
    };
    let plan = solve(&view, &advances);
    let most: Vec<_> = plan.assignments.iter().map(|given| (given.worker.0, given.most_live)).collect();
    assert_eq!(most, [(2, 2), (2, 2), (1, 3), (2, 4), (1, 3), (2, 4)]);
    assert_eq!(plan.exhausted.len(), 1);
}

#[test]
fn what_demands_a_limit_goes_only_where_it_holds_and_the_miss_is_explained() {
    let limited = Requirement { limits: vec![LimitKind::Processes], sandbox: Some(2), ..requirement("shell") };
    let (mut root, mut grouped) = (worker(1, &["shell"], 9, 0), worker(2, &["shell"], 1, 0));
    root.capabilities.sandbox_level = 3;
    root.capabilities
        .limits
        .insert(LimitKind::Processes, Enforcement::Nothing { why: "no writable cgroup".to_owned() });
    grouped.capabilities.sandbox_level = 2;
    grouped.capabilities.limits.insert(LimitKind::Processes, Enforcement::Cgroup);
    let demanding = Waiting { requirement_key: limited.key(), requirement: limited.clone(), ..waiting(1, "shell") };
    let view = PlacementView { waiting: vec![demanding, waiting(2, "shell")], workers: vec![root, grouped] };
    assert_eq!(placed(&view, &Advances::new()), ["1>2", "2>1"]);
    let waits = Execution { requirement: limited, ..execution(1, ExecutionStatus::Requested) };
    let misses = explain(&waits, &view).misses();
    assert_eq!(misses.len(), 1);
    assert_eq!(misses[0].lacks, ["cannot enforce a limit on processes: no writable cgroup"]);
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

#[test]
fn a_worker_gets_in_advance_what_it_worked_off_in_the_last_second() {
    let policy = PlacementPolicy::default();
    let look = |live| PlacementView { waiting: Vec::new(), workers: vec![worker(1, &["shell"], 10, live)] };
    let mut book = PaceBook::default();
    book.look(&look(10), seconds(0.0));
    assert_eq!(book.advances(&look(10), &policy), Advances::from([(WorkerId(1), 0)]), "nothing is known yet");
    book.look(&look(6), seconds(0.1));
    assert_eq!(book.advances(&look(6), &policy), Advances::from([(WorkerId(1), 4)]));
    book.look(&look(6), seconds(20.0));
    assert_eq!(book.advances(&look(6), &policy), Advances::from([(WorkerId(1), 0)]), "it decays");
    for _ in 0..6 {
        book.look(&look(10), seconds(20.0));
        book.look(&look(0), seconds(20.0));
    }
    assert_eq!(book.advances(&look(0), &policy), Advances::from([(WorkerId(1), 50)]), "never more than the prefetch");
}

#[test]
fn surplus_is_taken_back_when_somebody_else_is_free_and_nothing_waits() {
    let policy = PlacementPolicy::default();
    let view =
        PlacementView { waiting: Vec::new(), workers: vec![worker(1, &["shell"], 2, 5), worker(2, &["shell"], 2, 0)] };
    let mut book = PaceBook::default();
    book.look(&view, seconds(0.0));
    assert_eq!(book.take_backs(&view, &policy, seconds(0.5)), []);
    let order = TakeBack { worker: WorkerId(1), at_most: 2 };
    assert_eq!(book.take_backs(&view, &policy, seconds(1.0)), [order], "as much as is free elsewhere");

    book.taken_back(WorkerId(1), 2);
    book.look(&view, seconds(1.0));
    assert_eq!(book.take_backs(&view, &policy, seconds(1.5)), [], "patience starts anew");

    let mut busy = view.clone();
    busy.workers[1].live = 2;
    let mut book = PaceBook::default();
    book.look(&busy, seconds(0.0));
    assert_eq!(book.take_backs(&busy, &policy, seconds(2.0)), [], "nobody could start it sooner");
    let order = TakeBack { worker: WorkerId(1), at_most: 3 };
    assert_eq!(book.take_backs(&busy, &policy, seconds(5.0)), [order], "it waits better where everybody can take it");
}

fn execution(id: i64, status: ExecutionStatus) -> Execution {
    Execution {
        id: ExecutionId(id),
        action: "core.echo".parse().expect("a reference"),
        status,
        parameters: serde_json::Map::new(),
        outcome: None,
        result: None,
        attempts: 0,
        requirement: requirement("ruby"),
        worker: None,
        requested_by: None,
        labels: BTreeMap::new(),
        requested_at: Timestamp(0),
        started_at: None,
        ended_at: None,
        retry_at: None,
    }
}

#[test]
fn an_explanation_names_the_nearest_miss_first() {
    let mut draining = worker(3, &["ruby"], 2, 0);
    draining.status = WorkerStatus::Draining;
    let mut view =
        PlacementView { waiting: vec![waiting(1, "ruby")], workers: vec![worker(1, &["shell"], 2, 0), draining] };
    let waits = execution(1, ExecutionStatus::Requested);
    let explanation = explain(&waits, &view);
    assert!(explanation.fitting.is_empty());
    assert_eq!(explanation.nearest_misses[0].lacks, ["runtime ruby (has shell)"]);
    assert_eq!(explanation.nearest_misses[1].lacks, ["status active (is draining)"]);
    assert_eq!(explanation.summary, "no worker fits; nearest: w1 lacks runtime ruby (has shell)");

    view.workers.clear();
    assert!(explain(&waits, &view).summary.starts_with("no worker is registered"));
    assert_eq!(explain(&execution(1, ExecutionStatus::Completed), &view).summary, "it has ended: completed");
}

#[test]
fn an_explanation_counts_who_is_before() {
    let view = PlacementView {
        waiting: vec![waiting(1, "shell"), waiting(2, "ruby"), waiting(3, "ruby"), waiting(4, "cobol")],
        workers: vec![worker(1, &["ruby"], 2, 2), worker(2, &["shell"], 2, 2), worker(3, &["ruby", "shell"], 1, 1)],
    };
    let explanation = explain(&execution(3, ExecutionStatus::Requested), &view);
    assert_eq!(explanation.summary, "all fitting workers are busy: 3 slots, 2 waiting before");
}

prop_compose! {
    fn any_view()(
        workers in prop::collection::vec((prop::sample::subsequence(vec!["a", "b", "c"], 0..=3), 0_u32..5, 0_u32..7, any::<bool>()), 0..6),
        queue in prop::collection::vec(prop::sample::select(vec!["a", "b", "c", "d"]), 0..40),
    ) -> PlacementView {
        let workers = workers.into_iter().zip(1..).map(|((runtimes, slots, live, active), id)| {
            let mut worker = worker(id, &runtimes, slots, live);
            if !active {
                worker.status = WorkerStatus::Unreachable;
            }
            worker
        });
        let queue = queue.into_iter().zip(1..).map(|(runtime, id)| waiting(id, runtime));
        PlacementView { waiting: queue.collect(), workers: workers.collect() }
    }
}

proptest! {
    #[test]
    fn a_plan_is_fair_and_keeps_every_limit(view in any_view(), extra in prop::collection::vec(0_u32..4, 6)) {
        let advances: Advances = extra.into_iter().zip(1..).map(|(extra, id)| (WorkerId(id), extra)).collect();
        let plan = solve(&view, &advances);
        let by_id: HashMap<WorkerId, &Placeable> =
            view.workers.iter().map(|worker| (worker.worker, worker)).collect();
        let requirements: HashMap<ExecutionId, &Waiting> =
            view.waiting.iter().map(|waiting| (waiting.execution, waiting)).collect();
        let mut live: HashMap<WorkerId, u32> =
            view.workers.iter().map(|worker| (worker.worker, worker.live)).collect();
        let mut placed: HashMap<ExecutionId, WorkerId> = HashMap::new();
        for given in &plan.assignments {
            let worker = by_id[&given.worker];
            let slots = worker.capabilities.max_concurrent_executions;
            prop_assert!(worker.status == WorkerStatus::Active);
            prop_assert!(worker.capabilities.lacks(&requirements[&given.execution].requirement).is_empty());
            prop_assert_eq!(given.incarnation, worker.incarnation);
            let held = live.entry(given.worker).or_default();
            *held += 1;
            prop_assert!(*held <= given.most_live, "the store's check under lock would refuse it");
            prop_assert!(given.most_live <= slots + advances[&given.worker]);
            prop_assert!(placed.insert(given.execution, given.worker).is_none(), "placed twice");
        }
        // Nothing waits that somebody has room for, and nothing younger of the same kind was placed instead.
        for waiting in view.waiting.iter().filter(|waiting| !placed.contains_key(&waiting.execution)) {
            prop_assert!(plan.exhausted.contains(&waiting.requirement_key));
            for worker in view.workers.iter().filter(|worker| worker.status == WorkerStatus::Active) {
                if worker.capabilities.lacks(&waiting.requirement).is_empty() {
                    let most = worker.capabilities.max_concurrent_executions + advances[&worker.worker];
                    prop_assert!(live[&worker.worker] >= most, "{} has room", worker.name);
                }
            }
            for younger in view.waiting.iter().filter(|other| {
                other.execution > waiting.execution && other.requirement_key == waiting.requirement_key
            }) {
                prop_assert!(!placed.contains_key(&younger.execution));
            }
        }
        // Nobody gets work in advance while a fitting worker has a free slot.
        for given in &plan.assignments {
            if given.most_live > by_id[&given.worker].capabilities.max_concurrent_executions {
                for worker in view.workers.iter().filter(|worker| worker.status == WorkerStatus::Active) {
                    let fits = worker.capabilities.lacks(&requirements[&given.execution].requirement).is_empty();
                    let idle = live[&worker.worker] < worker.capabilities.max_concurrent_executions;
                    prop_assert!(!(fits && idle), "{} is idle", worker.name);
                }
            }
        }
    }
}
