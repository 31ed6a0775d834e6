//! `attune dev`: API, scheduler and worker in one process, on SQLite and the in-process queue.

mod deployment;
mod listen;

use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use self::deployment::Deployment;
use crate::arguments::Global;
use crate::backend::Local;
use crate::dev::{DEFAULT_DIRECTORY, Lock, Running, make_directory, token};
use crate::error::CliError;
use crate::output::{remark, write_stdout};
use crate::session;

/// Runs API, scheduler and worker in one process; data stays in ./.attune
///
/// Killed and started again it continues: what was running is settled as unknown (or run again, when its action says
/// that this is harmless), and what was waiting runs. Ctrl-C lets running executions finish for a while; a second one
/// ends them, a third kills them.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  attune dev
  attune dev --port 9000 --dir /tmp/try
  attune execution list            in the same directory, finds the server by itself")]
pub(crate) struct Arguments {
    /// Address to listen on; must belong to this machine alone
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    host: IpAddr,
    /// Port to listen on; when it is busy the next free one is taken. 0 takes any
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Where the data is kept
    #[arg(long, default_value = DEFAULT_DIRECTORY, value_name = "DIR")]
    dir: PathBuf,
    /// A folder of packs; may be given several times and wins over the configuration
    #[arg(long, value_name = "DIR")]
    packs_dir: Vec<PathBuf>,
}

/// Runs until it is asked to end.
pub(crate) fn run(global: &Global, arguments: Arguments) -> Result<ExitCode, CliError> {
    if !arguments.host.is_loopback() {
        return Err(CliError::usage(
            format!("`attune dev` does not listen on {}: everybody there could run programs here", arguments.host),
            "for more than one machine use attune-server with a database, a broker and TLS in front",
        ));
    }
    make_directory(&arguments.dir)?;
    let directory = arguments.dir.canonicalize().map_err(CliError::file("reading", &arguments.dir))?;
    let _lock = Lock::take(&directory)?;
    let token = token(&directory)?;
    let local = Local::load(global, &arguments.packs_dir)?;
    let listener = listen::next_free(arguments.host, arguments.port)?;
    let wanted = arguments.port;
    session::block_on(async {
        let deployment = Deployment::start(&directory, local, listener, &token).await?;
        let url = deployment.url();
        if wanted != 0 && !url.ends_with(&format!(":{wanted}")) {
            remark(&format!("port {wanted} is busy, listening on {url} instead"));
        }
        let _announced = Running::announce(&directory, &url)?;
        write_stdout(greeting(&url, &arguments.dir, &token, &deployment.worker()).as_bytes())?;
        deployment.until_told().await
    })
}

fn greeting(url: &str, directory: &Path, token: &str, worker: &str) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "{name:<8} {value}");
    };
    line("listens", url);
    line("data", &format!("{} (SQLite)", directory.join("attune.db").display()));
    line("token", token);
    line("worker", worker);
    let run = format!(
        "ATTUNE_API_URL={url} ATTUNE_API_TOKEN=$(cat {}) attune run examples.hello name=Ada",
        directory.join("token").display()
    );
    line("next", &run);
    text
}
