//! A server looks the same as no server.

use std::process::Command;

use serde_json::json;

use crate::fixture::{Dev, Place, Ran, eventually};

fn command(place: &Place, dev: &Dev, arguments: &[&str]) -> Command {
    let mut command = place.attune(arguments);
    command.env("ATTUNE_API_URL", dev.line("listens")).env("ATTUNE_API_TOKEN", dev.line("token"));
    command
}

fn remote(place: &Place, dev: &Dev, arguments: &[&str]) -> Ran {
    let output = command(place, dev, arguments).output().expect("the program starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    Ran { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

#[test]
fn both_backends_answer_alike() {
    let place = Place::new();
    let dev = place.dev(&[]);
    let seven = place.write("seven.py", "import sys\nprint('out', flush=True)\nsys.exit(7)\n").display().to_string();
    for arguments in [
        &["run", "examples.hello", "name=Ada"][..],
        &["run", "examples.hello"],
        &["run", "examples.hello", "name:=3"],
        &["run", "examples.helo", "name=Ada"],
        &["run", "core.sleep", "seconds=600", "--timeout", "200ms"],
        &["run", &seven],
        &["run", "examples.hello", "name=Ada", "-q"],
    ] {
        let here = place.run(arguments);
        let there = remote(&place, &dev, arguments);
        assert_eq!((here.code, &here.stdout), (there.code, &there.stdout), "{arguments:?} {here:?} {there:?}");
        // A server remembers executions, so it has one more hint to give.
        let said: Vec<&str> = there.stderr.lines().filter(|line| !line.contains("attune execution")).collect();
        assert_eq!(here.stderr.lines().collect::<Vec<_>>(), said, "{arguments:?}");
    }
    let whole = remote(&place, &dev, &["run", "examples.hello", "name=Ada", "-o", "json"]).json();
    assert_eq!((&whole["status"], &whole["attempts"]), (&json!("completed"), &json!(1)));
}

#[test]
fn who_waits_for_a_worker_is_told_why_and_goes_on_when_there_is_one() {
    let place = Place::new();
    let config = place.write("one-slot.yaml", "worker:\n  max_concurrent_tasks: 1\n").display().to_string();
    let dev = place.dev(&["--config", &config]);
    let holds = remote(&place, &dev, &["run", "core.sleep", "seconds=600", "--detach"]);
    eventually("the slot to be taken", || {
        let shown = place.run(&["execution", "show", holds.stdout.trim()]);
        shown.stdout.contains("running").then_some(())
    });
    let said = place.path("said");
    let mut waits = command(&place, &dev, &["run", "examples.hello", "name=Ada"])
        .stderr(std::fs::File::create(&said).expect("a file"))
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("the program starts");
    let words = "waiting: all fitting workers are busy: 1 slot, 0 waiting before";
    let said = || std::fs::read_to_string(&said).expect("read");
    eventually("the word that it waits", || said().contains(words).then_some(()));
    assert_eq!(waits.try_wait().expect("asked"), None, "it waits");
    let freed = place.run(&["execution", "cancel", holds.stdout.trim()]);
    assert_eq!(freed.code, Some(0), "{freed:?}");
    let ran = Ran::of(waits.wait_with_output().expect("it ends"));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("Ada"), "{ran:?}");
    assert_eq!(said().matches("waiting:").count(), 1, "said once: {}", said());
}

#[test]
fn a_detached_run_is_found_again() {
    let place = Place::new();
    let dev = place.dev(&[]);
    let ran = remote(&place, &dev, &["run", "examples.hello", "name=Ada", "--detach"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let id = ran.stdout.trim();
    let log = place.run(&["execution", "logs", "-f", id]);
    assert!(log.stdout.contains("greeting Ada"), "{log:?}");
    let shown = place.run(&["execution", "show", id]);
    assert!(shown.stdout.contains("status      completed"), "{shown:?}");
    let events = place.run(&["execution", "events", id, "-o", "json"]).json();
    assert!(events.as_array().is_some_and(|events| events.len() >= 3), "{events}");
    let again = place.run(&["execution", "retry", id]);
    assert_eq!(again.code, Some(0), "{again:?}");
    assert_ne!(again.stdout.trim(), id);
}

#[test]
fn a_wrong_token_and_an_absent_server_say_what_to_do() {
    let place = Place::new();
    let dev = place.dev(&[]);
    let url = dev.line("listens").to_owned();
    let output = |url: &str| {
        let mut command = place.attune(&["run", "examples.hello", "name=Ada"]);
        command.env("ATTUNE_API_URL", url).env("ATTUNE_API_TOKEN", "att_wrong_wrong_wrong").output().expect("starts")
    };
    let refused = output(&url);
    assert_eq!(refused.status.code(), Some(64), "{refused:?}");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("hint: set ATTUNE_API_TOKEN"), "{refused:?}");
    dev.kill();
    let absent = output(&url);
    assert_eq!(absent.status.code(), Some(69), "{absent:?}");
    assert!(String::from_utf8_lossy(&absent.stderr).contains("hint: check ATTUNE_API_URL"), "{absent:?}");
}
