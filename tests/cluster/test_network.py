"""Pods that are cut off: each in a network namespace of its own, with links that can be pulled and ways on which packets vanish."""
import signal
import subprocess
import time

import pytest
from bed import Writer, call
from bed.bed import USHER
from bed.network import is_possible
from bed.process import wait_until

pytestmark = pytest.mark.skipif(not is_possible(), reason="needs root and network namespaces")


def leader_of(pods):
    return next(pod for pod in pods if pod.member_id == int(pods[0].status()["leader"]))


def inside(pod, path):
    """What a probe in the pod's own network gets: 200, 503, or 000."""
    command = [*pod.wrap, "curl", "-s", "-m", "5", "-o", "/dev/null", "-w", "%{http_code}", f"http://{pod.ip}:2383{path}"]
    return subprocess.run(command, capture_output=True, text=True, timeout=20).stdout


def test_the_leader_is_cut_off(bed, network):
    """The leader's cable is pulled under writes: not ready but alive; the others go on; nobody is removed, and it comes back as it was."""
    pods = bed.grow(network.connect(*bed.set(3, leave="asked")))
    before = [pod.member_id for pod in pods]
    lost = leader_of(pods)
    rest = [pod for pod in pods if pod is not lost]
    writer = Writer(lambda: [pod.client for pod in rest])
    writer.start()
    wait_until(lambda: len(writer.acknowledged) > 20, "the client writes")
    network.cut(lost)
    began = time.monotonic()
    wait_until(lambda: inside(lost, "/readyz") == "503", "it is not ready", limit=15)
    print(f"not ready {time.monotonic() - began:.1f} s after the cut")
    assert inside(lost, "/livez") == "200" and inside(lost, "/etcd/livez") == "200"
    so_far = len(writer.acknowledged)
    wait_until(lambda: len(writer.acknowledged) > so_far + 50, "the others go on")
    assert all(pod.probe()[0] == 200 for pod in rest)
    network.mend(lost)
    bed.check(pods, writer)
    assert [pod.member_id for pod in pods] == before


def test_a_pod_starts_cut_off(bed, network):
    """A member with data starts while nobody can be reached (I10); its colleagues' addresses are black holes, not refusals."""
    pods = bed.grow(network.connect(*bed.set(3, leave="asked")))
    before = pods[2].member_id
    pods[2].kill()
    network.swallow(pods[2], *pods[:2])
    began = time.monotonic()
    pods[2].start()
    took = time.monotonic() - began
    assert "start-unseen" in (pods[2].folder / "init.log").read_text()
    assert took < 10, f"init took {took:.1f} s with data on its volume"
    wait_until(lambda: pods[2].probe("/livez")[0] == 200, "the sidecar lives")
    assert pods[2].probe()[0] == 503
    network.let_through(pods[2], *pods[:2])
    bed.check(pods)
    assert pods[2].member_id == before


def test_a_joiner_cut_off_founds_nothing(bed, network):
    """An empty pod that reaches nobody, with a record that says that the set was founded: it waits, and joins when it can."""
    pods = network.connect(*bed.set(2, leave="asked"))
    pods[0].start_and_wait()
    network.swallow(pods[1], pods[0])
    pods[1].begin()
    wait_until(lambda: "record-has-cluster" in (pods[1].folder / "init.log").read_text(), "it waits")
    assert pods[1].starting.is_running and len(bed.members(pods[0])) == 1
    network.let_through(pods[1], pods[0])
    wait_until(pods[1].go_on, "init ends")
    pods[1].wait_ready()
    bed.check(pods)


def test_a_lost_volume_behind_a_cut_is_not_taken_for_dead(bed, network):
    """The pod was started twice, the second time with an empty volume and without a way to the first. The voters are connected to the first: it is
    not dead, and the second must not take its seat."""
    pods = bed.grow(network.connect(*bed.set(3, leave="asked")))
    twin = bed.pod("etcd-2", "west", leave="asked")
    network.connect(twin)
    twin.flags["peer-url"] = pods[2].peer
    network.swallow(twin, pods[2])
    twin.new_life()
    refused = twin.init(limit=120)
    assert refused.returncode == 3 and ("lost-unproven" in refused.stderr or "live-twin" in refused.stderr), refused.stderr
    bed.pods.remove(twin)
    bed.check(pods)


def test_two_members_lose_sight_of_each_other(bed, network):
    """One follower and the leader cannot talk, all others can: no membership change comes of it, and it heals."""
    pods = bed.grow(network.connect(*bed.set(3, leave="asked")))
    before = [pod.member_id for pod in pods]
    leader = leader_of(pods)
    other = next(pod for pod in pods if pod is not leader)
    writer = Writer(lambda: [pod.client for pod in pods])
    writer.start()
    network.swallow(other, leader)
    network.swallow(leader, other)
    so_far = len(writer.acknowledged)
    wait_until(lambda: len(writer.acknowledged) > so_far + 200, "the client writes on")
    network.let_through(other, leader)
    network.let_through(leader, other)
    bed.check(pods, writer)
    assert [pod.member_id for pod in pods] == before


@pytest.mark.slow
def test_leaving_while_cut_off_ends_with_stay(bed, network):
    """The pod is asked to leave while it reaches nobody: it stays, within its time, and is a member as before when the cable is back."""
    pods = bed.grow(network.connect(*bed.set(3, leave="asked", leave_timeout="4s")))
    before = [pod.member_id for pod in pods]
    network.cut(pods[2])
    ordered = subprocess.run([USHER, "leave", f"--plan-dir={pods[2].plan}", "--leave-timeout=4s"], capture_output=True, text=True, timeout=60)
    assert ordered.returncode in (1, 4), ordered.stdout + ordered.stderr
    network.mend(pods[2])
    bed.check(pods)
    assert [pod.member_id for pod in pods] == before


def test_a_learner_is_cut_off_while_it_joins(bed, network):
    """Between add and promotion the cable is pulled: its etcd ends for want of peers, and is started again and again; the voters keep their quorum,
    and it is promoted when the cable is back."""
    pods = network.connect(*bed.set(2, leave="asked"))
    pods[0].start_and_wait()
    pods[1].new_life()
    assert pods[1].init().returncode == 0
    network.cut(pods[1])
    pods[1].start_etcd()
    pods[1].start_sidecar()
    wait_until(lambda: not pods[1].etcd.is_running, "its etcd gives up")
    wait_until(lambda: inside(pods[1], "/livez") == "200", "its sidecar lives")
    assert inside(pods[1], "/readyz") == "503"
    assert pods[0].probe()[0] == 200 and call(pods[0].client, "/v3/kv/put", {"key": "YQ==", "value": "YQ=="})
    network.mend(pods[1])
    pods[1].wait_ready_restarting()
    bed.check(pods)


def test_a_joiner_with_two_dead_seeds(bed, network):
    """Two of three seeds are black holes: the third one is enough, at once."""
    pods = network.connect(*bed.set(2, leave="asked"))
    pods[0].start_and_wait()
    holes = [network.address(20), network.address(21)]
    for hole in holes:
        network.swallow(pods[1], type("Hole", (), {"ip": hole}))
    pods[1].flags["endpoints"] = ",".join(f"http://{ip}:2379" for ip in (*holes, pods[0].ip))
    pods[1].new_life()
    began = time.monotonic()
    result = pods[1].init()
    took = time.monotonic() - began
    assert result.returncode == 0, result.stderr
    assert took < 5, f"init took {took:.1f} s"
    pods[1].start_etcd()
    pods[1].start_sidecar()
    pods[1].wait_ready()
    bed.check(pods)


def test_the_leader_is_paused_under_writes(bed):
    """SIGSTOP of the leader's etcd: another one leads within seconds, its pod is not ready, nobody is removed; SIGCONT, and all is as before."""
    pods = bed.grow(bed.set(3, leave="asked"))
    before = [pod.member_id for pod in pods]
    paused = leader_of(pods)
    rest = [pod for pod in pods if pod is not paused]
    writer = Writer(lambda: [pod.client for pod in rest])
    writer.start()
    wait_until(lambda: len(writer.acknowledged) > 20, "the client writes")
    paused.etcd.signal(signal.SIGSTOP)
    so_far = len(writer.acknowledged)
    wait_until(lambda: len(writer.acknowledged) > so_far + 50, "the client writes on")
    wait_until(lambda: paused.probe()[0] == 503, "not ready", limit=20)
    assert paused.probe("/livez")[0] == 200
    assert leader_of(rest) is not paused
    paused.etcd.signal(signal.SIGCONT)
    bed.check(pods, writer)
    assert [pod.member_id for pod in pods] == before
