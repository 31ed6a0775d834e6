//! Which system calls a script has no business with.

use crate::sandbox::filter::answer::Answer;
use crate::sandbox::filter::architecture::Architecture;

/// One system call of the policy.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    /// Its name.
    pub(super) name: &'static str,
    /// Its number on x86_64, if it exists there.
    x86_64: Option<u32>,
    /// Its number on aarch64, if it exists there.
    aarch64: Option<u32>,
    /// What it gets.
    pub(super) answer: Answer,
    /// Why. Kept with the rule, so that none can be added without one.
    pub(super) reason: &'static str,
}

impl Rule {
    /// The number of the call on this machine, if it exists there.
    pub(super) const fn number(&self, architecture: Architecture) -> Option<u32> {
        match architecture {
            Architecture::X86_64 => self.x86_64,
            Architecture::Aarch64 => self.aarch64,
        }
    }
}

/// A call with a number of its own on each machine.
const fn rule(name: &'static str, x86_64: u32, aarch64: u32, answer: Answer, reason: &'static str) -> Rule {
    Rule { name, x86_64: Some(x86_64), aarch64: Some(aarch64), answer, reason }
}

/// A call that has the same number everywhere, as all since 2019.
const fn same(name: &'static str, number: u32, answer: Answer, reason: &'static str) -> Rule {
    rule(name, number, number, answer, reason)
}

/// A call that only x86_64 has.
const fn x86(name: &'static str, number: u32, answer: Answer, reason: &'static str) -> Rule {
    Rule { name, x86_64: Some(number), aarch64: None, answer, reason }
}

const MEMORY: &str = "reads or changes another process";
const KERNEL_CODE: &str = "runs code in the kernel or watches it";
const IO_URING: &str = "carries out other calls where no program sees them";
const KEYS: &str = "the keys of the session belong to everything of the same user";
const MOUNTS: &str = "changes what paths mean, under the feet of the rules for files";
const NAMESPACES: &str = "new namespaces open most of the kernel to an ordinary user";
const REPLACES_KERNEL: &str = "replaces or stops the kernel";
const SWAP: &str = "the machine's memory is not one script's";
const HARDWARE: &str = "reaches the hardware, or modes of the processor that only old programs use";

/// `CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET`
const NAMESPACE_BITS: u32 = 0x7e02_0000;
/// `CLONE_NEWTIME`, which for `clone` is part of the signal sent at the end, and means a namespace to `unshare` alone.
const TIME_NAMESPACE_BIT: u32 = 0x80;
/// `TIOCSTI` and `TIOCLINUX`: both put words into the mouth of whoever sits at the terminal.
const TERMINAL_INPUT: &[u32] = &[0x5412, 0x541c];
/// `PER_LINUX`, `PER_LINUX32`, both with `UNAME26`, and "only tell me". All that common programs ask for.
const USUAL_PERSONALITIES: &[u32] = &[0, 0x0008, 0x0002_0000, 0x0002_0008, 0xffff_ffff];

/// What level 3 refuses. Everything else is allowed: this list is what keeps a script in its place, and not a list of
/// what scripts need, which nobody could write.
pub(super) const POLICY: &[Rule] = &[
    rule("ptrace", 101, 117, Answer::Refused, MEMORY),
    rule("process_vm_readv", 310, 270, Answer::Refused, MEMORY),
    rule("process_vm_writev", 311, 271, Answer::Refused, MEMORY),
    same("pidfd_getfd", 438, Answer::Refused, MEMORY),
    rule("bpf", 321, 280, Answer::Refused, KERNEL_CODE),
    rule("perf_event_open", 298, 241, Answer::Refused, KERNEL_CODE),
    rule(
        "userfaultfd",
        323,
        282,
        Answer::Refused,
        "stops the kernel at a moment of the caller's choice; used by exploits",
    ),
    same("io_uring_setup", 425, Answer::Refused, IO_URING),
    same("io_uring_enter", 426, Answer::Refused, IO_URING),
    same("io_uring_register", 427, Answer::Refused, IO_URING),
    rule("add_key", 248, 217, Answer::Refused, KEYS),
    rule("request_key", 249, 218, Answer::Refused, KEYS),
    rule("keyctl", 250, 219, Answer::Refused, KEYS),
    rule("mount", 165, 40, Answer::Refused, MOUNTS),
    rule("umount2", 166, 39, Answer::Refused, MOUNTS),
    rule("pivot_root", 155, 41, Answer::Refused, MOUNTS),
    same("open_tree", 428, Answer::Refused, MOUNTS),
    same("move_mount", 429, Answer::Refused, MOUNTS),
    same("fsopen", 430, Answer::Refused, MOUNTS),
    same("fsconfig", 431, Answer::Refused, MOUNTS),
    same("fsmount", 432, Answer::Refused, MOUNTS),
    same("fspick", 433, Answer::Refused, MOUNTS),
    same("mount_setattr", 442, Answer::Refused, MOUNTS),
    same("open_tree_attr", 467, Answer::Refused, MOUNTS),
    rule("clone", 56, 220, Answer::RefusedWithBits { argument: 0, bits: NAMESPACE_BITS }, NAMESPACES),
    rule(
        "unshare",
        272,
        97,
        Answer::RefusedWithBits { argument: 0, bits: NAMESPACE_BITS | TIME_NAMESPACE_BIT },
        NAMESPACES,
    ),
    rule("setns", 308, 268, Answer::Refused, NAMESPACES),
    same(
        "clone3",
        435,
        Answer::Absent,
        "its flags lie in memory where no program sees them; callers fall back to clone",
    ),
    rule("kexec_load", 246, 104, Answer::Refused, REPLACES_KERNEL),
    rule("kexec_file_load", 320, 294, Answer::Refused, REPLACES_KERNEL),
    rule("init_module", 175, 105, Answer::Refused, REPLACES_KERNEL),
    rule("finit_module", 313, 273, Answer::Refused, REPLACES_KERNEL),
    rule("delete_module", 176, 106, Answer::Refused, REPLACES_KERNEL),
    rule("reboot", 169, 142, Answer::Refused, REPLACES_KERNEL),
    rule("swapon", 167, 224, Answer::Refused, SWAP),
    rule("swapoff", 168, 225, Answer::Refused, SWAP),
    rule("acct", 163, 89, Answer::Refused, "has the kernel write about every process into a file"),
    rule("open_by_handle_at", 304, 265, Answer::Refused, "opens files past every directory above them"),
    rule(
        "personality",
        135,
        92,
        Answer::RefusedUnless { argument: 0, values: USUAL_PERSONALITIES },
        "switches off what makes attacks harder",
    ),
    rule(
        "ioctl",
        16,
        29,
        Answer::RefusedWhen { argument: 1, values: TERMINAL_INPUT },
        "types into the terminal of whoever started the worker",
    ),
    x86("iopl", 172, Answer::Refused, HARDWARE),
    x86("ioperm", 173, Answer::Refused, HARDWARE),
    x86("modify_ldt", 154, Answer::Refused, HARDWARE),
    x86("uselib", 134, Answer::Refused, HARDWARE),
];
