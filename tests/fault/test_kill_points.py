"""init is killed at each of its system calls, from the first look at the cluster to its end, on real etcd. What it leaves behind must let the
next init finish: one cluster, one entry of ours, a whole plan, and never a second founding."""
import os
import shutil

from bed import call
from bed.bed import USHER
from kill_points import chosen, kill_at, trace, window

PLAN_KEYS = {"state", "reason", "initial-cluster", "initial-cluster-state", "initial-cluster-token", "name", "data-dir"}


def command(pod, *extra):
    return [str(USHER), "init", *pod.common(), *extra]


def environment(pod):
    return {"PATH": os.environ["PATH"], **pod.env()}


def begins_to_look(line):
    """The first connection to another member's client port, or the first look at the set record."""
    return ("connect(" in line and "htons(2379)" in line) or ("openat(" in line and "/shared/" in line)


def assert_plan_is_whole(pod, state):
    """What the launcher finds is all there or not there at all."""
    plan = pod.launch()
    assert PLAN_KEYS <= plan.keys(), f"the plan is torn: {plan}"
    assert plan["state"] == "start" and plan["initial-cluster-state"] == state, plan
    assert (pod.plan / "plan.json").exists() and (pod.plan / "etcd.env").exists()
    return plan


def starts(pod):
    """A plan that tells the launcher to start etcd, whole."""
    if not (pod.plan / "launch").exists() or pod.launch()["state"] != "start":
        return False
    assert PLAN_KEYS <= pod.launch().keys(), f"the plan is torn: {pod.launch()}"
    return True


def run_to_end(pod, *extra, codes=(0,)):
    result = pod.init(*extra)
    assert result.returncode in codes, f"{pod.name}: init ended with {result.returncode}: {result.stderr}"
    return result.returncode


def empty(pod):
    pod.kill()
    pod.lose_volume()
    pod.new_life()


def sweep(points, survive, capsys, what):
    """survive(point, number) is True when init was killed there and all was well after it; it asserts whatever must hold."""
    killed = sum(survive(point, number) for number, point in enumerate(points))
    with capsys.disabled():
        print(f"\n{what}: kill points survived: {killed} of {killed} ({len(points) - killed} not reached in their run)")
    assert killed >= len(points) * 3 // 4, "too few runs came to the call that they were to die at"


def entries_of(bed, founder, pod):
    return [member for member in bed.members(founder) if pod.peer in member["peerURLs"]]


def test_join(bed, capsys):
    """A joiner of a one-member cluster."""
    founder, joiner = bed.set(2, leave="asked")
    founder.start_and_wait()
    record = bed.record_path("west")
    before = record.read_text()

    def begin():
        empty(joiner)
        for member in entries_of(bed, founder, joiner):
            call(founder.client, "/v3/cluster/member/remove", {"ID": member["ID"]})
        record.write_text(before)

    def survive(point, number):
        begin()
        was_killed = kill_at(point, command(joiner), environment(joiner))
        assert len(entries_of(bed, founder, joiner)) <= 1, point
        if starts(joiner):
            assert_plan_is_whole(joiner, "existing")
        run_to_end(joiner)
        plan = assert_plan_is_whole(joiner, "existing")
        ours = entries_of(bed, founder, joiner)
        assert len(ours) == 1 and len(bed.members(founder)) == 2, point
        assert founder.peer in plan["initial-cluster"] and f"{joiner.name}={joiner.peer}" in plan["initial-cluster"], plan
        joiner.start_etcd()
        joiner.wait_serving()
        assert joiner.member_id == int(ours[0]["ID"]), point
        assert joiner.status()["header"]["cluster_id"] == founder.status()["header"]["cluster_id"], point
        assert int(bed.record()["cluster-id"], 16) == int(founder.status()["header"]["cluster_id"]), point
        return was_killed

    begin()
    calls = trace(command(joiner), environment(joiner), bed.folder / "trace")
    sweep(chosen(window(calls, begins_to_look)), survive, capsys, "join")


def claimed_by(bed):
    """The slot whose claim stands in the set record; None while there is no record or no claim."""
    path = bed.record_path("west")
    return bed.record().get("claim", {}).get("slot") if path.exists() else None


def found_after(bed, point, number, founder, other):
    """After the kill; at every second point the other slot comes first. Who may found is plain: whoever has the claim, without one the first to
    come. Everybody else waits until its time is up. Returns (who founded, who waited)."""
    order = (other, founder) if number % 2 else (founder, other)
    founds = next((pod for pod in order if pod.name == claimed_by(bed)), order[0])
    for pod in order:
        if pod is founds:
            run_to_end(pod)
        else:
            run_to_end(pod, "--timeout=300ms", codes=(4,))
        assert starts(pod) == (pod is founds), f"{point}: {pod.name} has a plan to start beside {founds.name}'s claim"
    return founds, order[1] if founds is order[0] else order[0]


def test_founding(bed, capsys):
    """A founder that is killed, and another slot that would found as well, before it or after it."""
    founder, other = bed.set(2, leave="asked")
    record = bed.record_path("west")

    def begin():
        empty(founder)
        empty(other)
        shutil.rmtree(record.parent)
        record.parent.mkdir()

    def survive(point, number):
        begin()
        was_killed = kill_at(point, command(founder), environment(founder))
        if starts(founder):
            assert_plan_is_whole(founder, "new")
        founds, waits = found_after(bed, point, number, founder, other)
        plan = assert_plan_is_whole(founds, "new")
        claim = bed.record()["claim"]
        assert claim["slot"] == founds.name and plan["initial-cluster-token"].endswith(claim["nonce"]), (point, claim, plan)
        founds.start_etcd()
        founds.wait_serving()
        run_to_end(waits)  # it joins what was founded
        assert_plan_is_whole(waits, "existing")
        assert len(bed.members(founds)) == 2, point
        return was_killed

    begin()
    calls = trace(command(founder), environment(founder), bed.folder / "trace")
    sweep(chosen(window(calls, begins_to_look)), survive, capsys, "founding")
