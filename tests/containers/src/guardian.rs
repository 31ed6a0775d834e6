//! A daemon that leaves nothing behind, however those end who wanted it.

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use crate::site::until;

/// Starts the daemon in its arguments, passes SIGTERM on to it, and removes its folder when it has ended: a daemon that
/// gave containers the network of its machine leaves a mount in there, with which nobody else can remove it.
const SHELL: &str = r#"
folder=$1 daemon= asked=
shift
trap 'asked=1; [ -z "$daemon" ] || kill -TERM "$daemon" 2>/dev/null' TERM INT HUP
"$@" &
daemon=$!
[ -z "$asked" ] || kill -TERM "$daemon"
while kill -0 "$daemon" 2>/dev/null; do wait "$daemon"; done
while read -r _ place _; do
    case $place in "$folder"/*) umount -l "$place" ;; esac
done < /proc/self/mounts
rm -rf --one-file-system "$folder"
"#;

/// A daemon and its folder, which both end with this, with the thread that started it, or with the process, killed or not.
#[derive(Debug)]
pub(crate) struct Guardian {
    shell: Child,
}

impl Guardian {
    /// Starts `daemon` with `folder` to itself; `command` has what else it is to be given: variables and output.
    ///
    /// Its mounts are in a namespace of their own, so that they are gone with it even when everything of it is killed.
    pub(crate) fn start<S: AsRef<OsStr>>(
        mut command: Command,
        folder: &Path,
        daemon: impl IntoIterator<Item = S>,
    ) -> io::Result<Self> {
        command.args(["--pdeathsig", "TERM", "--", "unshare", "--mount", "--propagation", "slave", "--"]);
        command.args(["sh", "-c", SHELL, "guardian"]).arg(folder);
        command.args(["setpriv", "--pdeathsig", "TERM", "--"]).args(daemon);
        // What ends a test with its whole group must not end whoever cleans up after it.
        Ok(Self { shell: command.process_group(0).spawn()? })
    }

    /// The program that a command for [`Guardian::start`] is of.
    pub(crate) fn program() -> &'static Path {
        Path::new("setpriv")
    }

    fn signal(&self, whom: impl FnOnce(libc::pid_t) -> libc::pid_t, signal: i32) {
        if let Ok(pid) = libc::pid_t::try_from(self.shell.id()) {
            // SAFETY: kill has no memory effects; the pid is our own child that has not been waited for.
            unsafe { libc::kill(whom(pid), signal) };
        }
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        self.signal(|pid| pid, libc::SIGTERM);
        let shell = &mut self.shell;
        if until("the engine to end", Duration::from_secs(30), || matches!(shell.try_wait(), Ok(Some(_)))).is_err() {
            eprintln!("the engine had to be killed");
            self.signal(|pid| -pid, libc::SIGKILL);
            let _gone = self.shell.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::disallowed_methods, reason = "it is no child of an Attune worker")]
    fn command() -> Command {
        Command::new(Guardian::program())
    }

    /// As an engine's: it mounts something in its folder, and ends when it is told to.
    const DAEMON: &str = "mkdir $0/netns; : > $0/netns/default; mount --bind /proc/self/ns/net $0/netns/default; : > $0/ready; exec sleep 600";

    #[test]
    fn nothing_is_left_when_a_test_ends_nor_when_it_is_killed() {
        // SAFETY: geteuid has no preconditions and no effects.
        if unsafe { libc::geteuid() } != 0 {
            eprintln!("skipped: only root can mount");
            return;
        }
        for is_killed in [false, true] {
            let folder =
                tempfile::Builder::new().prefix("attune-guarded-").tempdir_in("/tmp").expect("a folder").keep();
            let place = folder.clone();
            // The daemon is told of the end of the thread that started it, which is what a killed test looks like to it.
            std::thread::spawn(move || {
                let daemon = [OsStr::new("sh"), OsStr::new("-c"), OsStr::new(DAEMON), place.as_os_str()];
                let guardian = Guardian::start(command(), &place, daemon).expect("it starts");
                until("the daemon to be there", Duration::from_secs(30), || place.join("ready").exists())
                    .expect("it is");
                if is_killed {
                    std::mem::forget(guardian);
                }
            })
            .join()
            .expect("the thread ends");
            until("the folder to go", Duration::from_secs(30), || !folder.exists()).expect("it goes");
            let mounts = std::fs::read_to_string("/proc/self/mounts").expect("mounts");
            assert!(!mounts.contains(&folder.display().to_string()), "{mounts}");
        }
    }
}
