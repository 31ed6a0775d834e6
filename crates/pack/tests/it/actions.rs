use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread::JoinHandle;

use attune_types::OutputFormat;
use serde_json::{Value, json};

use crate::runner::{is_here, library, run, runtime_of};

fn result(action: &str, parameters: Value) -> Value {
    let run = run(action, parameters);
    run.result.unwrap_or_else(|| panic!("{action}: exit {:?}, {}", run.code, run.stderr))
}

#[test]
fn hello_greets_whoever_is_named_and_takes_no_name_for_code() {
    assert_eq!(result("examples.hello", json!({"name": "Ada"})), json!({"greeting": "Hello, Ada!"}));
    assert_eq!(result("examples.hello", json!({"name": "Ada", "shout": true})), json!({"greeting": "HELLO, ADA!"}));
    for name in ["\"; id #", "$(id)", "a\\b", "-n", "Ädä 漢字", "'", "%s", "*"] {
        assert_eq!(result("examples.hello", json!({"name": name})), json!({"greeting": format!("Hello, {name}!")}));
    }
}

#[test]
fn disk_usage_reports_and_fails_when_it_is_fuller_than_allowed() {
    let report = result("examples.disk_usage", json!({}));
    assert_eq!(report["path"], "/");
    result("examples.disk_usage", json!({"path": "/proc"}));
    let missing = run("examples.disk_usage", json!({"path": "/no such place"}));
    assert_eq!((missing.code, missing.stdout.as_str()), (Some(66), ""), "{}", missing.stderr);
    if report["used_percent"].as_u64().is_some_and(|percent| percent > 1) {
        let full = run("examples.disk_usage", json!({"most_percent": 1}));
        assert_eq!(full.code, Some(1));
        assert!(full.stderr.contains("more than 1 % allowed"), "{}", full.stderr);
    }
}

#[test]
fn csv_summary_sums_up_the_columns_of_numbers() {
    let csv = "name;height;weight\nAda;1.5;\nBob;2.5;80\n";
    assert_eq!(
        result("examples.csv_summary", json!({"csv": csv, "delimiter": ";"})),
        json!({"rows": 2, "columns": {
            "height": {"count": 2, "minimum": 1.5, "maximum": 2.5, "mean": 2.0},
            "weight": {"count": 1, "minimum": 80.0, "maximum": 80.0, "mean": 80.0},
        }})
    );
    assert_eq!(result("examples.csv_summary", json!({"csv": ""})), json!({"rows": 0, "columns": {}}));
}

#[test]
fn json_diff_names_every_change_by_its_path() {
    let answer = result(
        "examples.json_diff",
        json!({"before": {"a": 1, "b": [1, 2], "c/d": 0}, "after": {"a": 2, "b": [1], "e": null}}),
    );
    assert_eq!(
        answer,
        json!({"equal": false, "changes": [
            {"path": "/a", "kind": "changed", "before": 1, "after": 2},
            {"path": "/b/1", "kind": "removed", "before": 2},
            {"path": "/c~1d", "kind": "removed", "before": 0},
            {"path": "/e", "kind": "added", "after": null},
        ]})
    );
    assert_eq!(result("examples.json_diff", json!({"before": [1], "after": [1]}))["equal"], true);
}

#[test]
fn echo_answers_with_its_parameters() {
    assert_eq!(result("core.echo", json!({"message": "a\n\"b\""})), json!({"message": "a\n\"b\""}));
}

#[test]
fn noop_and_sleep_succeed_and_run_command_gives_the_exit_code_of_its_command() {
    assert_eq!(run("core.noop", json!({})).code, Some(0));
    assert_eq!(run("core.sleep", json!({"seconds": 0.01})).code, Some(0));
    let run_command = run("core.run_command", json!({"command": "pwd; echo $((1 + 1)) >&2; exit 7"}));
    assert_eq!((run_command.code, run_command.stdout.as_str(), run_command.stderr.as_str()), (Some(7), "/\n", "2\n"));
    assert_eq!(run("core.run_command", json!({"command": "true", "directory": "/no such place"})).code, Some(66));
}

/// Answers one request with this status and returns what was asked.
fn answer_once(status: &'static str) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}/items?x=1", listener.local_addr().expect("an address"));
    let served = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
        let (mut request, mut length) = (String::new(), 0);
        while !request.ends_with("\r\n\r\n") {
            let mut line = String::new();
            reader.read_line(&mut line).expect("a line");
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length");
            }
            request.push_str(&line);
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).expect("the body");
        let answer = "{\"seen\": true}";
        write!(stream, "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{answer}", answer.len())
            .expect("answered");
        request + &String::from_utf8(body).expect("text")
    });
    (address, served)
}

#[test]
fn http_request_sends_what_was_asked_and_answers_with_what_came() {
    let (url, served) = answer_once("201 Created");
    let answer = result(
        "core.http_request",
        json!({"url": url, "method": "POST", "headers": {"X-Trace": "t1"}, "body": {"a": [1]}}),
    );
    assert_eq!((&answer["status"], &answer["body"]), (&json!(201), &json!({"seen": true})));
    // Header names are the library's to write: they mean the same in any case.
    let request = served.join().expect("served").to_lowercase();
    assert!(request.starts_with("post /items?x=1 http/1.1\r\n"), "{request}");
    assert!(request.ends_with("\r\n\r\n{\"a\": [1]}"), "{request}");
    assert!(request.contains("x-trace: t1\r\n") && request.contains("content-type: application/json\r\n"), "{request}");
}

#[test]
fn http_request_fails_on_an_error_of_the_server_unless_told_otherwise() {
    let (url, served) = answer_once("503 Busy");
    let failed = run("core.http_request", json!({"url": url}));
    assert_eq!(failed.code, Some(1));
    assert!(failed.stderr.contains("503"), "{}", failed.stderr);
    served.join().expect("served");

    let (url, served) = answer_once("404 Not Found");
    assert_eq!(result("core.http_request", json!({"url": url, "fail_on_error": false}))["status"], 404);
    served.join().expect("served");
}

#[test]
fn every_example_runs_as_it_is_and_keeps_its_output_schema() {
    let library = library();
    let mut ran = Vec::new();
    for action in library.packs().filter(|pack| pack.spec.pack_ref == "examples").flat_map(|pack| &pack.actions) {
        // What prints no result calls its worker for it; those run under a whole worker, in `attune demo`.
        let calls_worker = action.output_format == OutputFormat::Text;
        if calls_worker || !is_here(runtime_of(&library, &action.runner_type)) {
            continue;
        }
        let given = if action.parameters.contains_key("name") { json!({"name": "Ada"}) } else { json!({}) };
        result(&action.action_ref.to_string(), given);
        ran.push(action.runner_type.as_str());
    }
    for runtime in ["shell", "python", "node", "native"] {
        assert!(ran.contains(&runtime), "{runtime}: only {ran:?} ran");
    }
}

#[test]
fn every_action_tells_what_it_is() {
    for action in library().packs().flat_map(|pack| &pack.actions) {
        let name = &action.action_ref;
        assert!(!action.label.is_empty() && action.description.ends_with('.') && !action.tags.is_empty(), "{name}");
        let prints_result = action.output_format == OutputFormat::Json;
        assert!(!prints_result || action.output_schema.is_some(), "{name} says what its result looks like");
    }
}
