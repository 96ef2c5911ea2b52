"""What the chart renders, run as plain processes: the very command lines and variables of the pod, on real etcd; then `helm test`'s own steps.

Only places and ports are put into their place here (the pod's directories, its host names); what is to be tested stays as rendered."""
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

import pytest

import charts

VALUES = ["--set", "replicaCount=1,usher.api=false,usher.leave=asked,usher.bootstrap=once:etcd-0,metrics.enabled=true,test.timeoutSeconds=2"]


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Pod:
    """One pod's containers as processes. Each gets its own variables and nothing of ours but the PATH."""

    def __init__(self, folder, *words):
        client, peer, metrics, usher = free_ports(4)
        self.found = charts.objects(*VALUES, *words)
        self.containers = charts.containers_of(charts.pod_of(self.found))
        (folder / "data").mkdir()
        (folder / "plan").mkdir()
        self.folder, self.usher_port, self.client_port, self.processes = folder, usher, client, []
        # The longest first: a Service's name is part of a pod's.
        self.places = [("etcd-0.etcd-headless.default.svc.cluster.local", "127.0.0.1"), ("etcd.default.svc.cluster.local", "127.0.0.1"),
                       ("dns:etcd-headless.default.svc.cluster.local", "http://127.0.0.1"), ("0.0.0.0", "127.0.0.1"),
                       ("/var/lib/etcd", str(folder / "data")), ("/run/etcd-usher", str(folder / "plan")), (":2379", f":{client}"),
                       (":2380", f":{peer}"), (":2381", f":{metrics}"), (":2383", f"127.0.0.1:{usher}"), ("/usr/local/bin/etcdctl", shutil.which("etcdctl"))]
        self.variables = {"POD_NAME": "etcd-0", "POD_NAMESPACE": "default", "POD_INDEX": "0", "POD_UID": "11111111-2222-3333-4444-555555555555"}
        self.etcd = charts.output_of(os.path.join(charts.ROOT, "tests", "tools", "build-etcd"), "3.6").strip()

    def placed(self, text):
        text = charts.expand(text, self.variables)
        for what, here in self.places:
            text = text.replace(what, here)
        return text

    def start(self, container):
        env = {"PATH": os.environ["PATH"]}
        for entry in container.get("env", []):
            # No POD_UID: outside of Kubernetes there is no mounted volume to insist on.
            if entry["name"] != "POD_UID":
                env[entry["name"]] = self.placed(entry["value"]) if "value" in entry else self.variables[entry["name"]]
        words = [self.placed(word) for word in container.get("command", []) + container.get("args", [])]
        words = [{"etcd-usher": charts.AGENT, "/usr/local/bin/etcd": self.etcd}.get(word, word) for word in words]
        with open(self.folder / f"{container['name']}.log", "ab") as log:
            process = subprocess.Popen(words, env=env, stdout=log, stderr=log, start_new_session=True)
        self.processes.append(process)
        return process

    def finish(self, container, seconds=60):
        return self.start(container).wait(seconds)

    def probe(self, probe):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.usher_port}{probe['httpGet']['path']}", timeout=5) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def log(self, name):
        return (self.folder / f"{name}.log").read_text(errors="replace") if (self.folder / f"{name}.log").exists() else ""

    def wait_for(self, what, condition, seconds=90):
        until = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < until, f"{what}: not within {seconds} s\n" + "".join(self.log(name)[-3000:] for name in self.containers)
            time.sleep(0.1)

    def up(self):
        """In the order in which the kubelet goes."""
        assert self.finish(self.containers["usher-install"]) == 0, self.log("usher-install")
        usher = self.containers["usher"]
        if "usher-init" in self.containers:
            assert self.finish(self.containers["usher-init"]) == 0, self.log("usher-init")
        else:
            self.start(usher)
            self.wait_for("startup probe", lambda: self.probe(usher["startupProbe"]))
        etcd = self.start(self.containers["etcd"])
        if "usher-init" in self.containers:
            self.start(usher)
        self.wait_for("readiness", lambda: self.probe(usher["readinessProbe"]))
        return etcd

    @staticmethod
    def kill(process):
        """With all its children, as a container ends."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def down(self):
        for process in self.processes:
            self.kill(process)

    def test_steps(self):
        pod = charts.only(self.found, "Pod")["spec"]
        return pod["initContainers"] + pod["containers"]


@pytest.fixture(params=["native", "plain", "leave-first"])
def pod(request, tmp_path):
    words = {"native": [], "plain": ["--set", "usher.mode=plain"], "leave-first": ["--set", "usher.leaveBy=leave-first"]}[request.param]
    one = Pod(tmp_path, *words)
    yield one
    one.down()


def test_the_pod_starts_serves_and_passes_helm_test(pod):
    etcd = pod.up()
    assert pod.probe(pod.containers["etcd"]["livenessProbe"]) and pod.probe(pod.containers["usher"]["livenessProbe"])
    steps = pod.test_steps()
    assert [step["name"] for step in steps] == ["voters", "put", "get-0", "del", "members"]
    for step in steps:
        assert pod.finish(step) == 0, (step["name"], pod.log(step["name"]))
    assert "etcd-0" in pod.log("members")

    # Each step that checks something fails when it is not so: the key is gone, then etcd is.
    assert pod.finish(steps[2]) != 0
    assert "key" in pod.log("get-0")
    pod.kill(etcd)
    for step in steps[:3]:
        assert pod.finish(step) != 0, step["name"]


def test_the_hook_reaches_the_sidecar(pod):
    """leave=asked: the hook is answered at once, and the last voter stays."""
    etcd = pod.up()
    hook = pod.containers["etcd"].get("lifecycle", {}).get("preStop", {}).get("exec")
    if hook is None:                                      # leave-first: the launcher asks when SIGTERM comes, then etcd stops
        etcd.terminate()
        etcd.wait(60)
    else:
        assert pod.finish({"name": "hook", "command": hook["command"], "env": pod.containers["etcd"]["env"]}) == 0
        assert etcd.poll() is None
    assert "stay-not-ordered" in pod.log("usher")
    assert "stay-not-ordered" in pod.log("etcd" if hook is None else "hook")


def test_a_step_of_the_chart_that_is_wrong_is_seen(tmp_path):
    """An agent that is told another URL than etcd: the launcher refuses."""
    pod = Pod(tmp_path)
    try:
        for entry in pod.containers["usher"]["env"]:
            if entry["name"] == "USHER_PEER_URL":
                entry["value"] = "http://127.0.0.1:1"
        assert pod.finish(pod.containers["usher-install"]) == 0
        pod.start(pod.containers["usher"])
        pod.wait_for("startup probe", lambda: pod.probe(pod.containers["usher"]["startupProbe"]))
        assert pod.finish(pod.containers["etcd"]) == 3
        assert "the plan is for" in pod.log("etcd")
    finally:
        pod.down()
