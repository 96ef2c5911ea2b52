"""One installed chart: its pods as they are, its members as etcd sees them, and the check that every scenario ends with."""
import http.client
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/cluster"))
from bed import client  # noqa: E402, F401
from bed.client import Writer, call, encode, read_keys  # noqa: E402

RENEW_S = 2.0  # how old a client's list of addresses may be
CHART = ROOT / "charts/etcd"
VALUES = {
    "usher.image.repository": "etcd-usher", "usher.image.tag": "test", "image.repository": "quay.io/coreos/etcd", "image.tag": "v3.6.14",
    "persistence.size": "64Mi", "usher.leaveTimeoutSeconds": "20", "terminationGracePeriodSeconds": "30",
}


class Release:
    def __init__(self, lab, namespace, name="etcd"):
        self.lab, self.namespace, self.name, self.writer = lab, namespace, name, None
        self.selector = f"app.kubernetes.io/instance={name},app.kubernetes.io/component=etcd"
        self.limit = 180  # seconds until all pods must be ready

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

    def roll(self):
        self.kubectl("rollout", "restart", f"statefulset/{self.name}")
        self.kubectl("rollout", "status", f"statefulset/{self.name}", "--timeout=300s", limit=320)
        return self

    def end_pods(self, *pods_and_flags):
        """kubectl's own waiting takes a successor of the same name for the old pod now and then, and waits for ever."""
        self.kubectl("delete", "pod", "--wait=false", *pods_and_flags)

    def delete_pod(self, pod, *flags):
        """Deletes it and waits for its successor."""
        count, uid = len(self.pods()), self.uid(pod)
        self.end_pods(pod, *flags)
        self.lab.wait(lambda: self.uids().get(pod, uid) != uid, f"{pod} has a successor", 120)
        return self.wait_ready(count)

    def delete_pods(self):
        """All at once."""
        uids = self.uids()
        self.end_pods(*uids)
        self.lab.wait(lambda: (now := self.uids()).keys() == uids.keys() and not set(now.values()) & set(uids.values()), "successors", 120)
        return self.wait_ready(len(uids))

    def lose_volume(self, pod):
        """The pod's volume, with all data, and the pod. The claim is let go of only when its pod ends; its successor gets another."""
        claim, count = f"data-{pod}", len(self.pods())
        old = self.lab.get("pvc", claim, "-n", self.namespace)["metadata"]["uid"]
        self.kubectl("delete", "pvc", claim, "--wait=false")
        self.end_pods(pod)
        self.lab.wait(lambda: claims(self).get(claim, {"metadata": {"uid": old}})["metadata"]["uid"] != old, f"{claim} is another", 120)
        return self.wait_ready(count)

    # -- what there is --
    def pods(self):
        items = self.lab.get("pods", "-n", self.namespace, "-l", self.selector)["items"]
        return {pod["metadata"]["name"]: pod for pod in items}

    def ready(self):
        return [name for name, pod in self.pods().items() if "deletionTimestamp" not in pod["metadata"] and any(
            found["type"] == "Ready" and found["status"] == "True" for found in pod["status"].get("conditions", []))]

    def wait_ready(self, count):
        """Exactly so many pods exist, all of them ready."""
        self.lab.wait(lambda: len(self.pods()) == count and len(self.ready()) == count,
                      f"{count} ready pods of {self.namespace}/{self.name}", self.limit, 0.25)
        return self

    def leaving(self):
        return [name for name, pod in self.pods().items() if "deletionTimestamp" in pod["metadata"]]

    def stays(self, condition, what, seconds):
        """Nothing else happens for so long."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            assert condition(), f"no longer: {what}"
            time.sleep(0.5)

    def address(self, pod):
        return f"{self.pods()[pod]['status']['podIP']}:2379"

    def addresses(self):
        return [f"{pod['status']['podIP']}:2379" for name, pod in sorted(self.pods().items())
                if pod["status"].get("podIP") and "deletionTimestamp" not in pod["metadata"]]

    def uids(self):
        return {name: pod["metadata"]["uid"] for name, pod in self.pods().items()}

    def uid(self, pod):
        return self.pods()[pod]["metadata"]["uid"]

    def member_id(self, pod):
        return int(call(self.address(pod), "/v3/maintenance/status")["header"]["member_id"])

    def ids(self):
        """Pod -> member ID, as each member says itself."""
        self.wait_serving()
        return {pod: self.member_id(pod) for pod in self.pods()}

    def wait_serving(self, others=()):
        """Ready is what the API server heard last; here they are asked themselves."""
        addresses = [address for release in (self, *others) for address in release.addresses()]
        hosts = [address.rsplit(":", 1)[0] for address in addresses]
        self.lab.wait(lambda: len(serving(hosts)) == len(hosts), lambda: f"all of {hosts} answer: {serving(hosts)}", 120)
        return addresses

    def serving(self):
        return serving([address.rsplit(":", 1)[0] for address in self.addresses()])

    # -- containers --
    def container(self, pod, name):
        """Its status; usher is an init container where it is a native sidecar."""
        status = self.pods()[pod]["status"]
        found = status.get("containerStatuses", []) + status.get("initContainerStatuses", [])
        return next(container for container in found if container["name"] == name)

    def restarts(self, pod, name):
        return self.container(pod, name)["restartCount"]

    def signal(self, pod, name, signal):
        """To the container's first process, by its node: there is no shell in it that could."""
        node = self.lab.nodes[int(self.pods()[pod]["spec"]["nodeName"].removeprefix("n"))]
        node.run("ctr", "-n", "k8s.io", "tasks", "kill", "-s", signal, self.container(pod, name)["containerID"].removeprefix("containerd://"))

    def lead(self, pod, others=()):
        """Hands the leadership to it, from whomever of this set (and of `others`) has it."""
        wanted = str(self.member_id(pod))
        for address in [address for release in (self, *others) for address in release.addresses()]:
            status = call(address, "/v3/maintenance/status")
            if status.get("leader") == status["header"]["member_id"] != wanted:
                call(address, "/v3/maintenance/transfer-leadership", {"targetID": wanted}, timeout=10)
        self.lab.wait(lambda: call(self.address(pod), "/v3/maintenance/status").get("leader") == wanted, f"{pod} leads", 30)

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
    def write(self, others=()):
        """A client that writes through the pods of this set (and of `others`), wherever they are at the moment."""
        self.writer = Writer(self.addresses_now(others))
        self.writer.start()
        return self.writer

    def addresses_now(self, others=()):
        """A function that knows the pods of a moment ago, and goes on with what it knew while the API is away."""
        state = {"asked": time.monotonic(), "known": [address for release in (self, *others) for address in release.addresses()]}

        def addresses():
            if time.monotonic() - state["asked"] > RENEW_S:
                found = []
                for release in (self, *others):
                    try:
                        found += release.addresses()
                    except (RuntimeError, subprocess.TimeoutExpired):
                        found += [address for address in state["known"] if address not in found]
                state.update(asked=time.monotonic(), known=found or state["known"])
            return state["known"]
        return addresses

    # -- the end of every scenario --
    def check(self, count, writer=None, others=()):
        """One cluster, exactly the members that the pods of this set (and of `others`) are, all voters, same data, no write lost."""
        if writer is not None:
            writer.stop()
            assert writer.acknowledged, "the client never wrote anything"
        self.wait_ready(count)
        addresses = self.wait_serving(others)
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


def claims(release):
    return {claim["metadata"]["name"]: claim for claim in release.lab.get("pvc", "-n", release.namespace)["items"]}


def serving(hosts):
    """Where an etcd answers -> the ID of its cluster."""
    found = {}
    for host in hosts:
        try:
            found[host] = int(call(f"{host}:2379", "/v3/maintenance/status", timeout=3)["header"]["cluster_id"])
        except (OSError, RuntimeError):
            continue
    return found


def probe(host, path):
    """What the usher there says, as the kubelet would ask it: (status, text), or (0, why not)."""
    connection = http.client.HTTPConnection(host, 2383, timeout=5)
    try:
        connection.request("GET", path)
        reply = connection.getresponse()
        return reply.status, reply.read().decode()
    except (OSError, http.client.HTTPException) as error:
        return 0, str(error)
    finally:
        connection.close()
