"""What happens to pods, volumes and containers in a cluster's life, in each shape that the chart knows."""
import pytest
from certificates import Authority
from lab import Lab
from release import Release, claims, client

pytestmark = pytest.mark.slow


@pytest.fixture
def release(lab, namespace):
    return Release(lab, namespace)


@pytest.fixture(scope="module")
def three_nodes():
    with Lab() as lab:
        lab.up(nodes=3)
        lab.load_usual_images()
        yield lab


SHAPES = {
    "ordered": {"podManagementPolicy": "OrderedReady"},
    "plain": {"usher.mode": "plain"},
    "leave-first": {"usher.leaveBy": "leave-first"},
    "plain-leave-first-ordered": {"usher.mode": "plain", "usher.leaveBy": "leave-first", "podManagementPolicy": "OrderedReady"},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_life_in_each_shape(release, shape):
    """1 -> 3, a pod deleted, a rolling restart, 3 -> 1 with a voter that leads, a pause, while a client writes."""
    release.install(1, **SHAPES[shape])
    founder = release.member_id("etcd-0")
    writer = release.write()
    release.scale(3)
    before = release.ids()
    release.delete_pod("etcd-1")
    assert release.ids() == before
    release.roll()
    assert release.ids() == before and not release.events("Left")
    release.lead("etcd-2")
    release.scale(1)
    assert len(release.events("Left")) == 2 and release.names() == ["etcd-0"]
    release.scale(0)
    release.scale(1)
    assert release.member_id("etcd-0") == founder and len(release.events("Left")) == 2
    release.check(1, writer)


def test_a_deleted_pod_keeps_its_seat(release):
    """Deleted with its grace, and by force, and all at once: the same members come back."""
    release.install(3)
    writer = release.write()
    before = release.ids()
    release.delete_pod("etcd-2")
    assert release.ids() == before
    release.delete_pod("etcd-1", "--force", "--grace-period=0")
    assert release.ids() == before
    release.delete_pods()
    release.check(3, writer)
    assert release.ids() == before and not release.events("Left") and not release.events("LearnerAdded")[2:]


@pytest.mark.parametrize("pod", ["etcd-0", "etcd-2"])
def test_a_lost_volume(release, pod):
    """Pod and claim are deleted: the old member is removed by the new pod, which joins under an ID of its own."""
    release.install(3)
    writer = release.write()
    before = release.ids()
    release.lose_volume(pod)
    release.check(3, writer)
    after = release.ids()
    assert after.pop(pod) != before.pop(pod) and after == before
    assert [event for event in release.events("LearnerAdded") if event["involvedObject"]["name"] == pod]
    assert "replace-lost" in release.log(pod)
    assert not release.events("Left")


def test_an_empty_dir_is_rolled(release):
    """Without persistence each pod that goes takes its data along: it leaves, and its successor joins anew."""
    release.install(3, **{"persistence.enabled": "false"})
    writer = release.write()
    before = release.ids()
    release.roll()
    after = release.ids()
    assert not set(before.values()) & set(after.values())
    release.delete_pod("etcd-0")
    release.check(3, writer)
    assert release.ids()["etcd-0"] not in (before["etcd-0"], after["etcd-0"])
    assert len(release.events("Left")) == 4 and not claims(release)


def test_three_one_three_at_once(release):
    """Whatever the hooks see, the end is three members and nothing lost."""
    release.install(3)
    writer = release.write()
    release.scale(1, wait=False)
    release.scale(3, wait=False)
    release.check(3)
    # Once more, back when the hooks have already begun.
    release.scale(1, wait=False)
    release.lab.wait(lambda: len(release.leaving()) == 2, "two pods are on their way out", 60)
    release.scale(3, wait=False)
    release.check(3)
    # And once more, back when at least one has left.
    left = len(release.events("Left"))
    release.scale(1, wait=False)
    release.lab.wait(lambda: len(release.events("Left")) > left, "one has left", 60)
    release.scale(3, wait=False)
    release.check(3, writer)


@pytest.mark.parametrize("mode", ["native", "plain"])
@pytest.mark.parametrize("container", ["usher", "etcd"])
def test_a_container_is_killed(release, mode, container):
    """SIGKILL for a container of each pod, one pod after another: it starts again and nobody loses the seat."""
    release.install(3, **{"usher.mode": mode})
    writer = release.write()
    before = release.ids()
    uids = release.uids()
    for pod in sorted(uids):
        release.signal(pod, container, "SIGKILL")
        release.lab.wait(lambda pod=pod: release.restarts(pod, container) >= 1, f"{container} of {pod} starts again", 120)
        release.wait_ready(3)
    release.check(3, writer)
    assert release.ids() == before and release.uids() == uids
    other = {"usher": "etcd", "etcd": "usher"}[container]
    assert [release.restarts(pod, other) for pod in uids] == [0, 0, 0]
    assert not release.events("Left")


def test_both_containers_of_all_pods_are_killed(release):
    release.install(3)
    writer = release.write()
    release.lab.wait(lambda: len(writer.acknowledged) > 50, "some writes")
    before = release.ids()
    for pod in before:
        release.signal(pod, "usher", "SIGKILL")
        release.signal(pod, "etcd", "SIGKILL")
    release.lab.wait(lambda: min(release.restarts(pod, name) for pod in before for name in ("usher", "etcd")) >= 1, "all start again", 180)
    release.check(3, writer)
    assert release.ids() == before and not release.events("Left")


def test_a_liveness_restart_of_etcd(release):
    """The kubelet runs etcd's preStop hook for it, too: the member must not leave. A frozen usher makes etcd's probe fail here."""
    release.install(3, livenessProbe__periodSeconds=1, livenessProbe__timeoutSeconds=1, livenessProbe__failureThreshold=3)
    writer = release.write()
    before = release.ids()
    release.signal("etcd-1", "usher", "SIGSTOP")
    release.lab.wait(lambda: [event for event in release.events("Killing") if "etcd failed liveness" in event["message"]],
                     "the kubelet finds etcd not alive", 60)
    release.signal("etcd-1", "usher", "SIGCONT")  # now the hook is answered
    release.lab.wait(lambda: release.restarts("etcd-1", "etcd") >= 1, "etcd starts again", 120)
    release.check(3, writer)
    assert release.ids() == before and not release.events("Left")
    assert release.restarts("etcd-1", "usher") == 0


def test_a_liveness_restart_of_the_usher(release):
    """A usher that hangs is started again; etcd and its seat are not touched."""
    release.install(3)
    writer = release.write()
    before = release.ids()
    release.signal("etcd-2", "usher", "SIGSTOP")
    release.lab.wait(lambda: release.restarts("etcd-2", "usher") >= 1, "the usher is started again", 240)
    release.check(3, writer)
    assert release.ids() == before and not release.events("Left")
    assert release.restarts("etcd-2", "etcd") == 0


def test_a_node_is_drained(three_nodes):
    """Five members on three nodes: a drain takes one after another, by the PodDisruptionBudget, and each keeps its seat elsewhere."""
    lab = three_nodes
    lab.kubectl("create", "namespace", "drain")
    release = Release(lab, "drain").install(5)
    before = release.ids()
    on_node = [pod for pod, found in release.pods().items() if found["spec"]["nodeName"] == "n1"]
    assert 1 <= len(on_node) <= 2, on_node
    writer = release.write()
    lab.kubectl("drain", "n1", "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=280s")
    release.check(5, writer)
    lab.kubectl("uncordon", "n1")
    assert not [pod for pod, found in release.pods().items() if found["spec"]["nodeName"] == "n1"]
    assert release.ids() == before and not release.events("Left")
    assert writer.longest_gap < 20
    lab.kubectl("delete", "namespace", "drain", "--wait=false")


@pytest.fixture
def tls_clients():
    """A list: what is put into it is the TLS of all clients of this test."""
    yield client.TLS
    client.TLS.clear()


@pytest.mark.parametrize("broken,policy", [("peer", "Parallel"), ("peer", "OrderedReady"), ("client", "Parallel"), ("client", "OrderedReady")])
def test_broken_certificates_stop_a_rollout(release, broken, policy, tmp_path, tls_clients):
    """Certificates of a stranger are rolled out, among members or for clients: the first pod is not ready with them, so the second is never
    touched."""
    ours, stranger = Authority(tmp_path / "ours"), Authority(tmp_path / "stranger")
    ours.secret(release, "etcd-ours")
    stranger.secret(release, "etcd-broken", believed=ours if broken == "client" else None)
    values = {"podManagementPolicy": policy, **{
        f"tls.{side}.{key}": value for side in ("peer", "client")
        for key, value in (("enabled", "true"), ("existingSecret", "etcd-ours"), ("clientCertAuth", "true"))}}
    tls_clients.append(ours.client())
    release.install(3, **values)
    writer = release.write()
    before = {pod: (release.member_id(pod), release.uid(pod)) for pod in release.pods()}
    release.helm("upgrade", 3, **{**values, f"tls.{broken}.existingSecret": "etcd-broken"})
    release.lab.wait(lambda: release.uids().get("etcd-2", before["etcd-2"][1]) != before["etcd-2"][1] and
                     release.container("etcd-2", "etcd")["state"].get("running"), "etcd-2 runs with the broken certificates", 120)
    release.stays(lambda: sorted(release.ready()) == ["etcd-0", "etcd-1"], "two ready pods", 30)
    assert {pod: release.uid(pod) for pod in ("etcd-0", "etcd-1")} == {pod: before[pod][1] for pod in ("etcd-0", "etcd-1")}
    assert len(release.members()) == 3
    # Kubernetes leaves a broken pod of a rollback alone: it has to be deleted.
    release.helm("upgrade", 3, **values)
    release.delete_pod("etcd-2")
    release.check(3, writer)
    assert release.ids() == {pod: member for pod, (member, _) in before.items()} and not release.events("Left")
