"""The Role of the chart as the only right: what the usher calls is allowed, its neighbours are not, and the API server's own log says how
often it calls at all."""
import collections
import datetime
import http.client
import json
import ssl

import pytest
from lab import Lab
from release import Release

pytestmark = pytest.mark.slow
POLICY = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"], "rules": [
    {"level": "Metadata", "userGroups": ["system:serviceaccounts"]}, {"level": "None"}]}
IDLE_S = 60


class AuditedLab(Lab):
    """A lab whose API server logs each request of a service account."""

    def __init__(self, folder):
        (folder / "policy.json").write_text(json.dumps(POLICY))
        self.log = folder / "audit.log"
        super().__init__(apiserver_flags=[f"--audit-policy-file={folder}/policy.json", f"--audit-log-path={self.log}"])

    def calls(self, release):
        """What the pods of the release asked for, in order."""
        user = f"system:serviceaccount:{release.namespace}:{release.name}"
        events = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [event for event in events if event["user"]["username"] == user]


@pytest.fixture(scope="module")
def audited(tmp_path_factory):
    with AuditedLab(tmp_path_factory.mktemp("audit")) as lab:
        lab.up()
        lab.load_usual_images()
        yield lab


@pytest.fixture
def release(audited, request):
    """A cluster of three in a namespace of its own."""
    name = request.node.name.replace("_", "-")[:40].strip("-")
    audited.kubectl("create", "namespace", name)
    yield Release(audited, name).install(3)
    audited.kubectl("delete", "namespace", name, "--wait=false")


def asker(release):
    """ask(method, path, body) -> status, with a token of the release's account and nothing else."""
    token = release.kubectl("create", "token", release.name).strip()
    context = ssl.create_default_context(cafile=release.lab.pki.ca)

    def ask(method, path, body=None):
        connection = http.client.HTTPSConnection(release.lab.addresses.control, 6443, context=context, timeout=20)
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        connection.request(method, path, json.dumps(body) if body is not None else None,
                           {"Authorization": f"Bearer {token}", "Content-Type": kind})
        return connection.getresponse().status
    return ask


def event_of(namespace):
    return {"apiVersion": "v1", "kind": "Event", "metadata": {"name": "by-a-test", "namespace": namespace}, "reason": "ByATest",
            "involvedObject": {"kind": "Pod", "name": "etcd-0", "namespace": namespace}, "type": "Normal", "message": "x"}


def test_the_role_allows_what_is_needed_and_no_more(release):
    ns, ask = release.namespace, asker(release)
    core, apps = f"/api/v1/namespaces/{ns}", f"/apis/apps/v1/namespaces/{ns}"
    release.kubectl("create", "configmap", "other")
    release.kubectl("create", "secret", "generic", "other")
    release.lab.kubectl("create", "-n", "default", "configmap", "etcd-usher")
    record, other = release.record(), release.lab.get("configmap", "other", "-n", ns)
    elsewhere = release.lab.get("configmap", "etcd-usher", "-n", "default")
    allowed = [
        ("GET", f"{core}/pods/etcd-0", None, 200), ("GET", f"{core}/pods/etcd-7", None, 404), ("GET", f"{apps}/statefulsets/etcd", None, 200),
        ("GET", f"{core}/configmaps/etcd-usher", None, 200), ("PUT", f"{core}/configmaps/etcd-usher", record, 200),
        ("POST", f"{core}/events", event_of(ns), 201)]
    new = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "new"}}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "new"}, "spec": {"containers": [{"name": "main", "image": "x:1"}]}}
    annotated = {"metadata": {"annotations": {"a": "b"}}}
    denied = [
        ("GET", f"{apps}/statefulsets/other", None), ("GET", f"{apps}/statefulsets", None), ("GET", f"{apps}/statefulsets?watch=1", None),
        ("PATCH", f"{apps}/statefulsets/etcd", annotated), ("DELETE", f"{apps}/statefulsets/etcd", None),
        ("GET", f"{apps}/statefulsets/etcd/scale", None), ("PATCH", f"{apps}/statefulsets/etcd/scale", {"spec": {"replicas": 0}}),
        ("GET", f"{core}/pods", None), ("GET", f"{core}/pods?watch=1", None), ("POST", f"{core}/pods", pod),
        ("PATCH", f"{core}/pods/etcd-0", annotated), ("DELETE", f"{core}/pods/etcd-0", None), ("DELETE", f"{core}/pods", None),
        ("GET", f"{core}/pods/etcd-0/log", None), ("POST", f"{core}/pods/etcd-0/exec?command=x", None),
        ("POST", f"{core}/pods/etcd-0/eviction", None), ("PATCH", f"{core}/pods/etcd-0/status", annotated),
        ("GET", f"{core}/configmaps/other", None), ("PUT", f"{core}/configmaps/other", other), ("GET", f"{core}/configmaps", None),
        ("POST", f"{core}/configmaps", new), ("PATCH", f"{core}/configmaps/etcd-usher", annotated),
        ("DELETE", f"{core}/configmaps/etcd-usher", None), ("DELETE", f"{core}/configmaps/other", None),
        ("GET", f"{core}/secrets", None), ("GET", f"{core}/secrets/other", None), ("POST", f"{core}/secrets", None),
        ("GET", f"{core}/events", None), ("DELETE", f"{core}/events/by-a-test", None),
        ("GET", f"{core}/persistentvolumeclaims", None), ("GET", f"{core}/persistentvolumeclaims/data-etcd-0", None),
        ("DELETE", f"{core}/persistentvolumeclaims/data-etcd-0", None), ("GET", f"{core}/services", None), ("GET", f"{core}/endpoints", None),
        ("POST", f"{core}/serviceaccounts/etcd/token", None), ("GET", f"/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/roles", None),
        ("GET", "/api/v1/namespaces/default/pods/etcd-0", None), ("GET", "/api/v1/namespaces/default/configmaps/etcd-usher", None),
        ("PUT", "/api/v1/namespaces/default/configmaps/etcd-usher", elsewhere), ("POST", "/api/v1/namespaces/default/events",
                                                                                  event_of("default")),
        ("GET", "/api/v1/pods", None), ("GET", "/api/v1/nodes", None), ("GET", "/api/v1/namespaces", None)]
    for method, path, body, status in allowed:
        assert ask(method, path, body) == status, f"{method} {path}"
    through = {f"{method} {path}": status for method, path, body in denied if (status := ask(method, path, body)) != 403}
    assert not through, through
    print(f"{len(allowed)} calls allowed, {len(denied)} neighbours denied")
    release.check(3)


def what(event):
    found = event["objectRef"]
    return event["verb"], found["resource"], found.get("name") if found["resource"] != "events" else ""


def test_how_often_it_calls(audited, release):
    """Of each pod's life; and nothing at all while nothing happens."""
    audited.wait(lambda: "slots" in release.record()["data"] and len(json.loads(release.record()["data"]["slots"])) == 3, "three slots", 60)
    uids = {release.uid(pod): pod for pod in release.pods()}
    before = len(audited.calls(release))
    audited.wait(lambda: quiet_since(audited, release) > 10, "the calls of the start have ended", 120)
    settled = len(audited.calls(release))
    release.stays(lambda: True, "idle", IDLE_S)
    during = [what(event) for event in audited.calls(release)[settled:]]
    print(f"{before} calls until ready, {settled - before} soon after, {len(during)} in {IDLE_S} s of rest")
    assert not during, during

    release.scale(2)
    release.delete_pod("etcd-1")
    audited.wait(lambda: quiet_since(audited, release) > 10, "the calls have ended", 120)
    lives = collections.defaultdict(list)
    for event in audited.calls(release):
        lives[event["user"]["extra"]["authentication.kubernetes.io/pod-uid"][0]].append(event)
    for uid, events in lives.items():
        counted = collections.Counter(what(event) for event in events)
        print(f"{uids.get(uid, 'another')}: {len(events)} calls: " + ", ".join(f"{count} x {' '.join(call)}" for call, count in counted.items()))
    expected = {("get", "pods", pod) for pod in uids.values()} | {
        ("get", "statefulsets", "etcd"), ("get", "configmaps", "etcd-usher"), ("update", "configmaps", "etcd-usher"), ("create", "events", "")}
    everything = [event for events in lives.values() for event in events]
    assert {what(event) for event in everything} <= expected
    assert not [event for event in everything if event["responseStatus"]["code"] in (401, 403)]
    # A whole life, from the first call to the last: that of the pod that was scaled away.
    whole = next(events for uid, events in lives.items() if uids.get(uid) == "etcd-2")
    assert any(what(event)[1] == "statefulsets" for event in whole) and len(whole) <= 30
    release.check(2)


def quiet_since(audited, release):
    """Seconds since the last call, by the API server's clock, which is ours."""
    last = datetime.datetime.fromisoformat(audited.calls(release)[-1]["stageTimestamp"].replace("Z", "+00:00"))
    return (datetime.datetime.now(datetime.timezone.utc) - last).total_seconds()
