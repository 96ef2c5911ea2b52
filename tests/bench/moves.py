"""(c) from sync to voter, (f) one member to five, (g) a cluster that moves house under a writing client: by the usher and by hand."""
import subprocess
import threading
import time
import http.client
import json

from bed import Pod, call
from bed.client import encode
from bed.process import Process, wait_until
from measure import Run, middle

FIVE_SECONDS = 5.0


# -- (c) --
class Wire:
    """One connection kept open: a status costs about a millisecond."""

    def __init__(self, address):
        self.connection = http.client.HTTPConnection(*address.split(":"), timeout=5)

    def status(self):
        try:
            self.connection.request("POST", "/v3/maintenance/status", "{}")
            return json.loads(self.connection.getresponse().read())
        except (OSError, http.client.HTTPException):
            self.connection.close()
            return None


def watch_join(leader, joiner):
    """Seconds from the first moment when the learner had applied all that the leader had committed, to the first when it calls itself a voter."""
    ahead, behind, in_sync_at, deadline = Wire(leader.client), Wire(joiner.client), None, time.monotonic() + 60
    while time.monotonic() < deadline:
        committed = ahead.status()
        own = behind.status()
        now = time.perf_counter()
        if not own or not committed or not own.get("leader"):
            continue
        if own.get("isLearner"):
            if in_sync_at is None and int(own.get("raftAppliedIndex", 0)) >= int(committed["raftIndex"]):
                in_sync_at = now
        else:
            return now - in_sync_at if in_sync_at is not None else 0.0
    raise RuntimeError("the learner did not become a voter in 60 s")


def sync_to_voter(table, bed, times):
    """Each joiner is new; it leaves again before the next one comes."""
    first = bed.pod("etcd-0", leave="asked")
    first.start_and_wait()
    for number in range(300):
        call(first.client, "/v3/kv/put", {"key": encode(f"key-{number}"), "value": encode("x" * 2000)})
    took = []
    for number in range(times):
        joiner = Pod(bed, "etcd-1", "bench", 20 + number, {"bootstrap": "never", "endpoints": f"http://{first.client}", "set-record": None})
        joiner.join = []
        try:
            joiner.start()
            took.append(watch_join(first, joiner))
            joiner.wait_ready()
            joiner.stop()
        finally:
            joiner.kill()
    table.add("c", "sync reached to voter, median", took, value=middle(took), goal=0.2, unit="s")
    table.add("c", "sync reached to voter, slowest", [max(took)], value=max(took), goal=0.5, unit="s")


# -- (f) --
def one_to_five(table, bed):
    """etcd admits a new member only when all voters have been connected for 5 s: three waits are the floor for four joiners."""
    pods = bed.set(5)
    pods[0].start_and_wait()
    began = time.perf_counter()
    for pod in pods[1:]:
        pod.start_and_wait()
    took = time.perf_counter() - began
    table.add("f", "1 to 5, one after the other, in multiples of the floor (15 s)", [took], [3 * FIVE_SECONDS], took / (3 * FIVE_SECONDS), 1.15, unit="s")


# -- (g) --
class Client(threading.Thread):
    """A client as etcd's own: stays at a member while it answers, learns the members from the cluster every 50 ms, counts what fails."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.addresses, self.at = [address], address
        self.acknowledged = self.failed = 0
        self.longest_gap, self.last, self.connection = 0.0, None, None
        self.stopped = threading.Event()
        threading.Thread(target=self.keep_members, daemon=True).start()

    def keep_members(self):
        while not self.stopped.wait(0.05):
            try:
                members = call(self.at, "/v3/cluster/member/list", {"linearizable": True}, timeout=2)["members"]
            except (OSError, RuntimeError, ValueError):
                continue
            urls = [member["clientURLs"][0].removeprefix("http://") for member in members if member.get("clientURLs") and not member.get("isLearner")]
            self.addresses = urls or self.addresses

    def put(self, number):
        if self.at not in self.addresses:
            self.go_elsewhere()
        if self.connection is None:
            self.connection = http.client.HTTPConnection(*self.at.split(":"), timeout=3)
        text = encode(f"key-{number:08d}")
        self.connection.request("POST", "/v3/kv/put", json.dumps({"key": text, "value": text}), {"Content-Type": "application/json"})
        reply = self.connection.getresponse()
        body = reply.read()
        if reply.status != 200:
            raise OSError(body[:200])

    def go_elsewhere(self):
        addresses = self.addresses
        self.at = addresses[(addresses.index(self.at) + 1) % len(addresses)] if self.at in addresses else addresses[0]
        if self.connection is not None:
            self.connection.close()
        self.connection = None

    def run(self):
        number = 0
        while not self.stopped.is_set():
            number += 1
            try:
                self.put(number)
            except (OSError, http.client.HTTPException):
                self.failed += 1
                self.go_elsewhere()
                continue
            now = time.perf_counter()
            self.longest_gap = max(self.longest_gap, now - self.last if self.last is not None else 0)
            self.last = now
            self.acknowledged += 1
            time.sleep(0.002)

    def stop(self):
        self.stopped.set()
        self.join(10)


def leader_of(pods):
    return next(pod for pod in pods if pod.member_id == int(pods[0].status().get("leader", 0)))


def move_by_usher(bed):
    """Three pods join the set in the west; its own pods then leave, the last first, as a scale-down does."""
    west = bed.grow(bed.set(3, "west"))
    client = Client(west[0].client)
    client.start()
    time.sleep(5.5)
    began = time.perf_counter()
    for pod in bed.set(3, "east", join=west, bootstrap="never"):
        pod.start_and_wait()
    for pod in reversed(west):
        pod.stop()
    return finish(client, began)


def finish(client, began):
    took = time.perf_counter() - began
    time.sleep(0.5)
    client.stop()
    assert client.acknowledged > 100, "the client hardly wrote anything"
    return {"seconds": took, "gap_ms": client.longest_gap * 1000, "failed": client.failed}


def etcdctl(pods, *args):
    return Run(["etcdctl", "--endpoints=" + ",".join(pod.client for pod in pods), *args]).output


def add_by_hand(bed, pods, pod):
    """member add until etcd agrees (an expert's loop), then start etcd with what it printed."""
    deadline = time.monotonic() + 60
    while True:
        try:
            output = etcdctl(pods, "member", "add", f"{pod.set_name}-{pod.name}", f"--peer-urls={pod.peer}")
            break
        except RuntimeError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
    cluster = next(line.split("=", 1)[1].strip('"') for line in output.splitlines() if line.startswith("ETCD_INITIAL_CLUSTER="))
    start_by_hand(bed, pod, cluster, "existing")


def start_by_hand(bed, pod, cluster, state):
    args = [bed.etcd_of(bed.version), f"--name={pod.set_name}-{pod.name}", f"--data-dir={pod.data}", f"--listen-peer-urls={pod.peer}",
            f"--initial-advertise-peer-urls={pod.peer}", f"--listen-client-urls=http://{pod.client}", f"--advertise-client-urls=http://{pod.client}",
            f"--initial-cluster={cluster}", f"--initial-cluster-state={state}", "--logger=zap", "--heartbeat-interval=50", "--election-timeout=500"]
    pod.etcd = Process(args, pod.folder / "etcd.log", {})
    if state == "existing":
        wait_healthy(pod)


def wait_healthy(pod):
    def healthy():
        return subprocess.run(["etcdctl", f"--endpoints={pod.client}", "endpoint", "health"], capture_output=True,
                              env={"ETCDCTL_API": "3", "PATH": "/usr/bin:/bin"}).returncode == 0
    wait_until(healthy, f"{pod.name} is healthy")


def move_by_hand(bed):
    """The same by an expert: member add, start; the leader moved first; stop, member remove."""
    west = bed.set(3, "west")
    cluster = ",".join(f"{pod.set_name}-{pod.name}={pod.peer}" for pod in west)
    for pod in west:
        start_by_hand(bed, pod, cluster, "new")
    for pod in west:
        wait_healthy(pod)
    client = Client(west[0].client)
    client.start()
    time.sleep(5.5)
    began = time.perf_counter()
    east = bed.set(3, "east")
    for number, pod in enumerate(east):
        add_by_hand(bed, west + east[:number], pod)
    leader = leader_of(west + east)
    if leader in west:
        etcdctl([leader], "move-leader", f"{east[0].member_id:x}")
    for pod in reversed(west):
        identity = f"{pod.member_id:x}"
        pod.etcd.stop()
        etcdctl(east, "member", "remove", identity)
    return finish(client, began)


def house(table, fresh_bed, times):
    ours, theirs = [], []
    for _ in range(times):
        with fresh_bed() as bed:
            ours.append(move_by_usher(bed))
        with fresh_bed() as bed:
            theirs.append(move_by_hand(bed))
    goals = (("gap_ms", "longest gap between acknowledged writes", 1.0, "ms"), ("failed", "failed requests of the client", 0.5, ""),
             ("seconds", "total time", 1.1, "s"))
    for key, what, goal, unit in goals:
        left, right = [run[key] for run in ours], [run[key] for run in theirs]
        ratio = middle(left) / middle(right) if middle(right) > 0 else (0.0 if middle(left) == 0 else float("inf"))
        table.add("g", f"3 to 6 to 3, {what}: usher / by hand", left, right, ratio, goal, unit=unit)
