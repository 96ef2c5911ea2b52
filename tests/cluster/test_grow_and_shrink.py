"""Founding, growing, shrinking: the days of an ordinary set."""
from bed import Writer
from bed.process import wait_until


def test_found_and_grow_to_three(bed):
    """The first thing that anybody does."""
    pods = bed.grow(bed.set(3))
    bed.check(pods)
    assert set(bed.record()["slots"]) == {"etcd-0", "etcd-1", "etcd-2"}


def test_three_at_once(bed):
    """Parallel pods: one founds, the others wait their turn; etcd takes one learner at a time."""
    pods = bed.set(3)
    for pod in pods:
        pod.begin()
    wait_until(lambda: all([pod.go_on() for pod in pods]), "all inits end", limit=120)
    for pod in pods:
        pod.wait_ready()
    bed.check(pods)
    assert sum('"reason":"found"' in (pod.folder / "init.log").read_text() for pod in pods) == 1


def test_one_three_one_under_writes(bed):
    """Scaling up and down again loses nothing, down to the last voter, which stays."""
    pods = bed.set(3)
    pods[0].start_and_wait()
    alive = [pods[0]]
    writer = Writer(lambda: [pod.client for pod in alive])
    writer.start()
    for pod in pods[1:]:
        pod.start_and_wait()
        alive.append(pod)
    for pod in (pods[2], pods[1]):
        alive.remove(pod)
        pod.stop()
    bed.check(pods[:1], writer)
    result = pods[0].sidecar
    pods[0].stop()  # the last voter keeps its seat
    assert result.popen.returncode == 0
    pods[0].start_and_wait()
    bed.check(pods[:1])


def test_the_leader_leaves(bed):
    """The leader hands over before it goes."""
    pods = bed.grow(bed.set(3))
    leader = int(pods[0].status()["leader"])
    leaving = next(pod for pod in pods if pod.member_id == leader)
    leaving.stop()
    rest = [pod for pod in pods if pod is not leaving]
    bed.check(rest)
    assert "left" in (leaving.folder / "sidecar.log").read_text()


def test_leave_first_without_a_hook(bed):
    """Charts without a preStop hook: the launcher asks the sidecar itself."""
    pods = bed.set(3)
    for pod in pods:
        pod.start_and_wait(leave_first=True)
    pods[2].stop(hook=False)
    bed.check(pods[:2])


def test_asked_members_keep_their_seats(bed):
    """--leave=asked: a stop is no leave; an order is."""
    import subprocess
    from bed.bed import USHER
    pods = bed.grow(bed.set(3, leave="asked"))
    pods[2].stop()
    assert len(bed.members(pods[0])) == 3
    pods[2].start_and_wait()
    bed.check(pods)
    ordered = subprocess.run([USHER, "leave", f"--plan-dir={pods[2].plan}"], capture_output=True, text=True, timeout=60)
    assert ordered.returncode == 0, ordered.stderr
    pods[2].stop()
    bed.check(pods[:2])


def test_never_means_never(bed):
    """--leave=never: not even an order."""
    import subprocess
    from bed.bed import USHER
    pods = bed.grow(bed.set(2, leave="never"))
    ordered = subprocess.run([USHER, "leave", f"--plan-dir={pods[1].plan}"], capture_output=True, text=True, timeout=60)
    assert ordered.returncode == 3
    bed.check(pods)


def test_a_removed_member_is_held_back(bed):
    """Somebody removes a member while its pod runs: it is not pushed back in; the next pod joins anew, the old data is kept."""
    from bed import call
    pods = bed.grow(bed.set(3))
    old = pods[2].member_id
    wait_until(lambda: not _refused(lambda: call(pods[0].client, "/v3/cluster/member/remove", {"ID": str(old)})), "member remove")
    wait_until(lambda: pods[2].launch()["state"] == "removed", "the plan says removed")
    wait_until(lambda: not pods[2].etcd.is_running, "etcd has ended by itself")
    wait_until(lambda: pods[2].probe()[0] == 503, "not ready any more")
    pods[2].stop()
    pods[2].start_and_wait()
    bed.check(pods)
    assert pods[2].member_id != old


def _refused(action):
    try:
        action()
    except RuntimeError as error:
        return str(error)
    return ""
