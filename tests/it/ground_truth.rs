//! What really ran, told by the actions themselves in a file that Attune knows nothing of.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A pack whose actions append a line per start and per end to one file.
pub(crate) struct GroundTruth {
    folder: tempfile::TempDir,
}

/// One line of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// `start` or `end`.
    pub(crate) what: String,
    /// Execution id.
    pub(crate) execution: i64,
    /// The worker that ran it.
    pub(crate) worker: String,
}

impl GroundTruth {
    pub(crate) fn create() -> Self {
        let folder = tempfile::Builder::new().prefix("attune-truth-").tempdir().expect("a temporary folder");
        // Beside a folder of packs, which workers protect, actions can make nothing new; below a folder they can.
        std::fs::create_dir(folder.path().join("out")).expect("a folder");
        let actions = folder.path().join("packs/proof/actions");
        std::fs::create_dir_all(&actions).expect("folders");
        let write = |path: PathBuf, text: String| std::fs::write(path, text).expect("a file");
        write(folder.path().join("packs/proof/pack.yaml"), "ref: proof\nversion: 1.0.0\nlabel: Proof\n".to_owned());
        let truth = folder.path().join("out/truth").display().to_string();
        // One write(2) per line to a file opened for appending: lines of concurrent writers never mix.
        let script = format!(
            "echo \"start $ATTUNE_EXECUTION_ID $ATTUNE_WORKER\" >>'{truth}'\nsleep \"${{ATTUNE_PARAM_SECONDS:-0}}\"\n\
             echo \"end $ATTUNE_EXECUTION_ID $ATTUNE_WORKER\" >>'{truth}'\n"
        );
        write(actions.join("mark.sh"), script);
        for (name, extra) in [("mark", ""), ("mark_gpu", "worker_selector: {gpu: \"yes\"}\n")] {
            write(
                actions.join(format!("{name}.yaml")),
                format!(
                    "ref: proof.{name}\nrunner_type: shell\nentry_point: mark.sh\nparameter_delivery: env\n\
                     parameters:\n  seconds: {{type: number, default: 0}}\n{extra}"
                ),
            );
        }
        Self { folder }
    }

    /// Where its pack lies.
    pub(crate) fn packs(&self) -> String {
        self.folder.path().join("packs").display().to_string()
    }

    /// Everything that was written so far.
    pub(crate) fn lines(&self) -> Vec<Line> {
        read(&self.folder.path().join("out/truth"))
    }

    /// How often each execution was started.
    pub(crate) fn starts(&self) -> BTreeMap<i64, usize> {
        let mut starts = BTreeMap::new();
        for line in self.lines().iter().filter(|line| line.what == "start") {
            *starts.entry(line.execution).or_default() += 1;
        }
        starts
    }
}

fn read(path: &Path) -> Vec<Line> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            Some(Line {
                what: words.next()?.to_owned(),
                execution: words.next()?.parse().ok()?,
                worker: words.next()?.to_owned(),
            })
        })
        .collect()
}
