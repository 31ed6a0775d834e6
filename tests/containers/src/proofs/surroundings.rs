//! Containers as they come: any user, no shell, strange names, signals, kills, a broker that goes away.

use std::time::Duration;

use serde_json::json;

use super::stack::is;
use crate::Outcome;
use crate::docker::Docker;
use crate::images::Images;
use crate::programs::Programs;
use crate::site::{Site, until};
use crate::worker_container::{Surroundings, WorkerContainer};

/// Shows it.
pub(super) fn show(docker: &Docker, programs: &Programs) -> Outcome<Vec<String>> {
    Images::ensure(docker, &["empty", "busybox"])?;
    let site = Site::start(docker, programs)?;
    let mut shown = Vec::new();
    for (what, proof) in [
        ("a user that the image does not know", any_user as fn(&Site) -> Outcome),
        ("an image with nothing in it, the agent as PID 1 among its own orphans", empty),
        ("names with search domains and ndots:5, and a full name", names),
        ("SIGTERM drains: what runs ends, exit code 0; a second one hurries", drains),
        ("docker kill and a start: the same name, a new life, the work again", killed),
        ("docker restart: drains and comes back", restarted),
        ("a worker that cannot hear says so: broker gone, worker frozen", deaf),
        ("a database or a broker that no name server knows: one clear line", unknown),
    ] {
        proof(&site).map_err(|error| format!("{what}: {error}"))?;
        shown.push(what.to_owned());
    }
    Ok(shown)
}

fn any_user(site: &Site) -> Outcome {
    for user in ["54321:54321", "1000:1000", "0:0"] {
        let name = format!("user-{}", user.replace(':', "-"));
        let surroundings = Surroundings { user: Some(user.to_owned()), in_memory: true, ..Surroundings::default() };
        let worker = WorkerContainer::start(site, &name, &Images::name("busybox"), &surroundings)?;
        site.run("proof.shell", &json!({}))?;
        worker.healthy()?;
        let said = worker.said();
        if said.contains("\"level\":\"ERROR\"") {
            return Err(format!("as {user} it complained: {said}").into());
        }
    }
    Ok(())
}

fn empty(site: &Site) -> Outcome {
    let worker = WorkerContainer::start(site, "empty", &Images::name("empty"), &Surroundings::default())?;
    let result = site.run("proof.native", &json!({}))?;
    if result["runtime"] != "native" {
        return Err(format!("answered {result}").into());
    }
    worker.healthy()?;
    worker.signal("TERM")?;
    match worker.ended()? {
        0 => Ok(()),
        code => Err(format!("ended with {code}: {}", worker.said()).into()),
    }
}

fn names(site: &Site) -> Outcome {
    // As in a pod: every name is first tried below each of these, and literal addresses must not be.
    let options =
        ["--dns-search", "attune.svc.cluster.local", "--dns-search", "svc.cluster.local", "--dns-option", "ndots:5"];
    let full = ["ATTUNE__DATABASE__URL=postgres://attune:attune@POSTGRES.:5432/attune".to_owned()];
    for (name, variables) in [("searching", &[][..]), ("rooted", &full[..])] {
        let surroundings = Surroundings {
            options: options.map(str::to_owned).into(),
            variables: variables.to_vec(),
            ..Surroundings::default()
        };
        let worker = WorkerContainer::start(site, name, &Images::name("empty"), &surroundings)?;
        worker.healthy()?;
    }
    // By address: no question at all.
    let inspected = site.docker().inspect(&site.container("postgres"))?;
    let address =
        inspected["NetworkSettings"]["Networks"][site.network()]["IPAddress"].as_str().unwrap_or_default().to_owned();
    let surroundings = Surroundings {
        options: options.map(str::to_owned).into(),
        variables: vec![format!("ATTUNE__DATABASE__URL=postgres://attune:attune@{address}:5432/attune")],
        ..Surroundings::default()
    };
    WorkerContainer::start(site, "literal", &Images::name("empty"), &surroundings)?.registered()?;
    Ok(())
}

fn drains(site: &Site) -> Outcome {
    let worker = WorkerContainer::start(site, "draining", &Images::name("busybox"), &Surroundings::default())?;
    let id = site.client().submit("proof.shell", &json!({"seconds": 2}))?;
    running(site, id)?;
    worker.signal("TERM")?;
    until("it to be draining", Duration::from_secs(10), || !is(site, "draining", "active"))?;
    let ended = site.client().wait(id)?;
    if ended["status"] != "completed" {
        return Err(format!("what ran while it drained ended as {ended}").into());
    }
    if worker.ended()? != 0 {
        return Err(format!("it did not end with 0: {}", worker.said()).into());
    }
    worker.begin()?;
    worker.registered()?;
    let id = site.client().submit("proof.shell", &json!({"seconds": 60}))?;
    running(site, id)?;
    worker.signal("TERM")?;
    worker.signal("TERM")?;
    if worker.ended()? != 0 {
        return Err(format!("it did not end with 0 when it was hurried: {}", worker.said()).into());
    }
    site.client().post(&format!("/executions/{id}/cancel"), &json!({})).ok();
    Ok(())
}

fn killed(site: &Site) -> Outcome {
    let quick = vec!["ATTUNE__WORKER__HEARTBEAT_INTERVAL=1s".to_owned()];
    let surroundings = Surroundings { variables: quick, ..Surroundings::default() };
    let worker = WorkerContainer::start(site, "killed", &Images::name("busybox"), &surroundings)?;
    let before = worker.registered()?["incarnation"].clone();
    let id = site.client().submit("proof.shell", &json!({"seconds": 3}))?;
    running(site, id)?;
    worker.signal("KILL")?;
    if worker.ended()? != 137 {
        return Err("it was not killed".into());
    }
    worker.begin()?;
    until("a new life", Duration::from_secs(30), || {
        site.active_worker("killed").is_some_and(|known| known["incarnation"] != before)
    })?;
    let ended = site.client().wait(id)?;
    if ended["status"] != "completed" {
        return Err(format!("what ran when it was killed ended as {ended}").into());
    }
    Ok(())
}

fn restarted(site: &Site) -> Outcome {
    let worker = WorkerContainer::start(site, "restarted", &Images::name("busybox"), &Surroundings::default())?;
    let before = worker.registered()?["incarnation"].clone();
    site.docker().run(["restart", "--time", "45", worker.container()])?;
    until("a new life", Duration::from_secs(30), || {
        site.active_worker("restarted").is_some_and(|known| known["incarnation"] != before)
    })?;
    site.run("proof.shell", &json!({}))?;
    Ok(())
}

fn deaf(site: &Site) -> Outcome {
    let quick = vec!["ATTUNE__WORKER__HEARTBEAT_INTERVAL=1s".to_owned()];
    let surroundings = Surroundings { variables: quick, ..Surroundings::default() };
    let worker = WorkerContainer::start(site, "deaf", &Images::name("busybox"), &surroundings)?;
    worker.healthy()?;
    let says = |words: &str| worker.health().is_err_and(|error| error.to_string().contains(words));
    let broker = site.container("rabbitmq");
    site.docker().run(["network", "disconnect", site.network(), &broker])?;
    let heard = until("it to miss the broker", Duration::from_secs(90), || says("the broker has no consumer of it"));
    site.docker().run(["network", "connect", "--alias", "rabbitmq", site.network(), &broker])?;
    heard?;
    until("it to hear again", Duration::from_secs(90), || worker.health().is_ok())?;
    let database = site.container("postgres");
    site.docker().run(["pause", &database])?;
    let heard = until("it to miss the database", Duration::from_secs(60), || says("confirmed no heartbeat"));
    site.docker().run(["unpause", &database])?;
    heard?;
    until("it to beat again", Duration::from_secs(60), || worker.health().is_ok())?;
    Ok(())
}

fn unknown(site: &Site) -> Outcome {
    for (name, variable, word) in [
        ("no-database", "ATTUNE__DATABASE__URL=postgres://attune:attune@nowhere:5432/attune", "database"),
        ("no-broker", "ATTUNE__MESSAGE_QUEUE__URL=amqp://attune:attune@nowhere:5672/%2f", "broker"),
    ] {
        let surroundings = Surroundings { variables: vec![variable.to_owned()], ..Surroundings::default() };
        let worker = WorkerContainer::create(site, name, &Images::name("empty"), &surroundings)?;
        worker.begin()?;
        until(&format!("{name} to say so"), Duration::from_secs(45), || worker.said().contains(word))?;
    }
    Ok(())
}

fn running(site: &Site, id: i64) -> Outcome {
    until("it to run", Duration::from_secs(20), || {
        site.client().get(&format!("/executions/{id}")).is_ok_and(|known| known["status"] == "running")
    })
}
