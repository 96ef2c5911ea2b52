#!/usr/bin/env python3
"""make demo: a cluster moves house while a client writes. Three pods "west" are founded, three pods "east" join, the leader moves east, west
leaves. Plain processes on loopback addresses; ends by itself, leaves nothing running, exits 1 if an acknowledged write was lost."""
import os
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/cluster"))
os.environ.setdefault("USHER_BUILD_DIR", str(Path(sys.argv[1] if len(sys.argv) > 1 else "build/release").resolve()))
from bed import Bed, Writer, call  # noqa: E402
from bed.client import read_keys  # noqa: E402
from bed.process import wait_until  # noqa: E402

LIMIT_S = 115


class Show:
    """A live table on a terminal, a line per step elsewhere."""

    def __init__(self, bed):
        self.bed, self.writer, self.step, self.began, self.lines = bed, None, "", time.monotonic(), 0
        self.steps, self.is_live, self.stopped = [], sys.stdout.isatty(), threading.Event()
        if self.is_live:
            threading.Thread(target=self.run, daemon=True).start()

    def __call__(self, step):
        now = time.monotonic()
        if self.step:
            self.steps.append((self.step, now - self.since))
        self.step, self.since = step, now
        if not self.is_live and step:
            written = len(self.writer.acknowledged) if self.writer else 0
            print(f"{now - self.began:6.1f} s  {written:6d} writes acknowledged  {step}", flush=True)

    def row(self, pod):
        try:
            status = call(pod.client, "/v3/maintenance/status", timeout=0.5)
        except (OSError, RuntimeError):
            return f"  {pod.set_name}/{pod.name:8} {pod.ip:15} -"
        leads = status.get("leader") == status["header"]["member_id"]
        role = "learner" if status.get("isLearner") else "LEADER" if leads else "voter"
        return f"  {pod.set_name}/{pod.name:8} {pod.ip:15} {role:8} {'ready' if pod.probe()[0] == 200 else '':6} applied {status['raftAppliedIndex']}"

    def run(self):
        while not self.stopped.wait(0.3):
            written = len(self.writer.acknowledged) if self.writer else 0
            text = [f"{time.monotonic() - self.began:5.1f} s  {self.step}", f"  writes acknowledged: {written}"]
            text += [self.row(pod) for pod in self.bed.pods]
            print(f"\033[{self.lines}F\033[J" * bool(self.lines) + "\n".join(text), flush=True)
            self.lines = len(text)


def move_leader(pods, target):
    leader = next(pod for pod in pods if pod.member_id == int(pods[0].status()["leader"]))
    if leader is not target:
        call(leader.client, "/v3/maintenance/transfer-leadership", {"targetID": str(target.member_id)})
        wait_until(lambda: int(target.status().get("leader", 0)) == target.member_id, "the leader is east")


def main():
    bed = Bed(os.environ.get("VERSION", "3.4"))
    alarm = threading.Timer(LIMIT_S, lambda: (print("the demo did not end in time", flush=True), bed.close(), os._exit(1)))
    alarm.daemon = True
    alarm.start()
    show = Show(bed)
    try:
        show("found: three pods west, one after the other")
        west = bed.grow(bed.set(3, "west"))
        alive = list(west)
        writer = show.writer = Writer(lambda: [pod.client for pod in alive])
        writer.start()
        wait_until(lambda: len(writer.acknowledged) > 50, "the client writes")
        east = bed.set(3, "east", join=west, bootstrap="never")
        for pod in east:
            show(f"stretch: east/{pod.name} joins as a learner, catches up, becomes a voter")
            pod.start_and_wait()
            alive.append(pod)
        show("move the leader east")
        move_leader(alive, east[0])
        for pod in reversed(west):
            show(f"shrink: west/{pod.name} leaves the cluster, then stops")
            alive.remove(pod)
            pod.stop()
        show("check: every acknowledged write is there, all hashes are equal")
        bed.check(east, writer)
        lost = set(writer.acknowledged) - read_keys(east[0].client)
        show("")
        show.stopped.set()
        print("\nmembers now: " + ", ".join(member["name"] + " " + member["peerURLs"][0] for member in bed.members(east[0])))
        print(f"writes acknowledged {len(writer.acknowledged)}, lost {len(lost)}, longest gap between two {writer.longest_gap * 1000:.0f} ms")
        for step, seconds in show.steps:
            print(f"{seconds:6.1f} s  {step}")
        return 1 if lost else 0
    finally:
        show.stopped.set()
        bed.close()


if __name__ == "__main__":
    sys.exit(main())
