"""Installing, scaling, rolling, pausing: what people do with kubectl and helm, on a real cluster."""
import pytest
from release import Release


@pytest.fixture
def release(lab, namespace):
    return Release(lab, namespace)


def test_install_and_scale(release):
    """1 -> 3 -> 5 -> 2 while a client writes; each member that goes leaves first, and each seat is one pod's."""
    release.install(1)
    release.check(1)
    writer = release.write()
    release.scale(3)
    assert len(release.members()) == 3
    release.scale(5)
    release.scale(2)
    release.check(2, writer)
    assert release.names() == ["etcd-0", "etcd-1"]
    assert len(release.events("Left")) == 3 and len(release.events("Promoted")) == 4


def test_roll(release):
    """A rolling restart: the same members come back, nobody leaves."""
    release.install(3)
    before = {pod: (release.member_id(pod), release.uid(pod)) for pod in release.pods()}
    writer = release.write()
    release.kubectl("rollout", "restart", "statefulset/etcd")
    release.kubectl("rollout", "status", "statefulset/etcd", "--timeout=300s")
    release.check(3, writer)
    for pod, (member, uid) in before.items():
        assert release.member_id(pod) == member and release.uid(pod) != uid
    assert not release.events("Left")


def test_pause(release):
    """Replicas 0 and back: everybody keeps the seat and the data."""
    release.install(3)
    writer = release.write()
    release.lab.wait(lambda: len(writer.acknowledged) > 50, "some writes")
    before = {pod: release.member_id(pod) for pod in release.pods()}
    release.scale(0)
    release.scale(3)
    release.check(3, writer)
    assert {pod: release.member_id(pod) for pod in release.pods()} == before
    assert not release.events("Left")
