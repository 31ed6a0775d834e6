//! As a service of a Compose file.

use std::fmt::Write;

use super::container::Container;

/// A Compose file of its own: `docker compose -f docker-compose.yaml -f FILE up`.
pub(crate) fn service(container: &Container) -> String {
    let Container { name, image, user, .. } = container;
    let mut text = format!(
        "services:
  worker-{name}:
    image: {image}
    depends_on:
      init-agent: {{condition: service_completed_successfully}}
      server: {{condition: service_healthy}}
    entrypoint: [/opt/attune/agent/attune-agent]
    user: \"{user}\"
    read_only: true
    tmpfs: [/tmp]
    cap_drop: [ALL]
    security_opt: [\"no-new-privileges:true\"]
    stop_grace_period: 45s
    restart: unless-stopped
    volumes:
      - agent_bin:/opt/attune/agent:ro
      - ./config/docker.yaml:/opt/attune/config/config.yaml:ro
      - ./packs:/opt/attune/packs:ro
      - runtime_envs:/opt/attune/runtime_envs
      - artifacts:/opt/attune/artifacts
      - state:/opt/attune/state
    healthcheck:
      test: [CMD, /opt/attune/agent/attune-agent, --health]
      interval: 10s
    environment:
      ATTUNE__DATABASE__URL: ${{ATTUNE_DATABASE_URL:-postgres://attune:attune@postgres:5432/attune}}
      ATTUNE__MESSAGE_QUEUE__URL: ${{ATTUNE_BROKER_URL:-amqp://attune:attune@rabbitmq:5672}}
      ATTUNE__SECURITY__ALLOW_INSECURE: postgres,rabbitmq
"
    );
    for (name, value) in container.settings() {
        if !super::container::PATHS.iter().any(|(path, _)| *path == name) {
            // Writing to a string cannot fail.
            let _written = writeln!(text, "      {name}: {}", quoted(&value));
        }
    }
    for name in container.passed_on() {
        let _written = writeln!(text, "      {name}:");
    }
    text
}

/// Text that YAML reads as that text, and Compose puts nothing into.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text.replace('$', "$$")).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::inject::container::tests::ruby;

    #[test]
    fn the_service_is_yaml_and_holds_what_was_given() {
        let container = Container { environment: vec!["PRICE=5 $".to_owned(), "HTTPS_PROXY".to_owned()], ..ruby() };
        let read: serde_json::Value = serde_saphyr::from_str(&service(&container)).expect("is YAML");
        let worker = &read["services"]["worker-ruby"];
        assert_eq!(worker["image"], "ruby:3.3");
        assert_eq!(worker["environment"]["PRICE"], "5 $$");
        assert_eq!(worker["environment"]["HTTPS_PROXY"], serde_json::Value::Null);
        assert_eq!(worker["environment"]["ATTUNE_WORKER_NAME"], "ruby");
        assert_eq!(worker["depends_on"]["init-agent"]["condition"], "service_completed_successfully");
    }
}
