//! Every fault that may strike.

use crate::settings::Backend;

/// A kind of fault.
#[derive(Debug, PartialEq)]
pub(crate) struct Fault {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// The row of the fault matrix that it belongs to.
    pub(crate) row: &'static str,
    /// How long it may last, in seconds.
    pub(crate) least_s: f64,
    pub(crate) most_s: f64,
    /// Whether random schedules draw it.
    pub(crate) random: bool,
    /// Whether one process with an embedded database has what it strikes.
    pub(crate) embedded: bool,
    /// The rare point that a run in which it struck must have reached; empty: none that is certain.
    pub(crate) reach: &'static str,
}

const fn fault(name: &'static str, row: &'static str, least_s: f64, most_s: f64, reach: &'static str) -> Fault {
    Fault { name, row, least_s, most_s, random: true, embedded: false, reach }
}

const fn embedded(fault: Fault) -> Fault {
    Fault { embedded: true, ..fault }
}

/// Only when it is asked for by name or by row.
const fn directed(fault: Fault) -> Fault {
    Fault { random: false, ..fault }
}

impl Fault {
    pub(crate) const ALL: &'static [Self] = &[
        embedded(fault("worker-kill", "F01", 0.0, 0.0, "earlier-life")),
        fault("worker-gone", "F02", 50.0, 60.0, "lease-ended"),
        embedded(fault("worker-stop", "F04", 5.0, 12.0, "")),
        fault("worker-stop-long", "F05", 50.0, 60.0, "lease-ended"),
        fault("host-stop", "F06", 50.0, 60.0, "lease-ended"),
        embedded(fault("guard-kill", "F07", 0.0, 0.0, "")),
        embedded(fault("launcher-kill", "F07", 0.0, 0.0, "")),
        embedded(fault("worker-term", "F08", 0.0, 0.0, "drained")),
        fault("worker-broker-cut", "F09", 10.0, 40.0, ""),
        fault("worker-broker-half-open", "F09", 10.0, 40.0, ""),
        fault("worker-database-cut", "F10", 8.0, 20.0, ""),
        fault("worker-database-half-open", "F10", 8.0, 20.0, ""),
        fault("worker-database-cut-long", "F11", 50.0, 60.0, "fenced"),
        fault("server-database-cut", "F12", 5.0, 20.0, ""),
        fault("server-broker-cut", "F12", 5.0, 20.0, ""),
        fault("client-cut", "F12", 3.0, 10.0, ""),
        fault("host-cut", "F13", 10.0, 55.0, ""),
        fault("slow-links", "F13", 10.0, 20.0, ""),
        fault("broker-close-connections", "F14", 10.0, 20.0, "consumer-rebuilt"),
        fault("broker-stop", "F15", 5.0, 20.0, "consumer-rebuilt"),
        fault("broker-kill", "F15", 1.0, 8.0, "consumer-rebuilt"),
        fault("broker-freeze", "F15", 10.0, 25.0, ""),
        fault("broker-wipe", "F16", 0.0, 0.0, "consumer-rebuilt"),
        fault("broker-alarm", "F17", 8.0, 20.0, ""),
        fault("queue-delete", "F18", 0.0, 0.0, "consumer-rebuilt"),
        fault("queue-purge", "F18", 0.0, 0.0, ""),
        fault("duplicates", "F20", 0.0, 0.0, "claim-refused"),
        fault("garbage", "F21", 0.0, 0.0, "parked"),
        fault("database-quit", "F22", 2.0, 15.0, "store-away"),
        fault("database-crash", "F22", 2.0, 15.0, "store-away"),
        fault("database-freeze", "F22", 8.0, 20.0, ""),
        fault("database-read-only", "F23", 5.0, 15.0, ""),
        fault("database-locks", "F24", 5.0, 12.0, ""),
        fault("database-disconnects", "F24", 5.0, 10.0, ""),
        directed(fault("database-clock-forward", "F25", 0.0, 0.0, "reaper-gap")),
        directed(fault("database-clock-back", "F25", 0.0, 0.0, "")),
        fault("server-kill", "F27", 8.0, 16.0, ""),
        fault("server-stop", "F28", 5.0, 15.0, ""),
        fault("servers-gone", "F28", 15.0, 25.0, "reaper-gap"),
        fault("more-servers", "F28", 10.0, 15.0, ""),
        fault("name-taken", "F30", 8.0, 12.0, "replaced"),
        directed(fault("kill-before-claim", "F03", 0.0, 0.0, "earlier-life")),
        directed(fault("kill-before-acknowledgement", "F03", 0.0, 0.0, "message-refused")),
        directed(fault("kill-before-start", "F03", 0.0, 0.0, "attempt-lost")),
        directed(fault("kill-after-start", "F03", 0.0, 0.0, "attempt-lost")),
        directed(fault("kill-before-completion", "F03", 0.0, 0.0, "attempt-lost")),
        directed(fault("kill-after-completion", "F03", 0.0, 0.0, "earlier-life")),
        directed(fault("consumer-timeout", "F19", 45.0, 45.0, "")),
        directed(fault("kill-before-publish", "F27", 0.0, 0.0, "")),
        directed(fault("kill-before-reply", "F29", 0.0, 0.0, "")),
        directed(fault("disk-full", "F31", 15.0, 15.0, "disk-full")),
        directed(fault("out-of-memory", "F33", 0.0, 0.0, "earlier-life")),
        directed(fault("worker-clock", "F26", 20.0, 20.0, "earlier-life")),
        directed(fault("rolling-restart", "F39", 0.0, 0.0, "drained")),
        directed(fault("database-rolled-back", "F40", 5.0, 5.0, "")),
        directed(fault("nothing", "F35", 0.0, 0.0, "")),
        embedded(fault("no-descriptors", "F32", 5.0, 10.0, "")),
        embedded(fault("starved", "F34", 10.0, 20.0, "")),
    ];

    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        Self::ALL.iter().find(|fault| fault.name == name)
    }

    /// Those that random schedules of a back end draw from.
    pub(crate) fn random(backend: Backend) -> Vec<&'static Self> {
        Self::ALL.iter().filter(|fault| fault.random && (backend == Backend::Pg || fault.embedded)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_different() {
        let mut names: Vec<&str> = Fault::ALL.iter().map(|fault| fault.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Fault::ALL.len());
    }
}
