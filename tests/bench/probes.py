"""(d) probes against etcd's own and against `etcdctl endpoint health`, (e) what the sidecar costs while nothing happens."""
import os
import re
import subprocess
import threading
import time
import http.client
from pathlib import Path

from bed.process import wait_until
from measure import Run

PACED = Path(__file__).with_name("paced.lua")
SERVER_CPU, CLIENT_CPU = "0", str((os.cpu_count() or 1) - 1)


# -- (e) --
def memory_mib(pid):
    fields = dict(re.findall(r"^(\w+):\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M))
    return int(fields["Pss"]) / 1024, int(fields["Private_Dirty"]) / 1024, int(fields["Rss"]) / 1024


def cpu_ns(pid):
    return sum(int((task / "schedstat").read_text().split()[0]) for task in Path(f"/proc/{pid}/task").iterdir())


def idle(table, pods, seconds, bare):
    """One sidecar alone, so that no other shares its pages; beside it, in the same minute, a program that only loads the libraries."""
    for pod in pods[1:]:
        pod.sidecar.stop()
    pid = pods[0].sidecar.popen.pid
    empty = subprocess.Popen([bare, "wait"], stdin=subprocess.DEVNULL)
    time.sleep(3)
    began, before = time.perf_counter(), cpu_ns(pid)
    time.sleep(seconds)
    share = (cpu_ns(pid) - before) / 1e9 / (time.perf_counter() - began) * 100
    _, empty_dirty, _ = memory_mib(empty.pid)  # its other pages are shared with the sidecar and cannot be compared
    empty.kill()
    empty.wait()
    pss, dirty, resident = memory_mib(pid)
    table.add("e", "sidecar at idle, PSS", [pss], value=pss, goal=8, unit="MiB")
    table.add("e", "sidecar at idle, RSS (PSS depends on who shares the libraries)", [resident], unit="MiB")
    table.add("e", "sidecar at idle, Private_Dirty; against a bare program", [dirty], [empty_dirty], dirty, 2.5, unit="MiB")
    table.add("e", "sidecar at idle, CPU of one core", [share], value=share, goal=0.1, unit="%")
    for pod in pods[1:]:
        pod.start_sidecar()
        pod.wait_ready()


# -- (d) --
def pin(pid, cpu):
    subprocess.run(["taskset", "-a", "-c", "-p", cpu, str(pid)], capture_output=True, check=True)


def wrk(url, seconds, connections, paced=False):
    args = ["taskset", "-c", CLIENT_CPU, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", *(["-s", PACED] if paced else []), url]
    return Run(args).output


def per_second(url, seconds):
    return float(re.search(r"Requests/sec:\s+([\d.]+)", wrk(url, seconds, 16))[1])


def p99_ms(url, seconds):
    value, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", wrk(url, seconds, 10, paced=True)).groups()
    return float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def answers(table, pods, seconds, times):
    """Each server on one core, the client on another; in turn, so that a slow minute hits all."""
    follower = next(pod for pod in pods if pod.status()["leader"] != str(pod.member_id))
    pin(follower.sidecar.popen.pid, SERVER_CPU)
    pin(follower.etcd.popen.pid, SERVER_CPU)
    ours, theirs = f"http://{follower.ip}:2383/readyz", f"http://{follower.client}"
    rates, tails = {}, {}
    for _ in range(times):
        for name, url in (("ours", ours), ("livez", f"{theirs}/livez"), ("readyz", f"{theirs}/readyz")):
            rates.setdefault(name, []).append(per_second(url, seconds))
            tails.setdefault(name, []).append(p99_ms(url, seconds))
    table.ratio("d", "/readyz per second on one core / etcd's /livez", rates["ours"], rates["livez"], 1.5, "1/s", at_least=True)
    table.add("d", "/readyz per second on one core / etcd's /readyz", rates["ours"], rates["readyz"], unit="1/s")
    table.ratio("d", "/readyz p99 at 1,000/s / etcd's /livez", tails["ours"], tails["livez"], 1.0, "ms")
    table.add("d", "/readyz p99 at 1,000/s / etcd's /readyz", tails["ours"], tails["readyz"], unit="ms")
    probe(table, follower)


def probe(table, pod):
    """What one probe costs: an exec of etcdctl, or our share of the CPU for one request."""
    health = [Run(["etcdctl", f"--endpoints={pod.client}", "endpoint", "health"]) for _ in range(10)]
    count, before = 2000, cpu_ns(pod.sidecar.popen.pid)
    connection = http.client.HTTPConnection(pod.ip, 2383, timeout=10)
    for _ in range(count):
        connection.request("GET", "/readyz")
        connection.getresponse().read()
    connection.close()
    ours = (cpu_ns(pod.sidecar.popen.pid) - before) / 1e6 / count
    table.add("d", "CPU for one probe / etcdctl endpoint health", [ours], [run.cpu_ms for run in health], unit="ms")


def ask(host, port, path):
    """(seconds, status); status 0 when there was no answer within 15 s."""
    began = time.perf_counter()
    connection = http.client.HTTPConnection(host, port, timeout=15)
    try:
        connection.request("GET", path)
        reply = connection.getresponse()
        reply.read()
        return time.perf_counter() - began, reply.status
    except OSError:
        return time.perf_counter() - began, 0
    finally:
        connection.close()


def lost_quorum(table, pods):
    """Two of three etcds die: how long the worst probe takes to answer, and after how long the answer is `not ready`."""
    alive = pods[0]
    worst, turned = {}, {}
    began = [0.0]

    def watch(name, host, port, path):
        while time.perf_counter() - began[0] < 12:
            seconds, status = ask(host, port, path)
            worst[name] = max(worst.get(name, 0), seconds)
            if status != 200 and name not in turned:
                turned[name] = time.perf_counter() - began[0]
            time.sleep(0.02)

    began[0] = time.perf_counter()
    threads = [threading.Thread(target=watch, args=("ours", alive.ip, 2383, "/readyz")),
               threading.Thread(target=watch, args=("theirs", alive.ip, 2379, "/readyz"))]
    for thread in threads:
        thread.start()
    for pod in pods[1:]:
        pod.etcd.kill()
    for thread in threads:
        thread.join()
    table.add("d", "quorum lost: slowest answer of /readyz / etcd's /readyz", [worst["ours"] * 1000], [worst["theirs"] * 1000],
              worst["ours"] * 1000, 5, unit="ms")
    table.add("d", "quorum lost: until /readyz says so / etcd's /readyz", [turned.get("ours", float("inf"))],
              [turned.get("theirs", float("inf"))], turned.get("ours", float("inf")), 3, unit="s")
    for pod in pods[1:]:
        pod.start_etcd()
    wait_until(lambda: all(pod.probe()[0] == 200 for pod in pods), "ready again")
