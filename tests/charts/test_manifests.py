"""manifests/: the same as what the chart renders, and what a move needs, in plain YAML."""
import json
import os
import re

import pytest

import charts
from test_api_server import in_one

OVERLAYS = ["single", "migration-source", "migration-target"]
SELECTOR = {"app.kubernetes.io/name": "etcd", "app.kubernetes.io/instance": "etcd", "app.kubernetes.io/component": "etcd"}


def plain(value):
    """Without what only a chart needs: its labels, which become `app: etcd`, and the names that stand for the namespace."""
    if isinstance(value, dict):
        if SELECTOR.items() <= value.items():
            value = dict({"app": "etcd"}, **{key: rest for key, rest in value.items() if key.startswith("statefulset.")})
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [plain(part) for part in value]
    return charts.expand(value, {"POD_NAMESPACE": "etcd"}) if isinstance(value, str) else value


def compared(item):
    item = plain(charts.without(item, "metadata.labels", "metadata.annotations", "metadata.namespace"))
    for claim in item.get("spec", {}).get("volumeClaimTemplates", []):
        claim["metadata"].pop("labels", None)
    if item["kind"] == "StatefulSet":
        etcd = item["spec"]["template"]["spec"]["containers"][0]
        urls = {entry["name"]: entry["value"] for entry in etcd["env"] if entry["name"] in ("PEER_URL", "CLIENT_URL")}
        etcd["command"] = [charts.expand(word, urls) for word in etcd["command"]]
        etcd["env"] = [entry for entry in etcd["env"] if entry["name"] not in urls]
    return item


def test_single_is_what_the_chart_renders():
    ours = {(item["kind"], item["metadata"]["name"]): compared(item) for item in charts.kustomized(os.path.join(charts.MANIFESTS, "single"))}
    theirs = {(item["kind"], item["metadata"]["name"]): compared(item) for item in charts.objects("--namespace", "etcd") if item["kind"] != "Pod"}
    assert ours.keys() == theirs.keys()
    for key, item in ours.items():
        assert item == theirs[key], key


@pytest.mark.parametrize("side, other", [("source", "target"), ("target", "source")])
def test_the_sides_of_a_move(side, other):
    """They are the chart's with the same settings, and each knows the other's names."""
    own, far = {"source": ("west", "east"), "target": ("east", "west")}[side]
    words = ["--namespace", "etcd", "--set", f"advertise.peerUrl=http://$(POD_NAME).{own}.example.com:2380",
             "--set", f"advertise.clientUrl=http://$(POD_NAME).{own}.example.com:2379"]
    if side == "target":
        words += ["--set", "join.endpoints={" + ",".join(f"http://etcd-{i}.{far}.example.com:2379" for i in range(3)) + "}"]
    theirs = compared(charts.only(charts.objects(*words), "StatefulSet"))
    found = charts.kustomized(os.path.join(charts.MANIFESTS, f"migration-{side}"))
    ours = compared(charts.only(found, "StatefulSet"))
    aliases = ours["spec"]["template"]["spec"].pop("hostAliases")
    assert ours == theirs
    assert [alias["hostnames"] for alias in aliases] == [[f"etcd-{i}.{far}.example.com"] for i in range(3)]
    services = [item for item in found if item["kind"] == "Service" and item["spec"].get("type") == "LoadBalancer"]
    assert [item["metadata"]["name"] for item in services] == ["etcd-0", "etcd-1", "etcd-2"]
    for service in services:
        assert service["spec"]["publishNotReadyAddresses"] is True
        assert service["spec"]["selector"] == {"app": "etcd", "statefulset.kubernetes.io/pod-name": service["metadata"]["name"]}
        assert service["metadata"]["annotations"]["external-dns.alpha.kubernetes.io/hostname"] == f"{service['metadata']['name']}.{own}.example.com"
    far_found = charts.kustomized(os.path.join(charts.MANIFESTS, f"migration-{other}"))
    known = {name for alias in aliases for name in alias["hostnames"]}
    assert known == {item["metadata"]["annotations"]["external-dns.alpha.kubernetes.io/hostname"] for item in far_found
                     if item["kind"] == "Service" and item["spec"].get("type") == "LoadBalancer"}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_variables_stand_above_what_uses_them(overlay):
    found = charts.kustomized(os.path.join(charts.MANIFESTS, overlay))
    for name, container in charts.containers_of(charts.pod_of(found)).items():
        known = []
        for entry in container.get("env", []):
            assert set(re.findall(r"\$\((\w+)\)", entry.get("value") or "")) <= set(known), (name, entry)
            known.append(entry["name"])
        assert set(re.findall(r"\$\((\w+)\)", " ".join(container.get("command", [])))) <= set(known)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_kustomize_builds_the_same(overlay, kubectl):
    built = charts.objects_in(charts.output_of(kubectl, "kustomize", os.path.join(charts.MANIFESTS, overlay)))
    ours = charts.kustomized(os.path.join(charts.MANIFESTS, overlay))

    def key(item):
        return item["kind"], item["metadata"]["name"]
    assert sorted(built, key=key) == sorted(ours, key=key)


def test_a_patch_that_fits_no_more_is_refused(kubectl, tmp_path):
    """The places in the patches are checked by kustomize itself: a variable that moved is an error, no other is written over."""
    base = charts.kustomized(os.path.join(charts.MANIFESTS, "base"))
    pod_set = charts.only(base, "StatefulSet")
    pod_set["spec"]["template"]["spec"]["initContainers"][1]["env"].insert(5, {"name": "NEW", "value": "1"})
    (tmp_path / "set.yaml").write_text(charts.yaml.safe_dump(pod_set))
    with open(os.path.join(charts.MANIFESTS, "migration-source", "names.yaml"), encoding="utf-8") as source:
        (tmp_path / "names.yaml").write_text(source.read())
    (tmp_path / "kustomization.yaml").write_text("resources: [set.yaml]\npatches: [{path: names.yaml, target: {kind: StatefulSet}}]\n")
    done = charts.run(kubectl, "kustomize", str(tmp_path))
    assert done.returncode != 0 and "testing value" in done.stderr


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_api_server_takes_them(overlay, api, kubectl):
    built = charts.output_of(kubectl, "kustomize", os.path.join(charts.MANIFESTS, overlay))
    if "etcd" not in api.kubectl("get", "namespaces", "-o", "name"):
        api.kubectl("create", "namespace", "etcd")
    found = charts.objects_in(built)
    answered = api.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", input=in_one(found)).splitlines()
    assert len([line for line in answered if line.endswith("(server dry run)")]) == len(found)


def test_applying_again_leaves_the_record_alone(api):
    """As after an upgrade of the manifests, while the agent has written its record."""
    api.kubectl("create", "namespace", "again")
    record = charts.read_yaml(charts.MANIFESTS, "base", "set-record.yaml")[0]
    record["metadata"]["namespace"] = "again"
    api.kubectl("apply", "-f", "-", input=json.dumps(record))
    api.kubectl("patch", "configmap", "etcd-usher", "-n", "again", "--type=merge", "-p", '{"data":{"cluster-id":"1"},"metadata":{"annotations":{"etcd-usher.io/cluster-id":"1"}}}')
    record["metadata"]["labels"] = {"a": "b"}
    api.kubectl("apply", "-f", "-", input=json.dumps(record))
    now = json.loads(api.kubectl("get", "configmap", "etcd-usher", "-n", "again", "-o", "json"))
    assert now["data"] == {"cluster-id": "1"} and now["metadata"]["annotations"]["etcd-usher.io/cluster-id"] == "1" and now["metadata"]["labels"] == {"a": "b"}


def test_images_are_those_of_the_chart():
    images = {container["image"] for container in charts.containers_of(charts.pod_of(charts.objects())).values()}
    for overlay in OVERLAYS:
        found = charts.kustomized(os.path.join(charts.MANIFESTS, overlay))
        assert {container["image"] for container in charts.containers_of(charts.pod_of(found)).values()} == images
        tags = charts.read_yaml(charts.MANIFESTS, overlay, "kustomization.yaml")[0]["images"]
        assert {f"{tag['name']}:{tag['newTag']}" for tag in tags} == images
