//! `attune dev` from start to end.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use crate::fixture::Place;

#[test]
fn a_busy_port_is_passed_over_and_that_is_said() {
    let place = Place::new();
    let busy = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = busy.local_addr().expect("an address").port().to_string();
    let dev = place.dev(&["--port", &port]);
    assert!(!dev.line("listens").ends_with(&port), "{:?}", dev.lines);
    let said = std::fs::read_to_string(place.path("dev.log")).expect("a log");
    assert!(said.contains(&format!("port {port} is busy")), "{said}");
}

#[test]
fn the_other_commands_find_it_in_this_directory() {
    let place = Place::new();
    let nobody = place.run(&["execution", "list"]);
    assert_eq!(nobody.code, Some(69), "{nobody:?}");
    assert!(nobody.stderr.contains("hint: start `attune dev` here"), "{nobody:?}");

    let dev = place.dev(&[]);
    let mode = std::fs::metadata(place.path(".attune/token")).expect("a token").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(dev.line("worker").contains("shell"), "{:?}", dev.lines);
    assert_eq!(place.run(&["execution", "list", "-o", "json"]).json(), json!([]));
    let workers = place.run(&["worker", "list", "-o", "json"]).json();
    assert!(workers[0]["name"].as_str().is_some_and(|name| name.starts_with("dev-")), "{workers}");
    assert_eq!(workers[0]["status"], "active");
    assert_eq!(place.run(&["execution", "show", "7"]).code, Some(64));

    let second = place.run(&["dev"]);
    assert_eq!(second.code, Some(64), "{second:?}");
    assert!(second.stderr.contains("another `attune dev`"), "{second:?}");

    dev.running.signal(libc::SIGTERM);
    let ran = dev.running.wait();
    assert_eq!(ran.code, Some(0), "{}", std::fs::read_to_string(place.path("dev.log")).unwrap_or_default());
    assert_eq!(place.run(&["execution", "list"]).code, Some(69));
    assert!(!place.path(".attune/address.json").exists());
}

#[test]
fn it_listens_to_this_machine_alone() {
    let place = Place::new();
    let ran = place.run(&["dev", "--host", "0.0.0.0"]);
    assert_eq!(ran.code, Some(64), "{ran:?}");
}
