import fcntl
import json
import os
import shutil
import subprocess
import tempfile
import uuid
import http.client
from pathlib import Path

from .client import call, encode, read_keys
from .process import Process, wait_until

ROOT = Path(__file__).resolve().parents[3]
BUILD = Path(os.environ.get("USHER_BUILD_DIR", ROOT / "build/release"))
USHER, LAUNCHER = BUILD / "etcd-usher", BUILD / "etcd-usher-exec"


def etcd_binary(version):
    result = subprocess.run([ROOT / "tests/tools/build-etcd", version], capture_output=True, text=True, timeout=1200)
    assert result.returncode == 0, f"etcd {version} is missing: {result.stderr}"
    return result.stdout.strip()


def unless_refused(question):
    """None where etcd refuses or is not there just now: an election may still be under way after the last pod was ready."""
    try:
        return question()
    except (OSError, RuntimeError):
        return None


class Pod:
    """A slot of a set: an address, a volume, a plan directory, and the three processes of its present life."""

    def __init__(self, bed, name, set_name, number, flags):
        self.bed, self.name, self.set_name, self.flags = bed, name, set_name, flags
        self.ip = bed.address(number)
        self.folder = bed.folder / f"{set_name}-{name}-{number}"
        self.data, self.plan = self.folder / "data", self.folder / "plan"
        self.data.mkdir(parents=True)
        self.client, self.peer = f"{self.ip}:2379", f"http://{self.ip}:2380"
        self.etcd = self.sidecar = self.starting = None
        self.uid, self.lives, self.env_extra = "", 0, {}
        self.etcd_flags, self.version = [], bed.version
        self.wrap = []  # what stands before each of its commands: a namespace to live in

    # -- the usher's command line --
    def common(self):
        flags = {
            "name": self.name, "peer-url": self.peer, "client-url": f"http://{self.client}", "data-dir": self.data, "plan-dir": self.plan,
            "local-endpoint": f"http://{self.client}", "set-record": f"file:{self.bed.record_path(self.set_name)}", "bootstrap": "record",
            "endpoints": ",".join(f"http://{pod.client}" for pod in self.bed.seeds_of(self)), "leave": "always", "log-format": "json",
        }
        flags.update(self.flags)
        return [f"--{key}={value}" for key, value in flags.items() if value is not None]

    def env(self):
        return {"POD_NAME": self.name, "POD_NAMESPACE": self.set_name, "POD_UID": self.uid, "USHER_PLAN_DIR": str(self.plan), **self.env_extra}

    # -- lives --
    def new_life(self):
        """A new pod on the same volume: another UID, a fresh plan directory."""
        self.lives += 1
        self.uid = uuid.uuid4().hex
        shutil.rmtree(self.plan, ignore_errors=True)
        self.plan.mkdir()

    def init(self, *extra, limit=60):
        """Runs init to its end; returns the finished process."""
        return subprocess.run([*self.wrap, USHER, "init", *self.common(), *extra], env={"PATH": os.environ["PATH"], **self.env()}, capture_output=True,
                              text=True, timeout=limit)

    def start_etcd(self, leave_first=False):
        program = self.bed.etcd_of(self.version)
        args = [*self.wrap, LAUNCHER, *(["--leave-first"] if leave_first else []), "--", program, f"--listen-peer-urls={self.peer}",
                f"--listen-client-urls=http://{self.client}", "--logger=zap", "--heartbeat-interval=50", "--election-timeout=500",
                *self.etcd_flags]
        self.etcd = Process(args, self.folder / "etcd.log", self.env())

    def start_sidecar(self, *extra):
        self.sidecar = Process([*self.wrap, USHER, "sidecar", f"--listen={self.ip}:2383", *self.common(), *extra], self.folder / "sidecar.log", self.env())

    def start(self, *extra, leave_first=False):
        """init, then etcd and the sidecar, as a pod does. Does not wait for readiness."""
        self.new_life()
        result = self.init(*extra)
        (self.folder / "init.log").write_text(result.stderr)
        assert result.returncode == 0, f"{self.name}: init ended with {result.returncode}: {result.stderr}"
        self.start_etcd(leave_first)
        self.start_sidecar()
        return self

    def begin(self):
        """Only init, not waited for: see go_on()."""
        self.new_life()
        self.starting = Process([*self.wrap, USHER, "init", *self.common()], self.folder / "init.log", self.env())

    def go_on(self):
        """Once begin()'s init has ended: etcd and the sidecar. True when that has happened."""
        if self.starting is not None and not self.starting.is_running:
            assert self.starting.popen.returncode == 0, self.starting.tail()
            self.starting = None
            self.start_etcd()
            self.start_sidecar()
        return self.starting is None

    def start_and_wait(self, *extra, **how):
        return self.start(*extra, **how).wait_ready()

    def stop(self, hook=True):
        """As the kubelet: the hook first, then SIGTERM to all."""
        if hook and self.sidecar is not None and self.sidecar.is_running:
            subprocess.run([LAUNCHER, "leave"], env=self.env(), capture_output=True, timeout=60)
        for process in (self.etcd, self.sidecar):
            if process is not None:
                process.signal(15)
        for process in (self.etcd, self.sidecar):
            if process is not None:
                process.wait(45)

    def kill(self):
        for process in (self.starting, self.sidecar, self.etcd):
            if process is not None:
                process.kill()

    def lose_volume(self):
        shutil.rmtree(self.data)
        self.data.mkdir()

    # -- what it says --
    def probe(self, path="/readyz"):
        connection = http.client.HTTPConnection(self.ip, 2383, timeout=10)
        try:
            connection.request("GET", path)
            reply = connection.getresponse()
            return reply.status, reply.read().decode()
        except (OSError, http.client.HTTPException):
            return 0, ""
        finally:
            connection.close()

    def wait_ready(self, limit=90):
        wait_until(lambda: self.probe()[0] == 200, lambda: f"{self.name} ready: {self.probe('/readyz?verbose')}", limit)
        return self

    def wait_ready_restarting(self, limit=90):
        """As the kubelet: an etcd that ends is started again, until the pod is ready."""
        def is_ready():
            if not self.etcd.is_running:
                self.start_etcd()
            return self.probe()[0] == 200
        wait_until(is_ready, lambda: f"{self.name} ready: {self.probe('/readyz?verbose')}", limit, every=0.2)
        return self

    def wait_serving(self):
        """Its etcd answers again (readiness may still show what was true 2 s ago)."""
        wait_until(lambda: unless_refused(self.status), f"{self.name}'s etcd answers")

    def status(self):
        return call(self.client, "/v3/maintenance/status")

    @property
    def member_id(self):
        return int(self.status()["header"]["member_id"])

    def launch(self):
        text = (self.plan / "launch").read_text()
        return dict(line.split("=", 1) for line in text.splitlines())

    def permit(self, text):
        (self.data / "usher-permit").write_text(text)


class Bed:
    def __init__(self, version="3.4"):
        self.version = version
        self.folder = Path(tempfile.mkdtemp(prefix="usher-bed-"))
        self.block = self._take_block()
        self.pods, self.retired, self.binaries = [], [], {}
        self.expected_founders = 1

    def _take_block(self):
        """A /24 of loopback addresses that no other run on this machine uses."""
        locks = Path(tempfile.gettempdir()) / "usher-bed-blocks"
        locks.mkdir(exist_ok=True)
        for number in range(1, 4000):
            handle = open(locks / str(number), "w")
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self.block_lock = handle
                return number
            except OSError:
                handle.close()
        raise RuntimeError("no free block of addresses")

    def address(self, number):
        return f"127.{64 + self.block // 250}.{1 + self.block % 250}.{number + 1}"

    def etcd_of(self, version):
        if version not in self.binaries:
            self.binaries[version] = etcd_binary(version)
        return self.binaries[version]

    def record_path(self, set_name):
        folder = self.folder / "shared"
        folder.mkdir(exist_ok=True)
        return folder / f"{set_name}.json"

    def record(self, set_name="west"):
        return json.loads(self.record_path(set_name).read_text())

    def seeds_of(self, pod):
        """All pods of its own set, and whatever the test named as its `join` seeds."""
        return [other for other in self.pods if other.set_name == pod.set_name] + getattr(pod, "join", [])

    def pod(self, name, set_name="west", join=(), **flags):
        pod = Pod(self, name, set_name, len(self.pods) + 1, {key.replace("_", "-"): value for key, value in flags.items()})
        pod.join = list(join)
        self.pods.append(pod)
        return pod

    def set(self, size, set_name="west", **how):
        return [self.pod(f"etcd-{i}", set_name, **how) for i in range(size)]

    def grow(self, pods):
        """One after the other, each ready before the next."""
        for pod in pods:
            pod.start_and_wait()
        self.settle(pods)
        return pods

    def settle(self, pods):
        """Everybody has applied, and stored as committed, what happened so far: raft forgets the commit index of its last moments in a crash, and
        then the configuration before the last change counts."""
        for _ in range(3):
            call(pods[0].client, "/v3/kv/put", {"key": encode("settle"), "value": encode("x")})
        wait_until(lambda: len({pod.status()["raftAppliedIndex"] for pod in pods}) == 1, "all have applied the same")
        wait_until(lambda: unless_refused(lambda: self.same_hash(pods)), "all members' hashes equal")

    def members(self, pod):
        call(pod.client, "/v3/kv/range", {"key": "YQ==", "count_only": True})
        return call(pod.client, "/v3/cluster/member/list", {"linearizable": True})["members"]

    def check(self, pods, writer=None):
        """One cluster ID, exactly these members, all voters and started, same hash everywhere, no acknowledged write lost."""
        if writer is not None:
            writer.stop()
            assert writer.acknowledged, "the client never wrote anything"
        wait_until(lambda: all(pod.probe()[0] == 200 for pod in pods), lambda: [pod.probe("/readyz?verbose") for pod in pods])
        for pod in pods:
            pod.wait_serving()
        members = wait_until(lambda: unless_refused(lambda: self.members(pods[0])), "the member list")
        assert sorted(url for member in members for url in member["peerURLs"]) == sorted(pod.peer for pod in pods)
        assert not [member for member in members if member.get("isLearner") or not member.get("clientURLs")]
        assert len({pod.status()["header"]["cluster_id"] for pod in pods}) == 1
        wait_until(lambda: unless_refused(lambda: self.same_hash(pods)), "all members' hashes equal")
        if writer is not None:
            lost = set(writer.acknowledged) - read_keys(pods[0].client)
            assert not lost, f"{len(lost)} of {len(writer.acknowledged)} acknowledged writes are lost: {sorted(lost)[:5]}"
        for pod in pods:
            assert pod.launch()["state"] == "start" and pod.launch()["initial-cluster-state"] == "existing"
        founded = {json.loads(path.read_text())["cluster-id"] for path in (self.folder / "shared").glob("*.json") if path.suffix == ".json"}
        assert len(founded) == 1, f"more than one cluster ID was ever recorded: {founded}"

    @staticmethod
    def same_hash(pods):
        revision = min(int(call(pod.client, "/v3/kv/range", {"key": "YQ==", "count_only": True})["header"]["revision"]) for pod in pods)
        replies = []
        for pod in pods:
            try:
                replies.append(call(pod.client, "/v3/maintenance/hashkv", {"revision": str(revision)})["hash"])
            except RuntimeError:  # etcd 3.4's gateway has only the hash of the whole file, in which each member salts passwords its own way
                shown = subprocess.run(["etcdctl", f"--endpoints={pod.client}", "endpoint", "hashkv", f"--rev={revision}", "--write-out=json"],
                                       env={**os.environ, "ETCDCTL_API": "3"}, capture_output=True, text=True, check=True, timeout=20)
                replies.append(json.loads(shown.stdout)[0]["HashKV"]["hash"])
        return len(set(replies)) == 1

    def close(self):
        for pod in self.pods:
            pod.kill()
        self.block_lock.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def tails(self):
        lines = []
        for pod in self.pods:
            for kind in ("init", "sidecar", "etcd"):
                path = pod.folder / f"{kind}.log"
                if path.exists():
                    lines.append(f"--- {pod.set_name}/{pod.name} {kind}\n" + "\n".join(line[:300] for line in path.read_text(errors="replace").splitlines()[-12:]))
        return "\n".join(lines)
