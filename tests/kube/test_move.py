"""The main job: a cluster moves from one Kubernetes cluster to another while a client writes, by kubectl and helm alone."""
import pytest
from aliased import AliasedLab
from lab import Lab, connect
from release import Release

SPACE = "db"


def own_domains():
    return [(lab, {"clusterDomain": lab.domain}) for lab in (Lab(domain="west.example"), Lab(domain="east.example"))]


def same_names():
    """The same release, namespace and domain on both sides: only what is advertised differs."""
    sides = []
    for lab in (AliasedLab("west.example"), AliasedLab("east.example")):
        host = f"$(POD_NAME).etcd-headless.{SPACE}.svc.{lab.alias}"
        sides.append((lab, {"advertise.peerUrl": f"http://{host}:2380", "advertise.clientUrl": f"http://{host}:2379"}))
    return sides


@pytest.mark.parametrize("sides", [own_domains, pytest.param(same_names, marks=pytest.mark.slow)], ids=lambda sides: sides.__name__)
def test_a_cluster_moves(sides):
    """Stretch, move the leader, shrink the old side, switch it off; then the new side loses a volume and heals alone."""
    (west_lab, west_values), (east_lab, east_values) = sides()
    with west_lab, east_lab:
        for lab in (west_lab, east_lab):
            lab.up()
            lab.load_usual_images()
            lab.kubectl("create", "namespace", SPACE)
        link = connect(west_lab, east_lab)
        move(Release(west_lab, SPACE), west_values, Release(east_lab, SPACE), east_values, link)


def move(west, west_values, east, east_values, link):
    west.install(3, **west_values)
    cluster = west.record()["data"]["cluster-id"]
    sides = [west]  # where the client looks, beside the new side
    writer = east.write(sides)
    west.lab.wait(lambda: len(writer.acknowledged) > 50, "some writes")

    # Stretch. A person types what he sees on the old side: the addresses of its pods.
    endpoints = ",".join(f"http://{address}" for address in west.addresses())
    east.install(3, **east_values, **{"join.endpoints": f"{{{endpoints}}}"})
    west.check(3, others=[east])
    assert len(east.members()) == 6 and not east.events("Left") and not west.events("Left")
    assert east.record()["data"]["cluster-id"] == cluster

    # Move the leader, and shrink the old side. The end of a move is no pause: its members leave.
    east.lead("etcd-0", [west])
    west.scale(1)
    west.lab.wait(lambda: len(east.members()) == 4, "two of the old side have left", 60)
    assert len(west.events("Left")) == 2
    west.scale(0)
    assert len(east.members()) == 3 and len(west.events("Left")) == 3

    # The old side is switched off (its names do not even fail at once any more); the new one lives on.
    before = east.ids()
    sides.remove(west)
    west.lab.power_off(1)
    west.lab.api_stop()
    link.cut()
    east.lose_volume("etcd-1")
    east.roll()
    east.check(3, writer)
    assert east.ids()["etcd-1"] != before["etcd-1"] and east.ids()["etcd-0"] == before["etcd-0"]
    assert writer.longest_gap < 30
    print(f"{len(writer.acknowledged)} writes, the longest gap between two was {writer.longest_gap:.1f} s")
