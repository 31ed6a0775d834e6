//! One run, from the first program to the verdict.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use attune_process::clock;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::census;
use crate::checker::{Counters, Excuses, Suspended};
use crate::history::{History, percentile};
use crate::inflict::{Struck, inflict};
use crate::keeper::Exit;
use crate::load::{Account, Load, Running};
use crate::logs;
use crate::plan::Plan;
use crate::reach;
use crate::report::Report;
use crate::settings::Backend;
use crate::stage::Stage;
use crate::survey::{self, Survey, patiently};
use crate::truth::Truth;

/// Orders that only warm everything up have numbers from here on.
const WARM_UP: usize = 1_000_000;

/// The exit code of a program whose database or broker does not answer when it starts.
const UNAVAILABLE: i32 = 69;

/// How long everything may take at most to end after the last heal, before it is called lost.
const PATIENCE: Duration = Duration::from_secs(150);

/// Makes a run.
///
/// # Errors
/// When it could not be made; that says nothing about what is tested.
pub(crate) async fn run(plan: Plan) -> Result<Report, String> {
    let begun = Instant::now();
    let stage = Arc::new(Stage::start(plan.settings.clone(), plan.keep.as_deref()).await?);
    eprintln!(
        "{}: everything works after {:.1} s, in {}",
        plan.name,
        begun.elapsed().as_secs_f64(),
        stage.folder.display()
    );
    let running = Running::default();
    let apis: Vec<_> = (0..stage.servers.len()).map(|server| stage.api(server)).collect();
    let slots = stage.settings.slots * stage.workers.len().max(1);
    // Long enough that all slots are taken at once: every guard and every connection that there will be is there.
    let long = Some(serde_json::json!({"seconds": 2.0}));
    let warm = Load { first: WARM_UP, parameters: long, ..Load::new(plan.seed, slots, 200.0).only("quick") };
    running.submit(warm, apis.clone()).await;
    wait_for_end(&stage, &running, Duration::from_secs(60)).await;
    sleep(Duration::from_secs(1)).await;
    let before = Survey::take(&stage);

    let mut counters = Counters::default();
    let from_us = clock::wall();
    let (strikes, orphans) = under_fire(&stage, &running, &plan, &apis).await;
    heal(&stage);
    let healed = Instant::now();
    let healed_us = clock::wall();
    orphans.into_iter().for_each(|what| counters.add("orphans", what));
    let mut figures = BTreeMap::new();
    running.with(|account| forget(account, &strikes, &mut figures));
    let consuming = consuming_again(&stage, healed).await;
    figures.insert("consuming again s after the last heal".to_owned(), consuming);
    let late = wait_for_end(&stage, &running, plan.settle.saturating_sub(healed.elapsed())).await;
    if late > 0 {
        counters.add("late", format!("{late} executions had not ended {:?} after the last heal", plan.settle));
        (1..late).for_each(|_| counters.add("late", "one more"));
        wait_for_end(&stage, &running, PATIENCE.saturating_sub(plan.settle)).await;
    }
    figures.insert("all ended s after the last heal".to_owned(), healed.elapsed().as_secs_f64());

    let history = History::read(&stage.query).await?;
    let truth = Truth::read(&stage.truth());
    running.with(|account| forgive(account, &history, &strikes));
    let excuses = Excuses { causes: plan.excused.clone(), suspended: suspended(&strikes) };
    running.with(|account| counters.judge(&history, &truth, account, &excuses));
    let left_out = running.with(|account| account.forgiven.clone());
    leftovers(&stage, &plan, (&history, &left_out), &before, &mut counters).await;
    let after = Survey::take(&stage);
    for (moment, total) in [("before", before.total()), ("after", after.total())] {
        figures.insert(format!("descriptors {moment}"), total.descriptors as f64);
        figures.insert(format!("threads {moment}"), total.threads as f64);
        figures.insert(format!("resident KiB {moment}"), total.resident_kib as f64);
    }
    let dispatch = history.dispatch_ms(from_us, healed_us);
    figures.insert("dispatch p50 ms".to_owned(), percentile(&dispatch, 50.0));
    figures.insert("dispatch p99 ms".to_owned(), percentile(&dispatch, 99.0));
    crashes(&stage, &mut counters);
    for name in stage.end().await {
        counters.add("leaked_processes", format!("{name} did not end by SIGTERM within 40 s"));
    }
    let mark = stage.folder.display().to_string();
    for left in patiently(Duration::from_secs(6), || async { census::mentioning(&mark) }).await {
        counters.add("leaked_processes", left);
    }
    let reach = reach::count(&stage.folder, &history);
    let missing = reach::missing(&reach, &strikes);
    figures.insert("run s".to_owned(), begun.elapsed().as_secs_f64());
    Ok(Report {
        name: plan.name,
        seed: plan.seed,
        backend: match plan.settings.backend {
            Backend::Pg => "pg",
            Backend::Sqlite => "sqlite",
        },
        accepted: running.with(|account| account.accepted.len()),
        counters,
        history,
        strikes,
        reach,
        strict: plan.strict,
        missing,
        figures,
        folder: plan.keep.as_ref().map(|_| stage.folder.display().to_string()),
    })
}

/// Submits all loads and makes all faults happen; returns when all of them are healed and everything was submitted.
async fn under_fire(
    stage: &Arc<Stage>,
    running: &Running,
    plan: &Plan,
    apis: &[crate::api::Api],
) -> (Vec<Struck>, Vec<String>) {
    let begun = Instant::now();
    let wanted: usize = plan.loads.iter().map(|load| load.count).sum();
    let active: Arc<Mutex<Vec<&'static str>>> = Arc::default();
    let mut loads = JoinSet::new();
    for load in plan.loads.clone() {
        let (running, apis) = (running.clone(), apis.to_vec());
        loads.spawn(async move { running.submit(load, apis).await });
    }
    let mut strikes = JoinSet::new();
    for strike in plan.strikes.clone() {
        let (stage, active) = (Arc::clone(stage), Arc::clone(&active));
        strikes.spawn(async move {
            tokio::time::sleep_until((begun + strike.at).into()).await;
            let change = |there: bool| {
                let mut active = active.lock().unwrap_or_else(PoisonError::into_inner);
                match there {
                    true => active.push(strike.fault.name),
                    false => active.retain(|name| *name != strike.fault.name),
                }
            };
            change(true);
            let struck = inflict(stage, strike).await;
            change(false);
            struck
        });
    }
    let watching = tokio::spawn(watch(Arc::clone(stage), running.clone(), wanted, Arc::clone(&active), begun));
    while loads.join_next().await.is_some() {}
    let mut struck = Vec::new();
    while let Some(one) = strikes.join_next().await {
        struck.extend(one.ok());
    }
    watching.abort();
    let orphans = stage.orphans.lock().unwrap_or_else(PoisonError::into_inner).clone();
    struck.sort_by_key(|struck| struck.from_us);
    (struck, orphans.into_iter().collect())
}

/// Prints how it goes, and looks for processes of executions that ended a while ago.
async fn watch(
    stage: Arc<Stage>,
    running: Running,
    wanted: usize,
    active: Arc<Mutex<Vec<&'static str>>>,
    begun: Instant,
) {
    let mut suspended = Instant::now();
    let mut suspects: BTreeSet<(u32, i64)> = BTreeSet::new();
    let mut round = 0;
    loop {
        sleep(Duration::from_secs(2)).await;
        round += 1;
        let now = active.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if round % 5 == 0 {
            let submitted = running.with(|account| account.accepted.len());
            let ended = stage.query.number(ENDED).await.unwrap_or(-1);
            eprintln!(
                "{:>5.0} s  accepted {submitted} of {wanted}, ended {ended}  {now:?}",
                begun.elapsed().as_secs_f64()
            );
        }
        // Whoever is stopped together with his guards cannot be asked to be quick.
        if now.iter().any(|name| matches!(*name, "host-stop" | "starved" | "worker-stop" | "worker-stop-long")) {
            suspended = Instant::now();
        }
        if suspended.elapsed() < Duration::from_secs(12) {
            suspects.clear();
            continue;
        }
        let found = overdue(&stage).await;
        let mut orphans = stage.orphans.lock().unwrap_or_else(PoisonError::into_inner);
        for (pid, execution, command) in &found {
            // Twice in a row, so that one that is just going is not counted.
            if suspects.contains(&(*pid, *execution)) {
                orphans.insert(format!("process {pid} of execution {execution}, which has ended: {command}"));
            }
        }
        suspects = found.into_iter().map(|(pid, execution, _)| (pid, execution)).collect();
    }
}

const ENDED: &str = "SELECT count(*) FROM execution WHERE status IN ('completed', 'failed', 'timeout', 'cancelled', \
                     'abandoned')";

/// Processes of executions that ended more than 5.1 s ago.
async fn overdue(stage: &Stage) -> Vec<(u32, i64, String)> {
    let residents = census::residents(&stage.mark());
    if residents.is_empty() {
        return Vec::new();
    }
    let ids: BTreeSet<String> = residents.iter().map(|one| one.execution.to_string()).collect();
    let now = match stage.settings.backend {
        Backend::Pg => "attune_now()",
        Backend::Sqlite => "(SELECT now FROM clock)",
    };
    let ids = ids.into_iter().collect::<Vec<_>>().join(",");
    let statement = format!("SELECT id FROM execution WHERE ended_at < {now} - 5100000 AND id IN ({ids})");
    let Ok(rows) = stage.query.rows(&statement).await else { return Vec::new() };
    let over: BTreeSet<i64> = rows.iter().filter_map(|row| row.first()?.parse().ok()).collect();
    let left = residents.into_iter().filter(|one| over.contains(&one.execution));
    left.map(|one| (one.pid, one.execution, one.command)).collect()
}

/// The times that a database was made to forget, in microseconds since 1970.
fn lost_windows(strikes: &[Struck]) -> Vec<Range<i64>> {
    let window = |struck: &Struck| {
        let figure = |wanted: &str| struck.figures.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value);
        let (from, length) = (figure("lost window began us")? as i64, figure("lost window s")?);
        Some(from..from + (length * 1e6) as i64)
    };
    strikes.iter().filter_map(window).collect()
}

/// Takes out of the account what was accepted in a time that the database was made to forget: nobody can know of it, and
/// its numbers may have been given to what was accepted later.
fn forget(account: &mut Account, strikes: &[Struck], figures: &mut BTreeMap<String, f64>) {
    let windows = lost_windows(strikes);
    if windows.is_empty() {
        return;
    }
    let accepted = account.accepted.iter();
    let lost = accepted.filter(|(_, accepted)| windows.iter().any(|window| window.contains(&accepted.at_us)));
    let ids: Vec<i64> = lost.map(|(id, _)| *id).collect();
    let given_twice = std::mem::take(&mut account.confused);
    figures.insert("accepted in the lost window".to_owned(), (ids.len() + given_twice.len()) as f64);
    figures.insert("numbers given twice".to_owned(), given_twice.len() as f64);
    account.forgiven.extend(ids);
    account.forgiven.extend(given_twice);
}

/// Takes out of the account what no promise covers: executions that a fault itself asked for, and what was under way in a
/// time that the database was made to forget. That may have run, and runs again: the database does not know.
fn forgive(account: &mut Account, history: &History, strikes: &[Struck]) {
    strikes.iter().for_each(|struck| account.forgiven.extend(&struck.unaccounted));
    for window in lost_windows(strikes) {
        let under_way = history
            .executions
            .values()
            .filter(|known| known.requested_at < window.end && (known.ended_at == 0 || known.ended_at >= window.start));
        account.forgiven.extend(under_way.map(|known| known.id));
    }
}

/// The times in which whole machines were suspended, by the clock of the ground truth. What they resume with is killed
/// within a second.
fn suspended(strikes: &[Struck]) -> Vec<Suspended> {
    let boot_us = i64::try_from(clock::boot().as_micros()).unwrap_or(i64::MAX);
    let shift = clock::wall() - boot_us;
    let stopped = strikes.iter().filter(|struck| struck.fault == "host-stop");
    stopped
        .map(|struck| Suspended {
            worker: struck.target.clone(),
            from_us: struck.from_us - shift,
            to_us: struck.to_us - shift + 1_000_000,
        })
        .collect()
}

/// Undoes whatever may not have been undone.
fn heal(stage: &Stage) {
    for host in stage.hosts() {
        host.heal();
        host.keeper.signal(libc::SIGCONT);
        if let Err(error) = host.keeper.start() {
            eprintln!("{} cannot be started: {error}", host.name);
        }
    }
}

/// Seconds after the heal until every worker has a consumer.
async fn consuming_again(stage: &Stage, healed: Instant) -> f64 {
    let Some(broker) = &stage.broker else { return 0.0 };
    while healed.elapsed() < Duration::from_secs(60) {
        let queues = broker.list_queues().await;
        let consumed = queues.iter().filter(|queue| queue.name.starts_with("worker.") && queue.consumers > 0).count();
        if consumed >= stage.workers.len() {
            break;
        }
        sleep(Duration::from_millis(200)).await;
    }
    healed.elapsed().as_secs_f64()
}

/// How many executions there are, and how many of them have ended: one look, because everything moves on between two.
const PROGRESS: &str = "SELECT count(*), coalesce(sum(CASE WHEN status IN ('completed', 'failed', 'timeout', 'cancelled', \
                        'abandoned') THEN 1 ELSE 0 END), 0) FROM execution";

/// Waits until everything accepted has ended; how many have not. A database that does not answer says nothing.
async fn wait_for_end(stage: &Stage, running: &Running, within: Duration) -> i64 {
    let begun = Instant::now();
    loop {
        let expected = running.with(|account| account.expected());
        let accepted = i64::try_from(expected).unwrap_or(i64::MAX);
        let left = match stage.query.rows(PROGRESS).await.as_deref() {
            Ok([row]) => {
                let number = |column: usize| row.get(column).and_then(|text| text.parse::<i64>().ok()).unwrap_or(0);
                let (there, ended) = (number(0), number(1));
                // Some may be there that nobody counts: their answers were never heard.
                (there - ended).max(accepted - ended)
            }
            _ => accepted.max(1),
        };
        if left <= 0 || begun.elapsed() > within {
            return left.max(0);
        }
        sleep(Duration::from_millis(300)).await;
    }
}

/// Everything that should be gone.
async fn leftovers(
    stage: &Stage,
    plan: &Plan,
    (history, left_out): (&History, &BTreeSet<i64>),
    before: &Survey,
    counters: &mut Counters,
) {
    let mark = stage.mark();
    let processes = patiently(Duration::from_secs(6), || async {
        census::residents(&mark)
            .into_iter()
            .map(|one| format!("{} of execution {}: {}", one.pid, one.execution, one.command))
            .collect()
    });
    processes.await.into_iter().for_each(|left| counters.add("orphans", left));
    let zombies = patiently(Duration::from_secs(2), || async {
        let roots = stage.hosts().filter_map(|host| host.keeper.pid());
        let below = roots.flat_map(census::descendants).filter(|one| one.is_zombie);
        below.map(|one| format!("{} {} of {}", one.pid, one.name, one.parent)).collect()
    });
    zombies.await.into_iter().for_each(|left| counters.add("zombies", left));
    survey::rows(stage, counters).await;
    let parked = plan.strikes.iter().any(|strike| strike.fault.name == "garbage");
    survey::queues(stage, counters, parked).await;
    // Output may be stored a little later than the end.
    let gaps = patiently(Duration::from_secs(20), || async {
        logs::problems(&stage.query, history, left_out).await.unwrap_or_else(|error| vec![error])
    });
    gaps.await.into_iter().for_each(|gap| counters.add("log_gaps", gap));
    let mut found = Counters::default();
    for _ in 0..20 {
        found = Counters::default();
        before.compare(&Survey::take(stage), &mut found);
        if found.found.is_empty() {
            break;
        }
        sleep(Duration::from_millis(500)).await;
    }
    for (name, all) in found.found {
        all.into_iter().for_each(|what| counters.add(name, what));
    }
}

/// Programs that ended although nobody asked them to.
fn crashes(stage: &Stage, counters: &mut Counters) {
    for host in stage.hosts() {
        // A program that starts while what it depends on is away says so and leaves; a service manager starts it again.
        let surprising = |exit: &&Exit| !exit.ordered && exit.code != UNAVAILABLE;
        for exit in host.keeper.exits().iter().filter(surprising) {
            counters.add("crashes", format!("{} ended with {} and nobody had asked it to", host.name, exit.code));
        }
    }
}
