"""The way from learner to voter when it is long, or blocked: what is told meanwhile, that nothing is promoted too early, and that it ends by itself."""
import json
import math
import re
import signal
import threading
import time

import pytest
from bed import Writer, call
from bed.client import encode
from bed.network import is_possible
from bed.process import wait_until

STALLED_AFTER = 30  # PROMOTE_STALLED_AFTER_MS
needs_network = pytest.mark.skipif(not is_possible(), reason="needs root and network namespaces")


def status(pod, key):
    """None also while the sidecar does not answer yet."""
    return json.loads(pod.probe("/status")[1] or "{}").get(key)


def metrics(pod):
    """Name with labels -> value."""
    lines = pod.probe("/metrics")[1].splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line and not line.startswith("#"))}


def log_of(pod, kind="sidecar"):
    path = pod.folder / f"{kind}.log"
    return [json.loads(line) for line in path.read_text(errors="replace").splitlines() if line.startswith('{"time"')] if path.exists() else []


def said(pod, word, kind="sidecar"):
    return [line["message"] for line in log_of(pod, kind) if word in line["message"]]


def learners(bed, pod):
    return [int(member["ID"]) for member in bed.members(pod) if member.get("isLearner")]


def join_without_sidecar(pod):
    """init and etcd; the sidecar is started when the test wants it."""
    pod.new_life()
    result = pod.init()
    assert result.returncode == 0, result.stderr
    pod.start_etcd()
    pod.wait_serving()
    return pod.member_id


def applied(pod):
    return int(pod.status()["raftAppliedIndex"])


def puts(pod, count):
    for number in range(count):
        call(pod.client, "/v3/kv/put", {"key": encode(f"fill-{number}"), "value": encode("x")}, timeout=20)


def fill(pod, entries, big):
    """Some thousand small entries, by several hands; and `big` of a hundred kilobytes each."""
    hands = [threading.Thread(target=puts, args=(pod, entries // 8)) for _ in range(8)]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()
    for number in range(big):
        call(pod.client, "/v3/kv/put", {"key": encode(f"big-{number}"), "value": "A" * 133332}, timeout=20)


def figures_while_it_joins(bed, voter, joiner):
    """Everything that its sidecar tells until it is ready. It is no voter as long as something is to go."""
    seen = []

    def is_ready():
        before = applied(voter)
        told = status(joiner, "learner")
        if told is not None:
            seen.append((told, metrics(joiner)))
        listed = next(member for member in bed.members(voter) if joiner.peer in member["peerURLs"])
        if not listed.get("isLearner"):
            assert applied(joiner) >= before, "it was promoted before it had what the leader had"
        return joiner.probe()[0] == 200

    wait_until(is_ready, lambda: f"it is ready; last seen: {seen[-1:]}", limit=180, every=0.1)
    return seen


@needs_network
@pytest.mark.slow
@pytest.mark.parametrize("by", ["log", "snapshot"])
def test_progress_of_a_long_join(bed, network, by):
    """Forty megabytes over a slow link, entry by entry or as one snapshot: how far it is, what is to go, and for how long, in /status and /metrics."""
    pods = bed.set(2, leave="asked")
    network.connect(*pods)
    for pod in pods:  # a leader repeats its first entries at each heartbeat until they are answered: often enough to fill this link
        pod.etcd_flags = ["--snapshot-count=100"] if by == "snapshot" else ["--heartbeat-interval=500", "--election-timeout=3000"]
    pods[0].start_and_wait()
    fill(pods[0], entries=5600 if by == "snapshot" else 0, big=400)  # etcd keeps the last 5000 entries for those who are slow
    if by == "snapshot":
        puts(pods[0], 250)
    network.slow(pods[1], "40mbit")
    pods[1].start()
    figures = figures_while_it_joins(bed, pods[0], pods[1])
    under_way = [told for told, _ in figures if told["percent"] is not None and told["entries_to_go"] > 0]
    assert len(under_way) > 5, figures
    assert all(0 <= told["percent"] < 100 for told in under_way)
    assert max(told["bytes_to_go"] for told in under_way) > 20 * 1024 * 1024, under_way
    assert not any(told["is_stalled"] for told, _ in figures)
    for told, measured in figures:
        if told["percent"] is not None:  # both are of one snapshot of the sidecar, or of two neighbours
            assert 0 <= measured["etcd_usher_learner_progress_ratio"] <= 1
    known = [measured for _, measured in figures if not math.isnan(measured["etcd_usher_learner_entries_to_go"])]
    assert max(measured["etcd_usher_learner_entries_to_go"] for measured in known) >= 30
    assert max(measured["etcd_usher_learner_bytes_to_go"] for measured in known) > 20 * 1024 * 1024
    assert [measured for _, measured in figures if measured["etcd_usher_learner_seconds_to_go"] > 0], "no estimate in /metrics"
    assert [told for told in under_way if told["seconds_to_go"]], "no estimate in /status"
    percents = [told["percent"] for told in under_way]
    assert max(percents) - min(percents) > 20, percents
    print(f"{by}: {len(under_way)} figures under way, percent {percents}, seconds {[told['seconds_to_go'] for told in under_way]}")
    network.slow(pods[1], None)
    bed.settle(pods)
    bed.check(pods)


def wait_for_stall(pod, reason, age=STALLED_AFTER):
    """Named as stalled, once: in /status, in /metrics, and in the log with its ID, its name and how long."""
    def is_stalled():
        return (status(pod, "learner") or {}).get("is_stalled")
    wait_until(is_stalled, lambda: f"it is stalled: {pod.probe('/status')[1]}", limit=age + 40)
    learner, measured = status(pod, "learner"), metrics(pod)
    assert learner["seconds_without_progress"] >= age, learner
    assert measured["etcd_usher_learner_stalled"] == 1 and measured["etcd_usher_learner_idle_seconds"] >= age
    lines = said(pod, "has made no progress for")
    assert len(lines) == 1, lines
    words = re.match(r"learner ([0-9a-f]+) \((\S+)\) has made no progress for (\d+) s", lines[0])
    assert words and int(words[1], 16) == int(status(pod, "member_id"), 16) and words[2] == pod.name and int(words[3]) >= age, lines
    last, = [line for line in log_of(pod) if line["message"] == lines[0]]
    assert last["level"] == "warn" and last["reason"] == reason, last
    return learner


def pause(pod):
    pod.etcd.signal(signal.SIGSTOP)


def resume(pod):
    pod.etcd.signal(signal.SIGCONT)


@pytest.mark.slow
@pytest.mark.parametrize("begin, end", [pytest.param(pause, resume, id="paused"),
                                        pytest.param(lambda pod: pod.etcd.kill(), lambda pod: pod.start_etcd(), id="killed")])
def test_a_learner_whose_etcd_stands_still(bed, begin, end):
    """Under writes: named as stalled, not promoted; when its etcd goes on, it is promoted, and nobody has done anything."""
    pods = bed.set(2, leave="asked", promote_samples="60")  # some seconds in which it can be stopped
    pods[0].start_and_wait()
    ours = join_without_sidecar(pods[1])
    pods[1].start_sidecar()
    wait_until(lambda: (status(pods[1], "learner") or {}).get("percent") == 100, "its figures are seen")
    begin(pods[1])
    writer = Writer(lambda: [pods[0].client], pause=0.05)
    writer.start()
    wait_for_stall(pods[1], "learner-not-started")
    assert pods[1].probe("/livez")[0] == 200 and pods[1].probe()[0] == 503
    assert learners(bed, pods[0]) == [ours]
    end(pods[1])
    pods[1].wait_ready()
    bed.check(pods, writer)
    assert said(pods[1], "makes progress again") and pods[1].member_id == ours


@needs_network
@pytest.mark.slow
@pytest.mark.parametrize("writes", [False, True], ids=["idle", "writes"])
def test_a_learner_that_is_cut_off_from_the_leader(bed, network, writes):
    """The way between the peer ports is gone, the clients' is open: its own etcd and the leader's answer its sidecar. In an idle cluster the two are
    even, and it would be a dead voter all the same; a cluster of one would have lost its quorum with it."""
    pods = bed.set(2, leave="asked")
    network.connect(*pods)
    network.part(*pods)
    pods[0].start_and_wait()
    ours = join_without_sidecar(pods[1])
    wait_until(lambda: applied(pods[1]) == applied(pods[0]), "it is in sync")
    for pod, other in (pods, pods[::-1]):
        network.swallow(pod, other.peer_side)
    if writes:
        puts(pods[0], 50)
    pods[1].start_sidecar()
    learner = wait_for_stall(pods[1], "catching-up" if writes else "learner-unheard")
    assert (0 < learner["entries_to_go"] <= 50) if writes else (learner["entries_to_go"] == 0), learner
    assert learners(bed, pods[0]) == [ours]
    puts(pods[0], 1)
    for pod, other in (pods, pods[::-1]):
        network.let_through(pod, other.peer_side)
    pods[1].wait_ready()
    bed.check(pods)
    assert pods[1].member_id == ours


@needs_network
@pytest.mark.slow
def test_a_learner_pod_that_is_cut_off_altogether(bed, network):
    """Its sidecar reaches nobody, too: the stall is told all the same, to whoever can still ask it."""
    pods = bed.set(2, leave="asked", promote_samples="60")
    network.connect(*pods)
    pods[0].start_and_wait()
    ours = join_without_sidecar(pods[1])
    pods[1].start_sidecar()
    wait_until(lambda: (status(pods[1], "learner") or {}).get("percent") == 100, "its figures are seen")
    network.swallow(pods[1], pods[0])
    learner = wait_for_stall(pods[1], "list-unread")
    assert learner["percent"] == 100, learner  # as last seen
    assert learners(bed, pods[0]) == [ours]
    network.let_through(pods[1], pods[0])
    pods[1].wait_ready_restarting()
    bed.check(pods)
    assert pods[1].member_id == ours


def test_a_learner_that_never_started_blocks_by_name(bed):
    """One pod's init added it, and its etcd never came. The next joiner says for whom it waits, and for how long; when that etcd comes, both join."""
    pods = bed.set(3, leave="asked")
    pods[0].start_and_wait()
    pods[1].new_life()
    assert pods[1].init().returncode == 0
    blocker, = learners(bed, pods[0])
    words = rf"learner {blocker:x} \(etcd-1, {pods[1].peer}\) was added but never started, seen for (\d+) s"
    pods[2].begin()
    wait_until(lambda: [line for line in said(pods[2], "waiting for", "init") if re.search(words, line)], "init says for whom it waits", limit=30)
    wait_until(lambda: [line for line in said(pods[2], "waiting for", "init") if re.search(words, line) and int(re.search(words, line)[1]) >= 9],
               "and for how long", limit=30)
    seconds = f'etcd_usher_other_learner_seconds{{member="{blocker:x}",started="false"}}'
    wait_until(lambda: metrics(pods[0]).get(seconds, 0) > 5, lambda: f"the voter's metric: {metrics(pods[0])}", limit=30)
    told = status(pods[0], "other_learner")
    assert int(told["id"], 16) == blocker and told["is_started"] is False and re.search(words, told["text"]), told
    pods[1].start_etcd()
    pods[1].start_sidecar()
    pods[1].wait_ready()
    wait_until(pods[2].go_on, "init ends", limit=90)
    pods[2].wait_ready()
    bed.check(pods)
    wait_until(lambda: not [name for name in metrics(pods[0]) if name.startswith("etcd_usher_other_learner_seconds")], "the voter sees none any more")


@pytest.mark.slow
def test_a_learner_that_never_started_is_reported_by_voters(bed):
    """After the stall time each voter's log has a line with ID, slot, URL and age; a joiner that serves (sidecar --with-init) shows its wait, too."""
    pods = bed.set(3, leave="asked")
    pods[0].start_and_wait()
    pods[1].new_life()
    assert pods[1].init().returncode == 0
    blocker, = learners(bed, pods[0])
    pods[2].new_life()
    pods[2].start_sidecar("--with-init")
    wait_until(lambda: said(pods[0], "it blocks the next join"), "the voter says so", limit=STALLED_AFTER + 40)
    line, = said(pods[0], "it blocks the next join")
    words = re.match(rf"learner {blocker:x} \(etcd-1, {pods[1].peer}\) was added but never started, seen for (\d+) s: it blocks", line)
    assert words and int(words[1]) >= STALLED_AFTER, line
    waiting = status(pods[2], "waiting")
    assert waiting["reason"] == "add-learner" and f"learner {blocker:x} (etcd-1" in waiting["text"] and waiting["seconds"] > STALLED_AFTER - 10, waiting
    measured = metrics(pods[2])
    assert measured['etcd_usher_waiting{reason="add-learner"}'] == 1 and measured["etcd_usher_waiting_seconds"] > STALLED_AFTER - 10
    assert measured[f'etcd_usher_other_learner_seconds{{member="{blocker:x}",started="false"}}'] > STALLED_AFTER - 10
    pods[1].start_etcd()
    pods[1].start_sidecar()
    pods[1].wait_ready()
    wait_until(lambda: pods[2].probe("/startupz")[0] == 200, "the other one's turn", limit=90)
    pods[2].start_etcd()
    pods[2].wait_ready()
    bed.check(pods)


def test_an_orphan_is_promoted_by_its_own_set_alone(bed):
    """Learners whose sidecars were killed. One of another set stays what it is, in sync or not; one of ours becomes a voter, after --orphan-after."""
    west = bed.set(2, "west", leave="asked", promote_samples="40")
    east = bed.pod("etcd-0", "east", join=west[:1], bootstrap="never", leave="asked", promote_samples="40")
    west[0].new_life()
    assert west[0].init().returncode == 0
    west[0].start_etcd()
    west[0].start_sidecar("--orphan-after=3s")
    west[0].wait_ready()

    theirs = join_without_sidecar(east)
    east.start_sidecar()
    wait_until(lambda: (status(east, "learner") or {}).get("percent") == 100, "it is nearly there")
    east.sidecar.kill()
    began = time.monotonic()
    while time.monotonic() - began < 9:  # three times what ours gets
        assert learners(bed, west[0]) == [theirs], "another set's learner was promoted"
        time.sleep(0.1)
    assert status(west[0], "other_learner")["is_started"] is True
    east.start_sidecar()
    east.wait_ready()

    ours = join_without_sidecar(west[1])
    began = time.monotonic()
    west[1].start_sidecar()
    wait_until(lambda: (status(west[1], "learner") or {}).get("percent") == 100, "it is nearly there")
    west[1].sidecar.kill()
    wait_until(lambda: not learners(bed, west[0]), "the orphan is a voter", limit=90)
    took = time.monotonic() - began
    assert took >= 3, f"after {took:.1f} s its own sidecar had not had its chance"
    assert said(west[0], f"learner {ours:x} of our set was promoted") and not said(west[0], f"learner {theirs:x}")
    west[1].start_sidecar()
    bed.check([*west, east])


def test_an_orphan_that_stands_still_is_not_promoted(bed):
    """Its sidecar is gone and its etcd is paused, under writes: a voter's sidecar waits, and promotes it only when it is in sync again."""
    pods = bed.set(2, leave="asked")
    pods[0].new_life()
    assert pods[0].init().returncode == 0
    pods[0].start_etcd()
    pods[0].start_sidecar("--orphan-after=2s")
    pods[0].wait_ready()
    ours = join_without_sidecar(pods[1])
    pause(pods[1])
    writer = Writer(lambda: [pods[0].client])
    writer.start()
    began = time.monotonic()
    while time.monotonic() - began < 8:
        assert learners(bed, pods[0]) == [ours], "a learner that stands still was promoted"
        time.sleep(0.1)
    resume(pods[1])
    wait_until(lambda: not learners(bed, pods[0]), "the orphan is a voter", limit=90)
    pods[1].start_sidecar()
    bed.check(pods, writer)
