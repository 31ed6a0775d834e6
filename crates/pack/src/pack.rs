//! One pack on disk.

use std::fs;
use std::path::{Path, PathBuf};

use attune_types::{ActionSpec, PackSpec, RuntimeSpec};

use crate::document;
use crate::error::{PackError, PackProblem};
use crate::rules;

/// A pack that was read and keeps every rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Pack {
    /// What `pack.yaml` says.
    pub spec: PackSpec,
    /// Its actions, by name.
    pub actions: Vec<ActionSpec>,
    /// Its runtimes, by name.
    pub runtimes: Vec<RuntimeSpec>,
    /// Its folder, absolute.
    pub directory: PathBuf,
}

impl Pack {
    /// Reads the pack in `directory`.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with file, line and column or field.
    pub fn load(directory: &Path) -> Result<Self, PackError> {
        let failed = |problems| PackError { directory: directory.to_path_buf(), problems };
        let absolute = fs::canonicalize(directory).map_err(|error| {
            failed(vec![PackProblem::Unreadable { path: directory.to_path_buf(), reason: error.to_string() }])
        })?;
        let manifest = directory.join("pack.yaml");
        let mut problems = Vec::new();
        let spec = match document::read(&manifest, &absolute, rules::of_pack) {
            Ok((spec, breaches)) => {
                problems.extend(breaches);
                Some(spec)
            }
            Err(problem) => {
                problems.push(problem);
                None
            }
        };
        let pack_ref = spec.as_ref().map(|spec: &PackSpec| spec.pack_ref.as_str());
        let mut actions = Vec::new();
        for path in declarations(&directory.join("actions"), &mut problems) {
            let check = |action: &ActionSpec| rules::of_action(&path, pack_ref, &absolute, action);
            match document::read(&path, &absolute, check) {
                Ok((action, breaches)) => {
                    problems.extend(breaches);
                    actions.push(action);
                }
                Err(problem) => problems.push(problem),
            }
        }
        let mut runtimes = Vec::new();
        for path in declarations(&directory.join("runtimes"), &mut problems) {
            let check = |runtime: &RuntimeSpec| rules::of_runtime(&path, pack_ref, runtime);
            match document::read(&path, &absolute, check) {
                Ok((runtime, breaches)) => {
                    problems.extend(breaches);
                    runtimes.push(runtime);
                }
                Err(problem) => problems.push(problem),
            }
        }
        match spec {
            Some(spec) if problems.is_empty() => Ok(Self { spec, actions, runtimes, directory: absolute }),
            _ => Err(failed(problems)),
        }
    }

    /// The folder that entry points are relative to.
    #[must_use]
    pub fn actions_directory(&self) -> PathBuf {
        self.directory.join("actions")
    }
}

/// The YAML files of a folder by name; a folder that is not there holds none.
fn declarations(folder: &Path, problems: &mut Vec<PackProblem>) -> Vec<PathBuf> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            problems.push(PackProblem::Unreadable { path: folder.to_path_buf(), reason: error.to_string() });
            return Vec::new();
        }
    };
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml"))
        .collect();
    files.sort();
    // x.yaml and x.yml would declare the same thing twice; the order above puts them side by side.
    for pair in files.windows(2) {
        if pair[0].file_stem() == pair[1].file_stem() {
            let reason = format!("declares the same as {}; keep one of them", pair[0].display());
            problems.push(PackProblem::Unreadable { path: pair[1].clone(), reason });
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACTION: &str = "ref: demo.x\nrunner_type: shell\nentry_point: x.sh\n";

    fn pack(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("actions")).expect("a folder");
        fs::create_dir(folder.path().join("runtimes")).expect("a folder");
        for (name, text) in files {
            fs::write(folder.path().join(name), text).expect("a file");
        }
        folder
    }

    fn problems(files: &[(&str, &str)]) -> Vec<String> {
        let folder = pack(files);
        let error = Pack::load(folder.path()).expect_err("refused");
        let prefix = format!("{}/", folder.path().display());
        error.problems.iter().map(|problem| problem.to_string().replace(&prefix, "")).collect()
    }

    #[test]
    fn a_pack_is_read_whole() {
        let folder = pack(&[
            ("pack.yaml", "ref: demo\nversion: 1.0.0\n"),
            ("actions/x.yaml", ACTION),
            ("actions/x.sh", "true\n"),
            ("runtimes/lua.yaml", "ref: demo.lua\nname: lua\ndetection: {binaries: [lua]}\n"),
        ]);
        let pack = Pack::load(folder.path()).expect("a pack");
        assert_eq!(pack.spec.pack_ref, "demo");
        assert_eq!((pack.actions.len(), pack.runtimes.len()), (1, 1));
        assert_eq!(pack.actions[0].timeout_seconds, ActionSpec::DEFAULT_TIMEOUT_SECONDS);
    }

    #[test]
    fn every_problem_of_every_file_is_told_at_once() {
        let found = problems(&[
            ("pack.yaml", "ref: demo\nversion: one\n"),
            ("actions/a.yaml", "ref: other.a\nrunner_type: shell\nentry_point: ../../etc/passwd\n"),
            ("actions/x.yaml", "ref: demo.x\nrunner_type: shell\nentry_point: gone.sh\ntimeout_seconds: 0\n"),
            ("actions/y.yaml", "ref: demo.y\nrunner: shell\n"),
        ]);
        assert_eq!(
            found,
            [
                "pack.yaml:2:10: version: \"one\" is not a semantic version like 1.0.0",
                "actions/a.yaml:1:6: ref: other.a does not belong to pack demo",
                "actions/a.yaml:3:14: entry_point: \"../../etc/passwd\" leaves the pack",
                "actions/x.yaml:3:14: entry_point: actions/gone.sh does not exist",
                "actions/x.yaml:4:18: timeout_seconds: must be more than 0 and at most 31536000",
                "actions/y.yaml:2:1: unknown key `runner`; known keys: ref, label, description, runner_type, entry_point, \
                 runtime_version, parameters, output_schema, parameter_delivery, parameter_format, output_format, \
                 timeout_seconds, retry, idempotent, resources, worker_selector, secrets, secret_delivery, artifacts, sandbox, \
                 warm, tags, enabled",
            ]
        );
    }

    #[test]
    fn an_entry_point_that_links_out_of_the_pack_is_refused() {
        let folder = pack(&[("pack.yaml", "ref: demo\nversion: 1.0.0\n"), ("actions/x.yaml", ACTION)]);
        std::os::unix::fs::symlink("/bin/sh", folder.path().join("actions/x.sh")).expect("a link");
        let error = Pack::load(folder.path()).expect_err("refused");
        assert!(error.to_string().contains("leaves the pack"), "{error}");
    }

    #[test]
    fn a_retry_of_what_may_have_run_needs_idempotence() {
        let found = problems(&[
            ("pack.yaml", "ref: demo\nversion: 1.0.0\n"),
            ("actions/x.yaml", &format!("{ACTION}retry: {{on: [failed, lost]}}\n")),
            ("actions/x.sh", "true\n"),
        ]);
        assert_eq!(found, ["actions/x.yaml:4:13: retry.on: lost needs idempotent: true"]);
    }

    #[test]
    fn a_parameter_schema_that_is_none_is_refused() {
        let found = problems(&[
            ("pack.yaml", "ref: demo\nversion: 1.0.0\n"),
            (
                "actions/x.yaml",
                &format!("{ACTION}parameters:\n  n: {{type: intger}}\n  m: {{type: integer, default: x}}\n"),
            ),
            ("actions/x.sh", "true\n"),
        ]);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(
            found[0].starts_with("actions/x.yaml:6:31: parameters.m.default: must be an integer, got \"x\""),
            "{found:?}"
        );
        assert!(found[1].starts_with("actions/x.yaml:5:6: parameters.n: "), "{found:?}");
    }

    #[test]
    fn slips_that_a_schema_would_let_pass_are_refused() {
        let found = problems(&[
            ("pack.yaml", "ref: demo\nversion: 1.0.0\n"),
            (
                "actions/x.yaml",
                &format!(
                    "{ACTION}parameter_delivery: env\nartifacts: [../x]\nparameters:\n  a-b: {{typ: string, x-hint: 1}}\n  a_b: {{}}\n"
                ),
            ),
            ("actions/x.sh", "true\n"),
            ("runtimes/moon.yaml", "ref: demo.lua\nname: lua\ndetection: {binaries: [lua]}\n"),
        ]);
        assert_eq!(
            found,
            [
                "actions/x.yaml:7:14: parameters.a-b.typ: unknown key `typ`; did you mean `type`?",
                "actions/x.yaml:8:8: parameters.a_b: would be ATTUNE_PARAM_A_B like a-b",
                "actions/x.yaml:5:12: artifacts: \"../x\" leaves the action's folder",
                "runtimes/moon.yaml:1:6: ref: demo.lua must be declared in lua.yaml",
            ]
        );
    }

    #[test]
    fn a_runtime_that_would_hijack_programs_is_refused_where_it_says_so() {
        let runtime = "ref: demo.lua\nname: lua\ndetection: {binaries: [lua]}\nexecution_config:\n  env_vars:\n    \
                       BASH_FUNC_ls%%: {set: x}\n    LD_PRELOAD: {set: /x.so}\n    LUA_DEBUG: {set: '1'}\n    \
                       PATH: {prepend: '{pack_dir}/bin'}\n    PYTHONPATH: {append: lib}\n";
        let found = problems(&[("pack.yaml", "ref: demo\nversion: 1.0.0\n"), ("runtimes/lua.yaml", runtime)]);
        assert_eq!(
            found,
            [
                "runtimes/lua.yaml:6:21: execution_config.env_vars.BASH_FUNC_ls%%: BASH_FUNC_ls%% may not be set by a \
                 runtime: it makes programs run code from elsewhere",
                "runtimes/lua.yaml:7:17: execution_config.env_vars.LD_PRELOAD: LD_PRELOAD may not be set by a runtime: \
                 the loader obeys it before any program does, in every program",
                "runtimes/lua.yaml:10:17: execution_config.env_vars.PYTHONPATH: PYTHONPATH would search \"lib\", which \
                 means another folder wherever a script is started; begin it with /, {pack_dir} or {environment_dir}",
            ]
        );
    }

    #[test]
    fn a_recipe_that_cannot_be_followed_is_refused_where_it_stands() {
        let runtime = "ref: demo.lua\nname: lua\ndetection: {binaries: [lua]}\nenvironment:\n  manifests: [a.rockspec]\n  \
                       recipes:\n    - steps:\n        - name: install\n          run: [luarocks, '{pakc_dir}']\n        \
                       - {name: more, run: 'ls {pack_dir}'}\n";
        let found = problems(&[("pack.yaml", "ref: demo\nversion: 1.0.0\n"), ("runtimes/lua.yaml", runtime)]);
        let starts = [
            "runtimes/lua.yaml:9:16: environment.recipes.0.steps.0.run: {pakc_dir} stands for nothing; there are",
            "runtimes/lua.yaml:10:29: environment.recipes.0.steps.1.run: {pack_dir} is not filled in a string",
        ];
        assert_eq!(found.len(), starts.len(), "{found:?}");
        for (found, start) in found.iter().zip(starts) {
            assert!(found.starts_with(start), "{found}");
        }
        let unknown = runtime.replace("name: install", "nmae: install");
        let found = problems(&[("pack.yaml", "ref: demo\nversion: 1.0.0\n"), ("runtimes/lua.yaml", &unknown)]);
        assert_eq!(found, ["runtimes/lua.yaml:8:11: unknown key `nmae`; did you mean `name`?"]);
    }

    #[test]
    fn a_declaration_that_is_no_plain_file_of_the_pack_is_refused() {
        let folder = pack(&[
            ("pack.yaml", "ref: demo\nversion: 1.0.0\n"),
            ("actions/x.yml", ACTION),
            ("actions/x.yaml", ACTION),
        ]);
        fs::write(folder.path().join("actions/x.sh"), "true\n").expect("a file");
        fs::write(folder.path().join("actions/huge.yaml"), vec![b'#'; 300 * 1024]).expect("a file");
        fs::create_dir(folder.path().join("actions/folder.yaml")).expect("a folder");
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("actions/link.yaml")).expect("a link");
        let text = Pack::load(folder.path()).expect_err("refused").to_string();
        for expected in ["declares the same as", "a declaration has at most 262144", "is not a file", "leaves the pack"]
        {
            assert!(text.contains(expected), "{text}");
        }
    }
}
