//! A deployment in containers.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use attune_end_to_end::{Client, repository};
use serde_json::Value;

use crate::Outcome;
use crate::docker::Docker;
use crate::images::Images;
use crate::programs::{Programs, build};

/// Token of the server's API.
const TOKEN: &str = "att_only-for-the-container-tests";

/// A network with a database, a broker and a server on it, each found by its name. Dropping it removes everything.
#[derive(Debug)]
pub struct Site {
    docker: Docker,
    programs: Programs,
    name: String,
    client: Client,
    folder: tempfile::TempDir,
}

impl Site {
    /// Starts it and waits until the server is ready.
    ///
    /// # Errors
    /// When something of it does not start.
    pub fn start(docker: &Docker, programs: &Programs) -> Outcome<Self> {
        Images::ensure(docker, &["postgres", "rabbitmq"])?;
        let folder = tempfile::Builder::new().prefix("attune-site-").tempdir()?;
        let own = folder.path().file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let name = own.to_lowercase().replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
        let client = Client::new("http://127.0.0.1:9").with_token(TOKEN);
        let mut site = Self { docker: docker.clone(), programs: programs.clone(), name, client, folder };
        copy(&repository().join("packs"), &site.packs())?;
        copy(&repository().join("tests/containers/packs"), &site.packs())?;
        compile(&site.packs().join("proof"))?;
        site.serve()?;
        Ok(site)
    }

    fn serve(&mut self) -> Outcome {
        let binaries = self.programs.image(&self.docker)?;
        let argument = format!("BINARIES={binaries}");
        for (file, target, tag) in [
            ("docker/Dockerfile.server", "server", "attune-test/server"),
            ("docker/Dockerfile.agent", "agent-init", "attune-test/agent-init"),
        ] {
            let file = repository().join(file).display().to_string();
            let options = ["--file", file.as_str(), "--target", target, "--build-arg", argument.as_str(), "--tag", tag];
            build(&self.docker, &repository(), &options)?;
        }
        self.docker.run(["network", "create", &self.name])?;
        let database = ["--tmpfs", "/var/lib/postgresql/data", "--env", "POSTGRES_USER=attune"];
        let database = [&database[..], &["--env", "POSTGRES_PASSWORD=attune", "--env", "POSTGRES_DB=attune"]].concat();
        self.service("postgres", &database, &["attune-test/postgres", "-c", "fsync=off"])?;
        let broker = ["--hostname", "rabbitmq", "--env", "RABBITMQ_DEFAULT_USER=attune", "--env"];
        let broker = [&broker[..], &["RABBITMQ_DEFAULT_PASS=attune"]].concat();
        self.service("rabbitmq", &broker, &["attune-test/rabbitmq"])?;
        // Whoever mounts a new volume first decides whose it is.
        let volumes = self.volumes();
        let mut install = vec!["run", "--rm", "--network", "none", "--read-only", "--cap-drop", "ALL"];
        install.extend(volumes.iter().flat_map(|volume| ["--volume", volume.as_str()]));
        install.push("attune-test/agent-init");
        self.docker.run(install)?;
        until("the database", Duration::from_secs(60), || {
            self.exec("postgres", &["pg_isready", "--host=127.0.0.1", "--username=attune", "--dbname=attune"]).is_ok()
        })?;
        until("the broker", Duration::from_secs(120), || {
            self.exec("rabbitmq", &["grep", "-qi", ":1628 ", "/proc/net/tcp", "/proc/net/tcp6"]).is_ok()
        })?;
        let packs = format!("{}:/opt/attune/packs:ro", self.packs().display());
        let token = format!("ATTUNE__SERVER__API_TOKEN={TOKEN}");
        let connections = self.connections();
        let mut server = vec!["--publish", "127.0.0.1::8080", "--read-only", "--cap-drop", "ALL", "--volume", &packs];
        server.extend(["--env", token.as_str(), "--volume", volumes[2].as_str()]);
        server.extend(connections.iter().flat_map(|one| ["--env", one.as_str()]));
        self.service("server", &server, &["attune-test/server"])?;
        let address = self.docker.run(["port", &self.container("server"), "8080/tcp"])?;
        let address = address.lines().next().unwrap_or_default().to_owned();
        self.client = Client::new(&format!("http://{address}")).with_token(TOKEN);
        let ready = until("the server", Duration::from_secs(60), || self.client.is_ready());
        ready.map_err(|error| format!("{error}; it said: {}", self.docker.logs(&self.container("server"))).into())
    }

    fn service(&self, name: &str, options: &[&str], image: &[&str]) -> Outcome {
        let container = self.container(name);
        let mut words = vec!["run", "--detach", "--name", &container, "--network", &self.name, "--network-alias", name];
        words.extend(options);
        words.extend(image);
        self.docker.run(words)?;
        Ok(())
    }

    /// Runs a program in one of its containers.
    ///
    /// # Errors
    /// When it does not end with 0.
    pub fn exec(&self, name: &str, words: &[&str]) -> Outcome<String> {
        let container = self.container(name);
        Ok(self.docker.run([&["exec", container.as_str()], words].concat())?)
    }

    /// The engine's name of one of its containers.
    #[must_use]
    pub fn container(&self, name: &str) -> String {
        format!("{}-{name}", self.name)
    }

    /// The engine.
    #[must_use]
    pub fn docker(&self) -> &Docker {
        &self.docker
    }

    /// The programs that it is made of.
    #[must_use]
    pub fn programs(&self) -> &Programs {
        &self.programs
    }

    /// The network's name.
    #[must_use]
    pub fn network(&self) -> &str {
        &self.name
    }

    /// A client of its API.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The folder of its packs on this machine.
    #[must_use]
    pub fn packs(&self) -> PathBuf {
        self.folder.path().join("packs")
    }

    /// `volume:path` of the agent, the environments, the artifacts and the states of workers.
    #[must_use]
    pub fn volumes(&self) -> [String; 4] {
        ["agent", "runtime_envs", "artifacts", "state"].map(|name| format!("{}-{name}:/opt/attune/{name}", self.name))
    }

    /// Where database and broker are, as every program here is told, by name.
    #[must_use]
    pub fn connections(&self) -> Vec<String> {
        [
            "ATTUNE__DATABASE__URL=postgres://attune:attune@postgres:5432/attune",
            "ATTUNE__MESSAGE_QUEUE__URL=amqp://attune:attune@rabbitmq:5672/%2f",
            "ATTUNE__SECURITY__ALLOW_INSECURE=true",
        ]
        .map(str::to_owned)
        .into()
    }

    /// What the server knows about a worker that is active.
    #[must_use]
    pub fn active_worker(&self, name: &str) -> Option<Value> {
        self.client.get(&format!("/workers/{name}")).ok().filter(|worker| worker["status"] == "active")
    }

    /// Runs an action to its end, which is to be a success; its result.
    ///
    /// # Errors
    /// When it ends otherwise.
    pub fn run(&self, action: &str, parameters: &Value) -> Outcome<Value> {
        let id = self.client.submit(action, parameters)?;
        let ended = self.client.wait(id)?;
        if ended["status"] != "completed" {
            let logs = self.client.lines(&format!("/executions/{id}/logs")).unwrap_or_default();
            return Err(format!("{action} ended as {ended}; it said {logs:?}").into());
        }
        Ok(ended["result"].clone())
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let filter = format!("name=^{}-", self.name);
        let all = self.docker.run(["ps", "--all", "--quiet", "--filter", &filter]).unwrap_or_default();
        let mut remove = vec!["rm", "--force", "--volumes"];
        remove.extend(all.lines());
        if remove.len() > 3 {
            let _best_effort = self.docker.run(remove);
        }
        let _best_effort = self.docker.run(["network", "rm", &self.name]);
        let volumes = self.docker.run(["volume", "ls", "--quiet", "--filter", &filter]).unwrap_or_default();
        for volume in volumes.lines() {
            let _best_effort = self.docker.run(["volume", "rm", "--force", volume]);
        }
    }
}

/// Looks at `condition` until it holds.
///
/// # Errors
/// When it does not hold within `within`.
#[expect(clippy::disallowed_methods, reason = "a program of tests looks again; no arbiter is blocked")]
pub fn until(what: &str, within: Duration, mut condition: impl FnMut() -> bool) -> Outcome {
    let deadline = Instant::now() + within;
    while !condition() {
        if Instant::now() > deadline {
            return Err(format!("waited {} s for {what}", within.as_secs()).into());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Outcome {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Makes the native action, where a C compiler is; images without one have it all the same.
///
/// Its source lies beside the actions: a C file in their folder would be part of the Go package there, which takes a C
/// compiler then.
#[expect(clippy::disallowed_methods, reason = "a compiler is no child of an Attune worker")]
fn compile(pack: &Path) -> Outcome {
    let mut command = std::process::Command::new("cc");
    command.args(["-static", "-Os", "-s", "-o"]).arg(pack.join("actions/native")).arg(pack.join("native/native.c"));
    crate::docker::finished(&mut command)?;
    Ok(())
}
