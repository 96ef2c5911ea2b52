"""The guides for one cluster, typed as they stand: docs/operations.md, docs/kubernetes.md, docs/drop-in.md and the READMEs."""
import json
import re
import shutil
import sys
import time
from pathlib import Path

import guides
import pytest
import yaml
from certificates import Authority
from lab import Lab, make_image, tools_image, with_libraries
from lab.image import people
from release import ROOT, Release, call, claims, encode

sys.path.append(str(ROOT / "tests/charts"))
import shapes  # noqa: E402

OPERATIONS, DROP_IN = "docs/operations.md", "docs/drop-in.md"


@pytest.fixture(scope="module")
def town():
    """A lab that has the images under the names that the guides and the charts use."""
    with Lab() as lab:
        lab.up()
        guides.load_images(lab)
        yield lab


@pytest.fixture
def follow(town, tmp_path):
    """follow(guide, words): a person in a namespace of its own, and the release that is there, or will be."""
    made = []

    def begin(guide, namespace=None, **words):
        name = namespace or f"guide-{time.time_ns() // 1000000 % 10 ** 9}"
        env = guides.kubeconfig(tmp_path / "kubeconfig", name, town=town)
        known = guides.Guide(guide).words
        walk = guides.Walk(guide, tmp_path, env, {**({"NAMESPACE": name} if "NAMESPACE" in known else {}), **words})
        if town.kubectl("get", "namespace", name, "--ignore-not-found") == "":
            town.kubectl("create", "namespace", name)
            made.append(name)
        return walk, Release(town, name)
    yield begin
    for name in made:
        town.kubectl("delete", "namespace", name, "--wait=false")


def install(walk, release, replicas=3, **values):
    """By the chart's own images."""
    flags = [part for key, value in {"replicaCount": replicas, **values}.items() for part in ("--set", f"{key.replace('__', '.')}={value}")]
    release.lab.helm("install", "etcd", walk.folder / "charts/etcd", "-n", release.namespace, *flags)
    return release.wait_ready(replicas)


def volume_of(release, pod):
    """The folder on this machine."""
    claim = claims(release)[f"data-{pod}"]
    return Path(release.lab.get("pv", claim["spec"]["volumeName"])["spec"]["local"]["path"])


def archives(release, pod):
    return [path for path in volume_of(release, pod).iterdir() if path.is_dir() and path.name != "member" and list(path.rglob("*.wal"))]


def end_pod(release, pod):
    """And wait for its successor, whatever becomes of it."""
    uid = release.uid(pod)
    release.end_pods(pod)
    release.lab.wait(lambda: release.uids().get(pod, uid) != uid, f"{pod} has a successor", 120)


def wait_for_reason(release, pod, reason):
    release.lab.wait(lambda: f'"{reason}"' in release.log(pod), f"{pod} says {reason}", 120)


def named(walk, word):
    """What the last line of the log says, as a person reads it: the ID (or other name) behind `word=`. The command there can be copied as it is."""
    said = walk.run("A pod refuses, or waits for a person")
    assert len(said.splitlines()) == 1
    found = re.search(rf"once: (kubectl .* -p 'data: {{permit: {word}=([\w-]+)}}')", said)
    assert found, f"no permit {word}= in {said}"
    tried = walk.shell(f"{found.group(1)} --dry-run=server -o jsonpath='{{.data.permit}}'")
    assert tried.stdout == f"{word}={found.group(2)}", tried
    return found.group(2)


def no_permit(release):
    release.lab.wait(lambda: "permit" not in release.record()["data"], "the permit was taken out", 60)


def remove_member(release, pod):
    member = f"{release.member_id(pod):x}"
    release.lab.wait(lambda: "removed from cluster" in release.kubectl(  # etcd says no for some seconds after a start
        "exec", "etcd-0", "-c", "etcd", "--", "etcdctl", "member", "remove", member, check=False), f"{pod}'s member is removed", 60, 1)
    return member


# -- docs/operations.md --


def test_looking_and_alerts(follow):
    walk, release = follow(OPERATIONS, POD="etcd-1")
    install(walk, release)
    said = walk.run("What is going on?")
    assert "readyz check passed" in said and "decision: " in said and '"membership":"voter"' in said.replace(" ", "")
    walk.run("Alerts / What etcd says")

    release.lab.kubectl("apply", "-f", "-", input=json.dumps(prometheus_rules()))
    release.lab.wait(lambda: "prometheusrules" in release.lab.kubectl("api-resources", "-o", "name"), "the kind PrometheusRule", 60)
    before, uids = release.ids(), release.uids()
    walk.run("Alerts")
    release.lab.wait(lambda: not set(uids.values()) & set(release.uids().values()), "all pods were rolled", 180)
    release.check(3)
    assert release.ids() == before
    rule = release.lab.get("prometheusrule", "etcd", "-n", release.namespace)
    alerts = [rule["alert"] for group in rule["spec"]["groups"] for rule in group["rules"]]
    assert alerts == re.findall(r"^\| (Etcd\w+) \|", walk.guide.text, re.M)

    walk.run("Alerts / EtcdDatabaseNearQuota")
    old = remove_member(release, "etcd-1")
    wait_for_reason(release, "etcd-1", "pod-was-removed")
    walk.run("Alerts / EtcdUsherRemoved")
    release.check(3)
    assert f"{release.member_id('etcd-1'):x}" != old and archives(release, "etcd-1")


def prometheus_rules():
    """The kind alone, as the Prometheus operator brings it."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "prometheusrules.monitoring.coreos.com"},
            "spec": {"group": "monitoring.coreos.com", "scope": "Namespaced", "names": {"kind": "PrometheusRule", "plural": "prometheusrules"},
                     "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}]}}


def lose_unproven(release):
    """A volume is lost, and the chart was told not to replace it without asking."""
    release.kubectl("delete", "pvc", "data-etcd-2", "--wait=false")
    end_pod(release, "etcd-2")
    wait_for_reason(release, "etcd-2", "lost-refused")


def test_permit_replace(follow):
    walk, release = follow(OPERATIONS, POD="etcd-2")
    before = install(walk, release, usher__lostData="refuse").ids()
    lose_unproven(release)
    walk.run("A pod refuses, or waits for a person / replace", MEMBER_ID=named(walk, "replace"))
    release.check(3)
    assert release.ids()["etcd-2"] != before["etcd-2"]
    no_permit(release)


@pytest.mark.slow
def test_kubernetes(follow):
    walk, release = follow("docs/kubernetes.md")
    before = install(walk, release, usher__lostData="refuse").ids()
    walk.run("When does a member leave?")
    walk.run("Rights")
    lose_unproven(release)
    walk.run("The set record", MEMBER_ID=f"{before['etcd-2']:x}")
    release.check(3)
    assert release.ids()["etcd-2"] != before["etcd-2"]
    no_permit(release)


@pytest.mark.slow
def test_permit_archive(follow):
    """Somebody removed the member, and the chart was told to ask before its data is moved aside."""
    walk, release = follow(OPERATIONS, POD="etcd-2")
    install(walk, release, usher__staleData="refuse")
    old = remove_member(release, "etcd-2")
    wait_for_reason(release, "etcd-2", "pod-was-removed")
    end_pod(release, "etcd-2")
    wait_for_reason(release, "etcd-2", "stale-refused")
    assert named(walk, "archive") == old
    walk.run("A pod refuses, or waits for a person / archive", MEMBER_ID=old)
    release.check(3)
    assert archives(release, "etcd-2")
    no_permit(release)


@pytest.mark.slow
def test_permit_archive_unreadable(follow):
    """The head of the WAL is overwritten."""
    walk, release = follow(OPERATIONS, POD="etcd-2")
    install(walk, release)
    for wal in volume_of(release, "etcd-2").rglob("*.wal"):
        with open(wal, "r+b") as file:
            file.write(b"\xff" * 512)
    end_pod(release, "etcd-2")
    wait_for_reason(release, "etcd-2", "data-torn")
    assert named(walk, "archive") == "etcd-2"
    walk.run("A pod refuses, or waits for a person / archive, unreadable")
    release.check(3)
    no_permit(release)


@pytest.mark.slow
def test_permit_drop(follow):
    """A removed member's data, and no room beside it: the volume is a small file system of its own, and something else fills it."""
    walk, release = follow(OPERATIONS, POD="etcd-2")
    install(walk, release)
    release.scale(2)
    node, folder = release.lab.nodes[1], volume_of(release, "etcd-2")
    node.run("mount", "-t", "tmpfs", "-o", "size=200M", "none", folder)
    release.scale(3)
    for number in range(6):
        call(release.address("etcd-0"), "/v3/kv/put", {"key": encode(f"big-{number}"), "value": encode("x" * 10 ** 6)})
    old = remove_member(release, "etcd-2")
    wait_for_reason(release, "etcd-2", "pod-was-removed")
    node.shell(f"cd {folder}", "dd if=/dev/zero of=ballast bs=64k 2>/dev/null || true", "truncate -s -1M ballast")
    end_pod(release, "etcd-2")
    wait_for_reason(release, "etcd-2", "no-space-to-archive")
    assert named(walk, "drop") == old
    walk.run("A pod refuses, or waits for a person / drop", MEMBER_ID=old)
    release.check(3)
    assert "ballast" in node.run("ls", folder) and "usher-archive" not in node.run("ls", folder)
    no_permit(release)


@pytest.mark.slow
def test_permit_start(follow):
    """The notes beside the data say that the volume was another pod's: a person knows better."""
    walk, release = follow(OPERATIONS, POD="etcd-2")
    install(walk, release)
    before = release.ids()
    release.scale(0)
    notes = volume_of(release, "etcd-2") / "usher.json"
    notes.write_text(notes.read_text().replace('"slot": "etcd-2"', '"slot": "etcd-7"'))
    release.scale(3, wait=False)
    wait_for_reason(release, "etcd-2", "foreign-slot")
    walk.run("A pod refuses, or waits for a person / start", MEMBER_ID=f"{before['etcd-2']:x}")
    release.check(3)
    assert release.ids() == before
    no_permit(release)


@pytest.mark.slow
def test_permit_forget_a_cluster(follow):
    """All volumes are gone; the set record still knows the cluster, so nobody founds another one until a person says so."""
    walk, release = follow(OPERATIONS, POD="etcd-0")
    install(walk, release)
    old = release.record()["data"]["cluster-id"]
    release.scale(0)
    release.kubectl("delete", "pvc", "--all")
    release.scale(3, wait=False)
    wait_for_reason(release, "etcd-0", "record-has-cluster")
    said = walk.run("A pod refuses, or waits for a person / forget", CLUSTER_ID=named(walk, "forget"))
    assert said.startswith(old)
    release.check(3)
    assert release.record()["data"]["cluster-id"] != old
    no_permit(release)


@pytest.mark.slow
def test_permit_forget_a_claim(follow):
    """A founder claimed the record, and its volume was lost before it founded."""
    walk, release = follow(OPERATIONS, POD="etcd-0")
    release.lab.helm("install", "etcd", walk.folder / "charts/etcd", "-n", release.namespace, "--set", "replicaCount=0")
    claim = json.dumps({"slot": "etcd-0", "nonce": "0123456789abcdef0123456789abcdef", "time": "2026-01-01T00:00:00Z"})
    release.kubectl("patch", "configmap", "etcd-usher", "--type=merge", "-p", json.dumps({"data": {"claim": claim}}))
    release.scale(3, wait=False)
    wait_for_reason(release, "etcd-0", "claim-without-nonce")
    said = walk.run("A pod refuses, or waits for a person / forget, a claim", NONCE=named(walk, "forget"))
    assert "0123456789abcdef" in said
    release.check(3)
    no_permit(release)


# -- the READMEs --


def test_readme(follow):
    walk, release = follow("README.md", YOUR="ghcr.io/etcd-usher")
    walk.run("etcd-usher / On Kubernetes")
    release.check(5)


@pytest.mark.slow
def test_readme_of_the_chart(follow):
    walk, release = follow("charts/etcd/README.md")
    walk.run("etcd")
    release.check(2)


@pytest.mark.slow
def test_readme_of_the_chart_with_certificates(follow, tmp_path):
    walk, release = follow("charts/etcd/README.md", PASSWORD="secret")
    authority = Authority(tmp_path / "authority")
    for name in ("etcd-server", "etcd-peer"):
        authority.secret(release, name)
    for name in ("ca.crt", "ca.key"):
        shutil.copy(tmp_path / "authority" / name, tmp_path)
    walk.run("TLS")
    release.wait_ready(3)
    walk.run("Users and passwords")
    assert set(release.lab.get("secret", "etcd-client", "-n", release.namespace)["data"]) == {"tls.crt", "tls.key"}


@pytest.mark.slow
def test_readme_of_the_manifests(follow, town):
    walk, _ = follow("manifests/README.md")
    walk.run("Plain YAML")
    release = Release(town, "etcd")
    release.selector = "app=etcd"
    release.check(5)
    town.kubectl("delete", "namespace", "etcd", "--wait=false")


# -- docs/drop-in.md --

SECTIONS = {"bitnami-11-12": "bitnami/etcd 11 and 12", "bitnami-8-10": "bitnami/etcd 8 to 10", "groundhog2k": "groundhog2k/etcd",
            "cloudpirates": "CloudPirates etcd", "kamaji-etcd": "kamaji-etcd", "vcluster": "vcluster", "plain-statefulset": "A StatefulSet of your own"}
CERTIFIED = ("kamaji-etcd", "vcluster")  # their stand-ins have no certificates: the API server takes what comes out, nothing runs


def stand_in(dropin, namespace, folder):
    """The chart's stand-in (tests/charts/shapes.py) with one member, and an image that is there."""
    text = shapes.RENDERED.get(dropin) or shapes.CHARTS[dropin][0]
    text = re.sub(r"\.ns(?=[.:])", f".{namespace}", text).replace("replicas: 3", "replicas: 1")
    text = re.sub(r"namespace: ns\b", f"namespace: {namespace}", text)
    text = text.replace('image: "busybox:1",', 'image: "busybox:1", securityContext: {runAsUser: 999},')
    text = re.sub(r"image: (docker.io/bitnami/etcd:latest|quay.io/coreos/etcd:v3.4.37)", "image: etcd-with-shell:1", text)
    if dropin == "plain-statefulset":
        (folder / "etcd.yaml").write_text(text)
        return None
    chart = folder / "stand-in"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text(shapes.about(dropin))
    (chart / "values.yaml").write_text(shapes.CHARTS[dropin][1] if dropin in shapes.CHARTS else "")
    (chart / "templates/_names.tpl").write_text(shapes.CHARTS[dropin][2] if dropin in shapes.CHARTS else "")
    (chart / "templates/set.yaml").write_text(text)
    return chart


def before_values(dropin):
    if dropin.startswith("bitnami"):
        return {"replicaCount": 1, "serviceAccount": {"create": True}, "preUpgradeJob": {"enabled": False}, "livenessProbe": {"enabled": False},
                "readinessProbe": {"enabled": False}, "command": ["etcd"]}
    return {"storage": {"requestedSize": "8Gi"}} if dropin == "groundhog2k" else {}


def headless(name):
    ports = [{"name": "client", "port": 2379}, {"name": "peer", "port": 2380}]
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {
        "clusterIP": "None", "publishNotReadyAddresses": True, "selector": {"app": "etcd"}, "ports": ports}}


@pytest.fixture(scope="module")
def more_images(town):
    """A shell beside etcd, and what groundhog2k's first container runs."""
    programs = {f"/usr/local/bin/{name}": path for name, path in (("etcd", town.etcd), ("etcdctl", town.bin / "etcdctl"))}
    files = {**people(), **with_libraries(shutil.which("dash")), **programs, "/bin/sh": shutil.which("dash")}
    town.load_image(make_image("etcd-with-shell:1", files, into=town.folder / "images"))
    town.load_image(tools_image("docker.io/library/busybox:1", into=town.folder / "images"))


@pytest.mark.parametrize("dropin", [pytest.param(name, marks=() if name == "cloudpirates" else pytest.mark.slow) for name in SECTIONS])
def test_drop_in(follow, more_images, tmp_path, dropin):
    """Before: one member without us. After: the same member under etcd-usher, which scales to three."""
    walk, release = follow(DROP_IN)
    release.name, release.selector = shapes.set_of(dropin), "app=etcd"
    walk.words["CHART"] = str(stand_in(dropin, release.namespace, tmp_path))
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(before_values(dropin)))
    if dropin.startswith("bitnami"):  # its chart makes it, the stand-in does not
        release.kubectl("apply", "-f", "-", input=json.dumps(headless("db-etcd-headless")))
    if dropin in CERTIFIED:
        walk.run(SECTIONS[dropin])
        assert launched(release)
        return
    if dropin == "plain-statefulset":
        release.kubectl("apply", "-f", tmp_path / "etcd.yaml")
    else:
        release.lab.helm("install", "db", walk.words["CHART"], "-n", release.namespace, "-f", tmp_path / "values.yaml")
    release.lab.wait(release.serving, "a member without us", 60)
    walk.run("A cluster that runs already / Before")
    assert not launched(release)
    before = release.member_id("db-etcd-0")
    walk.run(SECTIONS[dropin])
    release.lab.wait(lambda: launched(release) and "usher" in first_containers(release), "the pod was rolled", 120)
    walk.run("A cluster that runs already / After")
    release.check(3)
    assert release.member_id("db-etcd-0") == before
    release.scale(2)
    release.check(2)


def first_containers(release):
    return [found["name"] for found in release.pods().get("db-etcd-0", {"spec": {}})["spec"].get("initContainers", [])]


def launched(release):
    etcd = release.lab.get("statefulset", release.name, "-n", release.namespace)["spec"]["template"]["spec"]["containers"][0]
    return (etcd.get("command", []) + etcd.get("args", []) or [""])[0].endswith("/etcd-usher-exec")
