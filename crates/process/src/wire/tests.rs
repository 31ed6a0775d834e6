use std::ffi::CString;
use std::path::PathBuf;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::command::Command;
use crate::guard_kind::GuardKind;
use crate::how::How;
use crate::identity::ProcessIdentity;
use crate::limits::{By, LimitEntry, LimitName, Limits, LimitsReport, OomEvidence, OomScope};
use crate::sandbox::{FilesystemPolicy, KillWay, Sandbox, SandboxLevel, SandboxReached};
use crate::step::Step;
use crate::survivor::Survivor;
use crate::usage::Usage;

fn level() -> impl Strategy<Value = SandboxLevel> {
    prop::sample::select(vec![SandboxLevel::Base, SandboxLevel::Isolated, SandboxLevel::Filtered])
}

fn paths() -> impl Strategy<Value = Vec<PathBuf>> {
    prop::collection::vec("[/a-z é]{1,12}".prop_map(PathBuf::from), 0..4)
}

fn sandbox() -> impl Strategy<Value = Sandbox> {
    let filesystem = prop_oneof![
        Just(FilesystemPolicy::Open),
        (paths(), paths(), paths()).prop_map(|(hidden, read_only, own)| FilesystemPolicy::Protect {
            hidden,
            read_only,
            own
        }),
        (paths(), paths()).prop_map(|(readable, writable)| FilesystemPolicy::Strict { readable, writable }),
    ];
    (level(), level(), filesystem).prop_map(|(level, require, filesystem)| Sandbox { level, require, filesystem })
}

fn limits() -> impl Strategy<Value = Limits> {
    prop::array::uniform5(any::<Option<u64>>()).prop_map(
        |[memory_bytes, cpu_seconds, processes, open_files, file_bytes]| Limits {
            memory_bytes,
            cpu_seconds,
            processes,
            open_files,
            file_bytes,
        },
    )
}

fn text() -> impl Strategy<Value = CString> {
    prop::collection::vec(1_u8..=255, 0..40).prop_map(|bytes| CString::new(bytes).expect("no zero"))
}

fn texts() -> impl Strategy<Value = Vec<CString>> {
    prop::collection::vec(text(), 0..6)
}

fn report() -> impl Strategy<Value = LimitsReport> {
    let enforced = prop_oneof![Just(By::Cgroup), Just(By::Rlimit), ".{0,20}".prop_map(By::Nothing)];
    let entry = (prop::sample::select(LimitName::ALL.to_vec()), any::<u64>(), enforced)
        .prop_map(|(name, asked, enforced)| LimitEntry { name, asked, enforced });
    prop::collection::vec(entry, 0..5).prop_map(|entries| LimitsReport { entries })
}

fn nanos() -> impl Strategy<Value = Duration> {
    any::<u64>().prop_map(Duration::from_nanos)
}

fn ended() -> impl Strategy<Value = EndedMessage> {
    let how = prop_oneof![any::<i32>().prop_map(How::Exited), any::<i32>().prop_map(How::Signaled), Just(How::Unknown)];
    let stopped = prop::option::of(prop::sample::select(vec![StoppedBy::Timeout, StoppedBy::Worker, StoppedBy::Fence]));
    let usage = (nanos(), nanos(), nanos(), any::<Option<u64>>(), any::<Option<u64>>()).prop_map(
        |(wall, user, system, peak_rss_bytes, peak_tree_bytes)| Usage {
            wall,
            user,
            system,
            peak_rss_bytes,
            peak_tree_bytes,
        },
    );
    let survivor = (any::<i32>(), any::<u64>(), ".{0,15}")
        .prop_map(|(pid, start_time, name)| Survivor { identity: ProcessIdentity { pid, start_time }, name });
    let scope = prop::sample::select(vec![OomScope::Execution, OomScope::Surroundings]);
    let oom =
        prop::option::of(
            (any::<Option<u64>>(), any::<Option<u64>>(), scope)
                .prop_map(|(limit_bytes, peak_bytes, scope)| OomEvidence { limit_bytes, peak_bytes, scope }),
        );
    (any::<u64>(), how, stopped, usage, prop::collection::vec(survivor, 0..16), oom, any::<bool>()).prop_map(
        |(run, how, stopped, usage, survivors, oom, is_incomplete)| EndedMessage {
            run,
            how,
            stopped,
            usage,
            survivors,
            oom,
            is_incomplete,
        },
    )
}

fn from_guard() -> impl Strategy<Value = FromGuard> {
    let refusal = prop_oneof![
        (prop::sample::select(Step::ALL.to_vec()), any::<i32>())
            .prop_map(|(step, errno)| Refusal::Failed { step, errno }),
        (level(), level(), ".{0,30}").prop_map(|(needed, reached, why)| Refusal::Sandbox { needed, reached, why }),
        (".{0,9}", ".{0,30}").prop_map(|(limit, why)| Refusal::Limit { limit, why }),
    ];
    let way = prop::sample::select(vec![KillWay::Cgroup, KillWay::Scope, KillWay::Scan]);
    let reached = (level(), way, prop::collection::vec(".{0,30}", 0..4))
        .prop_map(|(level, kill_way, missing)| SandboxReached { level, kill_way, missing });
    prop_oneof![
        any::<bool>().prop_map(|is_scoped| FromGuard::Ready { is_scoped }),
        (any::<u64>(), any::<i32>(), reached, report()).prop_map(|(run, pid, sandbox, limits)| {
            FromGuard::Started(StartedMessage { run, pid, sandbox, limits })
        }),
        (any::<u64>(), refusal).prop_map(|(run, why)| FromGuard::Refused { run, why }),
        any::<u64>().prop_map(|run| FromGuard::RootEnded { run }),
        any::<u64>().prop_map(|run| FromGuard::Killing { run }),
        any::<u64>().prop_map(|run| FromGuard::Calls { run }),
        ended().prop_map(FromGuard::Ended),
    ]
}

fn any_kind() -> impl Strategy<Value = GuardKind> {
    (0..GuardKind::ALL.len()).prop_map(|index| GuardKind::ALL[index])
}

proptest! {
    #[test]
    fn a_request_arrives_as_it_was_written(
        program in text(),
        arguments in texts(),
        environment in texts(),
        directory in text(),
        timeout in prop::option::of(nanos()),
        start_before in prop::option::of(nanos()),
        grace in nanos(),
        limits in limits(),
        sandbox in sandbox(),
        has_helper_socket in any::<bool>(),
    ) {
        let mut command = Command::new("/bin/true");
        (command.timeout, command.grace, command.limits) = (timeout, grace, limits);
        command.start_before = start_before;
        (command.sandbox, command.has_helper_socket) = (sandbox.clone(), has_helper_socket);
        let mut writer = ToGuard::begin_run(9);
        write_run(&mut writer, &command, &program, &arguments, &environment, &directory);
        let message = writer.finish();
        let read = ToGuard::read(&message);
        let Ok(ToGuard::Run { run: 9, spec }) = read else { panic!("{read:?}") };
        let spec = *spec;
        prop_assert_eq!((spec.program, spec.directory), (program.as_c_str(), directory.as_c_str()));
        prop_assert!(spec.arguments.iter().eq(arguments.iter().map(CString::as_c_str)));
        prop_assert!(spec.environment.iter().eq(environment.iter().map(CString::as_c_str)));
        prop_assert_eq!((spec.timeout, spec.grace, spec.limits), (timeout, grace, limits));
        prop_assert_eq!(spec.start_before, start_before);
        prop_assert_eq!((spec.sandbox, spec.has_helper_socket), (sandbox, has_helper_socket));
        // Cut anywhere, it is refused.
        for length in 0..message.len() {
            prop_assert_eq!(ToGuard::read(&message[..length]), Err(Malformed));
        }
    }

    #[test]
    fn an_answer_arrives_as_it_was_written(message in from_guard()) {
        let bytes = message.write();
        prop_assert_eq!(FromGuard::read(&bytes), Ok(message));
        for length in 0..bytes.len() {
            prop_assert_eq!(FromGuard::read(&bytes[..length]), Err(Malformed));
        }
    }

    #[test]
    fn hostile_bytes_are_refused_or_read_but_never_more_than_that(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        kind in 0_u8..9,
    ) {
        let framed: Vec<u8> = [VERSION, kind].into_iter().chain(bytes.iter().copied()).collect();
        for bytes in [&bytes, &framed] {
            if let Ok(ToGuard::Run { spec, .. }) = ToGuard::read(bytes) {
                prop_assert!(spec.arguments.iter().count() <= bytes.len());
            }
            let _answer = FromGuard::read(bytes);
            let _order = ToLauncher::read(bytes);
            let _news = FromLauncher::read(bytes);
        }
    }

    #[test]
    fn a_message_with_one_bit_turned_harms_nobody(message in from_guard(), place in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let mut bytes = message.write();
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        let _whatever = FromGuard::read(&bytes);
    }

    #[test]
    fn what_a_launcher_hears_and_says_arrives(request in any::<u64>(), guard in any::<u64>(), pid in any::<i32>(), kind in any_kind(), left in any::<u32>()) {
        for message in [ToLauncher::NewGuard { request, kind }, ToLauncher::EndGuard { guard }] {
            prop_assert_eq!(ToLauncher::read(&message.write()), Ok(message));
        }
        for message in [
            FromLauncher::Guard { request, guard, pid },
            FromLauncher::NoGuard { request, errno: pid },
            FromLauncher::GuardGone { guard, signal: pid, code: pid, left },
        ] {
            prop_assert_eq!(FromLauncher::read(&message.write()), Ok(message));
        }
    }
}

#[test]
fn a_lie_about_a_length_allocates_nothing() {
    let mut writer = ToGuard::begin_run(1);
    writer.short(u32::MAX);
    assert_eq!(ToGuard::read(&writer.finish()), Err(Malformed));
}

#[test]
fn another_version_is_refused() {
    let mut bytes = ToGuard::kill(1);
    bytes[0] = VERSION + 1;
    assert_eq!(ToGuard::read(&bytes), Err(Malformed));
}
