//! Repository chores that need no extra program: `cargo xtask check`, `cargo xtask docs`, `cargo xtask sbom`.

mod budget;
mod graph;
mod pages;
mod sbom;
mod sizes;
mod walls;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const HELP: &str = "\
Usage: cargo xtask <chore>

Chores:
  check   file sizes, walls between crates, dependency budget, generated pages; fails on any breach
  docs    writes the generated pages
  sbom PACKAGE TARGET
          prints what a program is made of, as CycloneDX JSON
";

fn main() -> ExitCode {
    let root = repository_root();
    let chore = std::env::args().nth(1).unwrap_or_default();
    let problems = match chore.as_str() {
        "check" => check(&root),
        "docs" => pages::write(&root),
        "sbom" => return sbom(&root),
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(64);
        }
    };
    for problem in &problems {
        eprintln!("error: {problem}");
    }
    if problems.is_empty() {
        eprintln!("{chore}: ok");
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn sbom(root: &Path) -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(2).collect();
    let [package, target] = arguments.as_slice() else {
        eprint!("{HELP}");
        return ExitCode::from(64);
    };
    let printed = sbom::document(root, package, target)
        .and_then(|document| writeln!(std::io::stdout(), "{document:#}").map_err(|error| error.to_string()));
    match printed {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn check(root: &Path) -> Vec<String> {
    let mut problems = sizes::problems(root);
    match graph::Graph::load(root) {
        Ok(graph) => {
            problems.extend(walls::problems(root, &graph));
            problems.extend(budget::problems(&graph));
        }
        Err(problem) => problems.push(problem),
    }
    problems.extend(pages::problems(root));
    problems
}

fn repository_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}
