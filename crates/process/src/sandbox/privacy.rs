//! Keeps a process to itself.

use std::io;

use crate::sandbox::kernel;

/// Keeps the memory, the environment and the descriptors of this process from every other process of its user, and
/// keeps it from leaving a core file. For programs that hold credentials while they run what others wrote: a child that
/// runs as the same user could read them otherwise, where there is no Landlock. Root can, with `CAP_SYS_PTRACE`.
///
/// It holds until the process executes another program, and not for processes it has started before.
///
/// # Errors
///
/// When the kernel refuses, which no known one does.
pub fn keep_memory_private() -> io::Result<()> {
    kernel::become_undumpable()
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    use super::*;

    #[test]
    fn another_process_of_the_same_user_reads_nothing() {
        // SAFETY: takes and touches nothing.
        if unsafe { libc::geteuid() } != 0 {
            return;
        }
        // Both run as one ordinary user: nothing would stop the second from reading the first.
        let script = "exec 3<&0; cat /proc/$PPID/environ 2>&1 >/dev/null; true";
        for (is_private, says) in [(false, ""), (true, "denied")] {
            let outer = move || {
                // SAFETY: system calls only.
                unsafe {
                    libc::setgid(65534);
                    libc::setuid(65534);
                    if libc::prctl(libc::PR_SET_DUMPABLE, 1) != 0 {
                        return Err(io::Error::last_os_error());
                    }
                }
                if is_private { keep_memory_private() } else { Ok(()) }
            };
            // The process between pre_exec and exec is the private one, so it starts the reader by itself.
            let reader = move || {
                outer()?;
                let mut ends = [0; 2];
                // SAFETY: a copy of this process, which only makes system calls until it executes.
                unsafe {
                    libc::pipe(ends.as_mut_ptr());
                    if libc::fork() != 0 {
                        let mut status = 0;
                        libc::wait(&raw mut status);
                        libc::_exit(0);
                    }
                }
                Ok(())
            };
            #[expect(clippy::disallowed_methods, reason = "what one process sees of another is tested")]
            let mut command = Command::new("/bin/sh");
            // SAFETY: see above.
            unsafe { command.args(["-c", script]).pre_exec(reader) };
            let output = command.output().expect("it starts");
            let printed = String::from_utf8_lossy(&output.stdout).to_lowercase();
            assert!(printed.contains(says) && (is_private || printed.is_empty()), "{is_private}: {printed}");
        }
    }
}
