#!/usr/bin/env python3
"""Records what real etcd answers, for tests/wire/test_replies.c: `record.py [VERSION...]` (default: 3.4 3.5 3.6 3.7) starts clusters of its own and
writes replies/VERSION/NAME.json = {"path", "request", "status", "body"}, the body as it came, byte for byte. Of /metrics only the families
that the usher could ever read are kept. Fails when etcd did not say what the scene is about, so that no file shows something else."""
import base64
import http.client
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tests/cluster"))
from bed.process import Process, wait_until  # noqa: E402

METRICS_KEPT = ("etcd_network_", "etcd_server_has_leader", "etcd_server_is_leader", "etcd_server_is_learner", "etcd_server_version")


def b64(text):
    return base64.b64encode(text.encode()).decode()


class Etcd:
    def __init__(self, scene, name, number, *flags):
        self.scene, self.name = scene, name
        self.ip = f"127.63.{scene.block}.{number}"
        self.client, self.peer = f"{self.ip}:2379", f"http://{self.ip}:2380"
        self.flags, self.process = flags, None

    def start(self, cluster, state):
        self.process = Process([self.scene.program, f"--name={self.name}", f"--data-dir={self.scene.folder / self.name}",
                                f"--listen-client-urls=http://{self.client}", f"--advertise-client-urls=http://{self.client}",
                                f"--listen-peer-urls={self.peer}", f"--initial-advertise-peer-urls={self.peer}", f"--initial-cluster={cluster}",
                                f"--initial-cluster-state={state}", "--heartbeat-interval=50", "--election-timeout=500", "--logger=zap",
                                *self.flags], self.scene.folder / f"{self.name}.log", {})
        return self

    def call(self, path, body=None, headers=None, method="POST", timeout=30):
        connection = http.client.HTTPConnection(self.ip, 2379, timeout=timeout)
        try:
            text = None if method == "GET" else json.dumps(body or {})
            connection.request(method, path, text, {"Content-Type": "application/json", **(headers or {})})
            reply = connection.getresponse()
            return reply.status, reply.read().decode()
        except (OSError, http.client.HTTPException):
            return 0, ""
        finally:
            connection.close()

    def status(self):
        code, text = self.call("/v3/maintenance/status", timeout=3)
        return json.loads(text) if code == 200 else {}

    @property
    def id(self):
        return self.status()["header"]["member_id"]


class Scene:
    """One version's clusters, and where its replies go."""

    def __init__(self, version, block):
        self.version, self.block = version, block
        self.program = subprocess.run([ROOT / "tests/tools/build-etcd", version], check=True, capture_output=True, text=True).stdout.strip()
        self.folder = Path(tempfile.mkdtemp(prefix="usher-record-"))
        self.target = HERE / "replies" / version
        shutil.rmtree(self.target, ignore_errors=True)
        self.target.mkdir(parents=True)
        self.running = []

    def etcd(self, name, number, *flags):
        self.running.append(Etcd(self, name, number, *flags))
        return self.running[-1]

    def keep(self, name, path, request, status, body):
        (self.target / f"{name}.json").write_text(json.dumps({"path": path, "request": request, "status": status, "body": body}, indent=1) + "\n")

    def record(self, name, at, path, request=None, says="", limit=20, **how):
        """Asks until the answer holds `says` (etcd may first need a moment), then keeps it."""
        last = (0, "")

        def answered():
            nonlocal last
            last = at.call(path, request, **how)
            return last[0] and says in last[1]
        wait_until(answered, lambda: f"{self.version} {name}: wanted '{says}', got {last}", limit, 0.1)
        status, body = last
        self.keep(name, path, request or {}, status, body)
        return body

    def end(self):
        for etcd in self.running:
            if etcd.process is not None:
                etcd.process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


ADD, LIST, PROMOTE, REMOVE = (f"/v3/cluster/member/{verb}" for verb in ("add", "list", "promote", "remove"))
STATUS, RANGE, TRANSFER = "/v3/maintenance/status", "/v3/kv/range", "/v3/maintenance/transfer-leadership"
BARRIER = {"key": b64("etcd-usher/barrier"), "count_only": True}


def learner(etcd):
    return {"peerURLs": [etcd.peer], "isLearner": True}


def record_learners(scene, a, b, c):
    """One voter, a learner that is added, refused, started, promoted."""
    scene.record("list-one", a, LIST, {"linearizable": True}, '"members"')
    scene.record("status-voter", a, STATUS, {}, '"leader"')
    scene.record("range", a, RANGE, BARRIER, '"header"')
    scene.record("bad-urls", a, ADD, {"peerURLs": ["http://127.0.0.1"], "isLearner": True}, "given member URLs are invalid")
    body = scene.record("add-learner", a, ADD, learner(b), '"member"')
    added = json.loads(body)["member"]["ID"]
    time.sleep(1.2)  # the ID is made of the URL and the second: in the same one etcd says "ID already exist"
    scene.record("peer-url-exists", a, ADD, learner(b), "Peer URLs already exists")
    scene.record("too-many-learners", a, ADD, learner(c), "too many learner members")
    scene.record("promote-not-ready", a, PROMOTE, {"ID": added}, "in sync with leader")
    scene.record("list-unstarted", a, LIST, {"linearizable": True}, '"isLearner"')
    b.start(f"a={a.peer},b={b.peer}", "existing")
    scene.record("status-learner", b, STATUS, {}, '"isLearner":true')
    scene.record("learner-refuses-range", b, RANGE, BARRIER, "not supported for learner")
    scene.record("learner-refuses-list", b, LIST, {}, "not supported for learner")
    scene.record("promote-ok", a, PROMOTE, {"ID": added}, '"members"', limit=60)
    scene.record("promote-again", a, PROMOTE, {"ID": added}, "can only promote a learner member")
    scene.record("unhealthy-cluster", a, ADD, learner(c), "unhealthy cluster", limit=4)
    return added


def record_voters(scene, a, b, c, second):
    """Two voters, a third that never starts, and the leader's seat."""
    scene.record("promote-unknown", a, PROMOTE, {"ID": "12345"}, "member not found")
    scene.record("remove-unknown", a, REMOVE, {"ID": "18446744073709551615"}, "member not found")
    body = scene.record("add-voter", a, ADD, {"peerURLs": [c.peer]}, '"member":{', limit=30)
    third = json.loads(body)["member"]["ID"]
    scene.record("not-enough-started", a, REMOVE, {"ID": second}, "not enough started members", limit=30)
    scene.record("remove-ok", a, REMOVE, {"ID": third}, '"members"', limit=30)
    scene.record("not-leader", b, TRANSFER, {"targetID": second}, "not leader")
    scene.record("bad-transferee", a, TRANSFER, {"targetID": "12345"}, "bad leader transferee")
    text = a.call("/metrics", method="GET")[1]
    kept = [line for line in text.splitlines() if line.removeprefix("# HELP ").removeprefix("# TYPE ").startswith(METRICS_KEPT) and "_bucket" not in line]
    assert any(f'Remote="{int(second):x}"' in line for line in kept), kept
    scene.keep("metrics", "/metrics", {}, 200, "\n".join(kept) + "\n")
    scene.keep("metrics-remote", "/metrics", {}, 200, second)  # whom the gauges are about
    scene.record("transfer-ok", a, TRANSFER, {"targetID": second})
    scene.record("list-two", b, LIST, {"linearizable": True}, '"members"')
    scene.record("unknown-path", a, "/v3/no/such/call", {})
    scene.record("wrong-method", a, LIST, method="GET")


def record_no_quorum(scene, a, b):
    b.process.kill()
    wait_until(lambda: not a.status().get("leader"), "the leader is missed")
    scene.record("status-no-leader", a, STATUS, {}, '"raftTerm"')
    for name, path, request in (("no-quorum-range", RANGE, BARRIER), ("no-quorum-add", ADD, {"peerURLs": ["http://127.63.1.99:2380"]})):
        scene.record(name, a, path, request, '"code"', headers={"Grpc-Timeout": "1500m"})


def record_auth(scene):
    a = scene.etcd("auth", 11).start(f"auth=http://127.63.{scene.block}.11:2380", "new")
    wait_until(lambda: a.status().get("leader"), "auth's etcd leads")
    scene.record("auth-not-enabled", a, "/v3/auth/authenticate", {"name": "root", "password": "secret"}, "authentication is not enabled")
    for path, body in (("user/add", {"name": "root", "password": "secret"}), ("role/add", {"name": "root"}),
                       ("user/grant", {"user": "root", "role": "root"}), ("user/add", {"name": "guest", "password": "guest"}), ("enable", {})):
        status, text = a.call(f"/v3/auth/{path}", body)
        assert status == 200, text
    body = scene.record("authenticate-ok", a, "/v3/auth/authenticate", {"name": "root", "password": "secret"}, '"token"')
    root = {"Authorization": json.loads(body)["token"]}
    guest = {"Authorization": json.loads(a.call("/v3/auth/authenticate", {"name": "guest", "password": "guest"})[1])["token"]}
    add = {"peerURLs": ["http://127.63.1.98:2380"], "isLearner": True}
    scene.record("auth-failed", a, "/v3/auth/authenticate", {"name": "root", "password": "wrong"}, "authentication failed")
    scene.record("user-empty", a, ADD, add, "user name is empty")
    scene.record("bad-token", a, ADD, add, "invalid auth token", headers={"Authorization": "no.1"})
    scene.record("permission-denied", a, ADD, add, "permission denied", headers=guest)
    scene.record("barrier-denied", a, RANGE, BARRIER, "permission denied", headers=guest)
    scene.record("auth-list", a, LIST, {"linearizable": True}, '"members"', headers=root)
    scene.record("auth-status", a, STATUS, {}, '"leader"', headers=root)


def record_no_space(scene):
    a = scene.etcd("full", 12, "--quota-backend-bytes=1").start(f"full=http://127.63.{scene.block}.12:2380", "new")
    wait_until(lambda: a.status().get("leader"), "the full etcd leads")
    scene.record("no-space", a, "/v3/kv/put", {"key": b64("a"), "value": b64("a")}, "database space exceeded")
    scene.record("status-no-space", a, STATUS, {}, "NOSPACE")


def main(versions):
    for block, version in enumerate(versions, 1):
        scene = Scene(version, block)
        try:
            a, b, c = (scene.etcd(name, number) for number, name in enumerate("abc", 1))
            a.start(f"a={a.peer}", "new")
            wait_until(lambda: a.status().get("leader"), "a leads")  # noqa: B023
            second = record_learners(scene, a, b, c)
            record_voters(scene, a, b, c, second)
            record_no_quorum(scene, a, b)
            record_auth(scene)
            record_no_space(scene)
        finally:
            scene.end()
        print(f"{version}: {len(list(scene.target.iterdir()))} replies")


if __name__ == "__main__":
    main(sys.argv[1:] or ["3.4", "3.5", "3.6", "3.7"])
