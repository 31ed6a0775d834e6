//! The runtimes that are known without any pack.

use std::collections::BTreeMap;

use attune_types::RuntimeSpec;
use attune_types::action::{DetectionSpec, EnvironmentChange, ExecutionConfig};

/// One line of the table.
struct Row {
    name: &'static str,
    label: &'static str,
    aliases: &'static [&'static str],
    extension: &'static str,
    arguments: &'static [&'static str],
    binaries: &'static [&'static str],
    version_arguments: &'static [&'static str],
    version_regex: Option<&'static str>,
    library_path: Option<&'static str>,
    settings: &'static [(&'static str, &'static str)],
}

const PLAIN: Row = Row {
    name: "",
    label: "",
    aliases: &[],
    extension: "",
    arguments: &[],
    binaries: &[],
    version_arguments: &["--version"],
    version_regex: None,
    library_path: None,
    settings: &[],
};

/// The same content as `packs/core/runtimes`, for programs that have no pack at hand. `shell` is what the image
/// calls `sh`: the shell that every image has starts in half the time of bash. `bash` is a runtime of its own, so that a
/// script that asks for bash by name never runs under a lesser shell.
const TABLE: &[Row] = &[
    Row { name: "shell", label: "Shell", aliases: &["sh"], extension: "sh", binaries: &["sh"], ..PLAIN },
    Row { name: "bash", label: "Bash", extension: "bash", binaries: &["bash"], ..PLAIN },
    Row {
        name: "python",
        label: "Python",
        aliases: &["python3", "py"],
        extension: "py",
        binaries: &["python3", "python"],
        version_regex: Some(r"Python (\d+\.\d+(?:\.\d+)?)"),
        library_path: Some("PYTHONPATH"),
        settings: &[("PYTHONUNBUFFERED", "1"), ("PYTHONDONTWRITEBYTECODE", "1")],
        ..PLAIN
    },
    Row {
        name: "node",
        label: "Node.js",
        aliases: &["nodejs", "javascript", "js"],
        extension: "js",
        binaries: &["node", "nodejs"],
        version_regex: Some(r"v(\d+\.\d+\.\d+)"),
        library_path: Some("NODE_PATH"),
        ..PLAIN
    },
    Row {
        name: "ruby",
        label: "Ruby",
        aliases: &["rb"],
        extension: "rb",
        binaries: &["ruby"],
        version_regex: Some(r"ruby (\d+\.\d+\.\d+)"),
        library_path: Some("RUBYLIB"),
        ..PLAIN
    },
    Row {
        name: "perl",
        label: "Perl",
        aliases: &["pl"],
        extension: "pl",
        binaries: &["perl"],
        version_arguments: &["-e", "print $^V"],
        version_regex: Some(r"v(\d+\.\d+\.\d+)"),
        library_path: Some("PERL5LIB"),
        ..PLAIN
    },
    Row {
        name: "go",
        label: "Go",
        aliases: &["golang"],
        extension: "go",
        arguments: &["run"],
        binaries: &["go"],
        version_arguments: &["version"],
        version_regex: Some(r"go(\d+\.\d+(?:\.\d+)?)"),
        ..PLAIN
    },
    Row {
        name: "java",
        label: "Java",
        aliases: &["jvm"],
        extension: "java",
        binaries: &["java"],
        version_arguments: &["-version"],
        version_regex: Some(r#"version "(\d+(?:\.\d+)*)"#),
        ..PLAIN
    },
    Row {
        name: "r",
        label: "R",
        aliases: &["rscript"],
        extension: "R",
        arguments: &["--vanilla"],
        binaries: &["Rscript"],
        version_regex: Some(r"version (\d+\.\d+\.\d+)"),
        ..PLAIN
    },
    Row {
        name: "php",
        label: "PHP",
        extension: "php",
        binaries: &["php"],
        version_regex: Some(r"PHP (\d+\.\d+\.\d+)"),
        ..PLAIN
    },
    Row {
        name: "lua",
        label: "Lua",
        extension: "lua",
        binaries: &["lua"],
        version_arguments: &["-v"],
        version_regex: Some(r"Lua (\d+\.\d+(?:\.\d+)?)"),
        ..PLAIN
    },
    Row { name: "native", label: "Native", aliases: &["binary", "executable"], version_arguments: &[], ..PLAIN },
];

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

impl Row {
    fn spec(&self) -> RuntimeSpec {
        let library =
            self.library_path.map(|name| (name.to_owned(), EnvironmentChange::Prepend("{pack_dir}/lib".to_owned())));
        let settings =
            self.settings.iter().map(|(name, value)| ((*name).to_owned(), EnvironmentChange::Set((*value).to_owned())));
        let env_vars: BTreeMap<_, _> = library.into_iter().chain(settings).collect();
        RuntimeSpec {
            runtime_ref: format!("core.{}", self.name),
            name: self.name.to_owned(),
            label: self.label.to_owned(),
            aliases: owned(self.aliases),
            execution_config: ExecutionConfig {
                arguments: owned(self.arguments),
                extension: self.extension.to_owned(),
                direct: self.binaries.is_empty(),
                env_vars,
                ..ExecutionConfig::default()
            },
            detection: DetectionSpec {
                binaries: owned(self.binaries),
                version_arguments: owned(self.version_arguments),
                version_regex: self.version_regex.map(str::to_owned),
                ..DetectionSpec::default()
            },
            ..RuntimeSpec::default()
        }
    }
}

/// The runtimes that are known without any pack.
#[must_use]
pub fn builtin_specs() -> Vec<RuntimeSpec> {
    TABLE.iter().map(Row::spec).collect()
}

/// `declared` by packs, and those built-in ones whose names no pack declares.
#[must_use]
pub fn with_builtin(declared: Vec<RuntimeSpec>) -> Vec<RuntimeSpec> {
    let mut all = declared;
    for spec in builtin_specs() {
        if !all.iter().any(|known| known.name.eq_ignore_ascii_case(&spec.name)) {
            all.push(spec);
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
        assert_eq!((pythons.len(), pythons[0].label.as_str(), all.len()), (1, "mine", TABLE.len()));
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
