"""The janitor (--janitor-after): dead members of any set are taken out, one at a time, never below --min-voters, and what comes back joins again.
What lives is not dead because its own sidecar cannot reach it."""
import time

import pytest
from bed import Writer
from bed.network import is_possible
from bed.process import wait_until

AFTER = 60  # the least that is allowed


def members(pods):
    return len(pods[0].bed.members(pods[0]))


def with_janitor(pods):
    for pod in pods:
        pod.env_extra["USHER_JANITOR_AFTER"] = f"{AFTER}s"
    return pods


def said(pods, text):
    """Lines of the sidecars' logs."""
    return [line for pod in pods for line in (pod.folder / "sidecar.log").read_text().splitlines() if text in line]


def leader_of(pods):
    return next(pod for pod in pods if pod.member_id == int(pods[0].status()["leader"]))


@pytest.mark.slow
def test_the_janitor(bed):
    """Four voters in two sets. The other set's dies; then one of ours, which stays: three voters shall stay. The dead come back."""
    west = bed.grow(with_janitor(bed.set(3)))
    east = bed.set(1, "east", join=west, bootstrap="never")
    east[0].start_and_wait()
    writer = Writer(lambda: [pod.client for pod in west])
    writer.start()
    gone = east[0].member_id
    east[0].kill()
    died_at = time.monotonic()
    wait_until(lambda: members(west) == 3, "the janitor took the dead one out", AFTER * 2)
    assert time.monotonic() - died_at > AFTER
    removed = said(west, "was removed: dead")
    assert len(removed) == 1 and f"{gone:x}" in removed[0]
    follower = next(pod for pod in west[1:] if pod.member_id != int(west[0].status()["leader"]))
    follower.kill()
    time.sleep(AFTER + 15)
    assert members(west) == 3  # --min-voters
    follower.start_and_wait()
    east[0].start_and_wait()
    bed.check([*west, *east], writer)


@pytest.mark.slow
def test_a_member_that_only_its_peers_reach(bed):
    """Its client URL leads nowhere from here (another network's); its etcd restarts once, away for twelve seconds of the minute: not dead."""
    west = bed.grow(with_janitor(bed.set(3)))
    east = bed.set(1, "east", join=west, bootstrap="never", client_url=f"http://{bed.address(200)}:2379")
    east[0].etcd_flags = [f"--advertise-client-urls=http://{bed.address(200)}:2379"]
    east[0].start_and_wait()
    assert members(west) == 4
    began = time.monotonic()
    while not said(west, "janitor-wait") and time.monotonic() - began < 15:  # where silence alone counts, the time is over while it restarts
        time.sleep(0.1)
    time.sleep(AFTER - 3)
    east[0].etcd.kill()
    time.sleep(12)
    assert members(west) == 4, said(west, "was removed")
    east[0].start_etcd()
    east[0].wait_ready()


@pytest.mark.slow
@pytest.mark.skipif(not is_possible(), reason="needs root and network namespaces")
def test_a_broken_way_between_two(bed, network):
    """Only the way between the leader and one member is broken; the two other voters are connected with it, and say so."""
    west = network.connect(*bed.set(3))
    east = network.connect(*bed.set(1, "east", join=west, bootstrap="never"))
    bed.grow(with_janitor(west))
    east[0].start_and_wait()
    leader = leader_of(west)
    network.swallow(leader, east[0])
    network.swallow(east[0], leader)
    began = time.monotonic()
    while time.monotonic() - began < AFTER * 1.6:
        assert members(west) == 4, (time.monotonic() - began, said(west, "was removed"))
        time.sleep(1)
