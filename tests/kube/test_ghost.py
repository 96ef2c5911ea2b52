"""Seats that were given up without their member leaving (DESIGN 4.3)."""
import time

import pytest
from release import Release


@pytest.fixture
def release(lab, namespace):
    return Release(lab, namespace)


def test_ghost(release):
    """--leave=never stands for a node that dies in the middle of a scale-down: the pod goes, its member stays, and is taken out by the others
    when --ghost-after is over. Replicas 0 takes nobody out, and neither does a wanted pod that is down."""
    release.install(3, usher__leave="never", usher__ghostAfter="20s")
    gone = release.member_id("etcd-2")
    writer = release.write()
    release.scale(2)
    assert len(release.members()) == 3
    began = time.monotonic()
    release.lab.wait(lambda: len(release.members()) == 2, "the ghost is gone", 120)
    assert time.monotonic() - began > 10
    release.check(2, writer)
    assert not [member for member in release.members() if int(member["ID"]) == gone]
    assert release.events("GhostRemoved")
    before = release.ids()
    release.scale(0)
    time.sleep(25)
    release.scale(2)
    release.check(2)
    assert release.ids() == before
    release.scale(3)
    release.check(3)
