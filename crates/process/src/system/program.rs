//! Starts the launcher: the one program that a worker starts by itself.

use std::ffi::{CStr, CString, OsStr, c_char, c_int};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, AsRawFd, BorrowedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr;

use super::{duplicate_from, nothing};

/// File actions of one spawn; freed on drop.
struct FileActions(libc::posix_spawn_file_actions_t);

impl FileActions {
    fn new() -> io::Result<Self> {
        let mut actions = MaybeUninit::<libc::posix_spawn_file_actions_t>::zeroed();
        // SAFETY: init makes the structure valid.
        returned(unsafe { libc::posix_spawn_file_actions_init(actions.as_mut_ptr()) })?;
        // SAFETY: init succeeded.
        Ok(Self(unsafe { actions.assume_init() }))
    }

    fn duplicate(&mut self, from: RawFd, to: RawFd) -> io::Result<()> {
        // SAFETY: the structure is valid since `new`.
        returned(unsafe { libc::posix_spawn_file_actions_adddup2(&raw mut self.0, from, to) })
    }

    fn enter_root(&mut self) -> io::Result<()> {
        // SAFETY: the structure is valid since `new`; the path is copied.
        returned(unsafe { libc::posix_spawn_file_actions_addchdir_np(&raw mut self.0, c"/".as_ptr()) })
    }

    /// Closes whatever some library opened without CLOEXEC. musl has no such action; there, CLOEXEC must do.
    #[cfg(target_env = "gnu")]
    fn close_from(&mut self, first: RawFd) -> io::Result<()> {
        // SAFETY: the structure is valid since `new`.
        returned(unsafe { libc::posix_spawn_file_actions_addclosefrom_np(&raw mut self.0, first) })
    }

    #[cfg(not(target_env = "gnu"))]
    fn close_from(&mut self, _first: RawFd) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for FileActions {
    fn drop(&mut self) {
        // SAFETY: the structure is valid since `new` and not used afterwards.
        unsafe { libc::posix_spawn_file_actions_destroy(&raw mut self.0) };
    }
}

/// The file of this program. Where `/proc` is not mounted, the path that it was executed by.
pub(crate) fn own_program() -> PathBuf {
    let link = Path::new("/proc/self/exe");
    if link.symlink_metadata().is_ok() {
        return link.to_owned();
    }
    // SAFETY: an integer in, an integer out.
    let executed = unsafe { libc::getauxval(libc::AT_EXECFN) };
    if executed == 0 {
        return link.to_owned();
    }
    // SAFETY: the kernel put the text there, ended by a zero, where it stays as long as the process.
    let path = unsafe { CStr::from_ptr(executed as *const c_char) };
    let path = PathBuf::from(OsStr::from_bytes(path.to_bytes()));
    std::path::absolute(&path).unwrap_or(path)
}

/// The posix_spawn family returns the error instead of setting errno.
fn returned(error: c_int) -> io::Result<()> {
    if error == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(error)) }
}

/// A null-terminated vector of pointers into `texts`.
fn pointers(texts: &[CString]) -> Vec<*mut c_char> {
    texts.iter().map(|text| text.as_ptr().cast_mut()).chain([ptr::null_mut()]).collect()
}

/// Starts a program in `/` with nothing to read, standard error as it is here, and `handed_over` as descriptors 3 and 4.
/// Returns its number.
pub(crate) fn start_program(
    program: &CStr,
    arguments: &[CString],
    environment: &[CString],
    handed_over: [BorrowedFd<'_>; 2],
) -> io::Result<i32> {
    // Numbers that no action overwrites.
    let copies = [duplicate_from(handed_over[0], 16)?, duplicate_from(handed_over[1], 16)?];
    let empty = duplicate_from(nothing()?.as_fd(), 16)?;
    let mut actions = FileActions::new()?;
    actions.duplicate(empty.as_raw_fd(), 0)?;
    actions.duplicate(empty.as_raw_fd(), 1)?;
    actions.duplicate(copies[0].as_raw_fd(), 3)?;
    actions.duplicate(copies[1].as_raw_fd(), 4)?;
    actions.close_from(5)?;
    actions.enter_root()?;
    let arguments = pointers(arguments);
    let environment = pointers(environment);
    let mut pid: libc::pid_t = 0;
    // SAFETY: every pointer is to a valid, null-terminated structure that outlives the call, and the C library writes
    // through none of them but `pid`. The child shares our memory until exec, but runs only the C library's own code
    // there, while this thread is suspended.
    returned(unsafe {
        libc::posix_spawn(
            &raw mut pid,
            program.as_ptr(),
            &raw const actions.0,
            ptr::null(),
            arguments.as_ptr(),
            environment.as_ptr(),
        )
    })?;
    Ok(pid)
}
