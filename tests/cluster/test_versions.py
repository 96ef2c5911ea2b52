"""Members of different versions in one cluster, and upgrades one pod after the other, each ready before the next."""
import conftest
import pytest
from bed import Writer
from bed.process import wait_until


def needs(*versions):
    missing = [version for version in versions if version not in conftest.VERSIONS]
    if missing:
        pytest.skip(f"etcd {', '.join(missing)} is not to be had here")


def upgrade(bed, pods, version, writer):
    """Pod by pod: stop, the newer program, ready again; the same members all the while."""
    before = [pod.member_id for pod in pods]
    for pod in pods:
        pod.stop()
        pod.version = version
        pod.start_and_wait()
        so_far = len(writer.acknowledged)
        wait_until(lambda: len(writer.acknowledged) > so_far + 10, "the client writes on")
    assert [pod.member_id for pod in pods] == before
    wait_until(lambda: {pod.status()["version"].rsplit(".", 1)[0] for pod in pods} == {version}, "all run the newer program")


@pytest.mark.parametrize("older, newer", [pytest.param("3.4", "3.5", marks=pytest.mark.slow), pytest.param("3.5", "3.6", marks=pytest.mark.slow),
                                          ("3.6", "3.7")])
@pytest.mark.one_version
def test_rolling_upgrade(bed, older, newer):
    """Under writes, and then one more joins and one leaves: the newer version's cluster is a cluster like any other."""
    needs(older, newer)
    bed.version = older
    pods = bed.set(4, leave="asked")
    bed.grow(pods[:3])
    writer = Writer(lambda: [pod.client for pod in pods[:3]])
    writer.start()
    upgrade(bed, pods[:3], newer, writer)
    pods[3].version = newer
    pods[3].start_and_wait()
    bed.check(pods, writer)


@pytest.mark.one_version
def test_all_lives_in_a_mixed_cluster(bed):
    """Two older members and a newer one, as in the middle of an upgrade: one is lost and replaced, one joins, one leaves."""
    needs("3.5", "3.6")
    bed.version = "3.5"
    pods = bed.set(4, leave="asked")
    pods[2].version = "3.6"
    bed.grow(pods[:3])
    writer = Writer(lambda: [pod.client for pod in (pods[0], pods[2])])
    writer.start()
    pods[1].kill()
    pods[1].lose_volume()
    pods[1].start_and_wait()
    pods[3].start_and_wait()
    pods[2].flags["leave"] = "always"
    pods[2].sidecar.kill()
    pods[2].start_sidecar()
    pods[2].wait_ready()
    bed.settle(pods)
    pods[2].stop()
    bed.check([pods[0], pods[1], pods[3]], writer)
