"""The rendered objects before a real API server: it takes each, and the rights are what they say. And helm's own life cycle of the set record."""
import json
import os
import re
import subprocess

import pytest

import charts
from test_rendered import ALL, words_of

FOREIGN_KINDS = {"Certificate", "PodMonitor", "PrometheusRule", "ServiceMonitor"}     # of cert-manager and the Prometheus operator


def helm(api, *words):
    env = dict(os.environ, KUBECONFIG=str(api.kubeconfig), HELM_CONFIG_HOME="/nonexistent", HELM_DATA_HOME="/nonexistent")
    done = charts.run(charts.helm_path(), *words, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def ask(api, text, *words):
    """Everything is judged strictly: a field that does not exist is an error."""
    return api.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", *words, input=text)


@pytest.fixture
def namespace(api, request):
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[:50].strip("-")
    api.kubectl("create", "namespace", name)
    api.kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted", "pod-security.kubernetes.io/warn=restricted")
    yield name
    api.kubectl("delete", "namespace", name, "--wait=false")


def in_one(found):
    """As JSON: what is a word and what a truth in YAML, Python and Go do not agree on."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": found})


@pytest.mark.parametrize("case", ALL)
def test_every_object_is_taken(api, namespace, case):
    found = charts.objects(*words_of(case), "--namespace", namespace)
    own = [item for item in found if item["kind"] not in FOREIGN_KINDS]
    answered = ask(api, in_one(own), "-n", namespace).splitlines()
    assert len([line for line in answered if line.endswith("(server dry run)")]) == len(own), answered
    # A StatefulSet with a pod that breaks the level is taken with a warning; the pod itself is not.
    pod_set = charts.only(found, "StatefulSet")
    template, spec = pod_set["spec"]["template"], pod_set["spec"]["template"]["spec"]
    spec.pop("serviceAccountName")
    spec["priorityClassName"] = ""
    names = {"first", "beside"}                          # containers of a test's values, which keep no level
    for kind in ("initContainers", "containers"):
        spec[kind] = [container for container in spec[kind] if container["name"] not in names]
    spec.setdefault("volumes", []).extend({"name": claim["metadata"]["name"], "emptyDir": {}} for claim in pod_set["spec"].get("volumeClaimTemplates", []))
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "etcd-0", "labels": template["metadata"]["labels"]}, "spec": spec}
    assert "etcd-0 created" in api.kubectl("create", "--dry-run=server", "--validate=strict", "-f", "-", "-n", namespace, input=json.dumps(pod))


def test_a_wrong_field_and_a_broken_level_are_seen(api, namespace):
    found = charts.objects("--namespace", namespace)
    pod_set = charts.only(found, "StatefulSet")
    pod_set["spec"]["template"]["spec"]["containers"][0]["livenessprobe"] = {}
    with pytest.raises(RuntimeError, match="livenessprobe"):
        ask(api, in_one([pod_set]), "-n", namespace)
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    with pytest.raises(RuntimeError, match="violates PodSecurity"):
        ask(api, json.dumps(pod), "-n", namespace)


ALLOWED = [("get", "pods/etcd-0"), ("get", "pods/etcd-9"), ("get", "statefulsets.apps/etcd"), ("get", "configmaps/etcd-usher"), ("update", "configmaps/etcd-usher"),
           ("create", "events")]
DENIED = [("list", "pods"), ("watch", "pods"), ("delete", "pods/etcd-0"), ("patch", "pods/etcd-0"), ("get", "pods/etcd-0/log"), ("create", "pods/exec"),
          ("get", "statefulsets.apps/other"), ("list", "statefulsets.apps"), ("update", "statefulsets.apps/etcd"), ("patch", "statefulsets.apps/etcd"),
          ("update", "statefulsets.apps/etcd/scale"), ("get", "configmaps/other"), ("update", "configmaps/other"), ("create", "configmaps"),
          ("delete", "configmaps/etcd-usher"), ("list", "configmaps"), ("get", "secrets/etcd"), ("list", "secrets"), ("list", "events"), ("patch", "events"), ("create", "events.events.k8s.io"), ("get", "nodes"),
          ("get", "persistentvolumeclaims/data-etcd-0"), ("delete", "persistentvolumeclaims/data-etcd-0")]


def test_rights(api, namespace):
    """Asked of the API server itself, with the installed Role."""
    helm(api, "install", "etcd", charts.CHART, "-n", namespace)

    def can(verb, what, account=f"system:serviceaccount:{namespace}:etcd", where=namespace):
        words = what.split("/")
        name, sub = (words[1] if len(words) > 1 and words[1] not in ("exec",) else None), None
        if len(words) == 3 or what.endswith("/exec"):
            sub = words[-1]
        target = words[0] + (f"/{name}" if name else "")
        more = [f"--subresource={sub}"] if sub else []
        answer = api.kubectl("auth", "can-i", verb, target, *more, f"--as={account}", "-n", where, check=False)
        assert answer.strip() in ("yes", "no"), answer
        return answer.strip() == "yes"
    assert [(verb, what) for verb, what in ALLOWED if not can(verb, what)] == []
    assert [(verb, what) for verb, what in DENIED if can(verb, what)] == []
    # In another namespace, or for another account, nothing of it holds.
    assert [(verb, what) for verb, what in ALLOWED if can(verb, what, where="default")] == []
    assert [(verb, what) for verb, what in ALLOWED if can(verb, what, account=f"system:serviceaccount:{namespace}:default")] == []


def test_the_set_record_outlives_upgrades_and_the_release(api, namespace):
    """What the agent writes into it is nothing that helm undoes: not on an upgrade, a rollback, an uninstall, nor when it is installed again."""
    def record():
        found = json.loads(api.kubectl("get", "configmap", "etcd-usher", "-n", namespace, "-o", "json"))
        return found.get("data"), found["metadata"]["annotations"].get("etcd-usher.io/cluster-id")
    helm(api, "install", "etcd", charts.CHART, "-n", namespace)
    assert record() == (None, None)
    api.kubectl("patch", "configmap", "etcd-usher", "-n", namespace, "--type=merge", "-p",
                json.dumps({"data": {"cluster-id": "cdf818194e3a8c32"}, "metadata": {"annotations": {"etcd-usher.io/cluster-id": "cdf818194e3a8c32"}}}))
    written = ({"cluster-id": "cdf818194e3a8c32"}, "cdf818194e3a8c32")
    helm(api, "upgrade", "etcd", charts.CHART, "-n", namespace, "--set", "replicaCount=5")
    assert record() == written
    helm(api, "upgrade", "etcd", charts.CHART, "-n", namespace, "--set", "commonLabels.a=b,image.tag=v3.5.33")
    assert record() == written
    helm(api, "rollback", "etcd", "1", "-n", namespace)
    assert record() == written
    helm(api, "uninstall", "etcd", "-n", namespace)
    assert record() == written
    helm(api, "install", "etcd", charts.CHART, "-n", namespace)
    assert record() == written


def test_scaling_by_upgrade_changes_the_number_alone(api, namespace):
    """A change of the pod template would give the set another revision."""
    def pod_set():
        return json.loads(api.kubectl("get", "statefulset", "etcd", "-n", namespace, "-o", "json"))
    helm(api, "install", "etcd", charts.CHART, "-n", namespace, "--set", "replicaCount=1")
    first = pod_set()
    helm(api, "upgrade", "etcd", charts.CHART, "-n", namespace, "--set", "replicaCount=5")
    second = pod_set()
    assert second["spec"]["replicas"] == 5
    assert second["spec"]["template"] == first["spec"]["template"]


def test_the_notes_commands_are_commands(api, namespace):
    """Each kubectl line of the notes that needs no running pod is typed as it stands."""
    notes = helm(api, "install", "etcd", charts.CHART, "-n", namespace).partition("NOTES:")[2]
    lines = [line.strip() for line in notes.splitlines() if line.startswith("  kubectl ")]
    assert len(lines) >= 6
    env = dict(os.environ, KUBECONFIG=str(api.kubeconfig), PATH=f"{api.bin}:{os.environ['PATH']}")
    for line in lines:
        if " exec " in line or " logs " in line or " rollout " in line:
            assert subprocess.run(line.split(" -- ")[0] + " --help >/dev/null", shell=True, env=env, timeout=60, check=False).returncode == 0, line
            continue
        done = subprocess.run(line, shell=True, env=env, timeout=60, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (line, done.stderr)
    permit = api.kubectl("get", "configmap", "etcd-usher", "-n", namespace, "-o", "jsonpath={.data.permit}")
    assert permit == "forget=CLUSTER_ID"
