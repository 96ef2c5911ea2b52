"""One installed chart: its pods as they are, its members as etcd sees them, and the check that every scenario ends with."""
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/cluster"))
from bed.client import Writer, call, encode, read_keys  # noqa: E402

CHART = ROOT / "charts/etcd"
VALUES = {
    "usher.image.repository": "etcd-usher", "usher.image.tag": "test", "image.repository": "quay.io/coreos/etcd", "image.tag": "v3.6.14",
    "persistence.size": "64Mi", "usher.leaveTimeoutSeconds": "20", "terminationGracePeriodSeconds": "30",
}


class Release:
    def __init__(self, lab, namespace, name="etcd"):
        self.lab, self.namespace, self.name, self.writer = lab, namespace, name, None

    # -- helm and kubectl --
    def helm(self, verb, replicas, **values):
        settings = {**VALUES, "replicaCount": str(replicas), **{key.replace("__", "."): value for key, value in values.items()}}
        flags = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
        return self.lab.helm(verb, self.name, CHART, "-n", self.namespace, *flags)

    def install(self, replicas=3, **values):
        self.helm("install", replicas, **values)
        return self.wait_ready(replicas)

    def kubectl(self, *args, **how):
        return self.lab.kubectl("-n", self.namespace, *args, **how)

    def scale(self, replicas, wait=True):
        self.kubectl("scale", "statefulset", self.name, f"--replicas={replicas}")
        return self.wait_ready(replicas) if wait else self

    # -- what there is --
    def pods(self):
        items = self.lab.get("pods", "-n", self.namespace, "-l", f"app.kubernetes.io/instance={self.name},app.kubernetes.io/component=etcd")["items"]
        return {pod["metadata"]["name"]: pod for pod in items}

    def ready(self):
        return [name for name, pod in self.pods().items() if "deletionTimestamp" not in pod["metadata"] and any(
            found["type"] == "Ready" and found["status"] == "True" for found in pod["status"].get("conditions", []))]

    def wait_ready(self, count, limit=180):
        """Exactly so many pods exist, all of them ready."""
        self.lab.wait(lambda: len(self.pods()) == count and len(self.ready()) == count,
                      f"{count} ready pods of {self.namespace}/{self.name}", limit, 0.25)
        return self

    def address(self, pod):
        return f"{self.pods()[pod]['status']['podIP']}:2379"

    def addresses(self):
        return [f"{pod['status']['podIP']}:2379" for name, pod in sorted(self.pods().items())
                if pod["status"].get("podIP") and "deletionTimestamp" not in pod["metadata"]]

    def uid(self, pod):
        return self.pods()[pod]["metadata"]["uid"]

    def member_id(self, pod):
        return int(call(self.address(pod), "/v3/maintenance/status")["header"]["member_id"])

    def record(self):
        return self.lab.get("configmap", f"{self.name}-usher", "-n", self.namespace)

    def members(self, through=None):
        """By a quorum read, at the first that answers."""
        for address in through or self.addresses():
            try:
                call(address, "/v3/kv/range", {"key": "YQ==", "count_only": True})
                return call(address, "/v3/cluster/member/list", {"linearizable": True})["members"]
            except (OSError, RuntimeError):
                continue
        raise RuntimeError("no member answers with a quorum")

    def names(self):
        return sorted(member.get("name", "") for member in self.members())

    def events(self, reason):
        return [event for event in self.lab.get("events", "-n", self.namespace)["items"] if event["reason"] == reason]

    def log(self, pod, container="usher", previous=False):
        return self.kubectl("logs", pod, "-c", container, *(["--previous"] if previous else []), check=False)

    # -- writing --
    def write(self):
        """A client that writes through this set's pods; the list of them is renewed now and then, as a client's resolver would."""
        self.writer = Writer(self.addresses_now())
        self.writer.start()
        return self.writer

    def addresses_now(self, others=()):
        state = {"turn": 0, "known": self.addresses()}

        def addresses():
            state["turn"] += 1
            if state["turn"] % 100 == 0:
                state["known"] = [address for release in (self, *others) for address in release.addresses()] or state["known"]
            return state["known"]
        return addresses

    # -- the end of every scenario --
    def check(self, count, writer=None, others=()):
        """One cluster, exactly the members that the pods of this set (and of `others`) are, all voters, same data, no write lost."""
        if writer is not None:
            writer.stop()
            assert writer.acknowledged, "the client never wrote anything"
        self.wait_ready(count)
        releases = [self, *others]
        addresses = [address for release in releases for address in release.addresses()]
        self.lab.wait(lambda: len(self.members(addresses)) == len(addresses), lambda: f"members: {self.members(addresses)}", 60)
        members = self.members(addresses)
        assert not [member for member in members if member.get("isLearner") or not member.get("clientURLs")], members
        statuses = [call(address, "/v3/maintenance/status") for address in addresses]
        assert len({status["header"]["cluster_id"] for status in statuses}) == 1, statuses
        assert sorted(status["header"]["member_id"] for status in statuses) == sorted(member["ID"] for member in members)
        call(addresses[0], "/v3/kv/put", {"key": encode("settle"), "value": encode("x")})
        self.lab.wait(lambda: self.same_hash(addresses), "all members' hashes equal", 60)
        cluster = f"{int(statuses[0]['header']['cluster_id']):x}"
        assert self.record()["data"]["cluster-id"] == cluster
        assert self.record()["metadata"]["annotations"]["etcd-usher.io/cluster-id"] == cluster
        if writer is not None:
            lost = set(writer.acknowledged) - read_keys(addresses[0])
            assert not lost, f"{len(lost)} of {len(writer.acknowledged)} acknowledged writes are lost: {sorted(lost)[:5]}"
        return members

    @staticmethod
    def same_hash(addresses):
        revision = min(int(call(address, "/v3/kv/range", {"key": "YQ==", "count_only": True})["header"]["revision"]) for address in addresses)
        return len({call(address, "/v3/maintenance/hashkv", {"revision": str(revision)})["hash"] for address in addresses}) == 1
