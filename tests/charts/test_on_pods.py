"""The chart on real pods, for what only the chart can get wrong: certificates and passwords, both modes, a move; each with `helm test`.

How the agent decides is the business of tests/kube; here it has no API (`usher.api=false`), so that nothing but the chart is in question."""
import json
import subprocess

import pytest

import charts

IMAGES = "usher.image.repository=etcd-usher,usher.image.tag=test,image.repository=quay.io/coreos/etcd,image.tag=v3.6.14"
ALONE = "usher.api=false,usher.leave=always"


class Release:
    """A release `etcd` in a namespace of its own, at the level `restricted`."""

    def __init__(self, lab, namespace):
        self.lab, self.namespace = lab, namespace
        lab.kubectl("create", "namespace", namespace)
        lab.kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")

    def install(self, *sets, verb="install"):
        words = [word for one in (IMAGES, *sets) for word in ("--set", one)]
        return self.lab.helm(verb, "etcd", charts.CHART, "-n", self.namespace, *words)

    def ready(self, count, limit=300):
        def found():
            items = [pod for pod in self.lab.get("pods", "-n", self.namespace)["items"] if pod["metadata"]["labels"]["app.kubernetes.io/component"] == "etcd"]
            return len(items) == count and all(any(condition["type"] == "Ready" and condition["status"] == "True" for condition in pod["status"].get("conditions", []))
                                               for pod in items)
        self.lab.wait(found, f"{count} pods Ready in {self.namespace}", limit)

    def scale(self, count):
        self.lab.kubectl("scale", "statefulset/etcd", f"--replicas={count}", "-n", self.namespace)
        self.ready(count)

    def members(self, *flags):
        said = self.lab.kubectl("exec", "-n", self.namespace, "etcd-0", "-c", "etcd", "--", "etcdctl", *flags, "member", "list", "-w", "json")
        return sorted(url.split("//")[1].split(".svc")[0] for member in json.loads(said)["members"] if not member.get("isLearner") for url in member["peerURLs"])

    def helm_test(self):
        assert "Phase:          Succeeded" in self.lab.helm("test", "etcd", "-n", self.namespace)

    def secret(self, name, **files):
        self.lab.kubectl("create", "secret", "generic", name, "-n", self.namespace, *[f"--from-file={key.replace('_', '.')}={path}" for key, path in files.items()])


def sign(folder, name, subject, extension):
    files = {kind: str(folder / f"{name}.{kind}") for kind in ("key", "csr", "crt", "ext")}
    (folder / f"{name}.ext").write_text(extension)
    charts.output_of("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", files["key"], "-subj", subject, "-out", files["csr"])
    charts.output_of("openssl", "x509", "-req", "-in", files["csr"], "-CA", str(folder / "ca.crt"), "-CAkey", str(folder / "ca.key"), "-CAcreateserial", "-days", "2",
                     "-out", files["crt"], "-extfile", files["ext"])
    return files


@pytest.mark.parametrize("name, words", [("plain", "usher.mode=plain"), ("leave-first", "usher.leaveBy=leave-first,persistence.enabled=false")])
def test_the_other_modes(pods, name, words):
    release = Release(pods, f"mode-{name}")
    release.install(f"replicaCount=3,{ALONE},usher.bootstrap=once:etcd-0,{words}")
    release.ready(3)
    release.helm_test()
    status = json.loads(pods.kubectl("exec", "-n", release.namespace, "etcd-0", "-c", "usher", "--", "etcd-usher", "status"))     # as the notes say
    assert len(status["cluster"]["members"]) == 3
    release.scale(1)
    assert release.members() == [f"etcd-0.etcd-headless.mode-{name}"]
    pods.kubectl("delete", "namespace", f"mode-{name}", "--wait=false")


def test_certificates_and_a_password(pods, tmp_path):
    """The names in the certificates, and the steps of the README and the notes, in their order."""
    release = Release(pods, "tls")
    domain = "etcd-headless.tls.svc.cluster.local"
    charts.output_of("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(tmp_path / "ca.key"), "-out", str(tmp_path / "ca.crt"), "-days", "2", "-subj", "/CN=ca")
    server = sign(tmp_path, "server", "/CN=etcd", f"subjectAltName=DNS:*.{domain},DNS:{domain},DNS:etcd.tls.svc.cluster.local,DNS:localhost,IP:127.0.0.1\n"
                                                  "extendedKeyUsage=serverAuth,clientAuth\n")
    client = sign(tmp_path, "client", "/", "extendedKeyUsage=clientAuth\n")
    (tmp_path / "password").write_text("secret")
    for name in ("etcd-server", "etcd-peer"):
        release.secret(name, tls_crt=server["crt"], tls_key=server["key"], ca_crt=tmp_path / "ca.crt")
    release.secret("etcd-client", tls_crt=client["crt"], tls_key=client["key"])
    release.secret("etcd-root", password=tmp_path / "password")
    values = (f"replicaCount=1,{ALONE},usher.bootstrap=once:etcd-0,auth.enabled=true,auth.existingSecret=etcd-root", "tls.peer.enabled=true,tls.peer.existingSecret=etcd-peer",
              "tls.client.enabled=true,tls.client.existingSecret=etcd-server,tls.client.clientCertAuth=true,tls.usher.existingSecret=etcd-client")
    notes = release.install(*values)
    release.ready(1)
    steps = [line.strip() for line in notes.splitlines() if any(part in line for part in (" user add ", " user grant-role ", " auth enable"))]
    assert len(steps) == 3
    for step in steps:
        done = subprocess.run(step.replace("PASSWORD", "secret"), shell=True, env=pods.env(), timeout=120, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (step, done.stderr)
    release.scale(3)
    release.install(*values, "replicaCount=3", verb="upgrade")
    release.helm_test()
    release.scale(2)
    pods.kubectl("delete", "namespace", "tls", "--wait=false")


def test_a_move(pods):
    """Two releases of one name; the old side ends at 0, and the new one has all of the voters."""
    west, east = Release(pods, "west"), Release(pods, "east")
    west.install(f"replicaCount=3,{ALONE},usher.bootstrap=once:etcd-0")
    west.ready(3)
    urls = ",".join(f"http://etcd-{i}.etcd-headless.west.svc.cluster.local:2379" for i in range(3))
    east.install(f"replicaCount=3,{ALONE},join.endpoints={{{urls}}}")
    east.ready(3)
    assert east.members() == sorted(f"etcd-{i}.etcd-headless.{side}" for side in ("east", "west") for i in range(3))
    west.scale(0)
    assert east.members() == [f"etcd-{i}.etcd-headless.east" for i in range(3)]
    east.helm_test()
    for side in ("west", "east"):
        pods.kubectl("delete", "namespace", side, "--wait=false")
