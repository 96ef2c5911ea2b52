"""(a) a fresh join against etcdctl, (b) what init adds when data exists, (h) black-holed seeds."""
import socket
import time

from bed import Pod, call
from bed.bed import USHER
from measure import Run, middle


class Joins:
    """A living cluster of three, and pods that join it, each at an address of its own (etcd remembers removed IDs)."""

    def __init__(self, bed):
        self.bed, self.used = bed, 20
        self.pods = bed.grow(bed.set(3, leave="asked"))
        self.seeds = ",".join(f"http://{pod.client}" for pod in self.pods)
        time.sleep(5.5)  # etcd refuses an add until all voters were connected for 5 s

    def remove_learners(self):
        for member in self.bed.members(self.pods[0]):
            if member.get("isLearner"):
                call(self.pods[0].client, "/v3/cluster/member/remove", {"ID": member["ID"]})

    def init(self, seeds=None):
        """One fresh join by init, taken back afterwards."""
        self.used += 1
        pod = Pod(self.bed, "etcd-9", "bench", self.used, {"bootstrap": "never", "endpoints": seeds or self.seeds})
        pod.join = []
        pod.new_life()
        self.bed.record_path("bench").unlink(missing_ok=True)
        run = Run([USHER, "init", *pod.common()], pod.env())
        assert "start-joining" in run.output, run.output
        self.remove_learners()
        return run

    def by_hand(self, number):
        """What one types instead: look at the list, then add."""
        common = ["etcdctl", f"--endpoints={self.seeds}", "member"]
        look = Run([*common, "list"])
        add = Run([*common, "add", "etcd-9", "--learner", f"--peer-urls=http://{self.bed.address(10)}:{3000 + number}"])
        self.remove_learners()
        return look.wall_ms + add.wall_ms, look.cpu_ms + add.cpu_ms


def fresh_join(table, joins, times, bare):
    ours, theirs, floor = [], [], []
    for number in range(times):
        ours.append(joins.init())
        theirs.append(joins.by_hand(number))
        floor.append(Run([bare]))
    table.ratio("a", "fresh join, wall: init / etcdctl list + add", [run.wall_ms for run in ours], [wall for wall, _ in theirs], 0.7, "ms")
    table.ratio("a", "fresh join, CPU", [run.cpu_ms for run in ours], [cpu for _, cpu in theirs], 0.4, "ms")
    table.add("a", "of it: loading the libraries, wall", [run.wall_ms for run in floor], unit="ms")
    table.add("a", "of it: loading the libraries, CPU", [run.cpu_ms for run in floor], unit="ms")


def data_exists(table, joins, times, bare):
    pod = joins.pods[2]
    pod.sidecar.kill()
    pod.etcd.kill()
    runs = []
    for _ in range(times):
        runs.append(Run([USHER, "init", *pod.common()], pod.env()))
        assert "start-listed" in runs[-1].output, runs[-1].output
    walls = [run.wall_ms for run in runs]
    floor = [Run([bare]).wall_ms for _ in range(times)]
    table.add("b", "init where data exists, gauges read; against loading the libraries alone", walls, floor, middle(walls), 15, unit="ms")
    pod.start_etcd()
    pod.start_sidecar()
    pod.wait_ready()


class BlackHole:
    """An address that swallows connections: a full backlog drops what knocks."""

    def __init__(self, address):
        self.server = socket.socket()
        self.server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.server.bind((address, 2379))
        self.server.listen(0)
        self.guests = []
        for _ in range(3):
            guest = socket.socket()
            guest.setblocking(False)
            guest.connect_ex((address, 2379))
            self.guests.append(guest)

    def close(self):
        for each in (*self.guests, self.server):
            each.close()


def black_holes(table, joins, times):
    holes = [BlackHole(joins.bed.address(number)) for number in (11, 12)]
    seeds = ",".join([f"http://{hole.server.getsockname()[0]}:2379" for hole in holes] + [f"http://{joins.pods[0].client}"])
    healthy, holed = [], []
    for _ in range(times):
        healthy.append(joins.init().wall_ms)
        holed.append(joins.init(seeds).wall_ms)
    for hole in holes:
        hole.close()
    table.ratio("h", "fresh join, two of three seeds black-holed / all healthy", holed, healthy, 1.3, "ms")
