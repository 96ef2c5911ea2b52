"""Timing one command, and the table: a row for each goal, with medians, spread and whether it is met."""
import os
import statistics
import subprocess
import time


class Run:
    """One finished command: wall and CPU time in ms, of it and all that it started."""

    def __init__(self, args, env=None, codes=(0,)):
        full = {"PATH": os.environ["PATH"], "ETCDCTL_API": "3", **(env or {})}
        began = time.perf_counter()
        process = subprocess.Popen([str(arg) for arg in args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=full)
        self.output = process.stdout.read().decode(errors="replace")
        _, status, usage = os.wait4(process.pid, 0)
        self.wall_ms = (time.perf_counter() - began) * 1000
        self.cpu_ms = (usage.ru_utime + usage.ru_stime) * 1000
        process.returncode = os.waitstatus_to_exitcode(status)
        process.stdout.close()
        if process.returncode not in codes:
            raise RuntimeError(f"{args[0]} ended with {process.returncode}: {self.output[-800:]}")


def middle(samples):
    return statistics.median(samples)


def percentile(samples, part):
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def spread(samples):
    """`median (lowest to highest)`."""
    if len(samples) == 1:
        return f"{samples[0]:.4g}"
    return f"{middle(samples):.4g} ({min(samples):.4g} to {max(samples):.4g})"


class Table:
    def __init__(self):
        self.rows = []

    def add(self, figure, what, ours, theirs="", value=None, goal=None, at_least=False, unit=""):
        """ours and theirs are lists of samples (or text); `value` is what the goal is compared with."""
        if goal is None:
            verdict = "-"
        else:
            verdict = "met" if (value >= goal if at_least else value <= goal) else "MISSED"
        text = [samples if isinstance(samples, str) else spread(samples) for samples in (ours, theirs)]
        row = {"figure": figure, "what": what, "ours": text[0], "theirs": text[1], "unit": unit, "value": value,
               "goal": "-" if goal is None else f"{'>=' if at_least else '<='} {goal:g}", "verdict": verdict}
        self.rows.append(row)
        print(f"({figure}) {what}: {text[0]} {unit}" + (f" against {text[1]}" if text[1] else "") +
              (f"; {value:.3g}, goal {row['goal']}: {verdict}" if goal is not None else ""), flush=True)

    def not_run(self, figure, what, why):
        self.rows.append({"figure": figure, "what": what, "ours": why, "theirs": "", "unit": "", "value": None, "goal": "-", "verdict": "NOT RUN"})
        print(f"({figure}) {what}: not run: {why}", flush=True)

    def ratio(self, figure, what, ours, theirs, goal, unit, at_least=False):
        self.add(figure, what, ours, theirs, middle(ours) / middle(theirs), goal, at_least, unit)

    def show(self):
        columns = ("figure", "what", "ours", "theirs", "unit", "value", "goal", "verdict")
        lines = [columns] + [tuple("" if row[key] is None else f"{row[key]:.3g}" if key == "value" else row[key] for key in columns)
                             for row in self.rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
        print()
        for line in lines:
            print("  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip())
        counts = {verdict: sum(row["verdict"] == verdict for row in self.rows) for verdict in ("met", "MISSED", "NOT RUN")}
        print(f"\ngoals met: {counts['met']}, missed: {counts['MISSED']}, not run: {counts['NOT RUN']}")
