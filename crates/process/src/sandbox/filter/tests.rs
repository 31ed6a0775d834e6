//! What the program says to every call of the policy, and to those it must leave alone.

use crate::sandbox::filter::answer::Answer;
use crate::sandbox::filter::architecture::Architecture;
use crate::sandbox::filter::assemble::assemble;
use crate::sandbox::filter::interpret::{Call, interpret};
use crate::sandbox::filter::policy::POLICY;

const BOTH: [Architecture; 2] = [Architecture::X86_64, Architecture::Aarch64];
const ALLOWED: u32 = libc::SECCOMP_RET_ALLOW;
const REFUSED: u32 = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;
const ABSENT: u32 = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;
const KILLED: u32 = libc::SECCOMP_RET_KILL_PROCESS;

fn says(architecture: Architecture, number: u32, arguments: [u64; 6]) -> u32 {
    let program = assemble(architecture, POLICY);
    interpret(&program, &Call { number, architecture: architecture.audit_number(), arguments }).0
}

fn with(argument: u8, value: u64) -> [u64; 6] {
    let mut arguments = [0; 6];
    arguments[usize::from(argument)] = value;
    arguments
}

#[test]
fn every_call_of_the_policy_gets_its_answer() {
    for architecture in BOTH {
        for rule in POLICY {
            let Some(number) = rule.number(architecture) else { continue };
            let expected: Vec<([u64; 6], u32)> = match rule.answer {
                Answer::Refused => vec![([0; 6], REFUSED), ([u64::MAX; 6], REFUSED)],
                Answer::Absent => vec![([0; 6], ABSENT)],
                Answer::RefusedWithBits { argument, bits } => (0..32)
                    .map(|bit| 1_u32 << bit)
                    .map(|bit| (with(argument, bit.into()), if bits & bit == 0 { ALLOWED } else { REFUSED }))
                    .chain([([0; 6], ALLOWED), (with(argument, u64::from(!bits)), ALLOWED)])
                    .collect(),
                Answer::RefusedWhen { argument, values } => values
                    .iter()
                    .map(|value| (with(argument, u64::from(*value)), REFUSED))
                    // The kernel looks at the lower half alone, so the upper half must not hide the value.
                    .chain(values.iter().map(|value| (with(argument, u64::from(*value) | 1 << 40), REFUSED)))
                    .chain([([0; 6], ALLOWED), (with(argument, 0x5401), ALLOWED)])
                    .collect(),
                Answer::RefusedUnless { argument, values } => values
                    .iter()
                    .map(|value| (with(argument, u64::from(*value)), ALLOWED))
                    .chain([(with(argument, 0x0004_0000), REFUSED)])
                    .collect(),
            };
            for (arguments, answer) in expected {
                assert_eq!(
                    says(architecture, number, arguments),
                    answer,
                    "{} on {architecture:?} {arguments:x?}",
                    rule.name
                );
            }
        }
    }
}

#[test]
fn every_call_outside_the_policy_is_allowed() {
    for architecture in BOTH {
        let named: Vec<u32> = POLICY.iter().filter_map(|rule| rule.number(architecture)).collect();
        for number in (0..600).filter(|number| !named.contains(number)) {
            assert_eq!(says(architecture, number, [u64::MAX; 6]), ALLOWED, "{number} on {architecture:?}");
        }
    }
}

#[test]
fn ordinary_threads_and_processes_can_be_made() {
    // What the C libraries pass to clone for a thread, for fork and for vfork.
    for flags in [0x003d_0f00, 0x0120_0011, 0x0000_4111, 17] {
        assert_eq!(says(Architecture::X86_64, 56, with(0, flags)), ALLOWED, "{flags:#x}");
        assert_eq!(says(Architecture::Aarch64, 220, with(0, flags)), ALLOWED, "{flags:#x}");
    }
}

#[test]
fn calls_of_another_architecture_kill() {
    const I386: u32 = 0x4000_0003;
    for architecture in BOTH {
        let program = assemble(architecture, POLICY);
        let foreign = Call { number: 1, architecture: I386, arguments: [0; 6] };
        assert_eq!(interpret(&program, &foreign).0, KILLED);
    }
    for number in [0x4000_0000, 0x4000_0000 + 101, u32::MAX] {
        assert_eq!(says(Architecture::X86_64, number, [0; 6]), KILLED, "x32 call {number:#x}");
    }
}

#[test]
fn the_program_is_one_the_kernel_takes() {
    for architecture in BOTH {
        let program = assemble(architecture, POLICY);
        assert!(program.len() < usize::from(u16::MAX) && program.len() < 4096);
        let longest = (0..600)
            .map(|number| {
                let call = Call { number, architecture: architecture.audit_number(), arguments: [0; 6] };
                interpret(&program, &call).1
            })
            .max();
        assert!(longest < Some(32), "some call takes {longest:?} instructions");
    }
}

#[test]
fn every_rule_has_a_reason_and_no_call_has_two_rules() {
    for architecture in BOTH {
        let mut numbers: Vec<u32> = POLICY.iter().filter_map(|rule| rule.number(architecture)).collect();
        let all = numbers.len();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), all);
    }
    assert!(POLICY.iter().all(|rule| !rule.reason.is_empty()));
}

/// The numbers in the policy are typed by hand for both machines; those of this one can be compared.
#[test]
fn the_numbers_are_those_of_the_c_library() {
    let known: &[(&str, libc::c_long)] = &[
        ("ptrace", libc::SYS_ptrace),
        ("process_vm_readv", libc::SYS_process_vm_readv),
        ("process_vm_writev", libc::SYS_process_vm_writev),
        ("pidfd_getfd", libc::SYS_pidfd_getfd),
        ("bpf", libc::SYS_bpf),
        ("perf_event_open", libc::SYS_perf_event_open),
        ("userfaultfd", libc::SYS_userfaultfd),
        ("io_uring_setup", libc::SYS_io_uring_setup),
        ("io_uring_enter", libc::SYS_io_uring_enter),
        ("io_uring_register", libc::SYS_io_uring_register),
        ("add_key", libc::SYS_add_key),
        ("request_key", libc::SYS_request_key),
        ("keyctl", libc::SYS_keyctl),
        ("mount", libc::SYS_mount),
        ("umount2", libc::SYS_umount2),
        ("pivot_root", libc::SYS_pivot_root),
        ("open_tree", libc::SYS_open_tree),
        ("move_mount", libc::SYS_move_mount),
        ("fsopen", libc::SYS_fsopen),
        ("fsconfig", libc::SYS_fsconfig),
        ("fsmount", libc::SYS_fsmount),
        ("fspick", libc::SYS_fspick),
        ("mount_setattr", libc::SYS_mount_setattr),
        ("clone", libc::SYS_clone),
        ("unshare", libc::SYS_unshare),
        ("setns", libc::SYS_setns),
        ("clone3", libc::SYS_clone3),
        ("kexec_load", libc::SYS_kexec_load),
        ("kexec_file_load", libc::SYS_kexec_file_load),
        ("init_module", libc::SYS_init_module),
        ("finit_module", libc::SYS_finit_module),
        ("delete_module", libc::SYS_delete_module),
        ("reboot", libc::SYS_reboot),
        ("swapon", libc::SYS_swapon),
        ("swapoff", libc::SYS_swapoff),
        ("acct", libc::SYS_acct),
        ("open_by_handle_at", libc::SYS_open_by_handle_at),
        ("personality", libc::SYS_personality),
        ("ioctl", libc::SYS_ioctl),
        #[cfg(target_arch = "x86_64")]
        ("iopl", libc::SYS_iopl),
        #[cfg(target_arch = "x86_64")]
        ("ioperm", libc::SYS_ioperm),
        #[cfg(target_arch = "x86_64")]
        ("modify_ldt", libc::SYS_modify_ldt),
        #[cfg(target_arch = "x86_64")]
        ("uselib", libc::SYS_uselib),
    ];
    for rule in POLICY.iter().filter(|rule| rule.name != "open_tree_attr") {
        let Some(number) = rule.number(Architecture::HERE) else { continue };
        let (_, here) = known.iter().find(|(name, _)| *name == rule.name).expect(rule.name);
        assert_eq!(i64::from(number), *here, "{}", rule.name);
    }
}
