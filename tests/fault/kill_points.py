"""A program killed at the entry of one of its system calls: which calls there are, and how to die at one of them."""
import collections
import os
import re
import shutil
import subprocess

CALL = re.compile(r"^\d+\s+([a-z_0-9]+)\(")
LIMIT_SECONDS = 60


class Point(collections.namedtuple("Point", "name count")):
    """The count-th call of this name since the program began; strace counts each name by itself."""

    def __str__(self):
        return f"{self.name}#{self.count}"


def strace():
    path = shutil.which("strace")
    assert path, "strace is missing: tests/tools/deps test"
    return path


def trace(args, env, file):
    """Runs the program to its end; returns [(Point, line)] for all its calls, in order."""
    subprocess.run([strace(), "-f", "-o", file, *args], env=env, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=True)
    counts, calls = collections.Counter(), []
    for line in open(file, errors="replace"):
        match = CALL.match(line)
        if match:
            counts[match[1]] += 1
            calls.append((Point(match[1], counts[match[1]]), line))
    return calls


def window(calls, is_first):
    """From the first call of interest to the end of the program."""
    first = next(i for i, (_, line) in enumerate(calls) if is_first(line))
    return [point for point, _ in calls[first:]]


def kill_at(point, args, env):
    """True: the program was killed there, the call not carried out. False: this run had fewer such calls and came to its end."""
    inject = f"inject={point.name}:signal=KILL:when={point.count}"
    result = subprocess.run([strace(), "-f", "-o", os.devnull, "-e", f"trace={point.name}", "-e", inject, *args], env=env, capture_output=True,
                            text=True, timeout=LIMIT_SECONDS)
    assert result.returncode in (0, -9, 137), f"{point}: ended with {result.returncode}: {result.stderr}"
    return result.returncode != 0


def chosen(points):
    """All of them with USHER_FAULT_ALL=1; else USHER_FAULT_SAMPLE (40) spread over two scenarios, evenly over the window."""
    if os.environ.get("USHER_FAULT_ALL") == "1":
        return points
    size = max(1, int(os.environ.get("USHER_FAULT_SAMPLE", "40")) // 2)
    if size >= len(points):
        return points
    return [points[i * (len(points) - 1) // max(1, size - 1)] for i in range(size)]
