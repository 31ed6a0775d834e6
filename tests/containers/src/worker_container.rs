//! One container with a worker in it.

use std::time::Duration;

use serde_json::Value;

use crate::Outcome;
use crate::site::{Site, until};

/// How a container is run, beyond what every worker's is.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// User and group; 1000:1000 if not given.
    pub user: Option<String>,
    /// The agent of a volume; else the file itself is bound.
    pub from_volume: bool,
    /// Directories in memory instead of volumes, for users whom the volumes do not belong to.
    pub in_memory: bool,
    /// The image's own entry point, instead of an agent that is injected.
    pub is_baked: bool,
    /// More options of `docker run`.
    pub options: Vec<String>,
    /// More variables, `NAME=VALUE`.
    pub variables: Vec<String>,
}

/// One container with a worker in it. Dropping it removes it.
#[derive(Debug)]
pub struct WorkerContainer<'a> {
    site: &'a Site,
    name: String,
    container: String,
}

impl<'a> WorkerContainer<'a> {
    /// Makes it without starting it: read-only, without capabilities and privileges, 1000:1000.
    ///
    /// # Errors
    /// When the engine refuses.
    pub fn create(site: &'a Site, name: &str, image: &str, surroundings: &Surroundings) -> Outcome<Self> {
        let container = site.container(name);
        let mut words: Vec<String> =
            ["create", "--name", &container, "--network", site.network()].map(str::to_owned).into();
        let mut option = |name: &str, value: &str| words.extend([format!("--{name}"), value.to_owned()]);
        option("user", surroundings.user.as_deref().unwrap_or("1000:1000"));
        option("cap-drop", "ALL");
        option("security-opt", "no-new-privileges");
        option("pids-limit", "512");
        option("tmpfs", "/tmp:exec,mode=1777");
        let [agent, kept @ ..] = site.volumes();
        if !surroundings.is_baked {
            let file = site.programs().path("attune-agent").display().to_string();
            let bound = format!("{file}:/opt/attune/agent/attune-agent:ro");
            option("volume", &if surroundings.from_volume { format!("{agent}:ro") } else { bound });
            option("entrypoint", "/opt/attune/agent/attune-agent");
        }
        option("volume", &format!("{}:/opt/attune/packs:ro", site.packs().display()));
        for volume in &kept {
            if surroundings.in_memory {
                let path = volume.rsplit(':').next().unwrap_or_default();
                option("tmpfs", &format!("{path}:exec,mode=1777"));
            } else {
                option("volume", volume);
            }
        }
        option("env", &format!("ATTUNE_WORKER_NAME={name}"));
        for (variable, path) in
            [("STATE_DIR", "state"), ("RUNTIME_ENVS_DIR", "runtime_envs"), ("ARTIFACTS_DIR", "artifacts")]
        {
            option("env", &format!("ATTUNE__PATHS__{variable}=/opt/attune/{path}"));
        }
        for variable in site.connections().iter().chain(&surroundings.variables) {
            option("env", variable);
        }
        words.push("--read-only".to_owned());
        words.extend(surroundings.options.iter().cloned());
        words.push(image.to_owned());
        site.docker().run(&words)?;
        Ok(Self { site, name: name.to_owned(), container })
    }

    /// Makes it, starts it and waits until it is registered.
    ///
    /// # Errors
    /// When it does not come; what it said is in the error.
    pub fn start(site: &'a Site, name: &str, image: &str, surroundings: &Surroundings) -> Outcome<Self> {
        let made = Self::create(site, name, image, surroundings)?;
        made.begin()?;
        made.registered()?;
        Ok(made)
    }

    /// Starts it, also again.
    ///
    /// # Errors
    /// When the engine refuses.
    pub fn begin(&self) -> Outcome {
        self.site.docker().run(["start", &self.container])?;
        Ok(())
    }

    /// Waits until the server knows it as active; what it knows.
    ///
    /// # Errors
    /// When it does not come within 30 s; what it said is in the error.
    pub fn registered(&self) -> Outcome<Value> {
        let mut found = None;
        let came = until(&format!("{} to register", self.name), Duration::from_secs(30), || {
            found = self.site.active_worker(&self.name);
            found.is_some()
        });
        came.map_err(|error| format!("{error}; it said: {}", self.said()))?;
        Ok(found.unwrap_or_default())
    }

    /// Everything that it printed.
    #[must_use]
    pub fn said(&self) -> String {
        self.site.docker().logs(&self.container)
    }

    /// The engine's name of it.
    #[must_use]
    pub fn container(&self) -> &str {
        &self.container
    }

    /// Whether it says that it is healthy; else what it says.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn health(&self) -> Outcome<String> {
        Ok(self.site.docker().run(["exec", &self.container, "/opt/attune/agent/attune-agent", "--health"])?)
    }

    /// Waits until it says that it is healthy; it looks at itself once a second.
    ///
    /// # Errors
    /// What it says instead, after 20 s.
    pub fn healthy(&self) -> Outcome {
        let came = until("it to be healthy", Duration::from_secs(20), || self.health().is_ok());
        came.or_else(|_| self.health().map(drop))
    }

    /// Sends a signal.
    ///
    /// # Errors
    /// When it does not run.
    pub fn signal(&self, name: &str) -> Outcome {
        self.site.docker().run(["kill", "--signal", name, &self.container])?;
        Ok(())
    }

    /// Waits for its end; the exit code.
    ///
    /// # Errors
    /// When it does not end within a minute.
    pub fn ended(&self) -> Outcome<i64> {
        let state = || self.site.docker().inspect(&self.container).unwrap_or_default()["State"].clone();
        until(&format!("{} to end", self.name), Duration::from_secs(60), || state()["Running"] == false)?;
        state()["ExitCode"].as_i64().ok_or_else(|| "it has no exit code".into())
    }
}

impl Drop for WorkerContainer<'_> {
    fn drop(&mut self) {
        let _best_effort = self.site.docker().run(["rm", "--force", "--volumes", &self.container]);
    }
}
