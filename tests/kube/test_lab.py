"""The lab itself: what it offers to the other tests, and that nothing of it stays."""
import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from lab import Lab, connect, image_id, make_image, tools_image, with_libraries
from lab.machine import Cgroup, command, wait_until

STATEFUL_SET = {
    "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "web"},
    "spec": {
        "serviceName": "web", "replicas": 2, "podManagementPolicy": "Parallel", "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {
                "terminationGracePeriodSeconds": 1, "securityContext": {"runAsUser": 65532, "fsGroup": 65532, "runAsNonRoot": True},
                "containers": [{
                    "name": "main", "image": "usher-lab-tools:1",
                    "command": ["/bin/sh", "-c", "date +%s >>/data/starts; exec sleep 1000000"],
                    "volumeMounts": [{"name": "data", "mountPath": "/data"}],
                    "readinessProbe": {"exec": {"command": ["/bin/cat", "/data/starts"]}, "periodSeconds": 1}}]}},
        "volumeClaimTemplates": [{
            "metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}]}}
SERVICES = [
    {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {
        "clusterIP": "None", "publishNotReadyAddresses": True, "selector": {"app": "web"}, "ports": [{"name": "http", "port": 80}]}}]


def apply(lab, namespace, *objects):
    lab.kubectl("apply", "-n", namespace, "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}))


def ready_pods(lab, namespace):
    return [pod["metadata"]["name"] for pod in lab.get("pods", "-n", namespace)["items"]
            if any(found["type"] == "Ready" and found["status"] == "True" for found in pod["status"].get("conditions", []))]


def execute(lab, namespace, pod, *args):
    return lab.kubectl("exec", "-n", namespace, pod, "--", *args)


def reaches(address):
    """Nothing listens there; a refusal comes from the pod, silence from nobody."""
    try:
        socket.create_connection((address, 9), timeout=5).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return True


def volumes_of(lab, namespace):
    return [volume for volume in lab.get("pv")["items"] if volume["spec"]["claimRef"]["namespace"] == namespace]


def say(what, began):
    print(f"{what}: {time.monotonic() - began:.1f} s")


def test_a_stateful_set_lives_in_it(lab, namespace):
    print(f"up: {lab.took['up']:.1f} s")
    began = time.monotonic()
    apply(lab, namespace, STATEFUL_SET, *SERVICES)
    lab.wait(lambda: len(ready_pods(lab, namespace)) == 2, "two pods Ready")
    say("apply to Ready", began)

    # Names of pods resolve inside, to the address that everybody sees.
    address = lab.pod_ip("web-1", namespace)
    assert address.startswith(f"10.{lab.addresses.octet + 1}.1.")
    name = f"web-1.web.{namespace}.svc.cluster.local"
    lab.wait(lambda: address in execute(lab, namespace, "web-0", "getent", "ahostsv4", name), f"{name} resolves")
    assert address in execute(lab, namespace, "web-0", "getent", "ahostsv4", "web-1.web")
    with pytest.raises(RuntimeError):
        execute(lab, namespace, "web-0", "getent", "ahostsv4", "web-7.web")
    assert reaches(address)

    # The API answers at its service address: kube-proxy works.
    ask = ("curl", "-sk", "-m", "10", "-o", "/dev/null", "-w", "%{http_code}")
    code = execute(lab, namespace, "web-0", *ask, "https://kubernetes.default/version")
    assert code in ("200", "401"), code

    began = time.monotonic()
    lab.kubectl("scale", "-n", namespace, "statefulset/web", "--replicas=3")
    lab.wait(lambda: len(ready_pods(lab, namespace)) == 3, "three pods Ready")
    say("scale 2 to 3", began)

    # A pod that is made anew finds its volume again.
    lab.kubectl("delete", "pod", "-n", namespace, "web-0")
    lab.wait(lambda: "web-0" in ready_pods(lab, namespace), "web-0 is back")
    assert len(execute(lab, namespace, "web-0", "cat", "/data/starts").split()) == 2

    folders = [Path(volume["spec"]["local"]["path"]) for volume in volumes_of(lab, namespace)]
    assert len(folders) == 3 and all((folder / "starts").exists() for folder in folders)
    began = time.monotonic()
    lab.kubectl("scale", "-n", namespace, "statefulset/web", "--replicas=1")
    lab.wait(lambda: ready_pods(lab, namespace) == ["web-0"], "one pod")
    lab.kubectl("delete", "-n", namespace, "statefulset/web", "pvc/data-web-1", "pvc/data-web-2", "pvc/data-web-0")
    lab.wait(lambda: not volumes_of(lab, namespace), "all volumes are gone")
    assert folders and not [folder for folder in folders if folder.exists()]
    say("scale to 1, delete", began)


def run_once(lab, namespace, name, image, *args, **container):
    """A pod that runs to its end; returns its phase and what it said."""
    container = {"name": "main", "image": image, **({"args": list(args)} if args else {}), **container}
    spec = {"restartPolicy": "Never", "containers": [container]}
    apply(lab, namespace, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec})
    phase = lab.wait(lambda: ended(lab.get("pod", name, "-n", namespace)["status"]), f"the pod {name} ends")
    return phase, lab.kubectl("logs", "-n", namespace, name)


def ended(status):
    return status.get("phase") if status.get("phase") in ("Succeeded", "Failed") else None


def test_etcd_runs_in_an_image_without_a_shell(lab, namespace):
    image = "quay.io/coreos/etcd:v3.6.14"
    apply(lab, namespace, {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "etcd"}, "spec": {"terminationGracePeriodSeconds": 1, "containers": [{
            "name": "etcd", "image": image, "command": ["etcd", "--data-dir=/var/lib/etcd/data"],
            "readinessProbe": {"exec": {"command": ["etcdctl", "endpoint", "health"]}, "periodSeconds": 1, "timeoutSeconds": 5}}]}})
    lab.wait(lambda: ready_pods(lab, namespace), "etcd is Ready")
    assert "etcd" in execute(lab, namespace, "etcd", "etcdctl", "version")
    with pytest.raises(RuntimeError, match="no such file"):
        execute(lab, namespace, "etcd", "/bin/sh", "-c", "true")
    assert run_once(lab, namespace, "other-name", "registry.k8s.io/etcd:3.6.14-0", command=["etcdctl", "version"])[0] == "Succeeded"
    # As with etcd's own images, `args` alone are no command line.
    phase, _ = run_once(lab, namespace, "bad", image, "--data-dir=/var/lib/etcd/data")
    assert phase == "Failed" and 'exec: "--data-dir' in json.dumps(lab.get("pod", "bad", "-n", namespace)["status"]).replace("\\", "")


def test_both_programs_run_in_their_image(lab, namespace):
    phase, said = run_once(lab, namespace, "usher", "etcd-usher:test", "--help")
    assert phase == "Succeeded" and "sidecar" in said
    phase, said = run_once(lab, namespace, "launcher", "etcd-usher:test", command=["etcd-usher-exec"])
    assert phase == "Failed" and "usage" in said, said
    status = lab.get("pod", "usher", "-n", namespace)["status"]["containerStatuses"][0]
    assert status["imageID"] == image_id(lab.usher_tar)


def test_a_pod_may_do_what_its_account_may(lab, namespace):
    apply(lab, namespace, sleeper("asks"))
    lab.wait(lambda: ready_pods(lab, namespace), "the pod is Ready")
    script = ('d=/var/run/secrets/kubernetes.io/serviceaccount; curl -s --cacert $d/ca.crt -o /dev/null -w "%{http_code}" '
              '-H "Authorization: Bearer $(cat $d/token)" https://kubernetes.default.svc/api/v1/namespaces/$(cat $d/namespace)/pods')
    assert execute(lab, namespace, "asks", "sh", "-c", script) == "403"
    lab.kubectl("create", "role", "reader", "-n", namespace, "--verb=list", "--resource=pods")
    lab.kubectl("create", "rolebinding", "reader", "-n", namespace, "--role=reader", f"--serviceaccount={namespace}:default")
    lab.wait(lambda: execute(lab, namespace, "asks", "sh", "-c", script) == "200", "the account may list pods", 20)


def test_an_image_holds_what_it_was_given(lab, namespace):
    tools = {f"/bin/{tool}": Path("/bin", tool) for tool in ("sh", "ls")}
    tar = make_image("registry.example/odd/one:1.0", {
        **with_libraries(*tools.values()), "/etc/word": b"said", "/etc/link": "word", "/spool/empty": None, "/tmp": None},
        ["/bin/sh", "-c"], user="1234", env={"PATH": "/bin", "WORD": "of the image"}, into=lab.folder / "images")
    lab.load_image(tar)
    script = 'read word </etc/link || true; echo "$word $WORD"; ls -nd /tmp /spool/empty /etc/word; : >/tmp/mine && ls -n /tmp/mine'
    phase, said = run_once(lab, namespace, "odd", "registry.example/odd/one:1.0", script)
    lines = said.splitlines()
    assert phase == "Succeeded" and lines[0] == "said of the image", said
    assert [line.split()[0] for line in lines[1:4]] == ["-rw-r--r--", "drwxr-xr-x", "drwxrwxrwt"], said
    assert lines[4].split()[2] == "1234", said


def test_helm_installs_a_chart(lab, namespace, tmp_path):
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text("apiVersion: v2\nname: small\nversion: 1.0.0\n")
    (tmp_path / "templates/map.yaml").write_text(
        'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: small}\n'
        'data: {kube: "{{ .Capabilities.KubeVersion.Version }}", word: {{ .Values.word }}}\n')
    (tmp_path / "values.yaml").write_text("word: first\n")
    assert "v1.34" in lab.helm("template", "x", str(tmp_path))
    lab.helm("install", "x", str(tmp_path), "-n", namespace, "--wait")
    lab.helm("upgrade", "x", str(tmp_path), "-n", namespace, "--set", "word=second")
    assert lab.get("configmap", "small", "-n", namespace)["data"] == {"kube": "v1.34.2", "word": "second"}
    with pytest.raises(RuntimeError, match="no-such-release"):
        lab.helm("status", "no-such-release", "-n", namespace)


def sleeper(name, **spec):
    """A pod that stays, on the node that is named or on any."""
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}}, "spec": {
        "terminationGracePeriodSeconds": 1, **spec, "containers": [
            {"name": "main", "image": "usher-lab-tools:1", "command": ["/bin/sleep", "1000000"]}]}}


def hardware_address(lab, number):
    return json.loads(lab.nodes[number].run("ip", "-j", "link", "show", "eth0"))[0]["address"]


def test_nodes_and_the_api_fail_and_come_back():
    with Lab(node_grace_s=8) as lab:
        lab.up(nodes=2)
        print(f"up, two nodes: {lab.took['up']:.1f} s")
        lab.load_image(tools_image(into=lab.folder / "images"))
        apply(lab, "default", sleeper("one", nodeName="n1"), sleeper("two", nodeName="n2"))
        lab.wait(lambda: len(ready_pods(lab, "default")) == 2, "both pods Ready")
        one, two = lab.pod_ip("one"), lab.pod_ip("two")
        assert reaches(one) and reaches(two)
        addresses = [hardware_address(lab, number) for number in (1, 2)]
        assert addresses[0] != addresses[1]

        began = time.monotonic()
        lab.power_off(2)
        assert not reaches(two) and reaches(one)
        lab.wait_node(2, ready=False)
        say("power off to not Ready", began)
        began = time.monotonic()
        lab.power_on(2)
        lab.wait_node(2)
        lab.wait(lambda: lab.get("pod", "two")["status"]["containerStatuses"][0]["restartCount"] == 1, "its pod runs again")
        lab.wait(lambda: len(ready_pods(lab, "default")) == 2, "its pod is Ready again")
        say("power on to pod Ready", began)
        assert [hardware_address(lab, number) for number in (1, 2)] == addresses  # neighbours find it where it was

        lab.cut_cable(1)
        assert not reaches(one)
        lab.wait_node(1, ready=False)
        lab.mend_cable(1)
        lab.wait_node(1)
        assert reaches(one)

        began = time.monotonic()
        lab.api_stop()
        with pytest.raises(RuntimeError):
            lab.kubectl("get", "nodes", "--request-timeout=5s")
        assert reaches(one)
        lab.api_start()
        say("API stop to start", began)
        assert lab.get("pod", "one")["status"]["containerStatuses"][0]["restartCount"] == 0
    assert lab.leftovers() == []


def test_two_clusters_are_linked():
    with Lab(domain="east.example") as east, Lab(domain="west.example") as west:
        for lab in (east, west):
            lab.up()
            lab.load_image(tools_image(into=lab.folder / "images"))
            apply(lab, "default", sleeper("p-0", hostname="p-0", subdomain="p"), {
                "apiVersion": "v1", "kind": "Service", "metadata": {"name": "p"},
                "spec": {"clusterIP": "None", "selector": {"app": "p-0"}, "ports": [{"port": 80}]}})
        for lab in (east, west):
            lab.wait(lambda lab=lab: ready_pods(lab, "default"), "the pod is Ready")
        assert not pod_reaches(east, west.pod_ip("p-0"))
        link = connect(east, west)
        for near, far in ((east, west), (west, east)):
            address, name = far.pod_ip("p-0"), f"p-0.p.default.svc.{far.domain}"
            near.wait(lambda near=near, name=name, address=address: address in near.kubectl(
                "exec", "p-0", "--", "getent", "ahostsv4", name, check=False), f"{name} resolves in the other cluster", 30)
            assert pod_reaches(near, address)
        link.cut()
        assert not pod_reaches(east, west.pod_ip("p-0"))
        link.mend()
        assert pod_reaches(east, west.pod_ip("p-0"))
        east.down()
        link.close()  # one of its sides is gone, and the link with it
        assert west.links == [] and ready_pods(west, "default")
    assert east.leftovers() == [] and west.leftovers() == []


def pod_reaches(lab, address):
    """From the pod p-0; nothing listens there, so that a refusal (7) is an answer, and silence (28) none."""
    said = lab.kubectl("exec", "p-0", "--", "sh", "-c", f"curl -s -m 3 http://{address}:9/; echo ended $?")
    assert "ended 7" in said or "ended 28" in said, said
    return "ended 7" in said


def host_state():
    """What a lab could change on the host."""
    settings = "vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops net/ipv4/ip_forward kernel/keys/root_maxkeys"
    folders = "/var/lib/kubelet /var/lib/cni /var/log/pods /opt/containerd /usr/libexec/kubernetes /etc/cni /run/netns"
    return {
        "settings": {name: Path("/proc/sys", name).read_text() for name in settings.split()},
        "there": [path for path in folders.split() if Path(path).exists()],
        "rules": subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True, check=True).stdout,
        "mounts": Path("/proc/self/mounts").read_text(), "links": sorted(
            path.name for path in Path("/sys/class/net").iterdir() if not path.name.startswith(("usherlab", "usherbed")))}  # others' come and go


def test_down_leaves_nothing():
    before = host_state()
    with Lab() as lab:
        lab.up()
        lab.load_image(tools_image(into=lab.folder / "images"))
        apply(lab, "default", sleeper("one"), STATEFUL_SET, *SERVICES)
        lab.wait(lambda: len(ready_pods(lab, "default")) == 3, "all pods Ready")
        kinds = {line.split()[0] for line in lab.leftovers()}
        assert kinds == {"cgroup", "folder", "link", "route", "process"}, kinds  # they are seen as long as they are there
    print(f"down with pods: {lab.took['down']:.1f} s")
    assert lab.leftovers() == []
    assert host_state() == before


def test_a_lab_with_a_longer_number_is_no_leftover(tmp_path):
    lab, other = Lab(), "usherlab499"  # as much longer than usherlab49 as no lab's is
    lab.last_index, lab.last_folder = 49, tmp_path / "gone"
    command("ip", "link", "add", other, "up", "type", "bridge")
    try:
        command("ip", "route", "add", "192.0.2.77/32", "dev", other)
        assert lab.leftovers() == []
    finally:
        command("ip", "link", "delete", other)


def test_a_failed_start_leaves_nothing(capsys):
    lab = Lab(apiserver_flags=["--no-such-flag"])
    with pytest.raises(AssertionError, match="API server"):
        lab.up(limit=6)
    assert "unknown flag" in capsys.readouterr().out  # the reason is shown
    assert lab.last_folder and lab.leftovers() == []


def test_a_killed_run_leaves_nothing_running():
    code = "import sys, time; sys.path.insert(0, sys.argv[1]); from lab import Lab; lab = Lab(first_index=40).up(); " \
           "print(lab.index.number, lab.folder, flush=True); time.sleep(1000)"
    with subprocess.Popen([sys.executable, "-c", code, str(Path(__file__).parent)], stdout=subprocess.PIPE, text=True) as run:
        number, folder = run.stdout.readline().split()
        cgroup = Cgroup(f"/usher-lab-{number}")
        assert cgroup.processes()
        run.kill()
        run.wait(15)  # the kernel lets go of its lock on the index only then
    wait_until(lambda: not cgroup.processes(), lambda: f"all its processes ended: {cgroup.processes()}", 15)
    assert Path(folder).exists()
    with Lab(first_index=int(number)) as lab:  # whoever takes its place clears away what could not be
        lab.up()
        assert lab.index.number == int(number) and not Path(folder).exists()
    assert lab.leftovers() == []
