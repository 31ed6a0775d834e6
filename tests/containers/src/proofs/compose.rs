//! The Compose files that ship.

use std::path::Path;
use std::time::Duration;

use attune_end_to_end::{Client, repository};
use serde_json::json;

use crate::Outcome;
use crate::docker::{Docker, finished};
use crate::images::Images;
use crate::programs::{Programs, build};
use crate::site::until;

/// What stands for the images that a registry would give.
const IMAGES: [(&str, &str); 10] = [
    ("ATTUNE_POSTGRES_IMAGE", "attune-test/postgres"),
    ("ATTUNE_RABBITMQ_IMAGE", "attune-test/rabbitmq"),
    ("ATTUNE_SERVER_IMAGE", "attune-test/server"),
    ("ATTUNE_AGENT_IMAGE", "attune-test/agent-init"),
    ("ATTUNE_WORKER_IMAGE", "attune-test/worker-base"),
    ("ATTUNE_RUBY_IMAGE", "attune-test/ruby"),
    ("ATTUNE_PYTHON_IMAGE", "attune-test/python"),
    ("ATTUNE_NODE_IMAGE", "attune-test/node"),
    ("ATTUNE_OWN_IMAGE", "attune-test/r-perl"),
    ("ATTUNE_GPU_RUNTIME", "runc"),
];
const TOKEN: &str = "att_only-for-the-container-tests";

struct Project<'a> {
    docker: &'a Docker,
    name: String,
    port: u16,
}

impl Project<'_> {
    fn compose(&self, words: &[&str]) -> Outcome<String> {
        let mut command = self.docker.for_program(Path::new("docker-compose"));
        command.current_dir(repository()).args(["--project-name", &self.name]);
        command.args(["--file", "docker-compose.yaml", "--file", "docker-compose.agent.yaml"]).args(words);
        command.envs(IMAGES).env("ATTUNE_API_TOKEN", TOKEN).env("ATTUNE_PORT", self.port.to_string());
        // It puts the folder of its own command first.
        command.env("COMPOSE_DOCKER_CLI_BUILD", "0");
        Ok(finished(&mut command)?)
    }
}

impl Drop for Project<'_> {
    fn drop(&mut self) {
        let _best_effort = self.compose(&["down", "--volumes", "--timeout", "5"]);
    }
}

/// Shows it.
pub(super) fn show(docker: &Docker, programs: &Programs) -> Outcome<Vec<String>> {
    Images::ensure(docker, &["postgres", "rabbitmq", "python", "node", "ruby", "r-perl", "debian"])?;
    programs.image(docker)?;
    for (file, target, tag) in [
        ("server", "server", "attune-test/server"),
        ("agent", "agent-init", "attune-test/agent-init"),
        ("worker", "worker-base", "attune-test/worker-base"),
    ] {
        let file = repository().join(format!("docker/Dockerfile.{file}")).display().to_string();
        let mut options = vec!["--file", file.as_str(), "--target", target, "--tag", tag];
        options.extend(["--build-arg", "BINARIES=attune-test/binaries"]);
        options.extend(["--build-arg", "DEBIAN_IMAGE=attune-test/debian"]);
        build(docker, &repository(), &options)?;
    }
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let project = Project { docker, name: format!("attune-compose-{}", std::process::id()), port };
    project.compose(&["config", "--quiet"])?;
    let workers = ["worker-shell", "worker-ruby", "worker-python", "worker-node", "worker-own"];
    project.compose(&[&["up", "--detach", "--no-build"], &workers[..]].concat())?;
    let client = Client::new(&format!("http://127.0.0.1:{port}")).with_token(TOKEN);
    let active = || {
        let workers = client.get("/workers").unwrap_or_default();
        let all = workers["items"].as_array().cloned().unwrap_or_default();
        all.iter().filter(|worker| worker["status"] == "active").count()
    };
    until("five workers", Duration::from_secs(60), || active() == workers.len()).map_err(|error| {
        let said = project.compose(&["logs", "--tail", "5"]).unwrap_or_default();
        format!("{error}; they said: {said}")
    })?;
    let mut ran = Vec::new();
    for (action, parameters) in [
        ("examples.hello", json!({"name": "Ada"})),
        ("examples.primes", json!({})),
        ("examples.histogram", json!({"values": [1, 2, 2, 3]})),
        ("examples.word_count", json!({"text": "one two two"})),
    ] {
        let id = client.submit(action, &parameters)?;
        let ended = client.wait(id)?;
        if ended["status"] != "completed" {
            return Err(format!("{action} ended as {ended}").into());
        }
        ran.push(action);
    }
    // As the head of the file says.
    project.compose(&["exec", "-T", "server", "attune", "run", "examples.hello", "name=Ada"])?;
    let containers = project.compose(&["ps", "--quiet"])?;
    let healthy = || {
        containers.lines().filter(|id| !id.is_empty()).all(|id| {
            let state = docker.inspect(id).unwrap_or_default()["State"].clone();
            // Those that end when they have done their work have no health.
            state["Running"] == false || state["Health"]["Status"] == "healthy"
        })
    };
    // The one of your own has no check in its twelve lines.
    let own = project.compose(&["ps", "--quiet", "worker-own"])?;
    let unchecked = docker.inspect(own.trim())?["State"]["Health"].is_null();
    if unchecked {
        project.compose(&["stop", "worker-own"])?;
    }
    until("everything to be healthy", Duration::from_secs(90), healthy)?;
    project.compose(&["stop", "--timeout", "45", "worker-ruby"])?;
    let ruby = project.compose(&["ps", "--quiet", "worker-ruby"])?;
    let code = docker.inspect(ruby.trim())?["State"]["ExitCode"].clone();
    if code != 0 {
        return Err(format!("the stopped worker ended with {code}").into());
    }
    Ok(vec![
        "both files are valid, also together".to_owned(),
        format!("{} workers came, all healthy by their own checks", workers.len()),
        format!("ran {}", ran.join(", ")),
        "docker-compose stop: exit code 0".to_owned(),
    ])
}
