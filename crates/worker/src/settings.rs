//! What a worker must be told.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

use attune_artifacts::{HarvestLimits, S3Options};
use attune_config::{Config, OutputPolicy};
use attune_runtime::CleanEnvironment;
use attune_runtime::environment::ToolSettings;

use crate::fence::FencePolicy;
use crate::helper::HelperProgram;
use crate::sandbox::SandboxSettings;

/// The most environments that are built at once when nobody says how many.
const MOST_BUILDS: usize = 4;

/// What a worker must be told. Made from the configuration by the programs, by hand in tests.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its unique name.
    pub name: String,
    /// `local`, `remote` or `container`.
    pub worker_type: String,
    /// The host it runs on, for people.
    pub host: String,
    /// How many executions run at once, at least 1.
    pub slots: u32,
    /// Time between two heartbeats.
    pub heartbeat: Duration,
    /// How long a lease lasts after a heartbeat.
    pub lease: Duration,
    /// When to stop what runs because leases could not be renewed.
    pub fence: FencePolicy,
    /// How long running executions may go on once the worker was asked to drain.
    pub drain: Duration,
    /// How long a child may go on between SIGTERM and SIGKILL.
    pub grace: Duration,
    /// The most that is kept of each child's standard output, in bytes.
    pub max_stdout_bytes: u64,
    /// The most that is kept of each child's standard error, in bytes.
    pub max_stderr_bytes: u64,
    /// What happens to an execution that writes more.
    pub output_policy: OutputPolicy,
    /// Whether output is stored while it is written, for live followers, rather than at the end.
    pub stream_logs: bool,
    /// The bucket that files of executions are kept in; absent: [`Settings::artifacts_directory`].
    pub bucket: Option<S3Options>,
    /// How much may be kept of the files of one attempt.
    pub harvest: HarvestLimits,
    /// Words that actions select workers by.
    pub labels: BTreeMap<String, String>,
    /// Only these runtimes; `None` means whatever is found.
    pub runtimes: Option<Vec<String>>,
    /// What the image says about its interpreters; `None` means the usual places.
    pub runtime_hints: Option<PathBuf>,
    /// Where packs are looked for, first match first.
    pub pack_directories: Vec<PathBuf>,
    /// What must survive a crash: spooled output and completions. Private to this worker's name.
    pub state_directory: PathBuf,
    /// What executions leave behind.
    pub artifacts_directory: PathBuf,
    /// Prepared environments.
    pub environments_directory: PathBuf,
    /// The API as actions see it, when they shall see it.
    pub api_url: Option<String>,
    /// What every child finds in its environment beside Attune's own variables. Nothing else is inherited: this
    /// process's environment may hold credentials, and it slows interpreters down.
    pub child_environment: CleanEnvironment,
    /// What tools that install packages are told: where packages come from, and through which proxy.
    pub tool_settings: ToolSettings,
    /// How long one step of preparing an environment may take.
    pub environment_step_time: Duration,
    /// How many environments are prepared at once, at least 1. By default as many as there are processors, 4 at most:
    /// each keeps a processor and a network busy.
    pub environment_builds: usize,
    /// Which program actions find as `attune-agent`.
    pub helper_program: HelperProgram,
    /// What actions are kept from.
    pub sandbox: SandboxSettings,
    /// How long the database and the broker may take to answer at start.
    pub patience: Duration,
}

impl Settings {
    /// Settings for a worker of this name that keeps everything under `directory`, with the documented defaults.
    #[must_use]
    pub fn new(name: impl Into<String>, directory: impl Into<PathBuf>) -> Self {
        let directory = directory.into();
        Self {
            name: name.into(),
            worker_type: "local".to_owned(),
            host: "localhost".to_owned(),
            slots: 10,
            heartbeat: Duration::from_secs(5),
            lease: Duration::from_secs(45),
            fence: FencePolicy::of_lease(Duration::from_secs(45)),
            drain: Duration::from_secs(20),
            grace: Duration::from_secs(5),
            max_stdout_bytes: 10 << 20,
            max_stderr_bytes: 10 << 20,
            output_policy: OutputPolicy::Truncate,
            stream_logs: true,
            bucket: None,
            harvest: HarvestLimits { files: 1000, bytes: 1 << 30 },
            labels: BTreeMap::new(),
            runtimes: None,
            runtime_hints: None,
            pack_directories: Vec::new(),
            state_directory: directory.join("state"),
            artifacts_directory: directory.join("artifacts"),
            environments_directory: directory.join("runtime_envs"),
            api_url: None,
            child_environment: CleanEnvironment::from_inherited(std::env::vars_os()),
            tool_settings: ToolSettings::from_inherited(std::env::vars_os()),
            environment_step_time: Duration::from_secs(15 * 60),
            environment_builds: std::thread::available_parallelism().map_or(1, NonZero::get).clamp(1, MOST_BUILDS),
            helper_program: HelperProgram::default(),
            sandbox: SandboxSettings::default(),
            patience: Duration::from_secs(30),
        }
    }

    /// The same with everything that the configuration says about making environments.
    #[must_use]
    pub fn with_environments_of(mut self, config: &Config) -> Self {
        self.environment_step_time = config.worker.environment_step_timeout;
        let builds = config.worker.environment_builds.and_then(|builds| usize::try_from(builds).ok());
        self.environment_builds = builds.unwrap_or(self.environment_builds).max(1);
        self
    }

    /// The same with everything that the configuration says about output and files.
    #[must_use]
    pub fn with_output_of(mut self, config: &Config) -> Self {
        let (worker, artifacts) = (&config.worker, &config.artifacts);
        self.max_stdout_bytes = worker.max_stdout_bytes;
        self.max_stderr_bytes = worker.max_stderr_bytes;
        self.output_policy = worker.output_policy;
        self.stream_logs = worker.stream_logs;
        self.bucket = S3Options::from_config(config);
        let files = usize::try_from(artifacts.max_files).unwrap_or(usize::MAX);
        self.harvest = HarvestLimits { files, bytes: artifacts.max_bytes };
        self
    }
}
