"""Where the table refuses, a person can say yes once; and what it says then."""
import json
import shutil

from bed import Writer
from bed.process import wait_until


def give_foreign_volume(pods):
    """The volume of pods[1] lands in the slot of pods[2]."""
    for pod in pods[1:]:
        pod.kill()
    shutil.rmtree(pods[2].data)
    shutil.copytree(pods[1].data, pods[2].data)
    pods[1].start_and_wait()


def test_archive_permit_moves_foreign_data_aside(bed):
    """archive=ID: the foreign data is kept under an archive's name, the pod joins anew, the permit is gone."""
    pods = bed.grow(bed.set(3, leave="asked"))
    foreign = pods[1].member_id
    give_foreign_volume(pods)
    pods[2].new_life()
    assert pods[2].init().returncode == 3
    pods[2].permit(f"archive={foreign:x}")
    pods[2].start_and_wait()
    bed.check(pods)
    assert not (pods[2].data / "usher-permit").exists()


def test_replace_permit_stands_for_a_missing_record(bed):
    """Without a set record a lost volume is refused; replace=ID says that the member is dead."""
    pods = bed.set(3, leave="asked")
    bed.grow(pods)
    old = pods[2].member_id
    pods[2].kill()
    pods[2].lose_volume()
    pods[2].flags.update({"set-record": None, "bootstrap": "never"})
    pods[2].new_life()
    refused = pods[2].init(limit=90)
    assert refused.returncode == 3 and f"replace={old:x}" in refused.stderr
    pods[2].permit(f"replace={old:016x}")
    pods[2].start_and_wait()
    bed.check(pods)


def test_permit_in_the_set_record(bed):
    """The key `permit` of the record serves as well, and is taken out by compare-and-swap."""
    pods = bed.grow(bed.set(3, leave="asked"))
    foreign = pods[1].member_id
    give_foreign_volume(pods)
    record = bed.record()
    record["permit"] = f"archive={foreign:x}"
    record["a-key-of-somebody-else"] = "kept"
    bed.record_path("west").write_text(json.dumps(record))
    pods[2].start_and_wait()
    bed.check(pods)
    assert "permit" not in bed.record() and bed.record()["a-key-of-somebody-else"] == "kept"


def test_expected_cluster_id(bed):
    """--expect-cluster-id: any other cluster is refused, reachable or not."""
    pods = bed.set(2, leave="asked")
    pods[0].start_and_wait()
    pods[1].flags["expect-cluster-id"] = "1234567890abcdef"
    pods[1].new_life()
    refused = pods[1].init()
    assert refused.returncode == 3 and "clusters-disagree" in refused.stderr
    pods[1].flags["expect-cluster-id"] = bed.record()["cluster-id"]
    pods[1].start_and_wait()
    bed.check(pods)


def test_rejoin_never_holds_etcd_back(bed):
    """--rejoin=never: a removed member's pod ends init with 0 and a plan that says removed."""
    from bed import call
    pods = bed.grow(bed.set(3, leave="asked"))
    old = pods[2].member_id
    pods[2].kill()
    wait_until(lambda: call(pods[0].client, "/v3/cluster/member/remove", {"ID": str(old)}), "removed")
    pods[2].flags["rejoin"] = "never"
    pods[2].new_life()
    result = pods[2].init()
    assert result.returncode == 0 and pods[2].launch()["state"] == "removed" and "rejoin-never" in result.stderr
    pods[2].flags["rejoin"] = "at-start"
    pods[2].start_and_wait()
    bed.check(pods)


def test_claim_of_a_lost_volume_waits(bed):
    """The claimant's volume is gone before it ever founded: everybody waits, and the message names forget=NONCE."""
    pods = bed.set(2, leave="asked")
    pods[0].new_life()
    assert pods[0].init().returncode == 0  # claimed, never started
    nonce = bed.record()["claim"]["nonce"]
    pods[0].lose_volume()
    for pod in pods:
        pod.new_life()
        waited = pod.init("--timeout=2s")
        assert waited.returncode == 4 and f"forget={nonce}" in waited.stderr
    pods[0].permit(f"forget={nonce}")
    bed.grow(pods)
    bed.check(pods)


def test_mixed_versions(bed):
    """A set that is being upgraded: an older and a newer minor beside each other."""
    import conftest
    order = sorted(conftest.VERSIONS)
    newer = order[min(order.index(bed.version) + 1, len(order) - 1)]
    pods = bed.grow(bed.set(3, leave="asked"))
    writer = Writer(lambda: [pod.client for pod in pods])
    writer.start()
    pods[2].stop()
    pods[2].version = newer
    pods[2].start_and_wait()
    bed.check(pods, writer)


def test_source_gone_for_good(bed):
    """After a move the source's endpoints are dead: the target finds its own cluster by the client URLs last seen."""
    west = bed.grow(bed.set(1))
    east = bed.set(3, "east", join=west, bootstrap="never")
    bed.grow(east)
    west[0].stop()
    west[0].kill()
    for pod in east:  # only the source is named
        pod.flags["endpoints"] = f"http://{west[0].client}"
    east[2].kill()
    east[2].lose_volume()
    east[2].start().wait_ready(20)  # well before anybody would take it for an orphan
    bed.check(east)
