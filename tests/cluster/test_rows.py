"""Rows of the join table that no other scenario meets: what is refused without a permit, what the permit does, and what waits."""
import os
import shutil
import subprocess

import pytest
from bed import call
from bed.process import Process, wait_until


def refused(pod, *words):
    """init ends with 3 and these words, and there is no plan to start."""
    pod.new_life()
    result = pod.init(limit=90)
    assert result.returncode == 3, result.stderr
    for word in words:
        assert word in result.stderr, result.stderr
    assert not (pod.plan / "launch").exists() or pod.launch()["state"] != "start"


def remove(pod, member_id):
    """Until etcd does it: it wants all voters connected for five seconds."""
    def is_removed():
        try:
            return call(pod.client, "/v3/cluster/member/remove", {"ID": str(member_id)})
        except RuntimeError:
            return None
    wait_until(is_removed, "member remove")


def stranger(bed):
    """A cluster of somebody else's."""
    pod = bed.pod("etcd-0", "strangers", set_record=None, bootstrap="once:etcd-0", leave="asked")
    return pod.start_and_wait()


def test_missing_data_directory(bed):
    """G3: a volume that is not there must not look like a lost one."""
    pod, = bed.grow(bed.set(1, leave="asked"))
    pod.kill()
    pod.flags["data-dir"] = pod.folder / "nowhere" / "data"
    refused(pod, "data-dir-missing")
    del pod.flags["data-dir"]
    pod.start_and_wait()
    bed.check([pod])


def test_endpoints_of_two_clusters(bed):
    """G5: nothing says which one is meant: refused, with who said which."""
    home = bed.grow(bed.set(1))
    other = stranger(bed)
    joiner = bed.pod("etcd-1", "west", set_record=None, bootstrap="never", endpoints=f"http://{home[0].client},http://{other.client}")
    refused(joiner, "clusters-disagree", home[0].client, other.client)
    assert len(bed.members(home[0])) == 1 and len(bed.members(other)) == 1
    joiner.flags["expect-cluster-id"] = bed.record()["cluster-id"]
    refused(joiner, "clusters-disagree")
    joiner.flags["endpoints"] = f"http://{home[0].client}"
    joiner.start_and_wait()
    bed.check([home[0], joiner])


def test_data_of_another_cluster(bed):
    """G4: a volume of another cluster; archive=ID moves it aside, and the pod joins."""
    pods = bed.set(2, leave="asked")
    bed.grow(pods[:1])
    other = stranger(bed)
    foreign = other.member_id
    other.kill()
    shutil.copytree(other.data / "member", pods[1].data / "member")
    refused(pods[1], "foreign-cluster", f"archive={foreign:x}")
    pods[1].permit(f"archive={foreign:x}")
    pods[1].start_and_wait()
    bed.check(pods)
    assert len(list(pods[1].data.glob("usher-archive-*"))) == 1


def test_start_permit_for_a_slot_that_changed_its_name(bed):
    """G4: the volume was another slot's, and a person says that it is the right one: start=ID, and it is the same member as before."""
    pods = bed.grow(bed.set(3, leave="asked"))
    old = pods[2].member_id
    pods[2].kill()
    pods[2].flags["pod-name"] = "etcd-7"
    refused(pods[2], "foreign-slot")
    pods[2].permit(f"start={old:x}")
    pods[2].start_and_wait()
    bed.check(pods)
    assert pods[2].member_id == old


def test_new_address_of_a_voter(bed):
    """J3: none of the member's registered URLs is its own any more: its entry gets the new one, and it is the same member."""
    pods = bed.grow(bed.set(3, leave="asked"))
    old = pods[2].member_id
    pods[2].stop()
    pods[2].ip = bed.address(100)
    pods[2].client, pods[2].peer = f"{pods[2].ip}:2379", f"http://{pods[2].ip}:2380"
    pods[2].start_and_wait()
    bed.check(pods)
    assert pods[2].member_id == old


@pytest.mark.slow
def test_url_of_another_member(bed):
    """J3: with data, but told to advertise what another member holds: refused."""
    pods = bed.grow(bed.set(3, leave="asked"))
    right = pods[2].peer
    pods[2].kill()
    pods[2].peer = pods[1].peer
    refused(pods[2], "url-held-by-other")
    pods[2].peer = right
    pods[2].start_and_wait()
    bed.check(pods)


def tear_wal(pod):
    for path in (pod.data / "member/wal").glob("*.wal"):
        path.write_bytes(b"\x5a" * 4096 + path.read_bytes()[4096:])


def lose_database(pod):
    (pod.data / "member/snap/db").unlink()


@pytest.mark.parametrize("damage, word", [pytest.param(tear_wal, "data-torn", id="torn"),
                                           pytest.param(lose_database, "data-unreadable", id="half", marks=pytest.mark.slow)])
def test_unreadable_data(bed, damage, word):
    """J5: neither started nor taken as lost; archive=SLOT moves it aside, and the pod joins anew."""
    pods = bed.grow(bed.set(3, leave="asked"))
    old = pods[2].member_id
    pods[2].kill()
    damage(pods[2])
    refused(pods[2], word, "archive=etcd-2")
    assert len(bed.members(pods[0])) == 3
    pods[2].permit("archive=etcd-2")
    pods[2].start_and_wait()
    bed.check(pods)
    assert pods[2].member_id != old


def test_snap_without_wal_in_an_outage(bed):
    """J7: nobody to ask, and half a data directory: it waits, founds nothing, touches nothing; then it joins anew."""
    pods = bed.grow(bed.set(3, leave="asked"))
    for pod in pods:
        pod.kill()
    shutil.rmtree(pods[0].data / "member/wal")
    pods[0].new_life()
    waited = pods[0].init("--timeout=2s")
    assert waited.returncode == 4 and "remains-wait" in waited.stderr, waited.stderr
    assert (pods[0].data / "member/snap/db").exists()
    for pod in pods[1:]:
        pod.start()
    pods[0].start_and_wait()
    bed.check(pods)


def test_an_entry_that_was_not_added_for_this_volume(bed):
    """J11: an operator added our URL by hand, nobody ever started it: replaced by one of our own, by its ID."""
    pods = bed.set(2, leave="asked")
    pods[0].start_and_wait()
    by_hand = call(pods[0].client, "/v3/cluster/member/add", {"peerURLs": [pods[1].peer], "isLearner": True})["member"]["ID"]
    pods[1].start_and_wait()
    bed.check(pods)
    assert by_hand not in [member["ID"] for member in bed.members(pods[0])]


def test_lost_volume_and_the_policy_says_refuse(bed):
    """J13: --lost-data=refuse; replace=ID is the person's word."""
    pods = bed.grow(bed.set(3, leave="asked", lost_data="refuse"))
    old = pods[2].member_id
    pods[2].kill()
    pods[2].lose_volume()
    refused(pods[2], "lost-refused", f"replace={old:x}")
    assert str(old) in [member["ID"] for member in bed.members(pods[0])]
    pods[2].permit(f"replace={old:x}")
    pods[2].start_and_wait()
    bed.check(pods)


def test_stale_data_and_the_policy_says_refuse(bed):
    """J4: --stale-data=refuse; archive=ID is the person's word."""
    pods = bed.grow(bed.set(3, leave="asked", stale_data="refuse"))
    old = pods[2].member_id
    pods[2].kill()
    remove(pods[0], old)
    refused(pods[2], "stale-refused", f"archive={old:x}")
    pods[2].permit(f"archive={old:x}")
    pods[2].start_and_wait()
    bed.check(pods)


def test_joining_without_quorum_waits(bed):
    """J15: the cluster lives but has no quorum: nothing is added, the joiner waits, and goes on when it has."""
    pods = bed.set(4, leave="asked")
    bed.grow(pods[:3])
    for pod in pods[1:3]:
        pod.etcd.kill()
    pods[3].begin()
    wait_until(lambda: '"reason":"no-quorum-wait"' in (pods[3].folder / "init.log").read_text(), "it waits for the quorum")
    assert pods[3].starting.is_running
    for pod in pods[1:3]:
        pod.start_etcd()
    wait_until(pods[3].go_on, "init ends", limit=90)
    bed.check(pods)


def test_init_beside_a_living_etcd(bed):
    """G1: a second init while our etcd runs changes nothing: neither data, nor plan, nor list."""
    pods = bed.grow(bed.set(2, leave="asked"))
    plan, before = pods[1].launch(), pods[1].member_id
    again = pods[1].init()
    assert again.returncode == 0 and '"reason":"etcd-lives"' in again.stderr, again.stderr
    assert pods[1].launch() == plan
    bed.check(pods)
    assert pods[1].member_id == before


def test_a_stray_answer_holds_up_no_member(bed):
    """G5: one of the endpoints leads to somebody else's cluster; with data of the record's cluster that is a warning, no refusal."""
    pods = bed.grow(bed.set(2, leave="asked"))
    other = stranger(bed)
    before = pods[1].member_id
    pods[1].stop()
    pods[1].flags["endpoints"] = f"http://{other.client},http://{pods[0].client}"
    pods[1].start_and_wait()
    assert f"ignoring the answer of http://{other.client}" in (pods[1].folder / "init.log").read_text()
    bed.check(pods)
    assert pods[1].member_id == before and len(bed.members(other)) == 1


def test_a_url_that_an_operator_added_stays(bed):
    """J3: our entry has our URL, and one more that a person gave it: left as it is."""
    pods = bed.grow(bed.set(2, leave="asked"))
    more = f"http://{bed.address(99)}:2380"
    call(pods[0].client, "/v3/cluster/member/update", {"ID": str(pods[1].member_id), "peerURLs": [pods[1].peer, more]})
    pods[1].stop()
    pods[1].start_and_wait()
    urls = [sorted(member["peerURLs"]) for member in bed.members(pods[0]) if int(member["ID"]) == pods[1].member_id]
    assert urls == [sorted([pods[1].peer, more])]
    call(pods[0].client, "/v3/cluster/member/update", {"ID": str(pods[1].member_id), "peerURLs": [pods[1].peer]})
    bed.check(pods)


def test_new_address_of_a_learner(bed):
    """J3: a learner with data whose address is another one now: etcd must not update it, so it is removed and joins anew."""
    pods = bed.set(2, leave="asked", promote_samples="100")
    bed.grow(pods[:1])
    pods[1].new_life()
    assert pods[1].init().returncode == 0
    pods[1].start_etcd()
    pods[1].wait_serving()
    old = pods[1].member_id
    pods[1].kill()
    pods[1].ip = bed.address(100)
    pods[1].client, pods[1].peer = f"{pods[1].ip}:2379", f"http://{pods[1].ip}:2380"
    pods[1].start_and_wait()
    assert '"reason":"learner-urls-changed"' in (pods[1].folder / "init.log").read_text()
    bed.check(pods)
    assert pods[1].member_id != old


@pytest.mark.slow
def test_torn_data_and_the_policy_says_archive(bed):
    """J5: --unreadable-data=archive is a standing yes for a torn WAL, and for that alone."""
    pods = bed.grow(bed.set(3, leave="asked", unreadable_data="archive"))
    old = pods[2].member_id
    pods[2].kill()
    database = (pods[2].data / "member/snap/db").read_bytes()
    lose_database(pods[2])
    refused(pods[2], "data-unreadable")
    (pods[2].data / "member/snap/db").write_bytes(database)
    tear_wal(pods[2])
    pods[2].start_and_wait()
    bed.check(pods)
    assert pods[2].member_id != old and len(list(pods[2].data.glob("usher-archive-*"))) == 1


class SmallVolume:
    """A volume of its own size for one pod, in a mount namespace that goes with the process that holds it."""

    def __init__(self, pod, size):
        mount = f"mount -t tmpfs -o size={size} tmpfs '{pod.data}' && exec sleep infinity"
        self.holder = Process(["unshare", "--mount", "sh", "-c", mount], pod.folder / "volume.log", {})
        self.inside = f"/proc/{self.holder.popen.pid}/root{pod.data}"
        wait_until(lambda: f" {pod.data} " in open(f"/proc/{self.holder.popen.pid}/mounts").read(), lambda: self.holder.tail())
        pod.wrap = ["nsenter", f"--mount=/proc/{self.holder.popen.pid}/ns/mnt"]

    def fill(self, all_but):
        stat = shutil.disk_usage(self.inside)
        with open(f"{self.inside}/filler", "wb") as filler:
            for _ in range((stat.free - all_but) // 65536):
                filler.write(bytes(65536))


def can_mount():
    return subprocess.run(["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True).returncode == 0


@pytest.mark.skipif(not can_mount(), reason="needs root and mount namespaces")
def test_no_space_to_archive(bed):
    """J4: the old data would be moved aside, but there is no room for new data beside it: refused, and drop=ID deletes it instead."""
    pods = bed.set(2, leave="asked")
    bed.grow(pods[:1])
    volume = SmallVolume(pods[1], "200m")
    bed.grow(pods[1:])
    old = pods[1].member_id
    for _ in range(24):  # a database that is larger than what will be left
        call(pods[0].client, "/v3/kv/put", {"key": "YmlnAA==", "value": "A" * 1024 * 1024})
    bed.settle(pods)
    remove(pods[0], old)
    pods[1].kill()
    volume.fill(all_but=8 * 1024 * 1024)
    refused(pods[1], "no-space-to-archive", f"drop={old:x}")
    with open(f"{volume.inside}/usher-permit", "w") as permit:
        permit.write(f"drop={old:x}")
    pods[1].start()
    os.unlink(f"{volume.inside}/filler")  # init has deleted; etcd's new data and a snapshot on its way to it want more than that
    pods[1].wait_ready()
    bed.check(pods)
    volume.holder.kill()
