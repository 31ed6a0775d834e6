//! As a Kubernetes Deployment.

use std::fmt::Write;

use super::container::Container;

/// A Deployment that finds the URLs of database and broker in the secret `attune`, and the packs in the claim
/// `attune-packs`.
pub(crate) fn deployment(container: &Container) -> String {
    let Container { name, image, user, .. } = container;
    let (uid, gid) = user.split_once(':').unwrap_or((user, user));
    let version = env!("CARGO_PKG_VERSION");
    let mut text = format!(
        "apiVersion: apps/v1
kind: Deployment
metadata:
  name: attune-worker-{name}
  labels: {{app.kubernetes.io/name: attune-worker, app.kubernetes.io/instance: {name}}}
spec:
  replicas: 1
  selector:
    matchLabels: {{app.kubernetes.io/name: attune-worker, app.kubernetes.io/instance: {name}}}
  template:
    metadata:
      labels: {{app.kubernetes.io/name: attune-worker, app.kubernetes.io/instance: {name}}}
    spec:
      # Longer than what runs may take to end: worker.shutdown_timeout, then worker.kill_grace.
      terminationGracePeriodSeconds: 45
      automountServiceAccountToken: false
      securityContext:
        runAsNonRoot: true
        runAsUser: {uid}
        runAsGroup: {gid}
        fsGroup: {gid}
        seccompProfile: {{type: RuntimeDefault}}
      initContainers:
        - name: agent
          image: attune-agent:{version}
          args: [install, /opt/attune/agent]
          securityContext: &restricted
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: {{drop: [ALL]}}
          volumeMounts:
            - {{name: agent, mountPath: /opt/attune/agent}}
      containers:
        - name: worker
          image: {image}
          command: [/opt/attune/agent/attune-agent]
          securityContext: *restricted
          env:
            - name: ATTUNE__DATABASE__URL
              valueFrom: {{secretKeyRef: {{name: attune, key: database-url}}}}
            - name: ATTUNE__MESSAGE_QUEUE__URL
              valueFrom: {{secretKeyRef: {{name: attune, key: message-queue-url}}}}
"
    );
    for (variable, value) in container.settings() {
        // A Deployment's replicas are as many workers: each is called like its pod, which is its host's name.
        if variable != "ATTUNE_WORKER_NAME" {
            let value = serde_json::Value::from(value);
            // Writing to a string cannot fail.
            let _written = writeln!(text, "            - {{name: {variable}, value: {value}}}");
        }
    }
    text.push_str(
        "          startupProbe:
            exec: {command: [/opt/attune/agent/attune-agent, --health]}
            periodSeconds: 2
            timeoutSeconds: 5
            failureThreshold: 60
          livenessProbe:
            exec: {command: [/opt/attune/agent/attune-agent, --health]}
            periodSeconds: 20
            timeoutSeconds: 5
            failureThreshold: 6
          readinessProbe:
            exec: {command: [/opt/attune/agent/attune-agent, --health]}
            periodSeconds: 5
            timeoutSeconds: 5
          volumeMounts:
            - {name: agent, mountPath: /opt/attune/agent, readOnly: true}
            - {name: packs, mountPath: /opt/attune/packs, readOnly: true}
            - {name: runtime-envs, mountPath: /opt/attune/runtime_envs}
            - {name: artifacts, mountPath: /opt/attune/artifacts}
            - {name: state, mountPath: /opt/attune/state}
            - {name: temporary, mountPath: /tmp}
      volumes:
        - {name: agent, emptyDir: {}}
        - {name: packs, persistentVolumeClaim: {claimName: attune-packs, readOnly: true}}
        - {name: runtime-envs, emptyDir: {}}
        - {name: artifacts, emptyDir: {}}
        - {name: state, emptyDir: {}}
        - {name: temporary, emptyDir: {}}
",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::inject::container::tests::ruby;

    #[test]
    fn the_deployment_is_yaml_and_restricted() {
        let container = Container { runtimes: vec!["ruby".to_owned()], ..ruby() };
        let read: serde_json::Value = serde_saphyr::from_str(&deployment(&container)).expect("is YAML");
        let pod = &read["spec"]["template"]["spec"];
        assert_eq!(pod["securityContext"]["runAsUser"], 1000);
        let worker = &pod["containers"][0];
        assert_eq!(worker["image"], "ruby:3.3");
        assert_eq!(worker["securityContext"]["capabilities"]["drop"][0], "ALL");
        let names: Vec<_> = worker["env"].as_array().expect("a list").iter().map(|one| one["name"].clone()).collect();
        assert!(names.contains(&"ATTUNE_WORKER_RUNTIMES".into()) && !names.contains(&"ATTUNE_WORKER_NAME".into()));
        let mounts = worker["volumeMounts"].as_array().expect("a list");
        assert_eq!(mounts.len(), pod["volumes"].as_array().expect("a list").len());
    }
}
