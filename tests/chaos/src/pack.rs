//! The pack whose actions are the workload.

use std::io;
use std::path::Path;

use crate::kind::Kind;

/// What every shell action begins with. The lock is the kernel's word on overlap: every process of the tree has inherited
/// the descriptor, so the lock is free only when the whole tree of the attempt before is gone. A line is one write(2) to a
/// file opened for appending, so lines never mix, and it outlives everything that is killed here; only a machine that
/// fails could lose it.
const PRELUDE: &str = r#"read -r up rest </proc/uptime
say() { read -r up rest </proc/uptime; printf '%s %s %s %s %s %s %s\n' "$1" "$ATTUNE_EXECUTION_ID" "$ATTUNE_ATTEMPT" "$$" "$up" "$ATTUNE_WORKER" "$2" >>'@TRUTH@'; }
exec 9>>"@LOCKS@/$ATTUNE_EXECUTION_ID"
flock -n 9 || say overlap 0
say start 0
"#;

const READER: &str = r#"import fcntl, json, os, sys
def say(what, code):
    with open("/proc/uptime") as clock:
        up = clock.read().split()[0]
    env = os.environ
    line = f"{what} {env['ATTUNE_EXECUTION_ID']} {env['ATTUNE_ATTEMPT']} {os.getpid()} {up} {env['ATTUNE_WORKER']} {code}\n"
    truth = os.open("@TRUTH@", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(truth, line.encode())
    os.close(truth)
lock = os.open("@LOCKS@/" + os.environ["ATTUNE_EXECUTION_ID"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
os.set_inheritable(lock, True)
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except OSError:
    say("overlap", 0)
say("start", 0)
given = json.load(sys.stdin)
code = 0 if len(given["blob"]) == given["length"] else 9
print(len(given["blob"]), flush=True)
say("end", code)
sys.exit(code)
"#;

const BOMB: &str = r#"use POSIX ();
for (1 .. 12) {
    next if fork;
    POSIX::setsid();
    $SIG{TERM} = 'IGNORE';
    alarm 90;
    for (1 .. 3) { last if !fork; }
    sleep 60;
    exit 0;
}
"#;

/// What follows the prelude, by kind.
fn body(kind: &Kind) -> String {
    let work = match kind.name {
        "quick" | "sleeper" | "cancelled" => "sleep \"${ATTUNE_PARAM_SECONDS:-0}\"".to_owned(),
        "flood" => "yes 0123456789abcde | tr -d '\\n' | head -c \"$ATTUNE_PARAM_BYTES\"".to_owned(),
        "daemon" => "perl -MPOSIX -e 'exit if fork; POSIX::setsid(); exit if fork; $SIG{TERM} = q(IGNORE); sleep 90' \
                     >/dev/null 2>&1"
            .to_owned(),
        "stubborn" => "trap '' TERM\nsleep \"$ATTUNE_PARAM_SECONDS\"".to_owned(),
        "bomb" => "perl \"$ATTUNE_PACK_DIR/actions/bomb.pl\" </dev/null >/dev/null 2>&1\nsleep 0.3".to_owned(),
        "lines" => "n=0\nwhile [ $n -lt \"$ATTUNE_PARAM_COUNT\" ]; do\n  echo \"out $n\"; echo \"err $n\" >&2\n  n=$((n + 1))\n\
                    done"
            .to_owned(),
        _ => String::new(),
    };
    format!("{work}\nsay end {code}\nexit {code}\n", code = kind.exits)
}

/// Writes the pack below `folder/packs`, and makes the folders that its actions write to.
pub(crate) fn write(folder: &Path) -> io::Result<()> {
    let actions = folder.join("packs/chaos/actions");
    let out = folder.join("out");
    std::fs::create_dir_all(&actions)?;
    // Beside a folder of packs, which workers protect, actions can make nothing new; below a folder they can.
    std::fs::create_dir_all(out.join("locks"))?;
    let place = |text: &str| {
        text.replace("@TRUTH@", &out.join("truth").display().to_string())
            .replace("@LOCKS@", &out.join("locks").display().to_string())
    };
    std::fs::write(folder.join("packs/chaos/pack.yaml"), "ref: chaos\nversion: 1.0.0\nlabel: Chaos\n")?;
    std::fs::write(actions.join("bomb.pl"), BOMB)?;
    std::fs::write(actions.join("reader.py"), place(READER))?;
    for kind in Kind::ALL {
        let (file, runner, delivery) = match kind.name {
            "reader" => ("reader.py".to_owned(), "python", "stdin"),
            name => (format!("{name}.sh"), "shell", "env"),
        };
        if runner == "shell" {
            std::fs::write(actions.join(&file), place(PRELUDE) + &body(kind))?;
        }
        let parameters = match kind.name {
            "reader" => "parameters:\n  blob: {type: string}\n  length: {type: integer}\n",
            "quick" | "sleeper" | "stubborn" | "cancelled" => "parameters:\n  seconds: {type: number, default: 0}\n",
            "flood" => "parameters:\n  bytes: {type: integer}\n",
            "lines" => "parameters:\n  count: {type: integer}\n",
            _ => "",
        };
        for (suffix, extra) in [
            ("", ""),
            (
                "_again",
                "idempotent: true\nretry:\n  on: [lost, interrupted]\n  max_attempts: 50\n  backoff: {initial_seconds: 0.2, \
                 factor: 1.5, max_seconds: 3}\n",
            ),
        ] {
            let name = kind.name;
            std::fs::write(
                actions.join(format!("{name}{suffix}.yaml")),
                format!(
                    "ref: chaos.{name}{suffix}\nrunner_type: {runner}\nentry_point: {file}\n\
                     parameter_delivery: {delivery}\ntimeout_seconds: 120\n{parameters}{extra}"
                ),
            )?;
        }
    }
    Ok(())
}
