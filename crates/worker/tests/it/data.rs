//! What goes into a child as data and comes out of it, through a whole worker.

use std::fs;
use std::path::Path;

use attune_types::{
    ExecutionSpec, ExecutionStatus, LogStream, Outcome, OutputFormat, ParameterDelivery, ParameterFormat,
};
use serde_json::{Map, Value, json};

use crate::fixture::{Fixture, digest_of, exited, in_system, parameters, shell};

const VALUE: &str = "; rm -rf / $(id) `id` 'x' \"y\" \\ \u{1b}[31m\r\n -rf --help 漢🦀\u{2028}\n";

/// A shell script that copies what it was given, byte for byte.
fn copies(delivery: ParameterDelivery) -> &'static str {
    match delivery {
        ParameterDelivery::Stdin => "cat",
        ParameterDelivery::File => {
            "cat \"$ATTUNE_PARAMETERS_FILE\"; cat; ls -l \"$ATTUNE_PARAMETERS_FILE\" | cut -c1-10 >&2"
        }
        ParameterDelivery::Env => "printf '%s|%s|' \"$ATTUNE_PARAM_TEXT\" \"$ATTUNE_PARAM_TREE\"; cat",
    }
}

#[test]
fn every_delivery_carries_every_format_to_the_byte() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let worker = fixture.worker().await;
        let open = parameters(json!({"text": VALUE, "tree": {"a": [1, "'", null]}}));
        let secret = parameters(json!({"token": "hunter'2"}));
        let mut given = open.clone();
        given.extend(secret.clone());
        for delivery in [ParameterDelivery::Stdin, ParameterDelivery::File, ParameterDelivery::Env] {
            for format in [ParameterFormat::Json, ParameterFormat::Yaml, ParameterFormat::Dotenv] {
                let mut spec = shell(copies(delivery));
                (spec.parameter_delivery, spec.parameter_format) = (delivery, format);
                spec.secret_parameters = vec!["token".into()];
                // What is secret touches neither a disk nor the environment: it comes on standard input.
                let text = |part: &Map<String, Value>| {
                    String::from_utf8(attune_pack::render(format, part).expect("held")).expect("text")
                };
                let expected = match delivery {
                    ParameterDelivery::Stdin => text(&given),
                    ParameterDelivery::File => text(&open) + &text(&secret),
                    ParameterDelivery::Env => format!("{VALUE}|{{\"a\":[1,\"'\",null]}}|{}", text(&secret)),
                };
                let mut digesting = spec.clone();
                let script = format!("{{ {}; }} | sha256sum | cut -c 1-64", copies(delivery));
                digesting.code.as_mut().expect("code").content = script;
                let id = fixture.run_spec(&worker, digesting, given.clone()).await;
                assert_eq!(fixture.ended(id).await.outcome, exited(0), "{delivery:?} {format:?}");
                let digest = fixture.output(id, LogStream::Stdout).await;
                assert_eq!(digest.trim(), digest_of(&expected), "{delivery:?} {format:?}: {expected:?}");

                let id = fixture.run_spec(&worker, spec, given.clone()).await;
                assert_eq!(fixture.ended(id).await.outcome, exited(0), "{delivery:?} {format:?}");
                let shown = expected.replace("hunter'2", "***").replace("hunter'\\''2", "***");
                assert!(shown.contains("***") && !shown.contains("hunter"), "{shown}");
                assert_eq!(fixture.output(id, LogStream::Stdout).await, shown, "{delivery:?} {format:?}");
                if delivery == ParameterDelivery::File {
                    assert_eq!(fixture.output(id, LogStream::Stderr).await, "-rw-------\n", "nobody else may read it");
                }
            }
        }
        fixture.stop(&worker).await;
    });
}

#[test]
fn large_values_pass_where_they_can_and_are_refused_with_a_way_out_where_not() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let worker = fixture.worker().await;
        let large = parameters(json!({"text": "x".repeat(1 << 20)}));
        for (delivery, script) in [
            (ParameterDelivery::Stdin, "wc -c"),
            (ParameterDelivery::Stdin, "head -c 1 >/dev/null; echo done"),
            (ParameterDelivery::Stdin, "head -c 300000 /dev/zero | tr '\\0' y >&2; wc -c"),
            (ParameterDelivery::File, "wc -c <\"$ATTUNE_PARAMETERS_FILE\""),
        ] {
            let mut spec = shell(script);
            spec.parameter_delivery = delivery;
            let id = fixture.run_spec(&worker, spec, large.clone()).await;
            assert_eq!(fixture.ended(id).await.outcome, exited(0), "{script}");
            let printed = fixture.output(id, LogStream::Stdout).await;
            let expected = if script.contains("done") { "done".to_owned() } else { ((1 << 20) + 11).to_string() };
            assert_eq!(printed.trim(), expected, "{script}");
        }
        let nul = parameters(json!({"text": "a\0b"}));
        for (given, format, words) in [(large, ParameterFormat::Json, "131072"), (nul, ParameterFormat::Dotenv, "NUL")]
        {
            let mut spec = shell("echo ran");
            (spec.parameter_delivery, spec.parameter_format) = (ParameterDelivery::Env, format);
            let id = fixture.run_spec(&worker, spec, given).await;
            let Some(Outcome::NotExecutable { reason }) = fixture.ended(id).await.outcome else { panic!("refused") };
            assert!(reason.contains("\"text\"") && reason.contains("parameter_delivery: stdin"), "{reason}");
            assert!(reason.contains(words), "{reason}");
            assert_eq!(fixture.output(id, LogStream::Stdout).await, "");
        }
        fixture.stop(&worker).await;
    });
}

#[test]
fn words_on_standard_output_are_words_and_no_command() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let worker = fixture.worker().await;
        let text = "::set-env name=LD_PRELOAD::/x.so\n::error::x\n##vso[task.complete result=Succeeded]\n\
                    {\"status\":\"completed\",\"result\":{\"a\":1}}\nATTUNE_RESULT_FILE=/etc/passwd\n::stop-commands::x\n";
        let id = fixture.run(&worker, &format!("printf '%s' '{text}'; exit 3")).await;
        let execution = fixture.ended(id).await;
        assert_eq!((execution.status, execution.outcome), (ExecutionStatus::Failed, exited(3)));
        assert_eq!(execution.result, None);
        assert_eq!(fixture.output(id, LogStream::Stdout).await, text);
        fixture.stop(&worker).await;
    });
}

/// What every file of work in a worker's folders is.
fn work(fixture: &Fixture) -> Vec<String> {
    let Ok(entries) = fs::read_dir(fixture.directory.path().join("state/work")) else { return Vec::new() };
    entries.map(|entry| entry.expect("readable").path().display().to_string()).collect()
}

#[test]
fn a_result_that_is_no_file_is_refused_with_its_kind_and_leaves_nothing() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let worker = fixture.worker().await;
        let precious = fixture.directory.write("precious", "{\"stolen\": true}");
        for (plant, words) in [
            ("mkfifo \"$ATTUNE_RESULT_FILE\"", "is a FIFO"),
            (&*format!("ln -s '{}' \"$ATTUNE_RESULT_FILE\"", precious.display()), "is a symbolic link"),
            ("mkdir -p \"$ATTUNE_RESULT_FILE/a/b\"; echo x >\"$ATTUNE_RESULT_FILE/a/b/c\"", "is a directory"),
            ("truncate -s 1T \"$ATTUNE_RESULT_FILE\"", "larger than 1048576 bytes"),
            ("printf '{\"a\":1,\"a\":2}' >\"$ATTUNE_RESULT_FILE\"", "line 1 column 10: duplicate key"),
            ("printf '[NaN]' >\"$ATTUNE_RESULT_FILE\"", "line 1 column 2: JSON has no NaN"),
            ("printf '{\"a\":\\n\\377}' >\"$ATTUNE_RESULT_FILE\"", "line 2 column 1"),
            ("head -c 100000 /dev/zero | tr '\\0' '[' >\"$ATTUNE_RESULT_FILE\"", "recursion limit"),
        ] {
            let id = fixture.run(&worker, plant).await;
            let execution = fixture.ended(id).await;
            let Some(Outcome::OutputInvalid { position }) = execution.outcome else { panic!("{plant}: {execution:?}") };
            assert!(position.starts_with("ATTUNE_RESULT_FILE") && position.contains(words), "{plant}: {position}");
            assert_eq!(execution.result, None);
            assert_eq!(work(&fixture), Vec::<String>::new(), "{plant}");
        }
        assert_eq!(fs::read_to_string(precious).expect("untouched"), "{\"stolen\": true}");
        fixture.stop(&worker).await;
    });
}

fn with_schema(script: &str, format: OutputFormat) -> ExecutionSpec {
    let mut spec = shell(script);
    spec.output_format = format;
    spec.output_schema = Some(json!({
        "type": "object",
        "properties": {"rows": {"type": "array", "items": {"type": "object", "required": ["id"]}}},
    }));
    spec
}

#[test]
fn a_result_that_breaks_its_schema_says_where_and_one_of_a_failure_is_kept() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let worker = fixture.worker().await;
        let broken = "echo '{\"rows\": [{\"id\": 1}, {}]}'";
        let id = fixture.run_spec(&worker, with_schema(broken, OutputFormat::Json), Map::new()).await;
        let Some(Outcome::OutputInvalid { position }) = fixture.ended(id).await.outcome else { panic!("invalid") };
        assert!(position.starts_with("/rows/1: ") && position.contains("\"id\""), "{position}");
        let kept = json!({"rows": []});
        for (script, outcome, result) in [
            ("echo '{\"rows\": []}'; exit 4", exited(4), Some(&kept)),
            ("echo '{\"rows\": 1}'; exit 4", exited(4), None),
            ("echo '{'; exit 4", exited(4), None),
            // The file wins over standard output.
            ("echo '{\"rows\": 1}'; echo '{\"rows\": []}' >\"$ATTUNE_RESULT_FILE\"", exited(0), Some(&kept)),
        ] {
            let id = fixture.run_spec(&worker, with_schema(script, OutputFormat::Json), Map::new()).await;
            let execution = fixture.ended(id).await;
            assert_eq!((execution.outcome, execution.result.as_ref()), (outcome, result), "{script}");
        }
        fixture.stop(&worker).await;
    });
}

#[test]
fn a_work_folder_is_removed_whatever_it_became() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let worker = fixture.worker().await;
        let precious = fixture.directory.path().join("etc");
        fs::create_dir(&precious).expect("made");
        fs::write(precious.join("passwd"), "root").expect("written");
        let place = precious.display();
        // The folder is where the script itself lies. What a sandbox refuses of this need not be cleaned up.
        for script in [
            format!("cd \"$(dirname \"$0\")\"; ln -s '{place}' link; mkdir -p a/b; ln -s '{place}' a/b/link; chmod 0 a/b a .; exit 0"),
            format!("d=\"$(dirname \"$0\")\"; mv \"$d\" \"$d.moved\"; ln -s '{place}' \"$d\"; rm -r \"$d.moved\"; exit 0"),
            format!("d=\"$(dirname \"$0\")\"; rm -r \"$d\"; ln -s '{place}' \"$d\"; exit 0"),
            "cd \"$(dirname \"$0\")\"; i=0; while [ $i -lt 400 ]; do mkdir dddddddddd && cd -P dddddddddd; i=$((i+1)); done".to_owned(),
        ] {
            let id = fixture.run(&worker, &script).await;
            assert_eq!(fixture.ended(id).await.outcome, exited(0), "{script}");
            assert_eq!(work(&fixture), Vec::<String>::new(), "{script}");
            assert_untouched(&precious);
        }
        fixture.stop(&worker).await;
    });
}

fn assert_untouched(precious: &Path) {
    let left: Vec<Value> = fs::read_dir(precious)
        .expect("there")
        .map(|entry| json!(entry.expect("readable").file_name().to_string_lossy()))
        .collect();
    assert_eq!(left, [json!("passwd")]);
    assert_eq!(fs::read_to_string(precious.join("passwd")).expect("there"), "root");
}
