//! The program `attune-server` as an operator sees it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::client::Client;
use crate::fixture::on_system;

fn command(folder: &Path, arguments: &[&str]) -> Command {
    #[expect(clippy::disallowed_methods, reason = "the program under test is run as an operator runs it")]
    let mut command = Command::new(env!("CARGO_BIN_EXE_attune-server"));
    command.current_dir(folder).args(arguments).env_clear().stdin(Stdio::null());
    command.env("PATH", "/usr/bin:/bin").env("HOME", folder).env("ATTUNE__PATHS__STATE_DIR", folder.join("state"));
    command
}

/// Runs the program to its end; its exit code, standard output and standard error.
fn run(arguments: &[&str]) -> (i32, String, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let output = command(folder.path(), arguments).output().expect("started");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().expect("it exits"), text(&output.stdout), text(&output.stderr))
}

#[test]
fn it_says_what_is_wrong_and_ends_with_the_documented_code() {
    let (code, out, _) = run(&["--version"]);
    assert_eq!((code, out.starts_with("attune-server ")), (0, true));
    let (code, out, _) = run(&["--print-config", "--port", "0"]);
    assert_eq!((code, out.contains("port: 0")), (0, true), "{out}");
    let (code, _, err) = run(&["--nonsense"]);
    assert_eq!((code, err.contains("--nonsense")), (64, true), "{err}");
    let (code, _, err) = run(&["--config", "/no/such/file.yaml"]);
    assert_eq!((code, err.contains("/no/such/file.yaml")), (64, true), "{err}");
    let (code, _, err) = run(&["--host", "0.0.0.0", "--port", "0"]);
    assert_eq!((code, err.contains("without a token")), (64, true), "{err}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let (code, _, err) = run(&["--port", &port]);
    assert_eq!((code, err.contains("failed to listen")), (69, true), "{err}");
}

#[test]
fn it_serves_until_it_is_told_to_stop() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = command(folder.path(), &["--port", "0"]);
    let mut child = server.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
    let mut said = String::new();
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let address = loop {
        let Some(Ok(line)) = lines.next() else { panic!("it says where it listens: {said}") };
        said.push_str(&line);
        let found = said.split("http://").nth(1).and_then(|rest| rest.split('"').next().map(str::to_owned));
        if let Some(address) = found.and_then(|text| text.trim().parse().ok()) {
            break address;
        }
    };
    on_system(async move {
        assert_eq!(Client::new(address).get("/health/ready").await.status, 200);
    });
    let pid = i32::try_from(child.id()).expect("a pid fits");
    // SAFETY: kill takes two integers; the child was not waited for, so its number is its own.
    assert_eq!(unsafe { libc::kill(pid, libc::SIGTERM) }, 0);
    lines.for_each(drop);
    assert_eq!(child.wait().expect("it ends").code(), Some(0), "SIGTERM is how it is told");
}
