//! Makes a seccomp program of a policy.

use libc::sock_filter;

use crate::sandbox::filter::answer::Answer;
use crate::sandbox::filter::architecture::Architecture;
use crate::sandbox::filter::policy::Rule;

/// `struct seccomp_data` of `linux/seccomp.h`: where the number, the architecture and the arguments lie.
const NUMBER_AT: u32 = 0;
const ARCHITECTURE_AT: u32 = 4;
const ARGUMENTS_AT: u32 = 16;

/// `BPF_LD | BPF_W | BPF_ABS` of `linux/bpf_common.h`: loads one word of the data.
pub(super) const LOAD: u16 = 0x20;
/// `BPF_JMP | BPF_JEQ | BPF_K`
pub(super) const JUMP_IF_EQUAL: u16 = 0x15;
/// `BPF_JMP | BPF_JGE | BPF_K`
pub(super) const JUMP_IF_AT_LEAST: u16 = 0x35;
/// `BPF_JMP | BPF_JSET | BPF_K`
pub(super) const JUMP_IF_BITS: u16 = 0x45;
/// `BPF_JMP | BPF_JA`
pub(super) const JUMP: u16 = 0x05;
/// `BPF_RET | BPF_K`
pub(super) const RETURN: u16 = 0x06;

/// More rules than this are searched by halves instead of one after the other.
const FEW: usize = 4;

const ALLOW: sock_filter = instruction(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW);
const REFUSE: sock_filter = instruction(RETURN, 0, 0, libc::SECCOMP_RET_ERRNO | libc::EPERM as u32);
const ABSENT: sock_filter = instruction(RETURN, 0, 0, libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32);
const KILL: sock_filter = instruction(RETURN, 0, 0, libc::SECCOMP_RET_KILL_PROCESS);

const fn instruction(code: u16, jt: u8, jf: u8, k: u32) -> sock_filter {
    sock_filter { code, jt, jf, k }
}

/// The program that answers as `policy` says, allows everything else, and kills a process that makes calls of another
/// architecture, whose numbers mean other calls.
pub(super) fn assemble(architecture: Architecture, policy: &[Rule]) -> Vec<sock_filter> {
    let mut program = vec![
        instruction(LOAD, 0, 0, ARCHITECTURE_AT),
        instruction(JUMP_IF_EQUAL, 1, 0, architecture.audit_number()),
        KILL,
        instruction(LOAD, 0, 0, NUMBER_AT),
    ];
    if let Some(bit) = architecture.foreign_bit() {
        program.extend([instruction(JUMP_IF_BITS, 0, 1, bit), KILL]);
    }
    let mut rules: Vec<(u32, Answer)> =
        policy.iter().filter_map(|rule| Some((rule.number(architecture)?, rule.answer))).collect();
    rules.sort_unstable_by_key(|(number, _)| *number);
    program.extend(search(&rules));
    program
}

/// Finds the rule for the loaded number by halves: the kernel runs the program for every number once when it is
/// installed, to learn which calls are always allowed, and a long chain would make that dear.
fn search(rules: &[(u32, Answer)]) -> Vec<sock_filter> {
    if rules.len() <= FEW {
        let mut code = Vec::new();
        for (number, answer) in rules {
            let block = block(*answer);
            // Blocks are a few instructions long, far below what a jump reaches.
            code.push(instruction(JUMP_IF_EQUAL, 0, u8::try_from(block.len()).unwrap_or(u8::MAX), *number));
            code.extend(block);
        }
        code.push(ALLOW);
        return code;
    }
    let (lower, upper) = rules.split_at(rules.len() / 2);
    let (below, above) = (search(lower), search(upper));
    // The conditional jump reaches 255 instructions, the other one everything.
    let mut code = vec![
        instruction(JUMP_IF_AT_LEAST, 0, 1, upper[0].0),
        instruction(JUMP, 0, 0, u32::try_from(below.len()).unwrap_or(u32::MAX)),
    ];
    code.extend(below);
    code.extend(above);
    code
}

/// What is done once the call is known. Ends with a return on every way.
fn block(answer: Answer) -> Vec<sock_filter> {
    match answer {
        Answer::Refused => vec![REFUSE],
        Answer::Absent => vec![ABSENT],
        Answer::RefusedWithBits { argument, bits } => {
            vec![load(argument), instruction(JUMP_IF_BITS, 0, 1, bits), REFUSE, ALLOW]
        }
        Answer::RefusedWhen { argument, values } => among(argument, values, REFUSE, ALLOW),
        Answer::RefusedUnless { argument, values } => among(argument, values, ALLOW, REFUSE),
    }
}

fn among(argument: u8, values: &[u32], then: sock_filter, otherwise: sock_filter) -> Vec<sock_filter> {
    let mut code = vec![load(argument)];
    for value in values {
        code.extend([instruction(JUMP_IF_EQUAL, 0, 1, *value), then]);
    }
    code.push(otherwise);
    code
}

/// Loads the lower half of an argument; both machines are little-endian.
fn load(argument: u8) -> sock_filter {
    instruction(LOAD, 0, 0, ARGUMENTS_AT + 8 * u32::from(argument))
}
