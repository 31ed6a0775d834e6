//! What makes two environments the same.

use attune_types::{DetectedInterpreter, Libc, Recipe};
use sha2::{Digest, Sha256};

use super::pack_files::PackFiles;

/// Everything that the content of an environment depends on.
///
/// Not among it: where the pack lies and its version, because a pack that changes without its manifests keeps its
/// environment; and the settings of tools, which say from where something is fetched rather than what.
#[derive(Debug, Clone, PartialEq)]
pub struct Identity<'a> {
    /// The pack.
    pub pack: &'a str,
    /// The runtime's name.
    pub runtime: &'a str,
    /// The interpreter: its real file, its version, its C library and its processor.
    pub interpreter: &'a DetectedInterpreter,
    /// The files of the pack that say what it needs.
    pub files: &'a PackFiles,
    /// How it is made.
    pub recipe: &'a Recipe,
}

/// Counts up when environments that were made before must not be used any more.
const LAYOUT: &str = "attune environment 1";

impl Identity<'_> {
    /// 64 hexadecimal digits that are equal for equal identities and differ for all others.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let interpreter = self.interpreter;
        let real = if interpreter.real_path.is_empty() { &interpreter.path } else { &interpreter.real_path };
        let mut hasher = Sha256::new();
        // Each part with its length before it: no two lists of parts read the same.
        let mut part = |bytes: &[u8]| {
            hasher.update((bytes.len() as u64).to_be_bytes());
            hasher.update(bytes);
        };
        for text in [
            LAYOUT,
            self.pack,
            &self.runtime.to_lowercase(),
            real,
            &interpreter.version,
            interpreter.libc.map_or("unknown", Libc::word),
            &interpreter.architecture,
        ] {
            part(text.as_bytes());
        }
        for (path, digest) in &self.files.0 {
            part(path.as_bytes());
            part(digest);
        }
        // A recipe is plain data with sorted maps, so its text is the same whenever it is.
        let recipe = serde_json::to_vec(self.recipe).unwrap_or_else(|error| error.to_string().into_bytes());
        part(&recipe);
        hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use attune_types::{CommandLine, RecipeStep};
    use proptest::prelude::*;

    use super::*;

    /// Everything that matters, as one value that can be compared.
    #[derive(Debug, Clone, PartialEq)]
    struct All {
        pack: String,
        runtime: String,
        interpreter: DetectedInterpreter,
        files: BTreeMap<String, [u8; 32]>,
        steps: Vec<String>,
    }

    impl All {
        fn fingerprint(&self) -> String {
            let run = CommandLine::List(self.steps.clone());
            let step = RecipeStep { name: "s".into(), run, directory: None, env_vars: BTreeMap::new() };
            let recipe = Recipe { steps: vec![step], ..Recipe::default() };
            let files = PackFiles(self.files.clone());
            Identity {
                pack: &self.pack,
                runtime: &self.runtime,
                interpreter: &self.interpreter,
                files: &files,
                recipe: &recipe,
            }
            .fingerprint()
        }
    }

    fn all() -> impl Strategy<Value = All> {
        // Few values, so that equal ones come up; joined they would often read the same.
        let word = || prop::sample::select(vec!["", "a", "b", "ab", "ba"]).prop_map(str::to_owned);
        let libc = prop::sample::select(vec![None, Some(Libc::Glibc), Some(Libc::Musl), Some(Libc::None)]);
        let interpreter = (word(), word(), libc, word());
        let files = prop::collection::btree_map(word(), prop::sample::select(vec![[0; 32], [1; 32]]), 0..3);
        (word(), word(), interpreter, files, prop::collection::vec(word(), 0..3)).prop_map(
            |(pack, runtime, (real_path, version, libc, architecture), files, steps)| All {
                pack,
                runtime,
                interpreter: DetectedInterpreter {
                    real_path: format!("/{real_path}"),
                    version,
                    libc,
                    architecture,
                    ..DetectedInterpreter::default()
                },
                files,
                steps,
            },
        )
    }

    proptest! {
        #[test]
        fn two_fingerprints_are_equal_exactly_when_nothing_that_matters_differs(one in all(), other in all()) {
            prop_assert_eq!(one.fingerprint() == other.fingerprint(), one == other);
        }
    }

    #[test]
    fn every_part_that_matters_changes_it_and_no_other_part_does() {
        let base = All {
            pack: "demo".into(),
            runtime: "python".into(),
            interpreter: DetectedInterpreter {
                runtime: "python".into(),
                path: "/usr/bin/python3".into(),
                version: "3.11.2".into(),
                real_path: "/usr/bin/python3.11".into(),
                libc: Some(Libc::Glibc),
                architecture: "x86_64".into(),
                note: String::new(),
            },
            files: BTreeMap::from([("requirements.txt".to_owned(), [1; 32])]),
            steps: vec!["pip".into()],
        };
        type Change = fn(&mut All);
        let matters: [(&str, Change); 9] = [
            ("pack", |all| all.pack = "other".into()),
            ("runtime", |all| all.runtime = "pypy".into()),
            ("interpreter", |all| all.interpreter.real_path = "/opt/python3.11".into()),
            ("version", |all| all.interpreter.version = "3.11.3".into()),
            ("libc", |all| all.interpreter.libc = Some(Libc::Musl)),
            ("architecture", |all| all.interpreter.architecture = "aarch64".into()),
            ("content of a manifest", |all| all.files = BTreeMap::from([("requirements.txt".to_owned(), [2; 32])])),
            ("name of a manifest", |all| all.files = BTreeMap::from([("uv.lock".to_owned(), [1; 32])])),
            ("recipe", |all| all.steps = vec!["uv".into()]),
        ];
        for (what, change) in matters {
            let mut other = base.clone();
            change(&mut other);
            assert_ne!(other.fingerprint(), base.fingerprint(), "{what}");
        }
        let nothing: [(&str, Change); 3] = [
            ("the link it is started by", |all| all.interpreter.path = "/usr/local/bin/python".into()),
            ("how it was found", |all| all.interpreter.note = "override".into()),
            ("case of the runtime", |all| all.runtime = "Python".into()),
        ];
        for (what, change) in nothing {
            let mut other = base.clone();
            change(&mut other);
            assert_eq!(other.fingerprint(), base.fingerprint(), "{what}");
        }
        assert_eq!(base.fingerprint().len(), 64);
    }
}
