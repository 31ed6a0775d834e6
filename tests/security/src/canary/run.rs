//! The run of a canary.

use std::fs;
use std::io::{self, Read as _};
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime};

use attune_end_to_end::{Client, ClientError, Deployment};
use serde_json::{Value, json};

use super::forms::{ENCODINGS, forms};
use super::haystack::Haystack;
use super::pack;
use super::report::{PlaceReport, Report};
use super::tap::Tap;
use super::watch::Watch;

/// What is to be run, and on what.
#[derive(Debug, Clone)]
pub struct Order {
    /// How many executions.
    pub executions: usize,
    /// How many at once.
    pub slots: u32,
    /// An empty database.
    pub database_url: String,
    /// A broker.
    pub broker_url: String,
}

/// Runs it. `dump` answers everything that is in the database at the end.
///
/// # Errors
/// A program does not start, or does not answer.
pub fn run(order: &Order, dump: impl FnOnce() -> io::Result<Vec<u8>>) -> io::Result<Report> {
    allow_cores();
    let home = tempfile::Builder::new().prefix("attune-canary-").tempdir()?;
    let at = |name: &str| home.path().join(name);
    let values = (0..5).map(|_| value()).collect::<io::Result<Vec<String>>>()?;
    let haystack = Arc::new(Haystack::new(&values));
    pack::write(&at("packs"))?;
    fs::create_dir(at("tmp"))?;
    fs::write(at("key"), hexadecimal(32)?)?;
    let (tap, broker_url) = tapped(&order.broker_url)?;
    let text = |name: &str| at(name).display().to_string();
    let (packs, temporary, key) = (text("packs"), text("tmp"), text("key"));
    let extra = [
        ("ATTUNE__PACKS__DIRECTORIES", packs.as_str()),
        ("ATTUNE__LOG__LEVEL", "trace"),
        ("ATTUNE__SERVER__REQUESTS_PER_SECOND", "0"),
        ("TMPDIR", temporary.as_str()),
    ];
    let servers: Vec<(&str, &str)> =
        extra.iter().copied().chain([("ATTUNE__SECURITY__ENCRYPTION_KEY_FILE", key.as_str())]).collect();
    let mut deployment = Deployment::start(&order.database_url, &broker_url, &servers)?;
    deployment.add_worker("canary", order.slots, &extra)?;
    deployment.wait_for_workers(1)?;
    let client = deployment.client();
    keep(&client, &values).map_err(refused)?;

    let folders = vec![deployment.folder().join("state-canary"), at("tmp")];
    let watch = Watch::begin(&haystack, folders);
    let ids = submit(&client, &values, order.executions).map_err(refused)?;
    let mut wrong = Vec::new();
    for (id, action) in &ids {
        let end = client.wait(*id).map_err(refused)?;
        let status = if *action == "canary.aborts" { "failed" } else { "completed" };
        if end["status"] != status && wrong.len() < 5 {
            wrong.push(format!("execution {id} of {action}: {} {}", end["status"], end["outcome"]));
        }
        // What everybody is shown.
        haystack.search("answers of the API", &format!("execution {id}"), end.to_string().as_bytes());
    }
    let looked = watch.end();

    haystack.search("database dump", "dump", &dump()?);
    let heard = tap.heard();
    for (number, bytes) in heard.iter().enumerate() {
        haystack.search("wire to the broker", &format!("connection {number}"), bytes);
    }
    abort(&mut deployment, &mut wrong)?;
    let begun = fs::metadata(at("key"))?.modified()?;
    let cores = cores(&[deployment.folder().to_path_buf(), home.path().to_path_buf()], begun);
    wrong.extend(cores.iter().map(|path| format!("there is a core: {}", path.display())));
    haystack.search_below("logs, artifacts, state", deployment.folder(), &|_| true);
    haystack.search_below("temporary files", &at("tmp"), &|_| true);

    let orders = heard.iter().map(|bytes| times(bytes, b"execution.scheduled")).sum::<usize>();
    for (what, is_so) in [
        ("the wire to the broker was not heard", orders >= order.executions),
        ("no process of an action was seen", looked.actions > 0),
        ("the decoy is not in the database in every encoding", haystack.decoys("database dump") == ENCODINGS),
    ] {
        if !is_so {
            wrong.push(what.to_owned());
        }
    }
    Ok(Report {
        executions: ids.len(),
        encodings: ENCODINGS,
        looks: looked.looks,
        actions: looked.actions,
        places: places(&haystack, &values),
        wrong,
    })
}

fn places(haystack: &Haystack, values: &[String]) -> std::collections::BTreeMap<&'static str, PlaceReport> {
    let names = forms(&values[0]).map(|(name, _)| name);
    let all = haystack.places.lock().unwrap_or_else(PoisonError::into_inner);
    let report = all.iter().map(|(name, searched)| {
        let secret = searched.finds.iter().filter(|((value, _), _)| !haystack.needles.is_decoy(*value));
        let mut found: Vec<String> = secret
            .clone()
            .map(|((value, encoding), times)| format!("value {value} as {}: {times}", names[*encoding]))
            .collect();
        found.extend(searched.found_in.iter().cloned());
        found.truncate(20);
        let decoys = searched.finds.keys().filter(|(value, _)| haystack.needles.is_decoy(*value)).count();
        let hits = secret.map(|(_, times)| times).sum();
        (*name, PlaceReport { bytes: searched.bytes, pieces: searched.pieces, hits, found, decoys })
    });
    report.collect()
}

/// Stores the secrets: one of the system, one of the pack.
fn keep(client: &Client, values: &[String]) -> Result<(), ClientError> {
    client.post("/secrets", &json!({"name": "canary.system", "value": values[0]}))?;
    client.post("/secrets", &json!({"name": "canary.pack", "value": values[1], "pack": "canary"}))?;
    Ok(())
}

/// Submits executions: of each ten, one dies with a core, and the rest ask for their secrets or read them.
fn submit(client: &Client, values: &[String], count: usize) -> Result<Vec<(i64, &'static str)>, ClientError> {
    let mut ids = Vec::with_capacity(count);
    let all: Vec<(&'static str, Value)> = (0..count)
        .map(|number| {
            let spoken = json!({"pin": values[2], "card": {"number": values[3], "ok": true}, "decoy": values[4],
                "chunking": number / 2 % 3});
            match number % 10 {
                9 => ("canary.aborts", json!({})),
                even if even % 2 == 0 => ("canary.asks", spoken),
                _ => ("canary.reads", spoken),
            }
        })
        .collect();
    for some in all.chunks(100) {
        let requests: Vec<Value> =
            some.iter().map(|(action, given)| json!({"action": action, "parameters": given})).collect();
        let answer = client.post("/executions/batch", &json!({"executions": requests}))?;
        let items = answer["items"].as_array().cloned().unwrap_or_default();
        ids.extend(items.iter().zip(some).filter_map(|(item, (action, _))| Some((item["id"].as_i64()?, *action))));
    }
    Ok(ids)
}

/// Lets the programs that hold secrets die so that a core would be written, if they left any.
fn abort(deployment: &mut Deployment, wrong: &mut Vec<String>) -> io::Result<()> {
    let mut programs: Vec<_> = deployment.workers.iter_mut().collect();
    programs.push(&mut deployment.server);
    for program in programs {
        program.signal(libc::SIGABRT);
        let code = program.wait(Duration::from_secs(20))?;
        if code != 128 + libc::SIGABRT {
            wrong.push(format!("a program ended with {code} on SIGABRT"));
        }
    }
    Ok(())
}

/// Files that are called like cores, in these folders and where the kernel puts them.
fn cores(folders: &[PathBuf], since: SystemTime) -> Vec<PathBuf> {
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap_or_default();
    let by_pattern = Path::new(pattern.trim()).parent().filter(|folder| folder.is_absolute()).map(Path::to_path_buf);
    let mut open: Vec<PathBuf> = folders.iter().cloned().chain(by_pattern).collect();
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let is_new = || entry.metadata().and_then(|data| data.modified()).is_ok_and(|at| at >= since);
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                open.push(entry.path());
            } else if entry.file_name().as_encoded_bytes().starts_with(b"core") && is_new() {
                found.push(entry.path());
            }
        }
    }
    found
}

/// Lets the programs that are started from here write cores, as far as we may.
fn allow_cores() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointer is to a value of this frame, for both calls.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_CORE, &mut limit) == 0 {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_CORE, &limit);
        }
    }
}

/// The URL of a broker by way of a tap.
fn tapped(url: &str) -> io::Result<(Tap, String)> {
    let bad = || io::Error::new(io::ErrorKind::InvalidInput, "the broker's URL has no host and port");
    let begin = url.find("://").ok_or_else(bad)? + 3;
    let begin = url[begin..].find('@').map_or(begin, |at| begin + at + 1);
    let end = url[begin..].find(['/', '?']).map_or(url.len(), |at| begin + at);
    let server: SocketAddr = url[begin..end].to_socket_addrs()?.next().ok_or_else(bad)?;
    let (tap, address) = Tap::to(server)?;
    Ok((tap, format!("{}{address}{}", &url[..begin], &url[end..])))
}

/// A secret that nobody guesses, with everything in it that programs escape.
fn value() -> io::Result<String> {
    Ok(format!("c{}\"q\" 'k' &<\u{e9}> {}", hexadecimal(8)?, hexadecimal(4)?))
}

fn hexadecimal(bytes: usize) -> io::Result<String> {
    let mut random = vec![0; bytes];
    fs::File::open("/dev/urandom")?.read_exact(&mut random)?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn times(bytes: &[u8], word: &[u8]) -> usize {
    bytes.windows(word.len()).filter(|window| *window == word).count()
}

fn refused(error: ClientError) -> io::Error {
    io::Error::other(error.to_string())
}
