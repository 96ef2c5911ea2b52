"""docs/migrate-between-clusters.md, typed as it stands: on two linked clusters, from both kinds of source, while a client writes."""
import shutil
from pathlib import Path

import guides
import pytest
from aliased import AliasedLab
from lab import connect, make_image, with_libraries
from lab.image import people
from release import Release, call

SPACE = "db"
HERE = Path(__file__).parent
pytestmark = pytest.mark.slow


@pytest.fixture
def sides():
    with AliasedLab("west.example") as west, AliasedLab("east.example") as east:
        for lab in (west, east):
            lab.up()
            guides.load_images(lab)
        yield west, east, connect(west, east)


def with_shell(lab):
    """etcd and a shell, as older images have it."""
    programs = {"/usr/local/bin/etcd": lab.etcd, "/usr/local/bin/etcdctl": lab.bin / "etcdctl"}
    files = {**people(), **with_libraries(shutil.which("dash")), **programs, "/bin/sh": shutil.which("dash")}
    lab.load_image(make_image("etcd-with-shell:1", files, into=lab.folder / "images"))


def voters(release):
    members = release.members()
    assert not [member for member in members if member.get("isLearner") or not member.get("clientURLs")], members
    return len(members)


def leads(release):
    """Is the leader one of this side's members?"""
    ours = {str(release.member_id(pod)) for pod in release.pods()}
    return call(release.addresses()[0], "/v3/maintenance/status")["leader"] in ours


def start(sides, tmp_path, source):
    """The source as somebody has it, and a person with both contexts: (walk, west, east, link)."""
    west_lab, east_lab, link = sides
    env = guides.kubeconfig(tmp_path / "kubeconfig", "default", west=west_lab, east=east_lab)
    domains = [f"{service}.{SPACE}.svc.{lab.alias}" for service, lab in ((source, west_lab), ("etcd-headless", east_lab))]
    walk = guides.Walk("docs/migrate-between-clusters.md", tmp_path, env,
                       {"NAMESPACE": SPACE, "WEST-DOMAIN": domains[0], "EAST-DOMAIN": domains[1]})
    west_lab.kubectl("create", "namespace", SPACE)
    west, east = Release(west_lab, SPACE), Release(east_lab, SPACE)
    walk.run("Before you begin")
    return walk, west, east, link


def look(walk, west):
    walk.run("1. Look at the source")
    walk.run("1. Look at the source / Make it small")
    walk.run("1. Look at the source / Make a snapshot")
    assert voters(west) == 3


def under_usher(walk, west, before, domain):
    """Step 2 was done: the same members under their new names."""
    walk.run("2. Put the source under etcd-usher / Wait")
    west.wait_ready(3)
    assert west.ids() == before
    west.lab.wait(lambda: sorted(member["peerURLs"][0] for member in west.members()) ==
                  [f"http://etcd-{number}.{domain}:2380" for number in range(3)], "the new names", 30)


def stretch(walk, west, east):
    walk.run("3. Install the target as joiners")
    walk.run("4. Wait for six voters")
    assert voters(west) == 6 and len(east.ready()) == 3 and leads(west)


def unstretch(walk, west, east):
    walk.run("3. Install the target as joiners / Back, at any moment up to step 5")
    assert voters(west) == 3 and leads(west) and not east.pods()


def shrink_to_one(walk, west, east):
    walk.run("6. Shrink the source / To one")
    assert voters(east) == 4 and list(west.pods()) == ["etcd-0"]


def shrink_to_none(walk, west, east):
    walk.run("6. Shrink the source / To none")
    assert voters(east) == 3 and leads(east) and not west.pods()


def grow_back(walk, west, east):
    walk.run("6. Shrink the source / Back")
    assert voters(east) == 6 and len(west.ready()) == 3


def stand_alone(walk, west, east, link, writer):
    before = east.ids()
    walk.run("7. Switch the source off / East stands alone")
    walk.run("7. Switch the source off / Back")
    west.lab.power_off(1)
    link.cut()
    east.check(3, writer)
    assert east.ids() == before
    assert writer.longest_gap < 30
    print(f"{len(writer.acknowledged)} writes, the longest gap between two was {writer.longest_gap:.1f} s")


def test_from_a_set_of_ones_own(sides, tmp_path):
    """The article's cluster, with the way back from every step that has one."""
    with_shell(sides[0])
    shutil.copy(HERE / "own-set.yaml", tmp_path / "etcd.yaml")
    walk, west, east, link = start(sides, tmp_path, "etcd")
    west.selector = "app=etcd"
    west.kubectl("apply", "-f", tmp_path / "etcd.yaml")
    west.wait_ready(3)
    before = west.ids()
    others = [west]
    writer = east.write(others)
    look(walk, west)

    domain = walk.words["WEST-DOMAIN"]
    walk.run("2. Put the source under etcd-usher / A StatefulSet of your own")
    under_usher(walk, west, before, domain)
    walk.run("2. Put the source under etcd-usher / Back, StatefulSet")
    west.wait_ready(3)
    assert west.ids() == before and "initContainers" not in west.pods()["etcd-0"]["spec"]
    walk.run("2. Put the source under etcd-usher / A StatefulSet of your own")
    under_usher(walk, west, before, domain)

    stretch(walk, west, east)
    unstretch(walk, west, east)
    assert west.ids() == before
    stretch(walk, west, east)
    walk.run("5. Move clients")
    shrink_to_one(walk, west, east)
    grow_back(walk, west, east)
    shrink_to_one(walk, west, east)
    shrink_to_none(walk, west, east)
    grow_back(walk, west, east)
    unstretch(walk, west, east)  # all the way back, from step 6
    stretch(walk, west, east)
    shrink_to_one(walk, west, east)
    shrink_to_none(walk, west, east)
    walk.run("7. Switch the source off / A StatefulSet of your own")
    others.remove(west)
    stand_alone(walk, west, east, link, writer)


def test_from_a_release(sides, tmp_path):
    """A release of charts/etcd whose names mean nothing on the other side, straight on; only step 2 goes back once."""
    walk, west, east, link = start(sides, tmp_path, "etcd-headless")
    west.lab.helm("install", "etcd", tmp_path / "charts/etcd", "-n", SPACE)
    west.wait_ready(3)
    before = west.ids()
    others = [west]
    writer = east.write(others)
    look(walk, west)
    walk.run("2. Put the source under etcd-usher / A release of charts/etcd")
    under_usher(walk, west, before, walk.words["WEST-DOMAIN"])
    walk.run("2. Put the source under etcd-usher / Back, release")
    west.wait_ready(3)
    walk.run("2. Put the source under etcd-usher / A release of charts/etcd")
    under_usher(walk, west, before, walk.words["WEST-DOMAIN"])
    stretch(walk, west, east)
    walk.run("5. Move clients")
    shrink_to_one(walk, west, east)
    shrink_to_none(walk, west, east)
    walk.run("7. Switch the source off / A release of charts/etcd")
    others.remove(west)
    stand_alone(walk, west, east, link, writer)
