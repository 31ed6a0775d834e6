//! The program of the simulation.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use attune_simulation::model::{self, Explored};
use attune_simulation::reach::Reached;
use attune_simulation::world::Ended;
use attune_simulation::world::faults;
use attune_simulation::{caught, mutant, run};
use clap::Parser;

/// The protocol in a modelled world: seeded, replayable to the byte, and judged.
#[derive(Debug, Parser)]
#[command(name = "attune-simulation")]
struct Arguments {
    /// The seed of the first run.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many seeds, from that one on.
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// How many executions each run has.
    #[arg(long, default_value_t = 1000)]
    executions: u32,
    /// How many executions the faults are drawn for, if that is another number: what a shrunk run is replayed with.
    #[arg(long)]
    drawn_for: Option<u32>,
    /// Which of the faults of the seed happen, by number, separated by commas; all when this is absent.
    #[arg(long, value_delimiter = ',', num_args = 0..)]
    faults: Option<Vec<usize>>,
    /// Writes what happens in the first run, line by line, to this file.
    #[arg(long)]
    trace: Option<std::path::PathBuf>,
    /// Do not make a failing run shorter.
    #[arg(long)]
    no_shrink: bool,
    /// Runs every seed twice and compares what happened.
    #[arg(long)]
    twice: bool,
    /// Switches on one known fault after the other, and tells what notices it; needs a build with `scripts/with-mutants`.
    #[arg(long)]
    mutants: bool,
    /// Follows one execution through every order of everything that can happen to it.
    #[arg(long)]
    model: bool,
    /// Rare paths that were never taken do not make the run void.
    #[arg(long)]
    any_paths: bool,
}

fn say(text: &str) {
    // Nobody reads it: nothing to be done about that.
    let _unread = writeln!(std::io::stdout(), "{text}");
}

#[derive(Debug, Default)]
struct Sum {
    executions: u64,
    events: u64,
    failed: Vec<u64>,
    reached: Reached,
}

fn run_one(arguments: &Arguments, seed: u64, is_traced: bool) -> Ended {
    let drawn_for = arguments.drawn_for.unwrap_or(arguments.executions);
    let all = faults::draw(seed, drawn_for);
    let chosen = match &arguments.faults {
        None => all,
        Some(numbers) => numbers.iter().filter_map(|number| all.get(*number).copied()).collect(),
    };
    run::with(seed, arguments.executions, chosen, is_traced)
}

fn replay(seed: u64, executions: u32, drawn_for: u32, numbers: &[usize]) -> String {
    let numbers: Vec<String> = numbers.iter().map(usize::to_string).collect();
    format!(
        "cargo run --release -p attune-simulation -- --seed {seed} --executions {executions} --drawn-for {drawn_for} \
         --faults {} --trace trace.txt",
        numbers.join(",")
    )
}

fn report_failure(arguments: &Arguments, seed: u64, ended: &Ended) {
    say(&format!("seed {seed}: VIOLATED"));
    for (name, count, case) in ended.violations.all() {
        say(&format!("  {name} {count}: {}", case.chars().take(600).collect::<String>()));
    }
    let drawn_for = arguments.drawn_for.unwrap_or(arguments.executions);
    if arguments.no_shrink || arguments.faults.is_some() {
        return;
    }
    let Some((first, ..)) = ended.violations.all().next() else { return };
    let shrunk = run::shrink(seed, drawn_for, first);
    let all = faults::draw(seed, drawn_for);
    say(&format!("  {first} also with {} executions and these faults:", shrunk.executions));
    for number in &shrunk.faults {
        let fault = all[*number];
        let (at, lasts) = (fault.at as f64 / 1e6, (fault.until - fault.at) as f64 / 1e6);
        say(&format!("    {number}: at {at:.3} s for {lasts:.3} s: {:?}", fault.kind));
    }
    for (name, count, case) in shrunk.ended.violations.all() {
        say(&format!("    {name} {count}: {}", case.chars().take(600).collect::<String>()));
    }
    say(&format!("  replay: {}", replay(seed, shrunk.executions, drawn_for, &shrunk.faults)));
}

/// Every known fault, and what notices it.
fn catch_all(arguments: &Arguments) -> ExitCode {
    if !mutant::can_choose() {
        say(
            "this build has no known faults: RUSTC_WORKSPACE_WRAPPER=scripts/with-mutants cargo run ..., see `make mutants`",
        );
        return ExitCode::from(64);
    }
    let executions = arguments.executions.min(600);
    let sound = (1..=20).find(|seed| !run::seed(*seed, executions, false).violations.is_empty());
    if let Some(seed) = sound {
        say(&format!("seed {seed} violates something without any fault: nothing was proven"));
        return ExitCode::FAILURE;
    }
    say("| mutant | what it breaks | caught by | after executions | seed |\n|---|---|---|---|---|");
    let mut escaped = 0;
    for mutant in mutant::ALL {
        let (name, breaks) = (mutant.name, mutant.breaks);
        match caught::catch(mutant, executions, arguments.seeds.max(40)) {
            Some(caught) => {
                say(&format!("| {name} | {breaks} | {} | {} | {} |", caught.by, caught.executions, caught.seed));
            }
            None => {
                escaped += 1;
                say(&format!("| {name} | {breaks} | NOTHING | | |"));
            }
        }
    }
    say(&format!("{} of {} mutants caught", mutant::ALL.len() - escaped, mutant::ALL.len()));
    if escaped == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Every order of everything that can happen to one execution, with a few faults of every kind.
fn model_all() -> ExitCode {
    let mut is_proven = true;
    for (place, (name, faults)) in model::SINGLE.into_iter().chain(model::PAIRS).enumerate() {
        let is_single = place < model::SINGLE.len();
        for kind in model::KINDS.into_iter().filter(|kind| is_single || !kind.may_repeat) {
            let explored = model::explore(kind, faults, 3_000_000);
            let Explored { states, steps, at_rest, .. } = explored;
            say(&format!("{name}, {kind:?}: {states} states, {steps} steps, {at_rest} at rest"));
            for (what, way) in explored.violations.iter().chain(&explored.stuck) {
                is_proven = false;
                say(&format!("  VIOLATED {what}"));
                for one in way {
                    say(&format!("    {one:?}"));
                }
            }
        }
    }
    if is_proven { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.mutants {
        return catch_all(&arguments);
    }
    if arguments.model {
        return model_all();
    }
    let begun = attune_process::clock::boot();
    if let Some(path) = &arguments.trace {
        let ended = run_one(&arguments, arguments.seed, true);
        let mut lines = ended.trace.into_lines();
        for (name, count, case) in ended.violations.all() {
            lines.push_str(&format!("VIOLATED {name} {count}: {case}\n"));
        }
        if let Err(error) = std::fs::write(path, lines) {
            say(&format!("{}: {error}", path.display()));
            return ExitCode::from(74);
        }
    }
    let next = AtomicU64::new(arguments.seed);
    let sum = Mutex::new(Sum::default());
    let end = arguments.seed + arguments.seeds;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        return;
                    }
                    let ended = run_one(&arguments, seed, arguments.twice);
                    let events = ended.trace.events();
                    let mut is_failed = !ended.violations.is_empty();
                    if is_failed {
                        report_failure(&arguments, seed, &ended);
                    }
                    if arguments.twice {
                        let again = run_one(&arguments, seed, true);
                        let same = again.trace.into_lines() == ended.trace.into_lines();
                        say(&format!("seed {seed}: {} events, twice the same: {same}", events));
                        is_failed |= !same;
                    }
                    if let Ok(mut sum) = sum.lock() {
                        sum.executions += u64::from(arguments.executions);
                        sum.events += events;
                        sum.reached.add(&ended.reached);
                        if is_failed {
                            sum.failed.push(seed);
                        }
                    }
                }
            });
        }
    });
    let Ok(sum) = sum.into_inner() else { return ExitCode::FAILURE };
    let took = attune_process::clock::boot().saturating_sub(begun).as_secs_f64();
    say(&format!(
        "{} executions in {} runs, {} events, {took:.1} s: {} runs violated something",
        sum.executions,
        arguments.seeds,
        sum.events,
        sum.failed.len()
    ));
    let counts: Vec<String> = attune_simulation::reach::Point::ALL
        .iter()
        .map(|point| format!("{} {}", point.name(), sum.reached.count(*point)))
        .collect();
    say(&format!("rare paths: {}", counts.join(", ")));
    let missed = sum.reached.missed();
    let is_void = arguments.seeds >= 50 && !missed.is_empty() && !arguments.any_paths;
    if is_void {
        say(&format!("VOID: never taken: {}", missed.join(", ")));
    }
    if sum.failed.is_empty() && !is_void { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
