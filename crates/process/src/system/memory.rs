//! Memory that is mapped: shared with other processes, or for a stack.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::ptr::{self, NonNull};
use std::sync::atomic::AtomicU64;

use super::memory_file;

/// Two numbers that several processes see.
#[derive(Debug)]
pub(crate) struct SharedPair {
    file: OwnedFd,
    numbers: NonNull<[AtomicU64; 2]>,
}

// SAFETY: what it points to is atomics, and stays mapped until it is dropped.
unsafe impl Send for SharedPair {}
// SAFETY: as above.
unsafe impl Sync for SharedPair {}

impl SharedPair {
    /// How long the file is: whole pages are mapped anyway.
    const BYTES: usize = 4096;

    /// Two zeros in a new file.
    pub(crate) fn new() -> io::Result<Self> {
        let file = memory_file(c"attune-fence")?;
        let file = File::from(file);
        file.set_len(Self::BYTES as u64)?;
        Self::of(OwnedFd::from(file))
    }

    /// The numbers in a file that another process made with [`SharedPair::new`].
    pub(crate) fn of(file: OwnedFd) -> io::Result<Self> {
        // A shorter file would end this process by SIGBUS at the first look.
        let file = File::from(file);
        if file.metadata()?.len() < Self::BYTES as u64 {
            return Err(io::Error::from_raw_os_error(libc::EINVAL));
        }
        let file = OwnedFd::from(file);
        // SAFETY: a new mapping of a file that is long enough overlaps nothing of ours.
        let address = unsafe {
            libc::mmap(
                ptr::null_mut(),
                Self::BYTES,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                file.as_raw_fd(),
                0,
            )
        };
        match NonNull::new(address.cast()) {
            Some(numbers) if address != libc::MAP_FAILED => Ok(Self { file, numbers }),
            _ => Err(io::Error::last_os_error()),
        }
    }

    pub(crate) fn numbers(&self) -> &[AtomicU64; 2] {
        // SAFETY: mapped until drop, aligned to a page, and any bytes are valid atomics.
        unsafe { self.numbers.as_ref() }
    }
}

impl AsFd for SharedPair {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl Drop for SharedPair {
    fn drop(&mut self) {
        // SAFETY: mapped by `of` with this length, and nobody can hold a reference any more.
        unsafe { libc::munmap(self.numbers.as_ptr().cast(), Self::BYTES) };
    }
}

/// Memory for the stack of a child between its birth and its exec.
#[derive(Debug)]
pub(crate) struct Stack {
    lowest: NonNull<u8>,
}

impl Stack {
    const BYTES: usize = 256 << 10;

    pub(crate) fn new() -> io::Result<Self> {
        // SAFETY: a new private mapping overlaps nothing of ours. Its lowest page is made inaccessible, so that a stack
        // that grows too long ends the child and does not run into other memory.
        let address = unsafe {
            let address = libc::mmap(
                ptr::null_mut(),
                Self::BYTES,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK,
                -1,
                0,
            );
            if address != libc::MAP_FAILED {
                libc::mprotect(address, 4096, libc::PROT_NONE);
            }
            address
        };
        match NonNull::new(address.cast()) {
            Some(lowest) if address != libc::MAP_FAILED => Ok(Self { lowest }),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// Its highest address: stacks grow downwards on every machine that this runs on.
    pub(crate) fn top(&self) -> *mut u8 {
        // SAFETY: one past the end of the mapping.
        unsafe { self.lowest.as_ptr().add(Self::BYTES) }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: mapped by `new` with this length; no child runs on it, see `birth`.
        unsafe { libc::munmap(self.lowest.as_ptr().cast(), Self::BYTES) };
    }
}
