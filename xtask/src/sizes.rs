//! No Rust file over 500 lines: past 400, a file usually holds a second noun.

use std::fs;
use std::path::Path;

const MOST_LINES: usize = 500;

/// One line per file that is too long, or that hides work.
pub(crate) fn problems(root: &Path) -> Vec<String> {
    let mut problems = Vec::new();
    for folder in ["crates", "xtask", "examples", "benches", "tests"] {
        walk(&root.join(folder), &mut |path, text| {
            let lines = text.lines().count();
            if lines > MOST_LINES {
                problems.push(format!("{} has {lines} lines; the most is {MOST_LINES}", shown(root, path)));
            }
            for (number, line) in text.lines().enumerate() {
                if line.trim_start().starts_with("#[ignore") {
                    problems.push(format!("{}:{} ignores a test", shown(root, path), number + 1));
                }
            }
        });
    }
    problems
}

fn shown(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).display().to_string()
}

fn walk(folder: &Path, visit: &mut impl FnMut(&Path, &str)) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            if entry.file_name() != "target" {
                walk(&path, visit);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && let Ok(text) = fs::read_to_string(&path)
        {
            visit(&path, &text);
        }
    }
}
