"""The ways in which a pod's life ends: with a hook, without, with kill -9, in pieces."""
import json
import subprocess
import time

import pytest
from bed import Writer
from bed.bed import LAUNCHER, USHER
from bed.process import wait_until


def members(bed, pod):
    return sorted(member["ID"] for member in bed.members(pod))


def test_stop_with_hook(bed):
    """--leave=always: the hook takes it out, then SIGTERM comes; nothing is left in the list, and a second hook says the same."""
    pods = bed.grow(bed.set(3))
    hook = subprocess.run([LAUNCHER, "leave"], env=pods[2].env(), capture_output=True, text=True, timeout=60)
    assert hook.returncode == 0, hook.stderr
    again = subprocess.run([LAUNCHER, "leave"], env=pods[2].env(), capture_output=True, text=True, timeout=60)
    assert again.returncode == 0, again.stderr
    pods[2].stop(hook=False)
    bed.check(pods[:2])
    assert pods[2].sidecar.popen.returncode == 0


def test_stop_without_hook(bed):
    """--leave=always, no hook, SIGTERM to etcd and sidecar alike: etcd's closed port says that this is the end, and the member is taken out."""
    pods = bed.grow(bed.set(3))
    pods[2].stop(hook=False)
    bed.check(pods[:2])


def test_a_restarted_sidecar_is_no_end(bed):
    """--leave=always: SIGTERM to the sidecar alone, while etcd runs: the member stays."""
    pods = bed.grow(bed.set(3, leave_timeout="3s"))
    before = members(bed, pods[0])
    pods[2].sidecar.stop()
    assert members(bed, pods[0]) == before
    pods[2].start_sidecar()
    bed.check(pods)
    assert members(bed, pods[0]) == before


def test_kill_9_is_no_leave(bed):
    """--leave=always: a pod that is killed outright keeps its seat, and comes back with its data as the same member."""
    pods = bed.grow(bed.set(3))
    before = members(bed, pods[0])
    writer = Writer(lambda: [pod.client for pod in pods[:2]])
    writer.start()
    pods[2].kill()
    wait_until(lambda: len(writer.acknowledged) > 50, "the others go on")
    assert members(bed, pods[0]) == before
    pods[2].start_and_wait()
    bed.check(pods, writer)
    assert members(bed, pods[0]) == before


@pytest.mark.slow
def test_all_stop_with_hook_and_come_back(bed):
    """The whole set is scaled to nothing by hooks alone: the last voter stays, with everything that was written; scaled up, the others join anew."""
    pods = bed.grow(bed.set(3))
    writer = Writer(lambda: [pods[0].client])
    writer.start()
    wait_until(lambda: len(writer.acknowledged) > 50, "the client writes")
    writer.stop()
    for pod in reversed(pods):
        pod.stop()
    for pod in pods:
        pod.start_and_wait()
    bed.settle(pods)
    bed.check(pods, writer)


@pytest.mark.slow
def test_a_member_that_left_comes_back(bed):
    """Scaled down and up again on the old volume: the data says that it left, is set aside, and the pod joins as a new member."""
    pods = bed.grow(bed.set(3))
    old = pods[2].member_id
    pods[2].stop()
    pods[2].start_and_wait()
    bed.check(pods)
    assert pods[2].member_id != old
    assert len(list(pods[2].data.glob("usher-archive-*"))) == 1, list(pods[2].data.iterdir())


@pytest.mark.slow
def test_a_member_that_left_waits_in_an_outage(bed):
    """On data that left, nothing starts while the cluster cannot be asked (J2): it waits, and joins anew when it is back."""
    pods = bed.grow(bed.set(3))
    old = pods[2].member_id
    pods[2].stop()
    bed.settle(pods[:2])
    for pod in pods[:2]:
        pod.kill()
    pods[2].begin()
    wait_until(lambda: '"reason":"dead-data-waits"' in (pods[2].folder / "init.log").read_text(), "it waits")
    assert pods[2].starting.is_running
    for pod in pods[:2]:
        pod.start()
    wait_until(pods[2].go_on, "init ends", limit=90)
    bed.check(pods)
    assert pods[2].member_id != old


@pytest.mark.parametrize("number", [2, 15], ids=["SIGINT", "SIGTERM"])
def test_a_waiting_init_ends_at_once(bed, number):
    """A signal ends the waiting, at once; nothing is left behind, and the next life joins."""
    pods = bed.set(2, leave="asked")
    bed.grow(pods[:1])
    pods[0].kill()
    pods[1].begin()
    wait_until(lambda: '"reason":"record-has-cluster"' in (pods[1].folder / "init.log").read_text(), "it waits")
    pods[1].starting.signal(number)
    assert pods[1].starting.wait(3) == 1
    assert not (pods[1].plan / "launch").exists() or pods[1].launch()["state"] != "start"
    pods[0].start_and_wait()
    assert len(bed.members(pods[0])) == 1
    pods[1].start_and_wait()
    bed.check(pods)


@pytest.mark.slow
def test_waiting_says_how_long(bed):
    """Every ten seconds, for what, and since when."""
    pod, = bed.set(1, bootstrap="never")
    pod.new_life()
    waited = pod.init("--timeout=11s")
    assert waited.returncode == 4
    lines = [line for line in waited.stderr.splitlines() if '"reason":"wait-for-cluster"' in line and "waiting for" in line]
    assert len(lines) >= 2 and "waiting for 0 s" in lines[0] and "waiting for 10 s" in lines[1], waited.stderr


def test_the_leader_leaves_and_nobody_notices(bed):
    """Each pod in turn is ordered out while it leads, and joins anew: writes go on, with short gaps."""
    pods = bed.grow(bed.set(3, leave="asked"))
    alive = list(pods)
    writer = Writer(lambda: [pod.client for pod in alive])
    writer.start()
    for _ in range(2):
        leader = next(pod for pod in pods if pod.member_id == int(pods[0].status()["leader"]))
        alive.remove(leader)
        ordered = subprocess.run([USHER, "leave", f"--plan-dir={leader.plan}"], capture_output=True, text=True, timeout=60)
        assert ordered.returncode == 0, ordered.stderr
        leader.stop()
        leader.start_and_wait()
        alive.append(leader)
    bed.check(pods, writer)
    assert writer.longest_gap < 3, f"{writer.longest_gap:.1f} s without an acknowledged write"


def test_the_last_voter_does_not_wait(bed):
    """The last voter's hook says that it stays; SIGTERM after it ends everything at once, instead of waiting for a quorum that is itself."""
    pod, = bed.set(1)
    pod.start_and_wait()
    began = time.monotonic()
    pod.stop()
    assert time.monotonic() - began < 8, "STAY took long"
    pod.start_and_wait()
    bed.check([pod])


@pytest.mark.parametrize("policy", ["never", "asked"])
def test_an_end_that_is_no_leave(bed, policy):
    """--leave=never and asked: hook and SIGTERM, the leader's too, and nobody leaves; the hook does not keep the kubelet waiting."""
    pods = bed.grow(bed.set(3, leave=policy))
    before = members(bed, pods[0])
    leader = next(pod for pod in pods if pod.member_id == int(pods[0].status()["leader"]))
    began = time.monotonic()
    subprocess.run([LAUNCHER, "leave"], env=leader.env(), capture_output=True, timeout=60)
    assert time.monotonic() - began < 6, "STAY took long"
    leader.stop(hook=False)
    rest = [pod for pod in pods if pod is not leader]
    wait_until(lambda: all(pod.probe()[0] == 200 for pod in rest), "the others go on")
    leader.start_and_wait()
    bed.check(pods)
    assert members(bed, pods[0]) == before


def test_nobody_is_taken_out_over_the_network(bed):
    """--leave=always: GET /prestop, without an API that shows that the pod ends, is answered, and the member stays."""
    pods = bed.grow(bed.set(3))
    before = members(bed, pods[0])
    began = time.monotonic()
    status, text = pods[2].probe("/prestop")
    assert time.monotonic() - began < 6, "STAY took long"
    assert status != 0 and text
    assert members(bed, pods[0]) == before
    bed.check(pods)


def test_a_learner_leaves(bed):
    """A learner that runs and is not in sync long enough yet: it is removed, and blocks nobody."""
    pods = bed.set(2, promote_samples="100")
    bed.grow(pods[:1])
    pods[1].new_life()
    assert pods[1].init().returncode == 0
    pods[1].start_etcd()
    pods[1].wait_serving()
    pods[1].start_sidecar()
    wait_until(lambda: json.loads(pods[1].probe("/status")[1] or "{}").get("membership") == "learner", "it is a learner, and knows")
    pods[1].stop()
    assert len(members(bed, pods[0])) == 1
    bed.check(pods[:1])


@pytest.mark.slow
def test_the_leader_that_is_preferred(bed):
    """--leader-preference: the leader that leaves hands over to that one, although others come before it in the list."""
    pods = bed.grow(bed.set(4, leave="asked"))
    leader = next(pod for pod in pods if pod.member_id == int(pods[0].status()["leader"]))
    heir = [pod for pod in pods if pod is not leader][-1]
    leader.sidecar.kill()
    leader.start_sidecar(f"--leader-preference={heir.name}")
    leader.wait_ready()
    ordered = subprocess.run([USHER, "leave", f"--plan-dir={leader.plan}"], capture_output=True, text=True, timeout=60)
    assert ordered.returncode == 0, ordered.stderr
    assert int(heir.status()["leader"]) == heir.member_id
    leader.stop()
    bed.check([pod for pod in pods if pod is not leader])
