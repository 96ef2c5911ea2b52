#!/usr/bin/python3
"""Records what a real Kubernetes API server answers, for tests/wire/test_kube_replies.c. In a lab (it brings kubectl, helm and images):
`SHELL_COMMAND=tests/wire/record_kube.py tests/kube/lab/shell 1`. Writes kube/NAME.json = {"method", "path", "status", "body"}, the body as it
came, byte for byte. No token is sent but one that is no token: the lab's administrator has a certificate, and asks in the name of others."""
import base64
import json
import os
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OUT = Path(__file__).resolve().parent / "kube"
SPACE = "wire"
PODS, SETS = f"/api/v1/namespaces/{SPACE}/pods", f"/apis/apps/v1/namespaces/{SPACE}/statefulsets"
MAPS, EVENTS = f"/api/v1/namespaces/{SPACE}/configmaps", f"/api/v1/namespaces/{SPACE}/events"
VALUES = ("usher.image.repository=etcd-usher", "usher.image.tag=test", "image.repository=quay.io/coreos/etcd", "image.tag=v3.6.14",
          "persistence.size=64Mi", "usher.leaveTimeoutSeconds=20", "terminationGracePeriodSeconds=30", "replicaCount=2")


def run(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


class Api:
    def __init__(self):
        config = json.loads(Path(os.environ["KUBECONFIG"]).read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        self.server = cluster["server"]
        self.folder = tempfile.TemporaryDirectory()
        for name, data in (("ca", cluster["certificate-authority-data"]), ("crt", user["client-certificate-data"]),
                           ("key", user["client-key-data"])):
            Path(self.folder.name, name).write_bytes(base64.b64decode(data))
        self.anonymous = ssl.create_default_context(cafile=f"{self.folder.name}/ca")
        self.admin = ssl.create_default_context(cafile=f"{self.folder.name}/ca")
        self.admin.load_cert_chain(f"{self.folder.name}/crt", f"{self.folder.name}/key")

    def ask(self, method, path, body=None, **headers):
        request = urllib.request.Request(self.server + path, None if body is None else json.dumps(body).encode(),
                                         {"Content-Type": "application/json", "User-Agent": "etcd-usher", **headers}, method=method)
        try:
            with urllib.request.urlopen(request, context=self.anonymous if headers.get("Authorization") else self.admin, timeout=10) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as problem:
            return problem.code, problem.read().decode()

    def record(self, name, wanted, method, path, body=None, **headers):
        status, text = self.ask(method, path, body, **headers)
        assert status == wanted, f"{name}: {status}, not {wanted}: {text[:300]}"
        OUT.mkdir(exist_ok=True)
        (OUT / f"{name}.json").write_text(json.dumps({"method": method, "path": path, "status": status, "body": text}, indent=1) + "\n")
        return json.loads(text) if text.startswith("{") else text


def await_true(condition, what, limit=300):
    until = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < until, what
        time.sleep(0.05)


def is_ready(api, count):
    def ready(name):
        status, text = api.ask("GET", f"{PODS}/{name}")
        return status == 200 and any(each["type"] == "Ready" and each["status"] == "True" for each in json.loads(text)["status"].get("conditions", []))
    return all(ready(f"etcd-{number}") for number in range(count))


def main():
    api = Api()
    run("kubectl", "create", "namespace", SPACE)
    api.record("configmap-missing", 404, "GET", f"{MAPS}/etcd-usher")
    run("helm", "install", "etcd", str(ROOT / "charts/etcd"), "-n", SPACE, *(part for value in VALUES for part in ("--set", value)))
    record = api.record("configmap-empty", 200, "GET", f"{MAPS}/etcd-usher") if "data" not in json.loads(api.ask("GET", f"{MAPS}/etcd-usher")[1]) else None
    await_true(lambda: is_ready(api, 2), "two ready pods")
    await_true(lambda: "etcd-1" in json.loads(api.ask("GET", f"{MAPS}/etcd-usher")[1])["data"].get("slots", ""), "both in the record")
    pod = api.record("pod", 200, "GET", f"{PODS}/etcd-1")
    api.record("statefulset", 200, "GET", f"{SETS}/etcd")
    record = api.record("configmap", 200, "GET", f"{MAPS}/etcd-usher")
    api.record("pod-missing", 404, "GET", f"{PODS}/etcd-7")
    api.record("statefulset-missing", 404, "GET", f"{SETS}/other")
    api.record("no-such-resource", 404, "GET", f"/apis/apps/v9/namespaces/{SPACE}/statefulsets/etcd")
    api.record("no-such-namespace", 404, "GET", "/api/v1/namespaces/nowhere/pods/etcd-1")
    api.record("forbidden", 403, "GET", f"{PODS}/etcd-1", **{"Impersonate-User": f"system:serviceaccount:{SPACE}:default"})
    api.record("unauthorized", 401, "GET", f"{PODS}/etcd-1", Authorization="Bearer no-token")
    api.record("pods", 200, "GET", PODS)
    written = json.loads(json.dumps(record))
    written["metadata"].pop("managedFields", None)
    written["data"]["note"] = "of a person"
    api.record("configmap-written", 200, "PUT", f"{MAPS}/etcd-usher", written)
    api.record("configmap-conflict", 409, "PUT", f"{MAPS}/etcd-usher", written)
    event = {"apiVersion": "v1", "kind": "Event", "metadata": {"name": "etcd-1.1.1", "namespace": SPACE}, "type": "Normal", "reason": "Stayed",
             "message": "m", "count": 1, "firstTimestamp": "2026-11-25T10:00:00Z", "lastTimestamp": "2026-11-25T10:00:00Z",
             "source": {"component": "etcd-usher", "host": ""}, "involvedObject": {"apiVersion": "v1", "kind": "Pod", "name": "etcd-1",
                                                                                    "namespace": SPACE, "uid": pod["metadata"]["uid"]}}
    api.record("event", 201, "POST", EVENTS, event)
    api.record("event-exists", 409, "POST", EVENTS, event)
    api.record("event-elsewhere", 400, "POST", EVENTS, {**event, "metadata": {"name": "x", "namespace": "default"}})
    run("kubectl", "patch", "pod", "etcd-1", "-n", SPACE, "--type=json", '-p=[{"op":"add","path":"/metadata/finalizers","value":["usher.test/hold"]}]')
    run("kubectl", "scale", "statefulset", "etcd", "-n", SPACE, "--replicas=1")
    await_true(lambda: "deletionTimestamp" in json.loads(api.ask("GET", f"{PODS}/etcd-1")[1])["metadata"], "etcd-1 ends", 60)
    api.record("pod-terminating", 200, "GET", f"{PODS}/etcd-1")
    api.record("statefulset-scaled", 200, "GET", f"{SETS}/etcd")
    run("kubectl", "patch", "pod", "etcd-1", "-n", SPACE, "--type=json", '-p=[{"op":"remove","path":"/metadata/finalizers"}]')
    await_true(lambda: api.ask("GET", f"{PODS}/etcd-1")[0] == 404, "etcd-1 is gone", 120)
    api.record("pod-gone", 404, "GET", f"{PODS}/etcd-1")
    run("kubectl", "patch", "statefulset", "etcd", "-n", SPACE, "--type=json", '-p=[{"op":"add","path":"/metadata/finalizers","value":["usher.test/hold"]}]')
    run("kubectl", "delete", "statefulset", "etcd", "-n", SPACE, "--cascade=orphan", "--wait=false")
    await_true(lambda: "ownerReferences" not in json.loads(api.ask("GET", f"{PODS}/etcd-0")[1])["metadata"], "etcd-0 is an orphan", 60)
    api.record("pod-orphaned", 200, "GET", f"{PODS}/etcd-0")
    api.record("statefulset-deleted", 200, "GET", f"{SETS}/etcd")
    run("kubectl", "patch", "statefulset", "etcd", "-n", SPACE, "--type=json", '-p=[{"op":"remove","path":"/metadata/finalizers"}]')
    print("recorded", len(list(OUT.glob("*.json"))))


main()
