//! Who holds which limit.

use std::path::PathBuf;

use crate::limits::group_files::KernelFiles;
use crate::limits::place::{Place, Version};
use crate::limits::plan::plan;
use crate::limits::rlimit::{ResolvedRlimit, Resource, Rlimit, RlimitValue};
use crate::limits::support::Support;
use crate::limits::{By, LimitName, Limits, PreparedLimits};

fn place(version: Version, parent: &str) -> Place {
    Place { version, parent: PathBuf::from(parent) }
}

fn nothing() -> Support {
    Support {
        memory: Err("no writable cgroup".into()),
        processes: Err("no writable cgroup".into()),
        kill: None,
        user_processes: Err("RLIMIT_NPROC does not bind this user".into()),
        surroundings: None,
        mounts: Vec::new(),
        files: &KernelFiles,
        notes: Vec::new(),
    }
}

fn everything() -> Limits {
    Limits {
        memory_bytes: Some(1000),
        cpu_seconds: Some(2),
        processes: Some(3),
        open_files: Some(4),
        file_bytes: Some(5),
    }
}

/// `name=holder` of each, then the groups with their settings, then the resource limits.
fn decided(limits: &Limits, support: &Support) -> String {
    let plan = plan(limits, support);
    let holders = plan.report.entries.iter().map(|entry| {
        let by = match &entry.enforced {
            By::Cgroup => "cgroup",
            By::Rlimit => "rlimit",
            By::Nothing(_) => "nothing",
        };
        format!("{}={by}", entry.name)
    });
    let groups = plan.groups.iter().map(|group| {
        let settings = group.settings.iter().filter(|setting| setting.is_required);
        let settings: Vec<_> = settings.map(|setting| format!("{}:{}", setting.file, setting.value)).collect();
        format!("{}[{}]", group.place.parent.display(), settings.join(" "))
    });
    let rlimits = plan.rlimits.iter().map(|rlimit| format!("{:?}:{:?}", rlimit.resource, rlimit.value));
    let join = |parts: Vec<String>| parts.join(" ");
    [join(holders.collect()), join(groups.collect()), join(rlimits.collect())].join(" | ")
}

#[test]
fn the_strongest_holder_that_there_is_gets_each_limit() {
    let v1 = Support {
        memory: Ok(place(Version::V1, "/m")),
        processes: Ok(place(Version::V1, "/p")),
        kill: Some(place(Version::V2, "/u")),
        ..nothing()
    };
    let v2 = Support {
        memory: Ok(place(Version::V2, "/u")),
        processes: Ok(place(Version::V2, "/u")),
        kill: Some(place(Version::V2, "/u")),
        ..nothing()
    };
    let user = Support { user_processes: Ok(()), ..nothing() };
    let each = "Cpu:Seconds(2) OpenFiles:Exactly(4) FileSize:Exactly(5)";
    let rest = "open_files=rlimit file_size=rlimit";
    let table = [
        (
            v1.clone(),
            everything(),
            format!(
                "memory=cgroup cpu=rlimit processes=cgroup {rest} | \
                 /m[memory.limit_in_bytes:1000] /p[pids.max:3] /u[] | Core:Exactly(0) {each}"
            ),
        ),
        (
            v2.clone(),
            everything(),
            format!(
                "memory=cgroup cpu=rlimit processes=cgroup {rest} | /u[memory.max:1000 pids.max:3] | \
                 Core:Exactly(0) {each}"
            ),
        ),
        (
            user,
            everything(),
            format!(
                "memory=rlimit cpu=rlimit processes=rlimit {rest} |  | Core:Exactly(0) Data:Exactly(1000) \
                 Cpu:Seconds(2) Processes:More(3) OpenFiles:Exactly(4) FileSize:Exactly(5)"
            ),
        ),
        (
            nothing(),
            Limits { processes: Some(3), ..Limits::default() },
            "processes=nothing |  | Core:Exactly(0)".to_owned(),
        ),
        // No limit, no group, however good the support; and none for what resource limits hold.
        (v2, Limits::default(), " |  | Core:Exactly(0)".to_owned()),
        (
            v1,
            Limits { open_files: Some(9), ..Limits::default() },
            "open_files=rlimit |  | Core:Exactly(0) OpenFiles:Exactly(9)".to_owned(),
        ),
    ];
    for (support, limits, expected) in table {
        assert_eq!(decided(&limits, &support), expected);
    }
}

#[test]
fn a_limit_that_nothing_would_hold_is_refused_before_anything_starts() {
    let limits = Limits { processes: Some(3), open_files: Some(9), ..Limits::default() };
    let refused = PreparedLimits::with(&limits, &nothing()).expect_err("nothing holds it");
    assert_eq!(refused.limit, "processes");
    assert_eq!(refused.why, "no writable cgroup, and RLIMIT_NPROC does not bind this user");
    assert_eq!(nothing().enforces(LimitName::Memory), By::Rlimit);
    assert!(matches!(nothing().enforces(LimitName::Processes), By::Nothing(_)));
}

#[test]
fn resource_limits_get_their_numbers_from_what_is_planned() {
    let resolved = |value| {
        let ResolvedRlimit { soft, hard, .. } = Rlimit { resource: Resource::Cpu, value }.resolve(|| 100);
        (soft, hard)
    };
    assert_eq!(resolved(RlimitValue::Exactly(7)), (7, 7));
    assert_eq!(resolved(RlimitValue::More(7)), (107, 107), "above what the user has already");
    assert_eq!(resolved(RlimitValue::Seconds(7)), (7, 8), "SIGXCPU may be ignored, SIGKILL may not");
    assert_eq!(resolved(RlimitValue::Seconds(0)), (1, 2), "the kernel knows nothing below a second");
}
