"""How pods live and die: restarts, outages, lost and foreign volumes."""
import shutil

from bed import Writer
from bed.process import wait_until


def ids(pods):
    return [pod.member_id for pod in pods]


def test_rolling_restart_changes_nothing(bed):
    """Each pod restarts with its data: same IDs, nobody is removed."""
    pods = bed.grow(bed.set(3, leave="asked"))
    before = ids(pods)
    writer = Writer(lambda: [pod.client for pod in pods])
    writer.start()
    for pod in pods:
        pod.stop()
        pod.start_and_wait()
    bed.check(pods, writer)
    assert ids(pods) == before


def test_container_restart_of_etcd(bed):
    """etcd dies by kill -9 and is started again by the launcher, with no init between."""
    pods = bed.grow(bed.set(3))
    before = ids(pods)
    pods[1].etcd.kill()
    pods[1].start_etcd()
    bed.check(pods)
    assert ids(pods) == before


def test_full_outage_heals(bed):
    """Everybody is gone at once; each comes back on its data without waiting for the others."""
    pods = bed.grow(bed.set(3, leave="asked"))
    before = ids(pods)
    for pod in pods:
        pod.kill()
    for pod in pods:
        pod.start()
    bed.check(pods)
    assert ids(pods) == before


def test_lost_volume_is_replaced(bed):
    """A volume is lost: the dead member is removed by its ID, and the pod joins anew."""
    pods = bed.grow(bed.set(3, leave="asked"))
    old = pods[2].member_id
    pods[2].kill()
    pods[2].lose_volume()
    pods[2].start_and_wait()
    bed.check(pods)
    assert pods[2].member_id != old


def test_lost_volume_in_an_outage_founds_nothing(bed):
    """The founder's volume is lost while the others are down: it waits, it never founds a second cluster."""
    pods = bed.grow(bed.set(3, leave="asked"))
    for pod in pods:
        pod.kill()
    pods[0].lose_volume()
    pods[0].new_life()
    waited = pods[0].init("--timeout=3s")
    assert waited.returncode == 4 and "record-has-cluster" in waited.stderr
    assert not (pods[0].plan / "launch").exists() or pods[0].launch()["state"] == "hold"
    for pod in pods[1:]:
        pod.start()
    pods[0].start_and_wait()
    bed.check(pods)


def test_member_folder_deleted_on_the_founder(bed):
    """rm -rf member/ on the founder in an outage: the notes beside the data remember."""
    pods = bed.grow(bed.set(1, leave="asked"))
    pods[0].kill()
    shutil.rmtree(pods[0].data / "member")
    pods[0].new_life()
    waited = pods[0].init("--timeout=2s")
    assert waited.returncode == 4
    assert "cluster" in waited.stderr and not (pods[0].data / "member").exists()


def test_forget_lets_a_set_begin_anew(bed):
    """The cluster is gone for good, a person says so: forget=ID, once."""
    pods = bed.grow(bed.set(1, leave="asked"))
    first = bed.record()["cluster-id"]
    pods[0].kill()
    pods[0].lose_volume()
    pods[0].permit(f"forget={first}")
    pods[0].start_and_wait()
    record = bed.record()
    assert record["cluster-id"] != first and record["forgotten"] == [first]
    assert not (pods[0].data / "usher-permit").exists()
    bed.check(pods)


def test_foreign_volume_is_refused(bed):
    """A volume of another slot: refused, with the permit to say otherwise; archive=ID moves it aside."""
    pods = bed.grow(bed.set(3, leave="asked"))
    foreign = pods[1].member_id
    for pod in pods[1:]:
        pod.kill()
    pods[1].data.rename(pods[1].folder / "x")
    shutil.copytree(pods[1].folder / "x", pods[2].data, dirs_exist_ok=True)
    (pods[1].folder / "x").rename(pods[1].data)
    pods[1].start_and_wait()
    pods[2].new_life()
    refused = pods[2].init()
    assert refused.returncode == 3 and "foreign-slot" in refused.stderr and f"archive={foreign:x}" in refused.stderr
    pods[2].lose_volume()  # an empty one instead: its own dead member is replaced
    pods[2].start_and_wait()
    bed.check(pods)


def test_cloned_volume_is_refused(bed):
    """A copy of a living member's volume, in a pod of the same slot: two of one ID would destroy the cluster."""
    pods = bed.grow(bed.set(3, leave="asked"))
    clone = bed.pod("etcd-1", "west", leave="asked")
    shutil.rmtree(clone.data)
    shutil.copytree(pods[1].data, clone.data)
    clone.flags["peer-url"] = pods[1].peer
    clone.new_life()
    refused = clone.init(limit=90)
    assert refused.returncode == 3 and "copy-" in refused.stderr, refused.stderr
    bed.pods.remove(clone)
    bed.check(pods)
    before = pods[1].member_id
    pods[1].kill()  # the copy is the only one now: the same member
    shutil.rmtree(clone.data)
    shutil.copytree(pods[1].data, clone.data)
    shutil.rmtree(pods[1].data)
    clone.data.rename(pods[1].data)
    pods[1].start_and_wait()
    bed.check(pods)
    assert pods[1].member_id == before


def test_live_twin_is_refused(bed):
    """An empty volume whose peer URL belongs to a living member elsewhere."""
    pods = bed.grow(bed.set(3, leave="asked"))
    twin = bed.pod("etcd-1", "west", leave="asked")
    twin.flags["peer-url"] = pods[1].peer
    twin.new_life()
    refused = twin.init(limit=90)
    assert refused.returncode == 3 and "live-twin" in refused.stderr, refused.stderr
    bed.pods.remove(twin)
    bed.check(pods)


def test_snap_without_wal_is_archived(bed):
    """member/snap without a WAL is poison for a joiner: moved aside, then the pod joins."""
    pods = bed.grow(bed.set(3, leave="asked"))
    old = pods[2].member_id
    pods[2].kill()
    shutil.rmtree(pods[2].data / "member/wal")
    pods[2].start_and_wait()
    bed.check(pods)
    assert pods[2].member_id != old


def test_wrong_data_directory_is_refused(bed):
    """A path one level off must not look like a lost volume."""
    pods = bed.grow(bed.set(1, leave="asked"))
    pods[0].kill()
    pods[0].flags["data-dir"] = pods[0].data / "member"
    pods[0].new_life()
    refused = pods[0].init()
    assert refused.returncode == 3 and "wal-elsewhere" in refused.stderr
    del pods[0].flags["data-dir"]
    pods[0].start_and_wait()
    bed.check(pods)


def test_stale_data_is_archived(bed):
    """The member was removed while its pod was down: its data is kept under a name that a person understands."""
    from bed import call
    pods = bed.grow(bed.set(3, leave="asked"))
    old = pods[2].member_id
    pods[2].kill()
    call(pods[0].client, "/v3/cluster/member/remove", {"ID": str(old)})
    pods[2].start_and_wait()
    bed.check(pods)
    assert pods[2].member_id != old


def test_crash_between_add_and_start(bed):
    """init added the entry and died: the next init starts with that very entry."""
    pods = bed.set(2, leave="asked")
    pods[0].start_and_wait()
    pods[1].new_life()
    assert pods[1].init().returncode == 0
    added = [member["ID"] for member in bed.members(pods[0]) if member.get("isLearner")]
    pods[1].start_and_wait()
    bed.check(pods)
    assert added == [str(pods[1].member_id)]


def test_lost_quorum_shows_and_comes_back(bed):
    """Ready within seconds of quorum, not ready without; liveness never depends on it."""
    pods = bed.grow(bed.set(3, leave="asked"))
    for pod in pods[1:]:
        pod.etcd.kill()
    wait_until(lambda: pods[0].probe()[0] == 503, "not ready without quorum", limit=15)
    assert pods[0].probe("/livez")[0] == 200 and pods[0].probe("/etcd/livez")[0] == 200
    for pod in pods[1:]:
        pod.start_etcd()
    bed.check(pods)
