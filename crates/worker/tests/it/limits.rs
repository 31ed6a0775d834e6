//! What an action may use: registered, held, and told with its end.

use attune_process::limits::Support;
use attune_types::{Enforcement, LimitKind, LogStream, MemoryOf, Outcome, ResourceLimits};
use serde_json::Map;

use crate::fixture::{Fixture, exited, in_system, shell};

#[test]
fn a_worker_registers_who_holds_which_limit() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let worker = fixture.worker().await;
        let limits = &worker.capabilities().limits;
        assert_eq!(limits.len(), LimitKind::ALL.len());
        assert_eq!(limits.get(&LimitKind::Cpu), Some(&Enforcement::Rlimit));
        let stored = fixture.store.workers().await.expect("the store answers");
        assert_eq!(&stored[0].capabilities.limits, limits);
        fixture.stop(&worker).await;
    });
}

#[test]
fn who_takes_too_much_memory_or_time_is_told_so() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let worker = fixture.worker().await;
        let mut greedy = shell("exec tail /dev/zero");
        greedy.resources = ResourceLimits { memory_bytes: Some(64 << 20), ..ResourceLimits::default() };
        let mut busy = shell("while :; do :; done");
        busy.resources = ResourceLimits { cpu_seconds: Some(1), ..ResourceLimits::default() };
        let mut modest = shell("exit 0");
        modest.resources = greedy.resources.clone();
        let greedy = fixture.run_spec(&worker, greedy, Map::new()).await;
        let busy = fixture.run_spec(&worker, busy, Map::new()).await;
        let modest = fixture.run_spec(&worker, modest, Map::new()).await;

        assert_eq!(fixture.ended(modest).await.outcome, exited(0));
        let is_grouped = worker.capabilities().limits.get(&LimitKind::Memory) == Some(&Enforcement::Cgroup);
        match fixture.ended(greedy).await.outcome {
            Some(Outcome::OomKilled { limit_bytes, peak_bytes, of: MemoryOf::Execution }) if is_grouped => {
                assert_eq!(limit_bytes, Some(64 << 20));
                assert!(peak_bytes.is_some_and(|peak| peak > 32 << 20), "{peak_bytes:?}");
            }
            other => assert_eq!((is_grouped, other), (false, exited(1))),
        }
        let Some(Outcome::Signaled { signal, sent_by: Some(sender) }) = fixture.ended(busy).await.outcome else {
            panic!("it was not ended by the kernel")
        };
        assert_eq!(signal, libc::SIGXCPU);
        assert!(sender.contains("1 s of processor time"), "{sender}");

        let attempts = fixture.store.attempts(greedy).await.expect("the store answers");
        let evidence = attempts[0].evidence.as_ref().expect("evidence");
        let limit = &evidence.limits[0];
        assert_eq!((limit.limit.as_str(), limit.asked), ("memory", 64 << 20));
        assert_eq!(limit.by, if is_grouped { "cgroup" } else { "rlimit" });
        let peak = attempts[0].resources.as_ref().and_then(|used| used.peak_memory_bytes);
        assert_eq!(peak.is_some(), is_grouped);
        fixture.stop(&worker).await;
    });
}

#[test]
fn nobody_leaves_the_group_that_limits_it() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let worker = fixture.worker().await;
        let directories = Support::of_this_process().control_directories();
        if worker.capabilities().sandbox_level >= 2 && !directories.is_empty() {
            let mut script = String::new();
            for directory in directories {
                let file = directory.join("cgroup.procs");
                script.push_str(&format!("echo 0 > {} && echo left; ", file.display()));
            }
            let mut spec = shell(&format!("{{ {script} }} 2>/dev/null; echo stayed"));
            spec.resources = ResourceLimits { memory_bytes: Some(64 << 20), ..ResourceLimits::default() };
            let id = fixture.run_spec(&worker, spec, Map::new()).await;
            assert_eq!(fixture.ended(id).await.outcome, exited(0));
            assert_eq!(fixture.output(id, LogStream::Stdout).await, "stayed\n");
        }
        fixture.stop(&worker).await;
    });
}
