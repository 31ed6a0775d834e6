//! What the ordinary test run shows, within seconds: no image that takes a download, services of the test run.

use std::path::Path;
use std::time::Duration;

use attune_end_to_end::Deployment;
use serde_json::json;

use crate::Outcome;
use crate::docker::Docker;
use crate::images::Images;
use crate::site::until;

/// Injects `agent` into a busybox and into an image with nothing in it, on the network of this machine, where the
/// deployment's database and broker are. Each registers, says that it is healthy, runs nothing of another's, and ends with
/// 0 on SIGTERM; the busybox runs a script as a user that it does not know.
///
/// # Errors
/// What does not hold.
pub fn small(docker: &Docker, agent: &Path, deployment: &Deployment, packs: &Path) -> Outcome {
    Images::ensure(docker, &["empty", "busybox"])?;
    for image in ["busybox", "empty"] {
        let container = format!("attune-small-{image}-{}", std::process::id());
        let shown = injected(docker, agent, deployment, packs, image, &container);
        let said = docker.logs(&container);
        let _gone = docker.run(["rm", "--force", "--volumes", &container]);
        shown.map_err(|error| format!("{image}: {error}; it said: {said}"))?;
    }
    Ok(())
}

fn injected(
    docker: &Docker,
    agent: &Path,
    deployment: &Deployment,
    packs: &Path,
    image: &str,
    container: &str,
) -> Outcome {
    let mut words: Vec<String> = ["run", "--detach", "--name", container, "--network", "host", "--user", "54321:54321"]
        .into_iter()
        .chain(["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"])
        .chain(["--tmpfs", "/tmp:exec,mode=1777", "--tmpfs", "/state:exec,mode=1777"])
        .chain(["--entrypoint", "/opt/attune/agent/attune-agent"])
        .map(str::to_owned)
        .collect();
    let mut option = |name: &str, value: String| words.extend([format!("--{name}"), value]);
    option("volume", format!("{}:/opt/attune/agent/attune-agent:ro", agent.display()));
    option("volume", format!("{}:/opt/attune/packs:ro", packs.display()));
    for (variable, value) in deployment.variables(image, 2, "/state/attune", "/opt/attune/packs") {
        option("env", format!("{variable}={value}"));
    }
    for folder in ["ARTIFACTS_DIR", "RUNTIME_ENVS_DIR"] {
        option("env", format!("ATTUNE__PATHS__{folder}=/state/{folder}"));
    }
    words.push(Images::name(image));
    docker.run(&words)?;
    let client = deployment.client();
    let known = || client.get(&format!("/workers/{image}")).ok().filter(|worker| worker["status"] == "active");
    until("it to register", Duration::from_secs(30), || known().is_some())?;
    until("it to be healthy", Duration::from_secs(20), || {
        docker.run(["exec", container, "/opt/attune/agent/attune-agent", "--health"]).is_ok()
    })?;
    let found = known().unwrap_or_default()["capabilities"]["runtimes"].to_string();
    if found.contains("shell") != (image == "busybox") || !found.contains("native") {
        return Err(format!("it found {found}").into());
    }
    if image == "busybox" {
        let id = client.submit("core.echo", &json!({"message": "from a busybox"}))?;
        let ended = client.wait(id)?;
        if ended["status"] != "completed" {
            return Err(format!("core.echo ended as {ended}").into());
        }
    }
    docker.run(["kill", "--signal", "TERM", container])?;
    let state = || docker.inspect(container).unwrap_or_default()["State"].clone();
    until("it to end", Duration::from_secs(60), || state()["Running"] == false)?;
    if state()["ExitCode"] != 0 {
        return Err(format!("it ended with {}", state()["ExitCode"]).into());
    }
    Ok(())
}
