"""The janitor (--janitor-after): dead members of any set are taken out, one at a time, never below --min-voters, and what comes back joins again."""
import time

import pytest
from bed import Writer
from bed.process import wait_until

AFTER = 60  # the least that is allowed


def members(pods):
    return len(pods[0].bed.members(pods[0]))


@pytest.mark.slow
def test_the_janitor(bed):
    """Four voters in two sets. The other set's dies; then one of ours, which stays: three voters shall stay. The dead come back."""
    west = bed.set(3)
    for pod in west:
        pod.env_extra["USHER_JANITOR_AFTER"] = f"{AFTER}s"
    bed.grow(west)
    east = bed.set(1, "east", join=west, bootstrap="never")
    east[0].start_and_wait()
    writer = Writer(lambda: [pod.client for pod in west])
    writer.start()
    gone = east[0].member_id
    east[0].kill()
    died_at = time.monotonic()
    wait_until(lambda: members(west) == 3, "the janitor took the dead one out", AFTER * 2)
    assert time.monotonic() - died_at > AFTER
    said = [line for pod in west for line in (pod.folder / "sidecar.log").read_text().splitlines() if "was removed: dead" in line]
    assert len(said) == 1 and f"{gone:x}" in said[0]
    follower = next(pod for pod in west[1:] if pod.member_id != int(west[0].status()["leader"]))
    follower.kill()
    time.sleep(AFTER + 15)
    assert members(west) == 3  # --min-voters
    follower.start_and_wait()
    east[0].start_and_wait()
    bed.check([*west, *east], writer)
