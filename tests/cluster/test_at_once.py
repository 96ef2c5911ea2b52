"""Several pods at the same instant."""
import subprocess

import pytest
from bed import call
from bed.bed import LAUNCHER
from bed.process import wait_until


def was_founder(pod):
    return '"reason":"found"' in (pod.folder / "init.log").read_text()


def empty(bed, pods):
    """Back to before the first start: no processes, no data, no record."""
    for pod in pods:
        pod.kill()
        pod.lose_volume()
        (pod.folder / "init.log").unlink(missing_ok=True)
    bed.record_path("west").unlink(missing_ok=True)


def test_two_founders_at_the_same_instant(bed, capsys):
    """Ten times: exactly one founds, the other waits for it and joins."""
    pods = bed.set(2, leave="asked")
    founders = []
    for number in range(10):
        empty(bed, pods)
        order = pods if number % 2 else pods[::-1]
        for pod in order:
            pod.begin()
        wait_until(lambda: all([pod.go_on() for pod in order]), "both inits end", limit=120)
        bed.check(pods)
        assert sum(map(was_founder, pods)) == 1, f"round {number}: {[was_founder(pod) for pod in pods]}"
        founders.append(next(pod.name for pod in pods if was_founder(pod)))
    with capsys.disabled():
        print(f"\nfounded by {', '.join(f'{name} {founders.count(name)}x' for name in sorted(set(founders)))}")


def test_three_joiners_at_once(bed):
    """etcd takes one learner at a time: each gets its turn, and nobody founds."""
    pods = bed.set(4, leave="asked")
    pods[0].start_and_wait()
    for pod in pods[1:]:
        pod.begin()
    wait_until(lambda: all([pod.go_on() for pod in pods[1:]]), "all inits end", limit=120)
    for pod in pods:
        pod.wait_ready()
    bed.check(pods)
    assert not any(map(was_founder, pods[1:]))


def test_two_leave_at_once(bed):
    """Two of four are ordered out in the same moment: one after the other, never below the quorum."""
    pods = bed.grow(bed.set(4))
    orders = [subprocess.Popen([LAUNCHER, "leave"], env=pod.env(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for pod in pods[2:]]
    for order in orders:
        _, words = order.communicate(timeout=90)
        assert order.returncode == 0, words
    for pod in pods[2:]:
        pod.stop(hook=False)
    bed.check(pods[:2])


def test_a_joiner_and_a_leaver_at_once(bed):
    """One comes while the leader goes: the list in its plan is out of date before its etcd has read it, and is kept true."""
    pods = bed.set(4)
    bed.grow(pods[:3])
    leader = next(pod for pod in pods[:3] if pod.member_id == int(pods[0].status()["leader"]))
    pods[3].begin()
    leader.stop()
    wait_until(pods[3].go_on, "init ends", limit=120)
    pods[3].wait_ready_restarting()
    bed.check([pod for pod in pods if pod is not leader])


@pytest.mark.slow
def test_two_lost_volumes_at_once(bed):
    """Two of five lose their volumes in the same moment: both are replaced, one after the other, by ID."""
    pods = bed.grow(bed.set(5, leave="asked"))
    lost = [pod.member_id for pod in pods[3:]]
    for pod in pods[3:]:
        pod.kill()
        pod.lose_volume()
    for pod in pods[3:]:
        pod.begin()
    wait_until(lambda: all([pod.go_on() for pod in pods[3:]]), "both inits end", limit=120)
    bed.check(pods)
    assert not set(lost) & {int(member["ID"]) for member in bed.members(pods[0])}


def test_a_stranger_takes_the_seat_of_a_learner(bed):
    """Somebody's learner blocks the way, and never starts: the joiner says so by name, and goes on when a person removes it."""
    pods = bed.set(2, leave="asked")
    pods[0].start_and_wait()
    added = call(pods[0].client, "/v3/cluster/member/add", {"peerURLs": ["http://127.0.0.9:2380"], "isLearner": True})["member"]
    pods[1].begin()
    wait_until(lambda: "too many learner" in (pods[1].folder / "init.log").read_text(), "it says for what it waits")
    call(pods[0].client, "/v3/cluster/member/remove", {"ID": added["ID"]})
    wait_until(pods[1].go_on, "init ends")
    bed.check(pods)
