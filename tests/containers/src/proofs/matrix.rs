//! The same agent in every image.

use std::collections::BTreeMap;
use std::fmt::Write;

use attune_end_to_end::repository;
use serde_json::{Value, json};

use crate::Outcome;
use crate::docker::Docker;
use crate::images::Images;
use crate::programs::Programs;
use crate::site::Site;
use crate::worker_container::{Surroundings, WorkerContainer};

/// Image, what is in it for people, and the runtimes that must be found.
const IMAGES: &[(&str, &str, &[&str])] = &[
    ("empty", "nothing at all: no shell, no C library", &["native"]),
    ("busybox", "a static busybox, like Alpine", &["native", "shell"]),
    ("debian", "Debian 12, as small as it gets", &["native", "perl", "shell"]),
    ("python", "Python 3", &["native", "perl", "python", "shell"]),
    ("node", "Node.js", &["native", "node", "perl", "shell"]),
    ("ruby", "Ruby", &["native", "perl", "ruby", "shell"]),
    ("r-perl", "R and Perl", &["native", "perl", "r", "shell"]),
    ("java-go", "a JDK and Go", &["go", "java", "native", "perl", "shell"]),
    (
        "everything",
        "all of Debian's languages",
        &["go", "java", "lua", "native", "node", "perl", "php", "python", "r", "ruby", "shell", "tcl"],
    ),
];

struct Row {
    image: &'static str,
    holds: &'static str,
    versions: BTreeMap<String, String>,
    ran: Vec<&'static str>,
}

/// Shows it and writes `docs/containers-matrix.md`.
pub(super) fn show(docker: &Docker, programs: &Programs) -> Outcome<Vec<String>> {
    let names: Vec<&str> = IMAGES.iter().map(|(name, ..)| *name).collect();
    Images::ensure(docker, &names)?;
    let site = Site::start(docker, programs)?;
    let mut rows = Vec::new();
    for (image, holds, expected) in IMAGES {
        rows.push(row(&site, image, holds, expected).map_err(|error| format!("image {image}: {error}"))?);
    }
    let bytes = std::fs::metadata(programs.path("attune-agent"))?.len();
    std::fs::write(repository().join("docs/containers-matrix.md"), page(&rows, bytes))?;
    let lines = rows.iter().map(|row| {
        format!("{}: {} runtimes detected, registered and run ({})", row.image, row.ran.len(), row.ran.join(", "))
    });
    Ok(lines.collect())
}

fn row(site: &Site, image: &'static str, holds: &'static str, expected: &[&'static str]) -> Outcome<Row> {
    let surroundings = Surroundings { from_volume: true, ..Surroundings::default() };
    let worker = WorkerContainer::start(site, image, &Images::name(image), &surroundings)?;
    let known = worker.registered()?;
    let capabilities = &known["capabilities"];
    let has: Vec<&str> = capabilities["runtimes"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut ran = Vec::new();
    for runtime in expected {
        if !has.contains(runtime) {
            return Err(format!("{runtime} was not found; found were {has:?}").into());
        }
        let result = site.run(&format!("proof.{runtime}"), &json!({}))?;
        if result["runtime"] != *runtime {
            return Err(format!("proof.{runtime} answered {result}").into());
        }
        ran.push(*runtime);
    }
    worker.healthy()?;
    worker.signal("TERM")?;
    let code = worker.ended()?;
    if code != 0 {
        return Err(format!("it ended with {code} after SIGTERM: {}", worker.said()).into());
    }
    let versions = capabilities["detected_interpreters"].as_array().into_iter().flatten().filter_map(|found| {
        let version = found["version"].as_str().unwrap_or_default();
        Some((found["runtime"].as_str()?.to_owned(), version.to_owned()))
    });
    Ok(Row { image, holds, versions: versions.collect(), ran })
}

fn page(rows: &[Row], bytes: u64) -> String {
    let mut page = format!(
        "# One agent, many images\n\n<!-- Written by `make test-containers`; do not edit. -->\n\nThe same static agent \
         ({:.1} MB) was injected through a volume into each of these images, as user 1000 with a read-only root and no \
         capabilities. In each it found the interpreters, registered, ran one action of every runtime listed, reported \
         their results, said that it was healthy, and ended with exit code 0 on SIGTERM. \
         `tests/containers/images/Dockerfile` says how the images are made.\n\n| image | holds | ran an action of | \
         versions found |\n|---|---|---|---|\n",
        bytes as f64 / 1e6
    );
    for row in rows {
        let versions: Vec<String> = row
            .versions
            .iter()
            .filter(|(_, version)| !version.is_empty())
            .map(|(runtime, version)| format!("{runtime} {version}"))
            .collect();
        let versions = if versions.is_empty() { "-".to_owned() } else { versions.join(", ") };
        // Writing to a string cannot fail.
        let _written = writeln!(page, "| {} | {} | {} | {versions} |", row.image, row.holds, row.ran.join(", "));
    }
    page
}
