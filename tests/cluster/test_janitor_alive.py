"""The janitor and members that live: what its own sidecar cannot reach is not dead for that."""
import time

import pytest
from bed.network import Network, is_possible
from bed.process import wait_until

AFTER = 60  # the least that is allowed


def members(pods):
    return len(pods[0].bed.members(pods[0]))


def said(pods, text):
    """Lines of the sidecars' logs."""
    return [line for pod in pods for line in (pod.folder / "sidecar.log").read_text().splitlines() if text in line]


def leader_of(pods):
    return next(pod for pod in pods if pod.member_id == int(pods[0].status()["leader"]))


@pytest.mark.slow
def test_a_member_that_only_its_peers_reach(bed):
    """Its client URL leads nowhere from here (another network's); its etcd restarts once, away for twelve seconds of the minute: not dead."""
    west = bed.set(3)
    for pod in west:
        pod.env_extra["USHER_JANITOR_AFTER"] = f"{AFTER}s"
    bed.grow(west)
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
def test_a_broken_way_between_two(bed):
    """Only the way between the leader and one member is broken; the two other voters are connected with it, and say so."""
    network = Network(bed)
    try:
        west = network.connect(*bed.set(3))
        east = network.connect(*bed.set(1, "east", join=west, bootstrap="never"))
        for pod in west:
            pod.env_extra["USHER_JANITOR_AFTER"] = f"{AFTER}s"
        bed.grow(west)
        east[0].start_and_wait()
        leader = leader_of(west)
        network.swallow(leader, east[0])
        network.swallow(east[0], leader)
        began = time.monotonic()
        while time.monotonic() - began < AFTER * 1.6:
            assert members(west) == 4, (time.monotonic() - began, said(west, "was removed"))
            time.sleep(1)
    finally:
        for pod in bed.pods:
            pod.kill()
        network.close()
