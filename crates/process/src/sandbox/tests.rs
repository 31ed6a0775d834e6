//! Sandboxes around real processes.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};

use crate::sandbox::{FilesystemPolicy, Preparer, Sandbox, SandboxLevel, probe};

/// The users that everything must hold for: whoever runs the tests, and an ordinary one if that is another.
fn users() -> Vec<Option<u32>> {
    // SAFETY: takes and touches nothing.
    if unsafe { libc::geteuid() } == 0 { vec![None, Some(65534)] } else { vec![None] }
}

/// Runs a shell script in a sandbox.
fn run(sandbox: &Sandbox, user: Option<u32>, script: &str) -> Output {
    let mut prepared = Preparer::default().prepare(sandbox).expect("what this machine can do is enough");
    if user.is_some() {
        // Made ready by root here, but this user has none.
        prepared.capabilities = None;
    }
    #[expect(clippy::disallowed_methods, reason = "the sandbox alone is tested, without the guard that applies it")]
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script]).env_clear().env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin").current_dir("/");
    if let Some(user) = user {
        command.uid(user).gid(user);
    }
    // SAFETY: apply makes system calls only.
    unsafe { command.pre_exec(move || prepared.apply().map_err(std::io::Error::from_raw_os_error)) };
    command.output().expect("the shell starts")
}

fn ok(sandbox: &Sandbox, user: Option<u32>, script: &str) {
    let output = run(sandbox, user, script);
    assert!(output.status.success(), "as {user:?}: `{script}` {}: {output:?}", output.status);
}

fn refused(sandbox: &Sandbox, user: Option<u32>, script: &str) {
    let output = run(sandbox, user, script);
    assert!(!output.status.success(), "as {user:?}: `{script}` should have been refused: {output:?}");
    let errors = String::from_utf8_lossy(&output.stderr).to_lowercase();
    assert!(
        errors.contains("permission denied") || errors.contains("not permitted") || errors.contains("cross-device"),
        "as {user:?}: `{script}` failed for another reason: {errors}"
    );
}

fn at(level: SandboxLevel, filesystem: FilesystemPolicy) -> Sandbox {
    Sandbox { level, require: level, filesystem }
}

/// What a worker has on disk, usable by everybody, so that only the sandbox stands in the way.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        let home = tempfile::tempdir().expect("a directory");
        for directory in ["state/work/1", "state/work/2", "state/spool", "packs/core", "beside"] {
            std::fs::create_dir_all(home.path().join(directory)).expect(directory);
        }
        for file in ["state/work/1/file", "state/work/2/file", "state/spool/7", "packs/core/run.sh", "beside/file"] {
            std::fs::write(home.path().join(file), "#!/bin/sh\necho content\n").expect(file);
        }
        open_up(home.path());
        Self(home)
    }

    fn at(&self, path: &str) -> String {
        self.0.path().join(path).display().to_string()
    }

    fn policy(&self) -> FilesystemPolicy {
        FilesystemPolicy::Protect {
            hidden: vec![self.at("state").into(), self.at("never/was").into()],
            read_only: vec![self.at("packs").into()],
            own: vec![self.at("state/work/1").into()],
        }
    }
}

fn open_up(directory: &Path) {
    let all = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(directory, all.clone()).expect("permissions");
    for entry in std::fs::read_dir(directory).expect("a directory").flatten() {
        if entry.path().is_dir() {
            open_up(&entry.path());
        } else {
            std::fs::set_permissions(entry.path(), all.clone()).expect("permissions");
        }
    }
}

fn can_isolate() -> bool {
    probe().level() >= SandboxLevel::Isolated
}

fn can_filter() -> bool {
    probe().level() >= SandboxLevel::Filtered
}

#[test]
fn level_1_takes_the_way_to_new_privileges() {
    for user in users() {
        ok(&Sandbox::default(), user, "grep -q '^NoNewPrivs:.*1$' /proc/self/status");
    }
}

#[test]
fn what_is_protected_is_out_of_reach_and_the_rest_is_not() {
    if !can_isolate() {
        return;
    }
    let home = Home::new();
    for level in
        SandboxLevel::ALL.into_iter().filter(|level| (SandboxLevel::Isolated..=probe().level()).contains(level))
    {
        let sandbox = at(level, home.policy());
        for user in users() {
            let ok = |script: &str| ok(&sandbox, user, &script.replace('~', &home.at("")));
            let refused = |script: &str| refused(&sandbox, user, &script.replace('~', &home.at("")));
            // Its own.
            ok("cat ~state/work/1/file");
            ok("echo x > ~state/work/1/new && mkdir ~state/work/1/d && mv ~state/work/1/new ~state/work/1/d/n");
            ok(
                "ln -s x ~state/work/1/link && mkfifo ~state/work/1/fifo && rm -r ~state/work/1/d ~state/work/1/link ~state/work/1/fifo",
            );
            ok("cd ~state/work/1 && ./file");
            // What is hidden.
            for hidden in ["work/2/file", "spool/7"] {
                refused(&format!("cat ~state/{hidden}"));
                refused(&format!("echo x >> ~state/{hidden}"));
                refused(&format!(": > ~state/{hidden}"));
                refused(&format!("rm ~state/{hidden}"));
                refused(&format!("~state/{hidden}"));
                refused(&format!("mv ~state/{hidden} ~state/work/1/stolen"));
                refused(&format!("ln ~state/{hidden} ~state/work/1/stolen"));
                refused(&format!("truncate -s 0 ~state/{hidden}"));
            }
            refused("echo x > ~state/work/2/new");
            refused("mkdir ~state/mine");
            refused("mv ~state/work/1 ~state/work/3");
            // Links lead nowhere new.
            ok("ln -sfn ~state/spool ~state/work/1/way");
            refused("cat ~state/work/1/way/7");
            // What is read-only.
            ok("cat ~packs/core/run.sh && ~packs/core/run.sh && ls ~packs/core");
            refused("echo x >> ~packs/core/run.sh");
            refused("echo x > ~packs/core/new");
            refused("rm ~packs/core/run.sh");
            refused("mv ~packs/core/run.sh ~beside/run.sh");
            refused("mv ~packs ~elsewhere");
            // What lies beside, and the rest of the machine.
            ok(
                "cat ~beside/file && echo x > ~beside/new && mkdir ~beside/d && mv ~beside/new ~beside/d/new && rm -r ~beside/d",
            );
            ok("ls / > /dev/null && cat /etc/passwd > /dev/null && cat /proc/self/status > /dev/null");
            ok("echo x > /dev/null && head -c 8 /dev/urandom > /dev/null && test -w /dev/full");
            ok("echo x > /dev/shm/attune-$$ && rm /dev/shm/attune-$$");
            ok("ls ~ > /dev/null && test -d ~state/spool");
        }
    }
}

#[test]
fn strict_allows_what_is_named_and_nothing_else() {
    if !can_isolate() {
        return;
    }
    let home = Home::new();
    let readable = ["/bin", "/usr", "/lib", "/lib64", "/etc", "/dev"].map(Into::into).into_iter();
    let sandbox = at(
        SandboxLevel::Isolated,
        FilesystemPolicy::Strict {
            readable: readable.chain([home.at("packs").into()]).collect(),
            writable: vec![home.at("state/work/1").into(), "/dev/null".into()],
        },
    );
    for user in users() {
        ok(
            &sandbox,
            user,
            &format!("cat /etc/passwd {} > {x} && rm {x}", home.at("packs/core/run.sh"), x = home.at("state/work/1/x")),
        );
        ok(&sandbox, user, "echo x > /dev/null");
        refused(&sandbox, user, &format!("cat {}", home.at("beside/file")));
        refused(&sandbox, user, &format!("ls {}", home.at("state")));
        refused(&sandbox, user, &format!("echo x > {}", home.at("packs/x")));
        refused(&sandbox, user, "cat /proc/self/status");
        refused(&sandbox, user, "ls /");
    }
}

#[test]
fn a_directory_of_its_own_that_is_missing_is_refused_with_its_name() {
    if !can_isolate() {
        return;
    }
    let filesystem =
        FilesystemPolicy::Protect { hidden: Vec::new(), read_only: Vec::new(), own: vec!["/nowhere/at/all".into()] };
    let refusal = Preparer::default().prepare(&at(SandboxLevel::Isolated, filesystem)).expect_err("it is not there");
    assert!(refusal.why.contains("/nowhere/at/all"), "{}", refusal.why);
}

#[test]
fn a_protected_path_may_lead_over_links() {
    if !can_isolate() {
        return;
    }
    let home = Home::new();
    std::os::unix::fs::symlink(home.at("state"), home.at("link")).expect("a link");
    let filesystem = FilesystemPolicy::Protect {
        hidden: vec![home.at("link").into()],
        read_only: Vec::new(),
        own: vec![home.at("link/work/1").into()],
    };
    let sandbox = at(SandboxLevel::Isolated, filesystem);
    refused(&sandbox, None, &format!("cat {}", home.at("state/spool/7")));
    ok(&sandbox, None, &format!("cat {}", home.at("state/work/1/file")));
}

#[test]
fn nothing_outside_can_be_signalled_traced_or_read() {
    if !can_isolate() {
        return;
    }
    for user in users() {
        #[expect(clippy::disallowed_methods, reason = "somebody outside of any sandbox is needed")]
        let mut outsider = {
            let mut command = Command::new("sleep");
            if let Some(user) = user {
                command.uid(user).gid(user);
            }
            command.arg("100").spawn().expect("sleep starts")
        };
        let pid = outsider.id();
        let sandbox = at(SandboxLevel::Isolated, FilesystemPolicy::Open);
        refused(&sandbox, user, &format!("kill -9 {pid}"));
        refused(&sandbox, user, &format!("kill -STOP {pid}"));
        for secret in ["environ", "mem", "maps"] {
            refused(&sandbox, user, &format!("head -c 1 /proc/{pid}/{secret}"));
        }
        refused(&sandbox, user, &format!("head -c 1 /proc/{pid}/fd/0"));
        // Its own may be, and "everybody" means its own.
        ok(&sandbox, user, "sleep 100 & kill -9 $! && { wait $!; test $? = 137; }");
        assert_eq!(outsider.try_wait().expect("a child"), None, "as {user:?} the outsider lives on");
        outsider.kill().expect("a child");
        outsider.wait().expect("a child");
    }
}

/// Each script tries one call of the policy, through Python since no tool makes them all. Prints the error's name.
#[test]
fn root_keeps_what_is_about_files_and_users_and_loses_what_reaches_others() {
    if !can_isolate() || users().len() == 1 {
        return;
    }
    let sandbox = at(SandboxLevel::Isolated, FilesystemPolicy::Open);
    ok(&sandbox, None, "f=/dev/shm/attune-chown-$$; touch $f && chown 65534 $f && rm $f");
    let effective = run(&sandbox, None, "sed -n 's/^Cap\\(Eff\\|Bnd\\|Prm\\):[[:space:]]*//p' /proc/self/status");
    for set in String::from_utf8_lossy(&effective.stdout).lines() {
        let bits = u64::from_str_radix(set, 16).expect(set);
        assert_eq!(bits & (1 << 19 | 1 << 21 | 1 << 38), 0, "{set}");
    }
}

#[test]
fn level_3_refuses_the_calls_of_its_policy() {
    if !can_filter() {
        return;
    }
    let sandbox = at(SandboxLevel::Filtered, FilesystemPolicy::Open);
    let call = |number: libc::c_long, arguments: &str| {
        format!(
            "python3 -c \"import ctypes, errno; c = ctypes.CDLL(None, use_errno=True); \
             r = c.syscall({number}, {arguments}); print(errno.errorcode.get(ctypes.get_errno(), 'none') if r < 0 else 'done')\""
        )
    };
    let tries = [
        (libc::SYS_ptrace, "0, 0, 0, 0", "EPERM"),
        (libc::SYS_process_vm_readv, "1, 0, 0, 0, 0, 0", "EPERM"),
        (libc::SYS_bpf, "0, 0, 0", "EPERM"),
        (libc::SYS_perf_event_open, "0, 0, 0, 0, 0", "EPERM"),
        (libc::SYS_userfaultfd, "0", "EPERM"),
        (libc::SYS_io_uring_setup, "1, 0", "EPERM"),
        (libc::SYS_keyctl, "0, -3, 0, 0, 0", "EPERM"),
        (libc::SYS_mount, "0, 0, 0, 0, 0", "EPERM"),
        (libc::SYS_unshare, "0x10000000", "EPERM"),
        (libc::SYS_unshare, "0x200", "done"),
        (libc::SYS_clone, "0x10000011, 0, 0, 0, 0", "EPERM"),
        (libc::SYS_clone3, "0, 0", "ENOSYS"),
        (libc::SYS_setns, "0, 0", "EPERM"),
        (libc::SYS_open_by_handle_at, "-1, 0, 0", "EPERM"),
        (libc::SYS_personality, "0x40000", "EPERM"),
        (libc::SYS_personality, "0xffffffff", "done"),
        (libc::SYS_ioctl, "0, 0x5412, 0", "EPERM"),
        (libc::SYS_getppid, "0", "done"),
    ];
    for (number, arguments, expected) in tries {
        let output = run(&sandbox, None, &call(number, arguments));
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), expected, "call {number}({arguments}): {output:?}");
    }
}

#[test]
fn ordinary_programs_run_at_the_highest_level() {
    let sandbox = Sandbox { level: SandboxLevel::Filtered, ..Sandbox::default() };
    for user in users() {
        ok(&sandbox, user, "for i in 1 2 3; do (echo $i | tr 1-3 a-c) & done; wait; sort /etc/passwd | head -n 1");
        ok(
            &sandbox,
            user,
            "python3 -c 'import threading, subprocess, os; t = threading.Thread(target=print); t.start(); \
             t.join(); subprocess.run([\"true\"], check=True); assert os.fork() >= 0'",
        );
    }
}
