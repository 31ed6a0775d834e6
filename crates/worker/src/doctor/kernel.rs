//! What the kernel offers for holding processes.

use std::fs;

use attune_config::Config;
use attune_process::{facts, sandbox};

use super::Finding;

/// Descriptors that a worker needs for itself, and for each execution: two streams, a guard, a helper socket, files.
const OWN_FILES: u64 = 128;
const FILES_PER_EXECUTION: u64 = 16;

/// Everything about the kernel.
pub(super) fn findings(config: &Config) -> Vec<Finding> {
    let slots = config.worker.max_concurrent_tasks;
    vec![
        proc_files(),
        pidfd(),
        sandbox_level(config.sandbox.require),
        landlock(),
        seccomp(),
        namespaces(),
        first_process(),
        open_files(slots),
    ]
}

fn proc_files() -> Finding {
    match fs::read_to_string("/proc/self/stat") {
        Ok(_) => Finding::ok("/proc", "mounted"),
        Err(error) => Finding::fail(
            "/proc",
            error.to_string(),
            "mount it: the processes that a script leaves behind are found there",
        ),
    }
}

fn pidfd() -> Finding {
    match facts::pidfd() {
        Ok(()) => Finding::ok("pidfd", "processes can be named without a race"),
        Err(error) => {
            Finding::fail("pidfd", error.to_string(), "use Linux 5.4 or newer, and allow pidfd_open in seccomp")
        }
    }
}

fn sandbox_level(required: u8) -> Finding {
    let support = sandbox::probe();
    judged_level(support.level().number(), support.why_not_higher().as_deref(), required)
}

fn judged_level(level: u8, why_not_higher: Option<&str>, required: u8) -> Finding {
    let found = match why_not_higher {
        None => format!("level {level} of 3: the highest"),
        Some(why) => format!("level {level} of 3: {why}"),
    };
    if level < required {
        let advice = format!("sandbox.require is {required}: mend what is missing, or require less");
        return Finding::fail("sandbox", found, advice);
    }
    match why_not_higher {
        None => Finding::ok("sandbox", found),
        Some(_) => {
            Finding::warn("sandbox", found, "scripts run with what there is; actions that require more run elsewhere")
        }
    }
}

fn landlock() -> Finding {
    let support = sandbox::probe();
    match &support.landlock_missing {
        None if support.scopes_signals() => {
            Finding::ok("Landlock", format!("ABI {}: files, signals and sockets", support.landlock_abi))
        }
        None => Finding::warn(
            "Landlock",
            format!("ABI {}: files, but neither signals nor sockets", support.landlock_abi),
            "use Linux 6.12 or newer for the whole of it",
        ),
        Some(why) => Finding::warn("Landlock", why, "use Linux 6.12 or newer, with `landlock` in the kernel's lsm="),
    }
}

fn seccomp() -> Finding {
    match &sandbox::probe().seccomp_missing {
        None => Finding::ok("seccomp", "filters can be installed"),
        Some(why) => Finding::warn("seccomp", why, "allow seccomp(2) in this container's own filter"),
    }
}

fn namespaces() -> Finding {
    match facts::user_namespaces() {
        Ok(()) => Finding::ok("user namespaces", "allowed; Attune does without"),
        Err(why) => Finding::ok("user namespaces", format!("not allowed ({why}); Attune does without")),
    }
}

fn first_process() -> Finding {
    if std::process::id() == 1 {
        return Finding::ok("init", "this is process 1: it reaps what lands on it");
    }
    match facts::first_process() {
        Some(name) => Finding::ok("init", format!("process 1 is {name}; a worker reaps what its own executions leave")),
        None => Finding::warn("init", "unknown", "mount /proc"),
    }
}

fn open_files(slots: u32) -> Finding {
    let needed = OWN_FILES + FILES_PER_EXECUTION * u64::from(slots);
    match facts::open_files() {
        Ok(limit) if limit.soft < needed => Finding::warn(
            "open files",
            format!("{} ({} allowed), and {slots} executions at once may need {needed}", limit.soft, limit.hard),
            "raise it (`ulimit -n`, LimitNOFILE=, --ulimit nofile=), or lower worker.max_concurrent_tasks",
        ),
        Ok(limit) => Finding::ok("open files", format!("{} ({} allowed)", limit.soft, limit.hard)),
        Err(error) => Finding::warn("open files", error.to_string(), "look at `ulimit -n`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    #[test]
    fn a_sandbox_that_is_weaker_than_required_fails() {
        for (level, why, required, state) in [
            (3, None, 3, State::Ok),
            (2, Some("seccomp: no"), 1, State::Warn),
            (2, Some("seccomp: no"), 3, State::Fail),
        ] {
            let finding = judged_level(level, why, required);
            assert_eq!(finding.state, state, "{finding:?}");
            assert!(finding.found.starts_with(&format!("level {level} of 3")), "{finding:?}");
        }
    }
}
