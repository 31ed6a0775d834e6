//! The runtimes that are known without any pack.

use std::path::Path;
use std::sync::OnceLock;

use attune_types::RuntimeSpec;

/// The definitions of the core pack, for programs that have no pack at hand. There is one source: the pack's own files,
/// in the order in which runtimes are told to people.
///
/// `shell` is what the image calls `sh`: the shell that every image has starts in half the time of bash. `bash` is a
/// runtime of its own, so that a script that asks for bash by name never runs under a lesser shell.
const DEFINITIONS: &[(&str, &str)] = &[
    ("shell.yaml", include_str!("../../../packs/core/runtimes/shell.yaml")),
    ("bash.yaml", include_str!("../../../packs/core/runtimes/bash.yaml")),
    ("python.yaml", include_str!("../../../packs/core/runtimes/python.yaml")),
    ("node.yaml", include_str!("../../../packs/core/runtimes/node.yaml")),
    ("ruby.yaml", include_str!("../../../packs/core/runtimes/ruby.yaml")),
    ("perl.yaml", include_str!("../../../packs/core/runtimes/perl.yaml")),
    ("go.yaml", include_str!("../../../packs/core/runtimes/go.yaml")),
    ("java.yaml", include_str!("../../../packs/core/runtimes/java.yaml")),
    ("r.yaml", include_str!("../../../packs/core/runtimes/r.yaml")),
    ("php.yaml", include_str!("../../../packs/core/runtimes/php.yaml")),
    ("lua.yaml", include_str!("../../../packs/core/runtimes/lua.yaml")),
    ("deno.yaml", include_str!("../../../packs/core/runtimes/deno.yaml")),
    ("bun.yaml", include_str!("../../../packs/core/runtimes/bun.yaml")),
    ("powershell.yaml", include_str!("../../../packs/core/runtimes/powershell.yaml")),
    ("dotnet.yaml", include_str!("../../../packs/core/runtimes/dotnet.yaml")),
    ("tcl.yaml", include_str!("../../../packs/core/runtimes/tcl.yaml")),
    ("native.yaml", include_str!("../../../packs/core/runtimes/native.yaml")),
];

/// One of them, read when it is asked for first: a worker whose packs declare everything reads none.
fn definition(index: usize) -> Option<&'static RuntimeSpec> {
    static READ: [OnceLock<Option<RuntimeSpec>>; DEFINITIONS.len()] = [const { OnceLock::new() }; DEFINITIONS.len()];
    let (name, text) = DEFINITIONS[index];
    let read = || match attune_pack::parse_document(Path::new(name), text) {
        Ok(spec) => Some(spec),
        Err(problem) => {
            tracing::error!(%problem, "a runtime that is built in cannot be read");
            None
        }
    };
    READ[index].get_or_init(read).as_ref()
}

/// The runtimes that are known without any pack.
#[must_use]
pub fn builtin_specs() -> Vec<RuntimeSpec> {
    (0..DEFINITIONS.len()).filter_map(|index| definition(index).cloned()).collect()
}

/// `declared` by packs, and those built-in ones whose names no pack declares.
#[must_use]
pub fn with_builtin(declared: Vec<RuntimeSpec>) -> Vec<RuntimeSpec> {
    let mut all = declared;
    for (index, (file, _)) in DEFINITIONS.iter().enumerate() {
        let name = file.trim_end_matches(".yaml");
        if !all.iter().any(|known| known.name.eq_ignore_ascii_case(name)) {
            all.extend(definition(index).cloned());
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_pack_declares_takes_the_place_of_what_is_built_in() {
        let declared = RuntimeSpec { name: "Python".into(), label: "mine".into(), ..RuntimeSpec::default() };
        let all = with_builtin(vec![declared]);
        let pythons: Vec<_> = all.iter().filter(|spec| spec.name.eq_ignore_ascii_case("python")).collect();
        assert_eq!((pythons.len(), pythons[0].label.as_str(), all.len()), (1, "mine", DEFINITIONS.len()));
    }

    #[test]
    fn every_definition_reads() {
        let names: Vec<String> = builtin_specs().into_iter().map(|spec| spec.name + ".yaml").collect();
        let files: Vec<&str> = DEFINITIONS.iter().map(|(file, _)| *file).collect();
        assert_eq!(names, files);
    }

    #[test]
    fn every_pattern_compiles_and_has_a_group() {
        for spec in builtin_specs() {
            let Some(pattern) = spec.detection.version_regex else { continue };
            assert_eq!(regex::Regex::new(&pattern).expect("compiles").captures_len(), 2, "{}", spec.name);
        }
    }

    #[test]
    fn only_native_runs_without_an_interpreter() {
        let direct: Vec<_> = builtin_specs().into_iter().filter(|spec| spec.execution_config.direct).collect();
        assert_eq!(direct.iter().map(|spec| spec.name.as_str()).collect::<Vec<_>>(), ["native"]);
    }
}
