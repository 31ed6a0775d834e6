//! The system calls of the sandbox, each by its thinnest safe face.
//!
//! Landlock has no wrappers in the C libraries. Numbers and structures are those of `linux/landlock.h` and
//! Documentation/userspace-api/landlock.rst of the kernel.

use std::ffi::{CStr, c_int, c_long};
use std::io;
use std::mem::size_of;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

use crate::sandbox::rights::Rights;

/// `struct landlock_ruleset_attr`. A kernel that knows fewer fields takes the structure if those it does not know are 0.
#[repr(C)]
struct RulesetAttributes {
    handled_access_fs: u64,
    handled_access_net: u64,
    scoped: u64,
}

/// `struct landlock_path_beneath_attr`, which is packed.
#[repr(C, packed)]
struct PathBeneath {
    allowed_access: u64,
    parent_fd: i32,
}

/// `LANDLOCK_CREATE_RULESET_VERSION`
const CREATE_RULESET_VERSION: u32 = 1;
/// `LANDLOCK_RULE_PATH_BENEATH`
const RULE_PATH_BENEATH: c_int = 1;
/// `LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | LANDLOCK_SCOPE_SIGNAL`
pub(super) const SCOPE_SOCKETS_AND_SIGNALS: u64 = 0b11;

fn check(result: c_long) -> io::Result<c_long> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn owned(result: c_long) -> io::Result<OwnedFd> {
    let fd = c_int::try_from(check(result)?).map_err(io::Error::other)?;
    // SAFETY: the system call that returned it has just opened it, and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// The version of Landlock's interface.
pub(super) fn landlock_abi() -> io::Result<u32> {
    // SAFETY: with this flag the kernel takes no structure.
    let version = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            ptr::null::<RulesetAttributes>(),
            0_usize,
            CREATE_RULESET_VERSION,
        )
    };
    check(version).map(|version| u32::try_from(version).unwrap_or(0))
}

/// An empty set of rules: what is handled is forbidden until a rule allows it.
pub(super) fn create_ruleset(handled: Rights, scoped: u64) -> io::Result<OwnedFd> {
    let attributes = RulesetAttributes { handled_access_fs: handled.0, handled_access_net: 0, scoped };
    // SAFETY: pointer and size describe `attributes`, which the kernel only reads.
    owned(unsafe {
        libc::syscall(libc::SYS_landlock_create_ruleset, &raw const attributes, size_of::<RulesetAttributes>(), 0_u32)
    })
}

/// Allows `rights` for `file` and all below it.
pub(super) fn allow_beneath(ruleset: BorrowedFd<'_>, file: BorrowedFd<'_>, rights: Rights) -> io::Result<()> {
    let rule = PathBeneath { allowed_access: rights.0, parent_fd: file.as_raw_fd() };
    // SAFETY: the kernel only reads `rule`, which has the layout that this kind of rule has.
    check(unsafe {
        libc::syscall(libc::SYS_landlock_add_rule, ruleset.as_raw_fd(), RULE_PATH_BENEATH, &raw const rule, 0_u32)
    })
    .map(drop)
}

/// Puts the calling thread into a domain with these rules. Async-signal-safe. The error is the kernel's number.
pub(super) fn restrict_self(ruleset: BorrowedFd<'_>) -> Result<(), i32> {
    // SAFETY: two integers.
    let result = unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_raw_fd(), 0_u32) };
    if result < 0 { Err(errno()) } else { Ok(()) }
}

/// Gives up the way to new privileges, which is also what an ordinary user must do before entering a domain or
/// installing a program. Async-signal-safe.
pub(super) fn no_new_privileges() -> Result<(), i32> {
    // SAFETY: integers only.
    let result = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    if result < 0 { Err(errno()) } else { Ok(()) }
}

/// From now on processes of the same user can neither trace this one nor read its memory, nor does it leave a core.
pub(super) fn become_undumpable() -> io::Result<()> {
    // SAFETY: integers only.
    check(c_long::from(unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0) })).map(drop)
}

/// Installs a seccomp program for the calling thread and what it starts. Async-signal-safe.
pub(super) fn install_filter(program: &[libc::sock_filter]) -> Result<(), i32> {
    let Ok(len) = libc::c_ushort::try_from(program.len()) else { return Err(libc::EINVAL) };
    let program = libc::sock_fprog { len, filter: program.as_ptr().cast_mut() };
    // SAFETY: the kernel copies the program, whose length is right, and writes nothing.
    let result = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0_u32, &raw const program) };
    if result < 0 { Err(errno()) } else { Ok(()) }
}

/// Whether a seccomp program may answer by killing the process; says whether there are programs at all, too.
pub(super) fn seccomp_can_kill() -> io::Result<()> {
    let action: u32 = libc::SECCOMP_RET_KILL_PROCESS;
    // SAFETY: the kernel reads one u32.
    check(unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_GET_ACTION_AVAIL, 0_u32, &raw const action) })
        .map(drop)
}

/// Names a file or directory without opening it: no permission but that to search the path is needed.
/// Fails with `ELOOP` when any part of the path is a symbolic link.
pub(super) fn locate_without_links(path: &CStr) -> io::Result<OwnedFd> {
    // SAFETY: zeroed memory is a valid open_how.
    let mut how: libc::open_how = unsafe { std::mem::zeroed() };
    how.flags = (libc::O_PATH | libc::O_CLOEXEC) as u64;
    how.resolve = libc::RESOLVE_NO_SYMLINKS;
    // SAFETY: the path is a C string, and pointer and size describe `how`; the kernel only reads both.
    owned(unsafe {
        libc::syscall(libc::SYS_openat2, libc::AT_FDCWD, path.as_ptr(), &raw const how, size_of::<libc::open_how>())
    })
}

/// Names an entry of a directory without opening it. A symbolic link is named itself.
pub(super) fn locate_in(directory: BorrowedFd<'_>, name: &CStr) -> io::Result<OwnedFd> {
    // SAFETY: the name is a C string.
    owned(c_long::from(unsafe {
        libc::openat(directory.as_raw_fd(), name.as_ptr(), libc::O_PATH | libc::O_NOFOLLOW | libc::O_CLOEXEC)
    }))
}

/// The kind of file that a descriptor stands for: `S_IFDIR` and so on.
pub(super) fn kind(file: BorrowedFd<'_>) -> io::Result<libc::mode_t> {
    // SAFETY: zeroed memory is a valid stat.
    let mut status: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel fills in `status`.
    check(c_long::from(unsafe { libc::fstat(file.as_raw_fd(), &raw mut status) }))?;
    Ok(status.st_mode & libc::S_IFMT)
}

fn errno() -> i32 {
    io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO)
}

/// What a process may do of what only root may, as bits by the numbers of `linux/capability.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CapabilitySets {
    pub(super) effective: u64,
    pub(super) permitted: u64,
    pub(super) inheritable: u64,
}

impl CapabilitySets {
    pub(super) const fn is_empty(self) -> bool {
        self.permitted == 0 && self.inheritable == 0
    }

    pub(super) const fn is_effective(self, number: u32) -> bool {
        self.effective >> number & 1 == 1
    }

    pub(super) const fn without(self, number: &u32) -> Self {
        let rest = !(1 << *number);
        Self {
            effective: self.effective & rest,
            permitted: self.permitted & rest,
            inheritable: self.inheritable & rest,
        }
    }
}

/// `struct __user_cap_header_struct` with `_LINUX_CAPABILITY_VERSION_3`.
#[repr(C)]
struct CapabilityHeader {
    version: u32,
    pid: c_int,
}

const CAPABILITY_HEADER: CapabilityHeader = CapabilityHeader { version: 0x2008_0522, pid: 0 };

/// Two of `struct __user_cap_data_struct`: effective, permitted and inheritable, first the lower halves.
type CapabilityData = [[u32; 3]; 2];

/// The sets of the calling thread.
pub(super) fn capabilities() -> io::Result<CapabilitySets> {
    let mut header = CAPABILITY_HEADER;
    let mut data: CapabilityData = [[0; 3]; 2];
    // SAFETY: this version of the header is followed by two data structures, which is what `data` is.
    check(unsafe { libc::syscall(libc::SYS_capget, &raw mut header, data.as_mut_ptr()) })?;
    let joined = |at: usize| u64::from(data[0][at]) | u64::from(data[1][at]) << 32;
    Ok(CapabilitySets { effective: joined(0), permitted: joined(1), inheritable: joined(2) })
}

/// Changes the sets of the calling thread. Async-signal-safe. The error is the kernel's number.
pub(super) fn set_capabilities(sets: &CapabilitySets) -> Result<(), i32> {
    let mut header = CAPABILITY_HEADER;
    let halves = [sets.effective, sets.permitted, sets.inheritable];
    let mut data: CapabilityData = [[0; 3]; 2];
    for (at, set) in halves.into_iter().enumerate() {
        data[0][at] = (set & 0xffff_ffff) as u32;
        data[1][at] = (set >> 32) as u32;
    }
    // SAFETY: as above; the kernel only reads `data`.
    let result = unsafe { libc::syscall(libc::SYS_capset, &raw mut header, data.as_ptr()) };
    if result < 0 { Err(errno()) } else { Ok(()) }
}

/// Whether root can still get this capability by executing something. `false` for one the kernel does not know.
pub(super) fn is_in_bounding_set(number: u32) -> bool {
    // SAFETY: integers only.
    unsafe { libc::prctl(libc::PR_CAPBSET_READ, libc::c_ulong::from(number), 0, 0, 0) == 1 }
}

/// Takes a capability out of reach of the calling thread for good. Async-signal-safe. The error is the kernel's number.
pub(super) fn drop_from_bounding_set(number: u32) -> Result<(), i32> {
    // SAFETY: integers only.
    let result = unsafe { libc::prctl(libc::PR_CAPBSET_DROP, libc::c_ulong::from(number), 0, 0, 0) };
    if result < 0 { Err(errno()) } else { Ok(()) }
}

/// Whether this process is root, in its user namespace.
pub(super) fn is_root() -> bool {
    // SAFETY: takes and touches nothing.
    unsafe { libc::geteuid() == 0 }
}

/// Whether the list of mounts behind this descriptor changed since it was opened or last asked about.
pub(super) fn has_news(mounts: BorrowedFd<'_>) -> bool {
    let mut waiting = libc::pollfd { fd: mounts.as_raw_fd(), events: libc::POLLPRI, revents: 0 };
    // SAFETY: one structure, which lives until the call returns at once.
    let result = unsafe { libc::poll(&raw mut waiting, 1, 0) };
    result < 0 || waiting.revents != 0
}
