//! Which runtime a bare script wants.

use attune_types::RuntimeSpec;

use crate::selection::meant;

/// Extensions that mean a runtime besides the one it declares itself.
const OTHER_EXTENSIONS: &[(&str, &str)] =
    &[("mjs", "node"), ("cjs", "node"), ("pyw", "python"), ("bash", "bash"), ("r", "r")];

/// The name of the runtime that a script wants: by the extension of `file_name`, else by `first_line` when that starts
/// with `#!`. `None` when neither tells.
#[must_use]
pub fn guess_runtime<'a>(specs: &'a [RuntimeSpec], file_name: &str, first_line: &str) -> Option<&'a str> {
    let by_extension = || {
        let extension = file_name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty())?.1;
        let declared = specs.iter().find(|spec| spec.execution_config.extension == extension && !extension.is_empty());
        declared.or_else(|| {
            let (_, runtime) = OTHER_EXTENSIONS.iter().find(|(other, _)| *other == extension)?;
            named(specs, runtime)
        })
    };
    let by_first_line = || named(specs, program_of(first_line)?);
    by_extension().or_else(by_first_line).map(|spec| spec.name.as_str())
}

/// The name of the program that a `#!` line starts, without folder: `#!/usr/bin/env -S python3.12 -u` is `python3.12`.
fn program_of(first_line: &str) -> Option<&str> {
    let mut words = first_line.strip_prefix("#!")?.split_whitespace();
    let base = |word: &'_ str| -> usize { word.rfind('/').map_or(0, |at| at + 1) };
    let first = words.next()?;
    let first = &first[base(first)..];
    if first != "env" {
        return Some(first);
    }
    let word = words.find(|word| !word.starts_with('-') && !word.contains('='))?;
    Some(&word[base(word)..])
}

/// The runtime that a program name belongs to, with or without a version behind it.
fn named<'a>(specs: &'a [RuntimeSpec], program: &str) -> Option<&'a RuntimeSpec> {
    let bare = program.trim_end_matches(|character: char| character.is_ascii_digit() || character == '.');
    [program, bare].into_iter().filter(|name| !name.is_empty()).find_map(|name| {
        let by_binary = || specs.iter().find(|spec| spec.detection.binaries.iter().any(|binary| binary == name));
        meant(specs, name).or_else(by_binary)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin::builtin_specs;

    #[test]
    fn the_extension_tells_and_else_the_first_line() {
        let specs = builtin_specs();
        for (name, line, expected) in [
            ("a.py", "", Some("python")),
            ("a.sh", "#!/usr/bin/env python3", Some("shell")),
            ("a.js", "", Some("node")),
            ("a.mjs", "", Some("node")),
            ("a.R", "", Some("r")),
            ("a.r", "", Some("r")),
            ("tool", "#!/bin/bash", Some("bash")),
            ("tool", "#!/bin/sh -eu", Some("shell")),
            ("tool", "#! /usr/bin/env node", Some("node")),
            ("tool", "#!/usr/bin/env -S python3.12 -u", Some("python")),
            ("tool", "#!/usr/bin/env PYTHONUNBUFFERED=1 python", Some("python")),
            ("tool", "#!/opt/R/bin/Rscript", Some("r")),
            ("tool.v2", "#!/usr/bin/perl5.36", Some("perl")),
            (".sh", "", None),
            ("tool", "import os", None),
            ("tool", "#!", None),
            ("tool", "#!/usr/bin/env", None),
            ("tool", "#!/usr/bin/awk -f", None),
            ("a.txt", "", None),
        ] {
            assert_eq!(guess_runtime(&specs, name, line), expected, "{name} {line}");
        }
    }
}
