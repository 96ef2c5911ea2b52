"""Pauses, lost quorums and crashes in the middle."""
import signal
import subprocess
import time

from bed import Writer, call
from bed.bed import USHER
from bed.process import wait_until


def order_to_leave(pod, *flags):
    return subprocess.run([USHER, "leave", f"--plan-dir={pod.plan}", *flags], capture_output=True, text=True, timeout=120)


def test_join_waits_for_a_paused_voter(bed):
    """A voter is paused: adding is refused by etcd, or waits; the joiner says for what, and goes on when it is back."""
    pods = bed.set(4, leave="asked")
    bed.grow(pods[:3])
    pods[2].etcd.signal(signal.SIGSTOP)
    pods[3].begin()
    time.sleep(3)
    assert not pods[3].starting.popen.poll()
    pods[2].etcd.signal(signal.SIGCONT)
    wait_until(pods[3].go_on, "init ends", limit=90)
    pods[3].wait_ready()
    bed.check(pods)


def test_leave_without_quorum_ends_with_stay(bed):
    """A wedged cluster: the order to leave ends at its deadline, the member stays."""
    pods = bed.grow(bed.set(3, leave="asked", leave_timeout="4s"))
    for pod in pods[1:]:
        pod.etcd.signal(signal.SIGSTOP)
    ordered = order_to_leave(pods[0], "--leave-timeout=4s")
    assert ordered.returncode in (1, 4), ordered.stdout + ordered.stderr
    for pod in pods[1:]:
        pod.etcd.signal(signal.SIGCONT)
    bed.check(pods)


def test_two_voters_to_one(bed):
    """With two voters the removal comes before the stop: there is no second chance."""
    pods = bed.grow(bed.set(2))
    leader = next(pod for pod in pods if pod.member_id == int(pods[0].status()["leader"]))
    leader.stop()
    bed.check([pod for pod in pods if pod is not leader])


def test_sidecar_dies_while_leaving(bed):
    """kill -9 of the sidecar in the middle of a leave: a second ask finishes it."""
    pods = bed.grow(bed.set(3))
    asked = subprocess.Popen([USHER, "leave", f"--plan-dir={pods[2].plan}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    pods[2].sidecar.kill()
    asked.wait(60)
    pods[2].start_sidecar()
    wait_until(lambda: order_to_leave(pods[2]).returncode == 0, "it has left", every=0.5)
    pods[2].stop()
    bed.check(pods[:2])


def test_etcd_is_paused_for_a_while(bed):
    """Readiness is lost while our etcd is paused, and comes back by itself; nobody is removed."""
    pods = bed.grow(bed.set(3, leave="asked"))
    before = [pod.member_id for pod in pods]
    pods[1].etcd.signal(signal.SIGSTOP)
    wait_until(lambda: pods[1].probe()[0] == 503, "not ready", limit=20)
    assert pods[1].probe("/livez")[0] == 200
    pods[1].etcd.signal(signal.SIGCONT)
    bed.check(pods)
    assert [pod.member_id for pod in pods] == before


def test_two_volumes_lost_one_after_the_other_under_writes(bed):
    """The worst week of a small set: two of three volumes are lost in turn while a client writes."""
    pods = bed.grow(bed.set(3, leave="asked"))
    writer = Writer(lambda: [pod.client for pod in pods])
    writer.start()
    for pod in pods[:2]:
        pod.kill()
        pod.lose_volume()
        pod.start_and_wait()
    bed.check(pods, writer)


def test_kill_of_the_leader_under_writes(bed):
    """The leader is killed and comes back with its data."""
    pods = bed.grow(bed.set(3, leave="asked"))
    writer = Writer(lambda: [pod.client for pod in pods])
    writer.start()
    leader = next(pod for pod in pods if pod.member_id == int(pods[0].status()["leader"]))
    leader.kill()
    wait_until(lambda: len(writer.acknowledged) > 20, "the client writes")
    leader.start_and_wait()
    bed.check(pods, writer)


def test_five_and_back_to_one(bed):
    """1 -> 3 -> 5 -> 3 -> 1, under writes."""
    pods = bed.set(5)
    bed.grow(pods[:1])
    alive = pods[:1]
    writer = Writer(lambda: [pod.client for pod in alive])
    writer.start()
    for size in (3, 5):
        for pod in pods[len(alive):size]:
            pod.start_and_wait()
            alive.append(pod)
        bed.check(alive)
    for size in (3, 1):
        for _ in range(len(alive) - size):
            alive.pop().stop()
        if size > 1:
            bed.check(alive)
    bed.check(alive, writer)
