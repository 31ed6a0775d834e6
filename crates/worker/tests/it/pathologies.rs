//! Every way in which an action misbehaves, in every way of giving parameters and reading results, twenty at once.

use attune_store::Store;
use attune_types::{
    Execution, ExecutionId, ExecutionSpec, LogStream, Outcome, OutputFormat, ParameterDelivery, ParameterFormat,
};
use serde_json::{Value, json};

use crate::fixture::{Fixture, assert_nothing_but_spare_directories, in_system, parameters, shell};

/// What an action that misbehaves has to come to.
enum Expected {
    /// It ended by itself with this code; with 0 its result is `{"a": 1}`.
    Exited(i32),
    /// It ran out of its time.
    TimedOut,
    /// Its result is not what it promised, for a reason with these words.
    Invalid(&'static str),
    /// The guard did not let itself be killed (code 6), or died with the whole tree and nobody else.
    GuardKilled,
}

/// What the script does before; then it writes its result and goes on with the rest.
const RESULT: &str = "printf '{\"a\": 1}' >\"$ATTUNE_RESULT_FILE\"";

/// Name, script, most milliseconds, and what it has to come to.
fn rows() -> Vec<(&'static str, String, u64, Expected)> {
    use Expected::{Exited, GuardKilled, Invalid, TimedOut};
    let long = 60_000;
    let row =
        |name, script: &str, limit, expected| (name, script.replace("RESULT;", &format!("{RESULT};")), limit, expected);
    vec![
        row("a daemon holds the output", "RESULT; (setsid sh -c 'sleep 1000 & exit' &); exit 0", long, Exited(0)),
        row("a daemon holds nothing", "RESULT; setsid sleep 1000 >/dev/null 2>&1 & exit 3", long, Exited(3)),
        row("never reads", "RESULT; exit 0", long, Exited(0)),
        row("prints before it reads", "RESULT; head -c 1048576 /dev/zero; cat >/dev/null", long, Exited(0)),
        row("ends its input", "RESULT; exec <&-; exit 5", long, Exited(5)),
        row("prints what is no text", "RESULT; printf '\\000\\377\\033[2J\\n'; printf '\\200' >&2", long, Exited(0)),
        row("ends its output", "RESULT; exec >&- 2>&-; sleep 0.2; exit 4", long, Exited(4)),
        row("does not hear", "trap '' TERM; while :; do sleep 1000; done", 300, TimedOut),
        row("stops itself", "kill -STOP $$; sleep 1000", 300, TimedOut),
        row("ends its output and goes on", "exec >&- 2>&-; sleep 1000", 300, TimedOut),
        row(
            "becomes many",
            "trap '' TERM; i=0; while [ $i -lt 40 ]; do setsid sleep 1000 & i=$((i+1)); done; wait",
            600,
            TimedOut,
        ),
        row("kills its guard", "kill -9 $PPID 2>/dev/null && sleep 1000; exit 6", long, GuardKilled),
        row("breaks its result", "printf '{\"a\": ' >\"$ATTUNE_RESULT_FILE\"", long, Invalid("ATTUNE_RESULT_FILE: ")),
        row(
            "has too much of a result",
            "head -c 1100000 /dev/zero >\"$ATTUNE_RESULT_FILE\"",
            long,
            Invalid("ATTUNE_RESULT_FILE: "),
        ),
        row(
            "leaves what is hard to remove",
            "RESULT; cd \"$ATTUNE_ARTIFACTS_DIR\"; mkdir -p a/b/c/d; touch a/b/f; ln -s /etc a/b/etc; ln -s a loop; \
             mkfifo a/pipe; chmod 000 a/b/c a/b a",
            long,
            Exited(0),
        ),
    ]
}

fn assert_as_expected(execution: &Execution, expected: &Expected, about: &str) {
    // A file of lines is a list of them.
    let written = [json!({"a": 1}), json!([{"a": 1}])][usize::from(about.contains("Jsonl"))].clone();
    let is_right = match (expected, &execution.outcome) {
        (Expected::Exited(wanted), Some(Outcome::Exited { code })) => {
            code == wanted && (*code != 0 || execution.result == Some(written))
        }
        (Expected::TimedOut, Some(Outcome::TimedOut { .. })) => true,
        (Expected::Invalid(words), Some(Outcome::OutputInvalid { position })) => position.contains(words),
        (Expected::GuardKilled, Some(Outcome::Exited { code: 6 })) => true,
        (Expected::GuardKilled, Some(Outcome::Interrupted { by })) => by.contains("guard"),
        _ => false,
    };
    assert!(is_right, "{about}: {:?} {:?}", execution.outcome, execution.result);
}

#[test]
fn whatever_an_action_does_it_ends_with_its_cause_and_leaves_nothing() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let mut settings = fixture.settings();
        settings.slots = 20;
        let work = settings.state_directory.join("work");
        let worker = fixture.builder(settings).start().await.expect("the worker starts");
        let mut running: Vec<(ExecutionId, Expected, String)> = Vec::new();
        for (delivery, format) in [
            (ParameterDelivery::Stdin, ParameterFormat::Json),
            (ParameterDelivery::Stdin, ParameterFormat::Yaml),
            (ParameterDelivery::File, ParameterFormat::Json),
            (ParameterDelivery::File, ParameterFormat::Dotenv),
            (ParameterDelivery::Env, ParameterFormat::Json),
        ] {
            // The kernel takes no more than 128 KiB in one variable.
            let size = if delivery == ParameterDelivery::Env { 100_000 } else { 2 << 20 };
            for output in [OutputFormat::Text, OutputFormat::Json, OutputFormat::Yaml, OutputFormat::Jsonl] {
                for (name, script, limit, expected) in rows() {
                    let mut spec: ExecutionSpec = shell(&script);
                    (spec.parameter_delivery, spec.parameter_format, spec.output_format) = (delivery, format, output);
                    spec.timeout_ms = limit;
                    let given: Value = json!({"text": "x".repeat(size)});
                    let id = fixture.submit(spec, parameters(given)).await;
                    running.push((id, expected, format!("{name} ({delivery:?}, {format:?}, {output:?})")));
                }
                let ids: Vec<ExecutionId> = running.iter().rev().take(rows().len()).map(|(id, ..)| *id).collect();
                fixture.dispatch(&worker, &ids).await;
            }
        }
        for (id, expected, about) in &running {
            assert_as_expected(&fixture.ended(*id).await, expected, about);
        }
        for (id, _, about) in running.iter().filter(|(.., about)| about.starts_with("prints what is no text")) {
            assert_eq!(bytes(&*fixture.store, *id, LogStream::Stdout).await, b"\0\xff\x1b[2J\n", "{about}");
            assert_eq!(bytes(&*fixture.store, *id, LogStream::Stderr).await, b"\x80", "{about}");
        }
        assert_eq!(fixture.tag.living(), [], "no process is left");
        assert_nothing_but_spare_directories(&work);
        assert!(std::path::Path::new("/etc/passwd").exists(), "nothing that was pointed at is gone");
        fixture.stop(&worker).await;
    });
}

/// What is stored of a stream.
async fn bytes(store: &dyn Store, id: ExecutionId, stream: LogStream) -> Vec<u8> {
    let pieces = store.logs(id, 0, 1_000).await.expect("the store answers");
    pieces.into_iter().filter(|(_, piece)| piece.stream == stream).flat_map(|(_, piece)| piece.bytes).collect()
}
