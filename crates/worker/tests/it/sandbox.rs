//! What actions are kept from, and a machine that cannot keep them from it.

use std::os::unix::process::CommandExt;
use std::process::{Command, Output};

use attune_process::sandbox::probe;
use attune_types::{Evidence, ExecutionId, ExecutionStatus, LogStream};
use attune_worker::WorkerHandle;
use serde_json::{Map, json};

use crate::fixture::{Fixture, in_system, shell};

/// Whether files can be protected here at all.
fn can_protect() -> bool {
    probe().landlock_abi > 0
}

async fn run(fixture: &Fixture, worker: &WorkerHandle, script: &str, demanded: Option<u8>) -> ExecutionId {
    let mut spec = shell(script);
    spec.requirement.sandbox = demanded;
    let id = fixture.run_spec(worker, spec, Map::new()).await;
    let execution = fixture.ended(id).await;
    let printed = fixture.output(id, LogStream::Stderr).await;
    assert_eq!(execution.status, ExecutionStatus::Completed, "{:?}: {printed}", execution.outcome);
    id
}

async fn evidence(fixture: &Fixture, id: ExecutionId) -> Evidence {
    let mut attempts = fixture.store.attempts(id).await.expect("the store answers");
    attempts.remove(0).evidence.expect("what the worker saw")
}

#[test]
fn what_belongs_to_the_worker_and_to_other_executions_is_out_of_reach() {
    if !can_protect() {
        return;
    }
    in_system(async {
        let fixture = Fixture::embedded().await;
        let settings = fixture.settings();
        let state = settings.state_directory.display().to_string();
        let worker = fixture.builder(settings).start().await.expect("the worker starts");
        let script = format!(
            "tell() {{ if eval \"$1\" 2> /dev/null; then echo \"$2 yes\"; else echo \"$2 no\"; fi; }}
             tell 'cat {state}/incarnation' read
             tell 'echo x >> {state}/incarnation' write
             tell 'echo x > {state}/work/mine' make
             tell 'rm -r {state}/ends' remove
             tell 'cat /etc/passwd > /dev/null && ls / > /dev/null' system
             tell 'f=$(mktemp) && echo x > $f && cat $f > /dev/null && rm $f' temporary
             tell 'echo \"{{}}\" > $ATTUNE_RESULT_FILE' result"
        );
        let id = run(&fixture, &worker, &script, None).await;
        assert_eq!(
            fixture.output(id, LogStream::Stdout).await,
            "read no\nwrite no\nmake no\nremove no\nsystem yes\ntemporary yes\nresult yes\n"
        );
        assert_eq!(fixture.execution(id).await.result, Some(json!({})));
        let sandbox = evidence(&fixture, id).await.sandbox.expect("told");
        assert_eq!(sandbox.level, probe().level().number());
        fixture.stop(&worker).await;
        assert!(std::fs::read_dir(format!("{state}/work")).expect("there").next().is_none(), "nothing is left");
    });
}

#[test]
fn an_action_links_and_moves_files_between_its_own_directories_at_every_level() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let worker = fixture.worker().await;
        for level in 1..=probe().level().number() {
            // A link, because a move that the kernel refuses is made as a copy by every tool.
            let script = "cd \"$(mktemp -d)\" && mkdir a b && echo x > a/x && ln a/x b/x && cat b/x";
            let id = run(&fixture, &worker, script, Some(level)).await;
            assert_eq!(fixture.output(id, LogStream::Stdout).await, "x\n", "{level}");
        }
        fixture.stop(&worker).await;
    });
}

#[test]
fn an_action_may_ask_for_less_down_to_what_is_required() {
    if !can_protect() || probe().level().number() < 2 {
        return;
    }
    in_system(async {
        let fixture = Fixture::embedded().await;
        let worker = fixture.worker().await;
        assert_eq!(worker.capabilities().sandbox_level, probe().level().number());
        let state = fixture.settings().state_directory.display().to_string();
        let id = run(&fixture, &worker, &format!("cat {state}/incarnation > /dev/null"), Some(1)).await;
        assert_eq!(evidence(&fixture, id).await.sandbox.expect("told").level, 1);
        fixture.stop(&worker).await;
    });
}

/// Runs the worker where Landlock answers as on a kernel without it.
fn without_landlock(variables: &[(&str, &str)]) -> Output {
    /// `landlock_create_ruleset`, which has one number everywhere.
    const CREATE_RULESET: u32 = 444;
    let instruction = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let program = [
        instruction(0x20, 0, 0, 0),
        instruction(0x15, 0, 1, CREATE_RULESET),
        instruction(0x06, 0, 0, libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32),
        instruction(0x06, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    #[expect(
        clippy::disallowed_methods,
        reason = "the worker itself is started, in a kernel that is made to look older"
    )]
    let mut command = Command::new(env!("CARGO_BIN_EXE_attune-worker"));
    command.env_clear().envs(variables.iter().copied());
    let install = move || {
        let mut program = program;
        let filter = libc::sock_fprog { len: 4, filter: program.as_mut_ptr() };
        // SAFETY: system calls only; the kernel copies the program.
        let result = unsafe {
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
            libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const filter)
        };
        if result == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
    };
    // SAFETY: see above.
    unsafe { command.pre_exec(install) };
    command.output().expect("the worker starts")
}

#[test]
fn a_worker_that_cannot_reach_what_is_required_says_so_in_one_line_and_does_not_start() {
    let output = without_landlock(&[
        ("ATTUNE__SANDBOX__REQUIRE", "2"),
        // Nobody is there: the sandbox is looked at before anything is connected to.
        ("ATTUNE__DATABASE__URL", "postgres://nobody@127.0.0.1:1/none"),
        ("ATTUNE__PATHS__STATE_DIR", "/nowhere/at/all"),
    ]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(64), "{errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
    assert!(
        errors.starts_with("error: failed to start: sandbox level 2 is required and this machine reaches level 1: ")
    );
    assert!(errors.contains("has no Landlock"), "{errors}");
}
