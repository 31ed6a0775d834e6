//! The processes of a run, seen from outside.

use std::collections::BTreeMap;
use std::fs;

/// A process of an action: it carries the pack's folder in its environment, however far it went from where it was born.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resident {
    pub(crate) pid: u32,
    pub(crate) execution: i64,
    pub(crate) worker: String,
    pub(crate) command: String,
}

/// Processes of actions of the pack in this folder. Zombies have no environment and are not among them.
pub(crate) fn residents(mark: &str) -> Vec<Resident> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let environment = fs::read(entry.path().join("environ")).ok()?;
            let value = |name: &str| {
                environment.split(|byte| *byte == 0).find_map(|variable| {
                    let text = std::str::from_utf8(variable).ok()?;
                    text.strip_prefix(name)?.strip_prefix('=').map(str::to_owned)
                })
            };
            (value("ATTUNE_PACK_DIR")? == mark).then_some(())?;
            let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let command = String::from_utf8_lossy(&line).replace('\0', " ");
            Some(Resident {
                pid,
                execution: value("ATTUNE_EXECUTION_ID")?.parse().ok()?,
                worker: value("ATTUNE_WORKER").unwrap_or_default(),
                command: command.chars().take(80).collect(),
            })
        })
        .collect()
}

/// Processes that have this text in their environment or command line: everything that a run started.
pub(crate) fn mentioning(text: &str) -> Vec<String> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
            let read = |name: &str| fs::read(entry.path().join(name)).unwrap_or_default();
            let line = String::from_utf8_lossy(&read("cmdline")).replace('\0', " ");
            let mentions = pid != std::process::id()
                && (line.contains(text) || String::from_utf8_lossy(&read("environ")).contains(text));
            mentions.then(|| format!("{pid} {}", line.chars().take(80).collect::<String>()))
        })
        .collect()
}

/// Parent and state of every process.
fn everybody() -> BTreeMap<u32, (u32, char, String)> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            let name = stat.get(stat.find('(')? + 1..stat.rfind(')')?)?.to_owned();
            let mut fields = stat.rsplit(')').next()?.split_whitespace();
            let state = fields.next()?.chars().next()?;
            Some((pid, (fields.next()?.parse().ok()?, state, name)))
        })
        .collect()
}

/// A process below another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Descendant {
    pub(crate) pid: u32,
    pub(crate) parent: u32,
    pub(crate) name: String,
    pub(crate) is_zombie: bool,
}

/// Everything below a process.
pub(crate) fn descendants(root: u32) -> Vec<Descendant> {
    let all = everybody();
    let mut found: Vec<Descendant> = Vec::new();
    let mut open = vec![root];
    while let Some(parent) = open.pop() {
        for (pid, (its_parent, state, name)) in &all {
            if *its_parent == parent {
                open.push(*pid);
                let is_zombie = *state == 'Z';
                found.push(Descendant { pid: *pid, parent, name: name.clone(), is_zombie });
            }
        }
    }
    found
}

/// The launcher of a worker: its child with that name.
pub(crate) fn launcher(worker: u32) -> Option<u32> {
    descendants(worker).into_iter().find(|one| one.parent == worker && one.name == "attune-launcher").map(|one| one.pid)
}

/// Guards that hold a process tree at this moment.
pub(crate) fn busy_guards(worker: u32) -> Vec<u32> {
    let below = descendants(worker);
    let Some(launcher) = launcher(worker) else { return Vec::new() };
    let guards = below.iter().filter(|one| one.parent == launcher && !one.is_zombie);
    guards.filter(|guard| below.iter().any(|one| one.parent == guard.pid)).map(|guard| guard.pid).collect()
}

/// What a process has open and uses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Holding {
    pub(crate) descriptors: usize,
    pub(crate) threads: usize,
    pub(crate) resident_kib: u64,
    /// Guards that run work for it or wait for some.
    pub(crate) guards: usize,
}

/// How many children the launcher of a worker has.
fn guards(worker: u32) -> usize {
    let Some(launcher) = launcher(worker) else { return 0 };
    descendants(worker).iter().filter(|one| one.parent == launcher && !one.is_zombie).count()
}

/// What a process holds now.
pub(crate) fn holding(pid: u32) -> Holding {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|rest| rest.split_whitespace().next()).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0)
    };
    Holding {
        descriptors: fs::read_dir(format!("/proc/{pid}/fd")).map(Iterator::count).unwrap_or(0),
        threads: usize::try_from(field("Threads:")).unwrap_or(0),
        resident_kib: field("VmRSS:"),
        guards: guards(pid),
    }
}
