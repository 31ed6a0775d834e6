#!/usr/bin/env python3
"""Lints charts/attune, renders it with several sets of values, and checks every manifest against the schemas of Kubernetes.

    pip install helm-python-sdk kubernetes-validate pyyaml
    scripts/check-chart.py [VERSION...]          # 1.27 1.31 1.34 if none is named

The package helm-python-sdk holds Helm itself, so no program called helm is needed. What has no schema there (KEDA's
ScaledObject) is named and passed over; values that must be refused are tried as well.
"""

import sys
from pathlib import Path

import helm_python as helm
import kubernetes_validate
import yaml

CHART = Path(__file__).resolve().parent.parent / "charts" / "attune"
VERSIONS = sys.argv[1:] or ["1.27", "1.31", "1.34"]
FULL = {
    "image": {"registry": "registry.example.com/attune", "pullSecrets": ["registry"]},
    "connections": {"existingSecret": "own", "allowInsecure": ["postgres", "rabbitmq"]},
    "packs": {"existingClaim": "packs"},
    "artifacts": {"existingClaim": "artifacts"},
    "keda": {"enabled": True},
    "networkPolicy": {"workerEgress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}]},
    "agentWorkers": [
        {"name": "ruby", "image": "ruby:3.3-slim", "runtimes": ["ruby", "shell"], "replicas": 0},
        {
            "name": "gpu",
            "image": "nvidia/cuda:12.3.1-runtime-ubuntu22.04",
            "runtimeClassName": "nvidia",
            "nodeSelector": {"gpu": "yes"},
            "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
            "labels": {"gpu": "yes", "zone": "a"},
            "env": {"NVIDIA_VISIBLE_DEVICES": "all"},
            "user": 2000,
            "resources": {"limits": {"nvidia.com/gpu": 1}},
            "keda": {"maxReplicas": 5},
        },
    ],
}
# An image as a volume came with 1.31 as alpha, and its schema too.
CASES = {"defaults": ({}, VERSIONS), "everything": (FULL, VERSIONS)}
CASES["image volume"] = ({"agent": {"delivery": "image"}}, [v for v in VERSIONS if v >= "1.31"])
REFUSED = {
    "a pool without an image": {"agentWorkers": [{"name": "x"}]},
    "a name that is none": {"agentWorkers": [{"name": "X y", "image": "a"}]},
    "root": {"workerDefaults": {"user": 0}},
    "a key that nobody knows": {"sever": {"replicas": 3}},
    "another delivery": {"agent": {"delivery": "magic"}},
}


def complaints():
    """Everything that is wrong; lines about what is right are printed."""
    report = helm.lint(str(CHART), strict=True)
    wrong = [f"lint: {one}" for one in report["errors"]]
    wrong += [f"lint: {one['path']}: {one['error']}" for one in report["messages"] if one["severity"] >= 2]
    print(f"lint: {report['total_charts_linted']} chart, {len(wrong)} complaints")
    with helm.Chart.load(str(CHART)) as chart:
        for name, (values, versions) in CASES.items():
            rendered = chart.render(values, name="release", namespace="attune")
            documents = [
                document
                for path, text in rendered.items()
                if path.endswith(".yaml")
                for document in yaml.safe_load_all(text)
                if document
            ]
            for version in versions:
                checked = 0
                for document in documents:
                    what = f"{document['kind']} {document['metadata']['name']}"
                    if document["apiVersion"].startswith("keda.sh/"):
                        continue
                    try:
                        kubernetes_validate.validate(document, version, strict=True)
                        checked += 1
                    except kubernetes_validate.ValidationError as error:
                        wrong.append(f"{name}, {version}, {what}: {error.message}")
                passed_over = len([one for one in documents if one["apiVersion"].startswith("keda.sh/")])
                print(f"{name}, Kubernetes {version}: {checked} of {len(documents)} valid, {passed_over} without a schema")
            wrong += [f"{name}: {problem}" for document in documents for problem in unrestricted(document)]
        for name, values in REFUSED.items():
            try:
                chart.render(values, name="release")
            except helm.HelmError:
                print(f"refused, as it must be: {name}")
            else:
                wrong.append(f"was accepted: {name}")
    return wrong


def unrestricted(document):
    """What the restricted profile of the pod security standards would refuse."""
    if document["kind"] != "Deployment":
        return
    pod = document["spec"]["template"]["spec"]
    what = document["metadata"]["name"]
    if not pod["securityContext"].get("runAsNonRoot") or pod["securityContext"]["seccompProfile"]["type"] != "RuntimeDefault":
        yield f"{what}: the pod is not restricted"
    for container in pod["containers"] + pod.get("initContainers", []):
        context = container["securityContext"]
        if context["allowPrivilegeEscalation"] or not context["readOnlyRootFilesystem"] or context["capabilities"]["drop"] != ["ALL"]:
            yield f"{what}, {container['name']}: not restricted"
        if "resources" not in container:
            yield f"{what}, {container['name']}: no resources"


if __name__ == "__main__":
    found = complaints()
    for complaint in found:
        print(f"error: {complaint}", file=sys.stderr)
    sys.exit(1 if found else 0)
