"""The launcher, as etcd's container runs it: a plan in a folder, a small `etcd` that prints what it was given."""
import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAUNCHER = Path(os.environ.get("USHER_BUILD_DIR", ROOT / "build/release")) / "etcd-usher-exec"
PLAN = {
    "format": "1", "state": "start", "reason": "found", "message": "a plan",
    "initial-cluster": "pod-0=http://127.0.0.1:2380,m-a1=http://127.0.0.2:2380", "initial-cluster-state": "existing",
    "initial-cluster-token": "token-1", "name": "pod-0", "data-dir": "/data", "wal-dir": "",
    "initial-advertise-peer-urls": "http://127.0.0.1:2380", "advertise-client-urls": "http://127.0.0.1:2379",
}


@pytest.fixture
def bed(tmp_path):
    (tmp_path / "plan").mkdir()
    etcd = tmp_path / "etcd"
    etcd.write_text('#!/bin/sh\nfor a in "$@"; do echo "arg $a"; done\nenv | grep ^ETCD_ | sort\n[ -z "$EXIT" ] || exit "$EXIT"\n')
    etcd.chmod(0o755)
    return tmp_path


def write_plan(bed, end=True, **changes):
    lines = [f"{key}={value}" for key, value in {**PLAN, **{k.replace("_", "-"): v for k, v in changes.items()}}.items()]
    temporary = bed / "plan/launch.new"
    temporary.write_text("\n".join(lines + (["end=1"] if end else [])) + "\n")
    temporary.rename(bed / "plan/launch")


def run(bed, *args, env=None, before=(), timeout=30):
    environment = {"PATH": f"{bed}:/usr/bin:/bin", "USHER_PLAN_DIR": str(bed / "plan"), **(env or {})}
    return subprocess.run([LAUNCHER, *before, "--", *args], env=environment, capture_output=True, text=True, timeout=timeout)


def start(bed, *args, env=None, before=()):
    environment = {"PATH": f"{bed}:/usr/bin:/bin", "USHER_PLAN_DIR": str(bed / "plan"), **(env or {})}
    return subprocess.Popen([LAUNCHER, *before, "--", *args], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


CLUSTER = PLAN["initial-cluster"]


@pytest.mark.parametrize("args, expected", [
    (["--initial-cluster=x=y"], [f"arg --initial-cluster={CLUSTER}"]),
    (["-initial-cluster=x=y"], [f"arg --initial-cluster={CLUSTER}"]),
    (["--initial-cluster", "x=y"], ["arg --initial-cluster", f"arg {CLUSTER}"]),
    (["-initial-cluster", "x=y"], ["arg -initial-cluster", f"arg {CLUSTER}"]),
    (["--initial-cluster-state=new"], ["arg --initial-cluster-state=existing"]),
    (["--initial-cluster-state", "new"], ["arg --initial-cluster-state", "arg existing"]),
    (["--initial-cluster-token=old"], ["arg --initial-cluster-token=token-1"]),
    (["--initial-cluster=a", "--initial-cluster=b"], [f"arg --initial-cluster={CLUSTER}", f"arg --initial-cluster={CLUSTER}"]),
    ([], [f"ETCD_INITIAL_CLUSTER={CLUSTER}", "ETCD_INITIAL_CLUSTER_STATE=existing", "ETCD_INITIAL_CLUSTER_TOKEN=token-1"]),
    (["--quota-backend-bytes=1"], ["arg --quota-backend-bytes=1", "ETCD_NAME=pod-0", "ETCD_DATA_DIR=/data"]),
])
def test_rewrites(bed, args, expected):
    write_plan(bed)
    result = run(bed, "etcd", *args)
    assert result.returncode == 0, result.stderr
    for line in expected:
        assert line in result.stdout.splitlines()


def test_never_both_flag_and_variable(bed):
    write_plan(bed)
    result = run(bed, "etcd", "--initial-cluster=x", env={"ETCD_INITIAL_CLUSTER": "y", "ETCD_INITIAL_CLUSTER_STATE": "new"})
    lines = result.stdout.splitlines()
    assert not [line for line in lines if line.startswith("ETCD_INITIAL_CLUSTER=")]
    assert "ETCD_INITIAL_CLUSTER_STATE=existing" in lines


@pytest.mark.parametrize("args, env", [
    (["--name=other"], {}), (["--name", "other"], {}), ([], {"ETCD_NAME": "other"}), (["--data-dir=/elsewhere"], {}),
    (["--wal-dir=/wal"], {}), (["--initial-advertise-peer-urls=http://127.0.0.9:2380"], {}), (["--force-new-cluster"], {}),
    (["--discovery=http://x"], {}), ([], {"ETCD_DISCOVERY": "x"}), (["--config-file=/etc/etcd.yml"], {}),
    ([], {"ETCD_CONFIG_FILE": "/etc/etcd.yml"}),
])
def test_refuses_a_difference(bed, args, env):
    write_plan(bed)
    result = run(bed, "etcd", *args, env=env)
    assert result.returncode == 3, result.stderr
    assert "refused" in result.stderr and result.stdout == ""


def test_the_same_values_pass(bed):
    write_plan(bed)
    result = run(bed, "etcd", "--name=pod-0", "--data-dir=/data/", "--initial-advertise-peer-urls=http://127.0.0.1:2380/")
    assert result.returncode == 0, result.stderr


def test_own_config_file_passes_untouched(bed):
    write_plan(bed)
    result = run(bed, "etcd", f"--config-file={bed}/plan/etcd.json")
    assert result.returncode == 0 and "ETCD_INITIAL_CLUSTER" not in result.stdout


@pytest.mark.parametrize("script, expected", [
    ("etcd --initial-cluster=x --snapshot-count 5", f"arg --initial-cluster={CLUSTER}"),
    ("exec etcd --initial-cluster-state new", "arg existing"),
    ("etcd", f"ETCD_INITIAL_CLUSTER={CLUSTER}"),
])
def test_literal_scripts(bed, script, expected):
    write_plan(bed)
    result = run(bed, "sh", "-c", script)
    assert result.returncode == 0, result.stderr
    assert expected in result.stdout.splitlines()


@pytest.mark.parametrize("script", ['etcd --name="$HOSTNAME"', "etcd --initial-cluster=`x`", "etcd; rm x", "etcd | tee log", "etcd 'a b'"])
def test_scripts_of_a_shell_are_refused(bed, script):
    write_plan(bed)
    assert run(bed, "sh", "-c", script).returncode == 3


@pytest.mark.parametrize("code", ["0", "1", "2", "137"])
@pytest.mark.parametrize("before", [(), ("--leave-first",)])
def test_exit_status_is_passed_on(bed, code, before):
    write_plan(bed)
    assert run(bed, "etcd", env={"EXIT": code}, before=before).returncode == int(code)


def wait_for_line(process, part):
    for line in process.stderr:
        if part in line:
            return
    raise AssertionError(f"no line with {part!r}")


def test_waits_for_a_plan_that_comes_late(bed):
    process = start(bed, "etcd")
    wait_for_line(process, "holding etcd back")
    write_plan(bed)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0 and f"ETCD_INITIAL_CLUSTER={CLUSTER}" in out


@pytest.mark.parametrize("changes", [{"state": "hold"}, {"state": "removed"}, {"state": "refused"}, {"format": "2"}, {"end": False}])
def test_holds_etcd_back(bed, changes):
    write_plan(bed, **changes)
    process = start(bed, "etcd")
    wait_for_line(process, "holding etcd back")
    assert process.poll() is None
    write_plan(bed)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0 and "ETCD_NAME=pod-0" in out


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_waiting(bed, number):
    process = start(bed, "etcd")
    wait_for_line(process, "holding etcd back")
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode == 128 + number


def test_a_founding_plan_starts_once(bed):
    write_plan(bed, initial_cluster_state="new")
    assert run(bed, "etcd").returncode == 0
    process = start(bed, "etcd")
    wait_for_line(process, "founded-before")
    process.terminate()
    process.communicate(timeout=30)
    write_plan(bed, initial_cluster_state="existing")
    assert run(bed, "etcd").returncode == 0


@pytest.mark.parametrize("args", [[], ["etcd"], ["--leave-first", "etcd"], ["--", ], ["--what", "--", "etcd"]])
def test_usage(bed, args):
    result = subprocess.run([LAUNCHER, *args], capture_output=True, text=True, timeout=30)
    assert result.returncode == 2 and "usage" in result.stderr


class Sidecar(threading.Thread):
    """Answers one leave on the control socket."""

    def __init__(self, bed, answer):
        super().__init__(daemon=True)
        self.answer, self.asked = answer, None
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(bed / "plan/control.sock"))
        self.listener.listen()
        self.start()

    def run(self):
        client, _ = self.listener.accept()
        self.asked = client.makefile().readline()
        if self.answer is not None:
            client.sendall(self.answer.encode())
            client.close()


def long_etcd(bed):
    (bed / "etcd").write_text("#!/bin/sh\ntrap 'echo got-term; exit 7' TERM\necho started\nwhile :; do sleep 0.05; done\n")


def test_leave_first_asks_then_hands_the_signal_on(bed):
    write_plan(bed)
    long_etcd(bed)
    sidecar = Sidecar(bed, "progress moving the leader\ndone 0 left gone\n")
    process = start(bed, "etcd", before=("--leave-first",))
    assert process.stdout.readline() == "started\n"
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 7 and "got-term" in out and "moving the leader" in err
    assert sidecar.asked == "leave evaluate exec-hook\n"


@pytest.mark.parametrize("has_silent_sidecar", [True, False])
def test_leave_first_without_an_answer(bed, has_silent_sidecar):
    write_plan(bed)
    long_etcd(bed)
    if has_silent_sidecar:
        Sidecar(bed, None)
    process = start(bed, "etcd", before=("--leave-first",), env={"USHER_LEAVE_TIMEOUT": "100ms"})
    assert process.stdout.readline() == "started\n"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 7


@pytest.mark.parametrize("answer, code", [("done 0 left ok\n", 0), ("done 3 stay-never no\n", 3), ("done 4 leave-quorum no\n", 4)])
def test_leave_passes_the_verdict_on(bed, answer, code):
    Sidecar(bed, answer)
    result = subprocess.run([LAUNCHER, "leave"], env={"USHER_PLAN_DIR": str(bed / "plan")}, capture_output=True, timeout=30)
    assert result.returncode == code


def test_leave_without_a_sidecar(bed):
    result = subprocess.run([LAUNCHER, "leave"], env={"USHER_PLAN_DIR": str(bed / "plan")}, capture_output=True, timeout=30)
    assert result.returncode == 1
