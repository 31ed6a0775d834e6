//! The init, as the first process of a PID namespace.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdout, Command, Stdio};

/// A shell script as the program of a container, with the init around it.
struct Container {
    unshare: Child,
    output: BufReader<ChildStdout>,
}

impl Container {
    /// `None` where namespaces cannot be made.
    fn run(script: &str) -> Option<Self> {
        #[expect(clippy::disallowed_methods, reason = "the tested program runs no child but is one")]
        let mut command = Command::new("unshare");
        // Root needs no user namespace; anybody else gets one to be root in.
        command.args(["--map-root-user", "--pid", "--fork", "--kill-child=KILL", "--mount-proc"]);
        command.args([env!("CARGO_BIN_EXE_attune-launcher"), "/bin/sh", "-c", script]);
        let mut unshare = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().ok()?;
        let mut output = BufReader::new(unshare.stdout.take()?);
        let mut line = String::new();
        output.read_line(&mut line).ok()?;
        if line != "up\n" {
            unshare.wait().ok()?;
            return None;
        }
        Some(Self { unshare, output })
    }

    /// The first process, by its number outside.
    fn first_process(&self) -> i32 {
        let path = format!("/proc/{0}/task/{0}/children", self.unshare.id());
        let children = std::fs::read_to_string(path).expect("unshare is not reaped yet");
        children.split_whitespace().next().expect("its child").parse().expect("a number")
    }

    fn signal(&self, signal: i32) {
        // SAFETY: two integers; the process is the child of a child that is not reaped.
        unsafe { libc::kill(self.first_process(), signal) };
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("text");
        line.trim_end().to_owned()
    }

    /// The exit code, and what was printed that nobody read yet.
    fn end(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).expect("text");
        let status = self.unshare.wait().expect("a child");
        (status.code().or(status.signal().map(|signal| -signal)), rest)
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        // After `end` it is gone; after a failed test, the container goes with it.
        let _gone = self.unshare.kill();
        let _gone = self.unshare.wait();
    }
}

#[test]
fn the_exit_code_of_the_program_is_that_of_the_container() {
    for (script, code) in [("exit 0", 0), ("exit 3", 3), ("exit 255", 255), ("kill -9 $$", 137), ("kill -TERM $$", 143)]
    {
        let Some(container) = Container::run(&format!("echo up; {script}")) else { return };
        assert_eq!(container.end().0, Some(code), "{script}");
    }
}

#[test]
fn a_container_that_is_told_to_stop_stops_although_the_program_has_no_handler() {
    for (signal, code) in [(libc::SIGTERM, 143), (libc::SIGINT, 130), (libc::SIGHUP, 129), (libc::SIGQUIT, 131)] {
        let Some(container) = Container::run("echo up; exec sleep 100") else { return };
        container.signal(signal);
        assert_eq!(container.end().0, Some(code), "signal {signal}");
    }
}

#[test]
fn signals_reach_the_program_once_each() {
    let script = "n=0; for s in TERM INT HUP QUIT USR1 USR2 WINCH; do trap \"n=\\$((n+1)); echo $s \\$n\" $s; done; \
                  trap 'kill $p; exit 7' ALRM; sleep 100 & p=$!; echo up; while :; do wait; done";
    let Some(mut container) = Container::run(script) else { return };
    let signals = [
        (libc::SIGTERM, "TERM"),
        (libc::SIGINT, "INT"),
        (libc::SIGHUP, "HUP"),
        (libc::SIGQUIT, "QUIT"),
        (libc::SIGUSR1, "USR1"),
        (libc::SIGUSR2, "USR2"),
        (libc::SIGWINCH, "WINCH"),
    ];
    for (count, (signal, name)) in signals.into_iter().enumerate() {
        container.signal(signal);
        assert_eq!(container.line(), format!("{name} {}", count + 1));
    }
    container.signal(libc::SIGALRM);
    assert_eq!(container.end().0, Some(7));
}

#[test]
fn the_program_stops_and_goes_on_while_the_init_never_stops() {
    // The signals reach the program alone, so what it prints after "stop" was printed after "go on".
    let Some(mut container) = Container::run("trap 'echo alive' USR1; echo up; while :; do sleep 0.01; done") else {
        return;
    };
    let state = |pid: i32| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        status.rsplit(") ").next().and_then(|rest| rest.chars().next())
    };
    let first = container.first_process();
    let children = std::fs::read_to_string(format!("/proc/{first}/task/{first}/children")).expect("the init");
    let program: i32 = children.split_whitespace().next().expect("the program").parse().expect("a number");
    container.signal(libc::SIGTSTP);
    while state(program) != Some('T') {
        std::thread::yield_now();
    }
    assert_ne!(state(first), Some('T'));
    container.signal(libc::SIGCONT);
    container.signal(libc::SIGUSR1);
    assert_eq!(container.line(), "alive");
    container.signal(libc::SIGTERM);
    assert_eq!(container.end().0, Some(143));
}

#[test]
fn strangers_are_reaped() {
    // Twenty daemons end while the program looks: it counts the zombies until there are none, and says how many ended.
    let script = "echo up; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do (setsid sleep 0.0$i &) ; done; \
                  while grep -qs '(sleep)' /proc/[0-9]*/stat; do sleep 0.01; done; \
                  cat /proc/[0-9]*/stat | grep -c ' Z ' ; cat /proc/1/task/1/children | wc -w";
    let Some(container) = Container::run(script) else { return };
    assert_eq!(container.end(), (Some(0), "0\n1\n".to_owned()), "no zombie, and the init's only child is the program");
}

#[test]
fn what_is_left_dies_with_the_program() {
    let Some(container) = Container::run("(setsid sleep 1234567 &); echo up; exit 0") else { return };
    assert_eq!(container.end().0, Some(0));
    let is_left = std::fs::read_dir("/proc")
        .expect("processes")
        .flatten()
        .any(|process| std::fs::read(process.path().join("cmdline")).is_ok_and(|line| line == b"sleep\x001234567\0"));
    assert!(!is_left);
}

#[test]
fn anything_but_the_first_process_is_left_alone() {
    #[expect(clippy::disallowed_methods, reason = "the tested program runs no child but is one")]
    let output = Command::new(env!("CARGO_BIN_EXE_attune-launcher"))
        .args(["/bin/sh", "-c", "echo $$ $PPID; exit 5"])
        .output()
        .expect("it starts");
    let text = String::from_utf8_lossy(&output.stdout);
    let parent: u32 = text.trim().rsplit(' ').next().expect("two numbers").parse().expect("a number");
    assert_eq!((output.status.code(), parent), (Some(5), std::process::id()), "nothing came between");
}
