//! The program `attune-server` as an operator sees it.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use attune_process::{Chunk, Command, How, Launcher, LauncherProgram, StopReason};
use tokio::sync::mpsc;

use crate::client::Client;
use crate::fixture::on_system;

fn launcher() -> Launcher {
    Launcher::start(LauncherProgram::At(env!("CARGO_BIN_EXE_attune-server").into())).expect("a launcher")
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_attune-server"));
    command.directory = folder.to_path_buf();
    command.arguments = arguments.iter().map(OsString::from).collect();
    command.environment = vec![
        ("PATH".into(), "/usr/bin:/bin".into()),
        ("HOME".into(), folder.into()),
        ("ATTUNE__PATHS__STATE_DIR".into(), folder.join("state").into()),
    ];
    command.timeout = Some(Duration::from_secs(60));
    command
}

/// Runs the program to its end; its exit code, standard output and standard error.
async fn run(arguments: &[&str]) -> (i32, String, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let collected = launcher().run_to_end(command(folder.path(), arguments)).await.expect("started");
    let How::Exited(code) = collected.ended.how else { panic!("{:?}", collected.ended.how) };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (code, text(&collected.stdout), text(&collected.stderr))
}

#[test]
fn it_says_what_is_wrong_and_ends_with_the_documented_code() {
    on_system(async {
        let (code, out, _) = run(&["--version"]).await;
        assert_eq!((code, out.starts_with("attune-server ")), (0, true));
        let (code, out, _) = run(&["--print-config", "--port", "0"]).await;
        assert_eq!((code, out.contains("port: 0")), (0, true), "{out}");
        let (code, _, err) = run(&["--nonsense"]).await;
        assert_eq!((code, err.contains("--nonsense")), (64, true), "{err}");
        let (code, _, err) = run(&["--config", "/no/such/file.yaml"]).await;
        assert_eq!((code, err.contains("/no/such/file.yaml")), (64, true), "{err}");
        let (code, _, err) = run(&["--host", "0.0.0.0", "--port", "0"]).await;
        assert_eq!((code, err.contains("without a token")), (64, true), "{err}");
        let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = taken.local_addr().expect("an address").port().to_string();
        let (code, _, err) = run(&["--port", &port]).await;
        assert_eq!((code, err.contains("failed to listen")), (69, true), "{err}");
    });
}

#[test]
fn it_serves_until_it_is_told_to_stop() {
    on_system(async {
        let folder = tempfile::tempdir().expect("a folder");
        let (sender, mut chunks) = mpsc::channel::<Chunk>(64);
        let child = launcher().spawn(command(folder.path(), &["--port", "0"]), sender).await.expect("started");
        let stopper = child.stopper();
        let running = tokio::spawn(child.wait());
        let mut said = String::new();
        let address = loop {
            let chunk = tokio::time::timeout(Duration::from_secs(30), chunks.recv()).await;
            let chunk = chunk.unwrap_or_else(|_| panic!("it says where it listens: {said}")).expect("it runs");
            said.push_str(&String::from_utf8_lossy(&chunk.bytes));
            let found = said.split("http://").nth(1).and_then(|rest| rest.split('"').next().map(str::to_owned));
            if let Some(address) = found.and_then(|text| text.parse().ok()) {
                break address;
            }
        };
        let client = Client::new(address);
        assert_eq!(client.get("/health/ready").await.status, 200);
        stopper.stop(StopReason::Requested("the test is over".to_owned()));
        while chunks.recv().await.is_some() {}
        assert_eq!(running.await.expect("joined").how, How::Exited(0), "SIGTERM is how it is told");
    });
}
