"""The other forms of the plan: a whole config file, an environment file, one container for init and sidecar."""
import json
import subprocess

from bed.process import Process, wait_until


def test_render_config_starts_etcd(bed):
    """init --render-config: etcd.json alone starts etcd, with its gateway on (3.4 turns it off with a config file)."""
    pods = bed.set(2)
    for pod in pods:
        pod.new_life()
        pod.env_extra = {"ETCD_LISTEN_CLIENT_URLS": f"http://{pod.client}", "ETCD_LISTEN_PEER_URLS": pod.peer, "ETCD_SNAPSHOT_COUNT": "5000",
                         "ETCD_LOGGER": "zap", "ETCD_HEARTBEAT_INTERVAL": "50", "ETCD_ELECTION_TIMEOUT": "500"}
        result = pod.init("--render-config")
        assert result.returncode == 0, result.stderr
        config = json.loads((pod.plan / "etcd.json").read_text())
        assert config["enable-grpc-gateway"] is True and config["snapshot-count"] == 5000
        pod.etcd = Process([bed.etcd_of(pod.version), f"--config-file={pod.plan}/etcd.json"], pod.folder / "etcd.log", {})
        pod.start_sidecar()
        pod.wait_ready()
    bed.check(pods)


def test_render_config_needs_all_settings(bed):
    """A partial config file would silently drop TLS: refused, with what is missing."""
    pod = bed.set(1)[0]
    pod.new_life()
    result = pod.init("--render-config", "--timeout=2s")
    assert result.returncode == 4 and "ETCD_LISTEN_CLIENT_URLS" in result.stderr and not (pod.plan / "launch").exists()


def test_environment_file_in_a_shell(bed):
    """etcd.env: `.` in a shell starts the same member; quotes in values survive."""
    pod = bed.set(1)[0]
    pod.new_life()
    pod.flags["initial-cluster-token"] = "it's a token"
    assert pod.init().returncode == 0
    shown = subprocess.run(["sh", "-c", f'set -a; . {pod.plan}/etcd.env; echo "$ETCD_INITIAL_CLUSTER_TOKEN"'], capture_output=True, text=True)
    assert shown.stdout.startswith("it's a token-")
    command = f"set -a; . {pod.plan}/etcd.env; exec {bed.etcd_of(pod.version)} --listen-peer-urls={pod.peer} --listen-client-urls=http://{pod.client}"
    pod.etcd = Process(["sh", "-c", command], pod.folder / "etcd.log", {})
    pod.start_sidecar()
    pod.wait_ready()
    bed.check([pod])


def test_sidecar_with_init(bed):
    """One native sidecar does both: /startupz turns green with the plan, then as ever."""
    pods = bed.set(2)
    for pod in pods:
        pod.new_life()
        pod.start_sidecar("--with-init")
        wait_until(lambda: pod.probe("/startupz")[0] == 200, "startupz is green")
        pod.start_etcd()
        pod.wait_ready()
    bed.check(pods)
    pods[1].sidecar.kill()  # the sidecar alone restarts: etcd keeps running
    before = pods[1].member_id
    pods[1].start_sidecar("--with-init")
    pods[1].wait_ready()
    bed.check(pods)
    assert pods[1].member_id == before


def test_metrics_and_status(bed):
    """What a person and Prometheus read."""
    pods = bed.grow(bed.set(2))
    status, text = pods[0].probe("/metrics")
    assert status == 200
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    status, text = pods[0].probe("/status")
    assert status == 200 and json.loads(text)["name"] == "etcd-0"
    assert pods[0].probe("/version")[0] == 200 and pods[0].probe("/healthz")[0] == 200
    assert "[+]" in pods[0].probe("/readyz?verbose")[1]
    bed.check(pods)
