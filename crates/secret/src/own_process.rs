//! The process itself: what others may see of it.

use std::ffi::CStr;
use std::fs;
use std::io;
use std::os::raw::c_char;
use std::sync::atomic::{Ordering, compiler_fence};

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

unsafe extern "C" {
    /// The environment as the kernel handed it over, and as `/proc/<pid>/environ` shows it.
    static environ: *const *mut c_char;
}

/// Keeps the memory, the environment and the descriptors of this process from every other process of its user, and keeps
/// it and what it starts from leaving a core file. It holds until the process executes another program.
///
/// # Errors
/// When the kernel refuses, which no known one does.
pub fn keep_to_itself() -> io::Result<()> {
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    Ok(())
}

/// Overwrites the values of these variables where the kernel put them, so that `/proc/<pid>/environ` shows them no more;
/// this process finds them empty, too. To be called when they have been read and before any other thread exists: with
/// other threads nothing is done. Returns how many were overwritten.
///
/// Executing the program once more with another environment was rejected: a program that is executed can be read by
/// others until it has forbidden it, and the process that was its parent's would still be there.
pub fn conceal_variables(names: &[String]) -> usize {
    if names.is_empty() || !is_single_threaded() {
        return 0;
    }
    let mut count = 0;
    // SAFETY: nobody else looks at the environment, since there is no other thread; the vector ends with a null pointer,
    // and each text with a zero. Only bytes of texts are written, none beyond its end.
    unsafe {
        let mut entry = environ;
        while !entry.is_null() && !(*entry).is_null() {
            let text = *entry;
            let bytes = CStr::from_ptr(text).to_bytes();
            let is_meant =
                |name: &String| bytes.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.starts_with(b"="));
            if let Some(name) = names.iter().find(|name| is_meant(name)) {
                let (begin, end) = (name.len() + 1, bytes.len());
                for place in begin..end {
                    text.add(place).write_volatile(0);
                }
                count += 1;
            }
            entry = entry.add(1);
        }
    }
    compiler_fence(Ordering::SeqCst);
    count
}

/// Overwrites an argument where the kernel put it, so that `/proc/<pid>/cmdline` shows it no more. To be called when the
/// command line has been read and before any other thread exists: with other threads nothing is done. Says whether it
/// was found.
#[must_use]
pub fn conceal_argument(value: &str) -> bool {
    if value.is_empty() || !is_single_threaded() {
        return false;
    }
    let Some((begin, end)) = arguments_place() else { return false };
    let mut is_found = false;
    // SAFETY: the kernel says that the arguments lie there, in memory that is this process's own and writable; nobody
    // else looks at them, since there is no other thread.
    let arguments = unsafe { std::slice::from_raw_parts_mut(begin as *mut u8, end - begin) };
    let mut place = 0;
    while let Some(found) = arguments.get(place..).and_then(|rest| find(rest, value.as_bytes())) {
        for byte in &mut arguments[place + found..place + found + value.len()] {
            // SAFETY: a valid reference; volatile, since the compiler sees no reader.
            unsafe { std::ptr::from_mut(byte).write_volatile(b'*') };
        }
        place += found + value.len();
        is_found = true;
    }
    is_found
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

/// Where the arguments lie, as the kernel tells: the fields 48 and 49 of `/proc/self/stat`.
fn arguments_place() -> Option<(usize, usize)> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name in parentheses may hold anything; what follows it begins with field 3.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(48 - 3);
    let (begin, end) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    (begin != 0 && begin < end).then_some((begin, end))
}

fn is_single_threaded() -> bool {
    fs::read_dir("/proc/self/task").is_ok_and(|threads| threads.count() == 1)
}
