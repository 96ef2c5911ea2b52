"""What went wrong once, or nearly: crashes and mistakes at the worst moments."""
import json
import shutil
import subprocess
import time

from bed import call
from bed.bed import LAUNCHER, USHER
from bed.process import wait_until


def learners(bed, pod):
    return [member for member in bed.members(pod) if member.get("isLearner")]


def test_first_start_of_the_founder_is_cut_short(bed):
    """etcd made its database and died before its WAL: the same pod founds again under its own claim; nobody has to say so."""
    pod, = bed.set(1, leave="asked")
    pod.new_life()
    assert pod.init().returncode == 0
    before = pod.launch()
    (pod.data / "member/snap").mkdir(parents=True)
    (pod.data / "member/snap/db").touch()
    pod.new_life()
    again = pod.init("--timeout=5s")
    assert again.returncode == 0, again.stderr
    assert pod.launch()["initial-cluster-state"] == "new"
    assert pod.launch()["initial-cluster-token"] == before["initial-cluster-token"]
    pod.start_and_wait()
    bed.check([pod])


def test_first_start_of_a_joiner_is_cut_short(bed):
    """The same for a joiner: it starts with the entry that it has, instead of a new one."""
    pods = bed.set(2, leave="asked")
    pods[0].start_and_wait()
    pods[1].new_life()
    assert pods[1].init().returncode == 0
    added = [member["ID"] for member in learners(bed, pods[0])]
    (pods[1].data / "member/snap").mkdir(parents=True)
    (pods[1].data / "member/snap/db").touch()
    pods[1].start_and_wait()
    bed.check(pods)
    assert added == [str(pods[1].member_id)]


def test_a_founding_is_over_once_init_saw_its_wal(bed):
    """init starts the founder's data while the record cannot be read; the data is lost: no second founding under the old claim."""
    pod, = bed.set(1, leave="asked")
    pod.new_life()
    assert pod.init().returncode == 0
    pod.start_etcd()
    pod.wait_serving()
    pod.etcd.kill()
    record = bed.record_path("west")
    claimed = record.read_text()
    record.write_text("not a record")
    pod.new_life()
    assert pod.init().returncode == 0
    record.write_text(claimed)
    shutil.rmtree(pod.data / "member")
    pod.new_life()
    waited = pod.init("--timeout=2s")
    assert waited.returncode == 4 and "nonce-used" in waited.stderr, waited.stderr


def test_founder_is_not_ready_before_the_record_has_its_cluster(bed):
    """Nobody may rely on a founding that the record does not hold: the others would found again."""
    pod, = bed.set(1, leave="asked")
    pod.new_life()
    assert pod.init().returncode == 0
    record = bed.record_path("west")
    claimed = record.read_text()
    record.write_text("not a record")
    pod.start_etcd()
    pod.start_sidecar()
    pod.wait_serving()
    wait_until(lambda: "[+]quorum-read ok" in pod.probe("/readyz?verbose")[1], "the sidecar reads")
    wait_until(lambda: "will be written later" in (pod.folder / "sidecar.log").read_text(), "the sidecar has tried to write the record")
    status, text = pod.probe("/readyz?verbose")
    assert status != 200 and "[-]founding-recorded" in text, text
    record.write_text(claimed)
    pod.wait_ready()
    bed.check([pod])
    wait_until(lambda: json.loads((pod.data / "usher.json").read_text())["was-voter"], "the notes say so, too")


def test_founder_finds_another_cluster_recorded(bed):
    """Somebody wrote another cluster into the record meanwhile: not ready, and etcd is not started again."""
    pod, = bed.set(1, leave="asked")
    pod.new_life()
    assert pod.init().returncode == 0
    record = json.loads(bed.record_path("west").read_text())
    bed.record_path("west").write_text(json.dumps({**record, "cluster-id": "abc123"}))
    pod.start_etcd()
    pod.start_sidecar()
    wait_until(lambda: pod.launch()["state"] == "refused", "the plan says refused")
    assert pod.probe()[0] != 200
    pod.etcd.kill()
    pod.start_etcd()
    wait_until(lambda: "holding etcd back" in pod.etcd.tail(), "the launcher holds etcd back")


def test_forget_after_the_member_folder_is_gone(bed):
    """The only member's data is deleted, the notes beside it remain; a person says forget=: the set begins anew."""
    pod, = bed.set(1, leave="asked")
    pod.start_and_wait()
    first = bed.record()["cluster-id"]
    pod.kill()
    shutil.rmtree(pod.data / "member")
    pod.permit(f"forget={first}")
    pod.new_life()
    again = pod.init("--timeout=10s")
    assert again.returncode == 0, again.stderr
    pod.start_etcd()
    pod.start_sidecar()
    pod.wait_ready()
    assert bed.record()["cluster-id"] != first
    bed.check([pod])


def test_with_init_replaces_stale_data(bed):
    """One native sidecar does both: data whose member was removed is set aside, and the pod joins anew."""
    pods = bed.grow(bed.set(3, leave="asked"))
    old = pods[2].member_id
    pods[2].kill()
    call(pods[0].client, "/v3/cluster/member/remove", {"ID": str(old)})
    pods[2].new_life()
    pods[2].start_sidecar("--with-init")
    wait_until(lambda: (pods[2].plan / "launch").exists() and pods[2].launch()["state"] == "start", "the plan")
    time.sleep(2)  # the sidecar turns a few times before the etcd container is there
    pods[2].start_etcd()
    pods[2].wait_ready()
    bed.check(pods)
    assert pods[2].member_id != old


def test_rejoin_always(bed):
    """--rejoin=always: a removed member comes back by itself, as a new one."""
    pods = bed.grow(bed.set(3, leave="asked", rejoin="always"))
    old = pods[2].member_id

    def removed():
        try:
            return call(pods[0].client, "/v3/cluster/member/remove", {"ID": str(old)})
        except RuntimeError:
            return None
    wait_until(removed, "member remove")
    wait_until(lambda: not pods[2].etcd.is_running, "etcd has ended by itself")

    def is_back():
        if not pods[2].etcd.is_running:  # as the kubelet
            pods[2].start_etcd()
        return [member for member in bed.members(pods[0]) if pods[2].peer in member["peerURLs"] and member.get("clientURLs")]
    wait_until(is_back, "a new member has started")
    bed.check(pods)
    assert pods[2].member_id != old


def test_local_endpoint_of_another_member(bed):
    """A wrong --local-endpoint: what another member says is neither our readiness, nor is it the one that leaves."""
    pods = bed.grow(bed.set(3))
    other = pods[0].member_id
    pods[2].sidecar.kill()
    pods[2].flags.update({"local-endpoint": f"http://{pods[0].client}", "leave-timeout": "4s"})
    pods[2].start_sidecar()
    wait_until(lambda: pods[2].probe("/livez")[0] == 200, "the sidecar runs")
    wait_until(lambda: "loop ok" in pods[2].probe("/readyz?verbose")[1], "it has looked")
    assert pods[2].probe()[0] == 503
    subprocess.run([USHER, "leave", f"--plan-dir={pods[2].plan}"], capture_output=True, text=True, timeout=60)
    assert str(other) in [member["ID"] for member in bed.members(pods[1])]
    pods[2].stop(hook=False)
    bed.check(pods[:2])  # the one that was ordered out is out, and it alone


def test_stop_while_joining_takes_the_entry_back(bed):
    """SIGTERM reaches an init that has added its learner and cannot write the plan: nothing of it stays behind."""
    pods = bed.set(2, leave="asked")
    pods[0].start_and_wait()
    call(pods[0].client, "/v3/cluster/member/add", {"peerURLs": ["http://127.0.0.9:2380"], "isLearner": True})
    pods[1].begin()
    wait_until(lambda: "too many learner" in pods[1].starting.tail(), "init waits for its turn")
    shutil.rmtree(pods[1].plan)
    pods[1].plan.write_text("no directory")
    blocker, = learners(bed, pods[0])
    call(pods[0].client, "/v3/cluster/member/remove", {"ID": blocker["ID"]})
    wait_until(lambda: [member for member in learners(bed, pods[0]) if pods[1].peer in member["peerURLs"]], "init has added its entry")
    assert pods[1].starting.stop() == 1
    assert not learners(bed, pods[0]), pods[1].starting.tail()
    pods[1].plan.unlink()
    pods[1].start_and_wait()
    bed.check(pods)


def test_leave_before_the_first_start(bed):
    """A pod that is scaled away before its etcd ever ran does not leave an entry behind, which would block the next join."""
    pods = bed.set(3)
    bed.grow(pods[:2])
    pods[2].new_life()
    assert pods[2].init().returncode == 0
    pods[2].start_sidecar()
    wait_until(lambda: pods[2].probe("/livez")[0] == 200, "the sidecar runs")
    assert len(learners(bed, pods[0])) == 1
    asked = subprocess.run([LAUNCHER, "leave"], env=pods[2].env(), capture_output=True, text=True, timeout=60)
    assert asked.returncode == 0, asked.stderr
    assert not learners(bed, pods[0]), asked.stderr
    bed.check(pods[:2])


def test_orphaned_learner_is_promoted(bed):
    """A learner of our set whose own sidecar is gone: a voter's sidecar promotes it after --orphan-after."""
    pods = bed.set(2)
    pods[0].new_life()
    assert pods[0].init().returncode == 0
    pods[0].start_etcd()
    pods[0].start_sidecar("--orphan-after=1s")
    pods[0].wait_ready()
    pods[1].new_life()
    assert pods[1].init().returncode == 0
    pods[1].start_etcd()
    wait_until(lambda: len(bed.members(pods[0])) == 2 and not learners(bed, pods[0]), "the orphan is a voter")
    pods[1].start_sidecar()
    bed.check(pods)


def test_a_decision_can_be_explained_later(bed):
    """The facts that a decision looked at lie in the plan directory, and `explain` comes to the same decision from them."""
    pods = bed.grow(bed.set(2))
    explained = subprocess.run([USHER, "explain", pods[1].plan / "facts.json"], capture_output=True, text=True, timeout=20)
    assert explained.returncode == 0 and "start-joining" in explained.stdout, explained.stdout + explained.stderr
    bed.check(pods)


def test_a_record_edited_by_hand_takes_nobody_down(bed):
    """Somebody writes another cluster's ID into the record: members that serve go on serving, and say so; nothing is written over it."""
    pods = bed.grow(bed.set(3, leave="asked"))
    path = bed.record_path("west")
    good = path.read_text()
    path.write_text(json.dumps({**json.loads(good), "cluster-id": "abc123"}))
    edited = path.read_text()
    for pod in pods:  # a sidecar reads the record at its start
        pod.sidecar.kill()
        pod.start_sidecar()
        wait_until(lambda: "other-cluster-recorded" in (pod.folder / "sidecar.log").read_text(), "it says so")
        pod.wait_ready()
        assert pod.launch()["state"] == "start"
    assert path.read_text() == edited
    path.write_text(good)
    bed.check(pods)
