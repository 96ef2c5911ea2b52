"""The lab itself: what it offers to the other tests, and that nothing of it stays."""
import json
import socket
import time

import pytest

STATEFUL_SET = {
    "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "web"},
    "spec": {
        "serviceName": "web", "replicas": 2, "podManagementPolicy": "Parallel", "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {
                "terminationGracePeriodSeconds": 1, "securityContext": {"runAsUser": 65532, "fsGroup": 65532, "runAsNonRoot": True},
                "containers": [{
                    "name": "main", "image": "usher-lab-tools:1", "command": ["/bin/sh", "-c", "date +%s >>/data/starts; exec sleep 1000000"],
                    "volumeMounts": [{"name": "data", "mountPath": "/data"}],
                    "readinessProbe": {"exec": {"command": ["/bin/cat", "/data/starts"]}, "periodSeconds": 1}}]}},
        "volumeClaimTemplates": [{
            "metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}]}}
SERVICES = [
    {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {
        "clusterIP": "None", "publishNotReadyAddresses": True, "selector": {"app": "web"}, "ports": [{"name": "http", "port": 80}]}}]


def apply(lab, namespace, *objects):
    lab.kubectl("apply", "-n", namespace, "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}))


def ready_pods(lab, namespace):
    return [pod["metadata"]["name"] for pod in lab.get("pods", "-n", namespace)["items"]
            if any(found["type"] == "Ready" and found["status"] == "True" for found in pod["status"].get("conditions", []))]


def execute(lab, namespace, pod, *args):
    return lab.kubectl("exec", "-n", namespace, pod, "--", *args)


def reaches(address):
    """Nothing listens there; a refusal comes from the pod, silence from nobody."""
    try:
        socket.create_connection((address, 9), timeout=5).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return True


def say(what, began):
    print(f"{what}: {time.monotonic() - began:.1f} s")


def test_a_stateful_set_lives_in_it(lab, namespace):
    print(f"up: {lab.took['up']:.1f} s")
    began = time.monotonic()
    apply(lab, namespace, STATEFUL_SET, *SERVICES)
    lab.wait(lambda: len(ready_pods(lab, namespace)) == 2, "two pods Ready")
    say("apply to Ready", began)

    # Names of pods resolve inside, to the address that everybody sees.
    address = lab.pod_ip("web-1", namespace)
    assert address.startswith(f"10.{lab.addresses.octet + 1}.1.")
    lab.wait(lambda: address in execute(lab, namespace, "web-0", "getent", "ahostsv4", f"web-1.web.{namespace}.svc.cluster.local"), "the name of a pod")
    assert address in execute(lab, namespace, "web-0", "getent", "ahostsv4", "web-1.web")
    with pytest.raises(RuntimeError):
        execute(lab, namespace, "web-0", "getent", "ahostsv4", "web-7.web")
    assert reaches(address)

    # The API answers at its service address: kube-proxy works.
    code = execute(lab, namespace, "web-0", "curl", "-sk", "-m", "10", "-o", "/dev/null", "-w", "%{http_code}", "https://kubernetes.default/version")
    assert code in ("200", "401"), code

    began = time.monotonic()
    lab.kubectl("scale", "-n", namespace, "statefulset/web", "--replicas=3")
    lab.wait(lambda: len(ready_pods(lab, namespace)) == 3, "three pods Ready")
    say("scale 2 to 3", began)

    # A pod that is made anew finds its volume again.
    lab.kubectl("delete", "pod", "-n", namespace, "web-0")
    lab.wait(lambda: "web-0" in ready_pods(lab, namespace), "web-0 is back")
    assert len(execute(lab, namespace, "web-0", "cat", "/data/starts").split()) == 2

    began = time.monotonic()
    lab.kubectl("scale", "-n", namespace, "statefulset/web", "--replicas=1")
    lab.wait(lambda: ready_pods(lab, namespace) == ["web-0"], "one pod")
    lab.kubectl("delete", "-n", namespace, "statefulset/web", "pvc/data-web-1", "pvc/data-web-2", "pvc/data-web-0")
    lab.wait(lambda: not lab.get("pv")["items"], "all volumes are gone")
    assert not list((lab.folder / "volumes").iterdir())
    say("scale to 1, delete", began)
