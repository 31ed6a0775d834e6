//! How executions end, and why.

use attune_store::CancelAnswer;
use attune_types::{ExecutionStatus, LogStream, Outcome, OutputFormat, ParameterDelivery, ParameterFormat};
use serde_json::{Map, json};

use crate::fixture::{Fixture, digest_of, exited, gated, in_system, parameters, shell};

#[test]
fn exit_codes_and_signals_are_told_as_they_were() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let worker = fixture.worker().await;
        for (script, status, outcome) in [
            ("exit 0", ExecutionStatus::Completed, Outcome::Exited { code: 0 }),
            ("exit 7", ExecutionStatus::Failed, Outcome::Exited { code: 7 }),
            ("kill -KILL $$", ExecutionStatus::Failed, Outcome::Signaled { signal: 9, sent_by: None }),
        ] {
            let id = fixture.run(&worker, script).await;
            let execution = fixture.ended(id).await;
            assert_eq!((execution.status, execution.outcome), (status, Some(outcome)), "{script}");
        }
        fixture.stop(&worker).await;
    });
}

#[test]
fn a_script_that_runs_too_long_is_stopped_and_called_timed_out() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let worker = fixture.worker().await;
        let mut spec = shell("trap '' TERM; echo up; sleep 1000 & wait; sleep 1000");
        spec.timeout_ms = 100;
        let id = fixture.run_spec(&worker, spec, Map::new()).await;
        let execution = fixture.ended(id).await;
        assert_eq!(execution.status, ExecutionStatus::Timeout);
        assert_eq!(execution.outcome, Some(Outcome::TimedOut { limit_ms: 100 }));
        assert!(fixture.tag.living().is_empty(), "nothing of it is left when it is called ended");
        fixture.stop(&worker).await;
    });
}

#[test]
fn a_cancel_ends_what_runs_and_names_who_asked() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let worker = fixture.worker().await;
        for script in ["echo up; sleep 1000", "trap '' TERM; echo up; sleep 1000; sleep 1000"] {
            let id = fixture.run(&worker, script).await;
            fixture.running(id).await;
            let answer = fixture.store.cancel(id, "ada").await.expect("the store answers");
            assert_eq!(answer, CancelAnswer::Canceling);
            let execution = fixture.ended(id).await;
            assert_eq!(execution.status, ExecutionStatus::Cancelled);
            assert_eq!(execution.outcome, Some(Outcome::Cancelled { by: "ada".into() }));
            assert!(fixture.tag.living().is_empty());
        }
        fixture.stop(&worker).await;
    });
}

#[test]
fn what_cannot_be_started_says_what_is_missing() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let mut settings = fixture.settings();
        let packs = fixture.directory.path().join("packs");
        settings.pack_directories = vec![packs.clone()];
        let worker = fixture.builder(settings).start().await.expect("the worker starts");
        let mut elsewhere = shell("");
        elsewhere.code = None;
        elsewhere.action = "absent.action".parse().expect("a reference");
        let id = fixture.run_spec(&worker, elsewhere, Map::new()).await;
        let Some(Outcome::NotExecutable { reason }) = fixture.ended(id).await.outcome else { panic!("not executable") };
        assert!(reason.contains("pack absent") && reason.contains(&packs.display().to_string()), "{reason}");

        let mut cobol = shell("");
        cobol.requirement.runtime = "cobol".into();
        let id = fixture.run_spec(&worker, cobol, Map::new()).await;
        let Some(Outcome::InterpreterMissing { name }) = fixture.ended(id).await.outcome else { panic!("missing") };
        assert!(name.contains("cobol"), "{name}");

        let mut escaping = shell("");
        escaping.code.as_mut().expect("code").name = "../script.sh".into();
        let id = fixture.run_spec(&worker, escaping, Map::new()).await;
        assert!(matches!(fixture.ended(id).await.outcome, Some(Outcome::NotExecutable { .. })));
        fixture.stop(&worker).await;
    });
}

#[test]
fn results_are_read_in_every_format_and_checked() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let worker = fixture.worker().await;
        let file = "printf '{\"a\": 1}' > \"$ATTUNE_RESULT_FILE\"; echo noise";
        for (script, format, schema, expected) in [
            ("echo '{\"a\": 1}'", OutputFormat::Json, None, Ok(Some(json!({"a": 1})))),
            ("echo 'a: [1, two]'", OutputFormat::Yaml, None, Ok(Some(json!({"a": [1, "two"]})))),
            ("echo 1; echo 2", OutputFormat::Jsonl, None, Ok(Some(json!([1, 2])))),
            ("echo hello", OutputFormat::Text, None, Ok(None)),
            (file, OutputFormat::Text, None, Ok(Some(json!({"a": 1})))),
            ("echo '{'", OutputFormat::Json, None, Err("standard output: line 2 column 0")),
            ("head -c 1100000 /dev/zero", OutputFormat::Json, None, Err("standard output: larger than")),
            ("echo '{}'", OutputFormat::Json, Some(json!({"required": ["n"]})), Err("\"n\"")),
        ] {
            let mut spec = shell(script);
            (spec.output_format, spec.output_schema) = (format, schema);
            let id = fixture.run_spec(&worker, spec, Map::new()).await;
            let execution = fixture.ended(id).await;
            match expected {
                Ok(result) => {
                    assert_eq!(execution.outcome, exited(0), "{script}");
                    assert_eq!(execution.result, result, "{script}");
                }
                Err(words) => {
                    let Some(Outcome::OutputInvalid { position }) = execution.outcome else { panic!("{execution:?}") };
                    assert!(position.contains(words), "{position}");
                    assert_eq!(execution.result, None);
                }
            }
        }
        fixture.stop(&worker).await;
    });
}

#[test]
fn parameters_arrive_as_the_action_asked_and_secrets_stay_out_of_the_environment() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let worker = fixture.worker().await;
        let given = || parameters(json!({"name": "O'Hara", "token": "hunter2-hunter2"}));
        for (script, delivery, format, expected) in [
            (
                "cat",
                ParameterDelivery::Stdin,
                ParameterFormat::Json,
                "{\"name\":\"O'Hara\",\"token\":\"hunter2-hunter2\"}",
            ),
            (
                "cat \"$ATTUNE_PARAMETERS_FILE\"; echo; cat",
                ParameterDelivery::File,
                ParameterFormat::Yaml,
                "name: \"O'Hara\"\n\ntoken: \"hunter2-hunter2\"\n",
            ),
            (
                ". \"$ATTUNE_PARAMETERS_FILE\"; echo \"$ATTUNE_PARAM_NAME\"",
                ParameterDelivery::File,
                ParameterFormat::Dotenv,
                "O'Hara\n",
            ),
            (
                "echo \"$ATTUNE_PARAM_NAME\"; cat",
                ParameterDelivery::Env,
                ParameterFormat::Json,
                "O'Hara\n{\"token\":\"hunter2-hunter2\"}",
            ),
        ] {
            let mut spec = shell(script);
            (spec.parameter_delivery, spec.parameter_format) = (delivery, format);
            spec.secret_parameters = vec!["token".into()];
            for (script, shown) in [
                (format!("{{ {script}; }} | sha256sum | cut -c 1-64"), format!("{}\n", digest_of(expected))),
                (script.to_owned(), expected.replace("hunter2-hunter2", "***")),
            ] {
                spec.code.as_mut().expect("code").content = script.clone();
                let id = fixture.run_spec(&worker, spec.clone(), given()).await;
                let execution = fixture.ended(id).await;
                assert_eq!(execution.outcome, exited(0), "{script}");
                assert_eq!(fixture.output(id, LogStream::Stdout).await, shown, "{script}");
                assert_eq!(execution.parameters["token"], "***");
            }

            spec.code.as_mut().expect("code").content = "env; cat /proc/$$/cmdline".into();
            let id = fixture.run_spec(&worker, spec, given()).await;
            fixture.ended(id).await;
            let dump = fixture.output(id, LogStream::Stdout).await;
            assert!(dump.contains("ATTUNE_EXECUTION_ID") && !dump.contains("hunter2"), "{dump}");
        }
        fixture.stop(&worker).await;
    });
}

#[test]
fn the_environment_is_clean_and_says_what_runs() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let worker = fixture.worker().await;
        let id = fixture.run(&worker, "env").await;
        fixture.ended(id).await;
        let dump = fixture.output(id, LogStream::Stdout).await;
        let names: Vec<&str> = dump.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
        for name in [
            "ATTUNE_ACTION",
            "ATTUNE_ATTEMPT",
            "ATTUNE_PACK",
            "ATTUNE_ARTIFACTS_DIR",
            "ATTUNE_RESULT_FILE",
            "TRACEPARENT",
            "PATH",
        ] {
            assert!(names.contains(&name), "{name} is missing in {names:?}");
        }
        let allowed = |name: &&str| {
            let others = [
                "PATH",
                "HOME",
                "USER",
                "LOGNAME",
                "LANG",
                "TZ",
                "TMPDIR",
                "TRACEPARENT",
                "PWD",
                "OLDPWD",
                "SHLVL",
                "_",
            ];
            name.starts_with("ATTUNE_") || others.contains(name)
        };
        assert!(names.iter().all(allowed), "{names:?}");
        fixture.stop(&worker).await;
    });
}

#[test]
fn more_work_than_slots_waits_and_none_of_it_is_lost() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let mut settings = fixture.settings();
        settings.slots = 2;
        let worker = fixture.builder(settings).start().await.expect("the worker starts");
        let gate = fixture.directory.path().join("gate");
        let mut ids = Vec::new();
        for _ in 0..30 {
            ids.push(fixture.submit(shell(&gated(&gate)), Map::new()).await);
        }
        fixture.dispatch(&worker, &ids).await;
        fixture.running(ids[0]).await;
        fixture.running(ids[1]).await;
        assert_eq!(worker.counts().granted, 2, "slots bound what is claimed");
        std::fs::write(&gate, b"").expect("the gate opens");
        fixture.assert_ended_once(&ids, ExecutionStatus::Completed).await;
        fixture.stop(&worker).await;
    });
}
