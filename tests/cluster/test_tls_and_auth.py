"""etcd behind TLS with client certificates, and with its own users: the same lives, and no way in that leads to a second cluster."""
import json
import subprocess
import time

import pytest
from bed import Writer, call
from bed import client as plain
from bed.bed import USHER
from bed.process import wait_until


class Authority:
    """A CA of the test's own, and what it signs."""

    def __init__(self, folder, name):
        self.folder = folder / name
        self.folder.mkdir()
        self.ca = self.folder / "ca.crt"
        self.openssl("req", "-x509", *self.new_key("ca"), "-days", "2", "-subj", f"/O={name}", "-out", self.ca)

    def openssl(self, *args):
        subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True, timeout=60)

    def new_key(self, name):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", self.folder / f"{name}.key"]

    def sign(self, name, subject, extensions):
        request, text = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        self.openssl("req", *self.new_key(name), "-subj", subject, "-out", request)
        text.write_text(extensions)
        self.openssl("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self.folder / "ca.key", "-CAcreateserial", "-days", "2",
                     "-extfile", text, "-out", self.folder / f"{name}.crt")
        return {"cert": self.folder / f"{name}.crt", "key": self.folder / f"{name}.key"}

    def server(self, addresses):
        names = ",".join(f"IP:{address}" for address in addresses)
        return self.sign("server", "/O=etcd", f"subjectAltName={names}\nextendedKeyUsage=serverAuth,clientAuth\n")

    def client(self, subject="/O=usher"):
        return self.sign("client", subject, "extendedKeyUsage=clientAuth\n")


def tls_pod(bed, authority, server, name, **flags):
    """Its clients' port speaks TLS and asks for a certificate; a second, plain one is for the test's eyes alone."""
    pod = bed.pod(name, **flags)
    url = f"https://{pod.ip}:2379"
    pod.secure = url
    pod.client = f"{pod.ip}:2377"
    pod.flags.update({"client-url": url, "local-endpoint": url, "cacert": authority.ca})
    pod.etcd_flags = [f"--listen-client-urls={url},http://{pod.client}", f"--advertise-client-urls={url}", f"--cert-file={server['cert']}",
                      f"--key-file={server['key']}", f"--trusted-ca-file={authority.ca}", "--client-cert-auth"]
    return pod


def tls_set(bed, authority, size, credentials, **flags):
    server = authority.server([bed.address(number) for number in range(1, size + 3)])
    pods = [tls_pod(bed, authority, server, f"etcd-{i}", **credentials, **flags) for i in range(size)]
    for pod in pods:
        pod.flags["endpoints"] = ",".join(other.secure for other in pods)
    return pods


def assert_waits(bed, pod, *words):
    """init ends by its --timeout with 4 and a word about why; nothing was founded, nothing was added, nothing stands in its record."""
    pod.new_life()
    result = pod.init("--timeout=4s")
    assert result.returncode == 4, result.stderr
    for word in words:
        assert word in result.stderr, result.stderr
    assert '"reason":"found"' not in result.stderr and '"reason":"claim"' not in result.stderr
    assert pod.launch().get("initial-cluster-state", "") == "" if (pod.plan / "launch").exists() else True
    record = bed.record_path(pod.set_name)
    assert not record.exists() or not json.loads(record.read_text()).get("claim"), record.read_text()


def test_client_certificates(bed):
    """Found, join, promote, leave, all of it over TLS with client certificates."""
    authority = Authority(bed.folder, "ours")
    pods = tls_set(bed, authority, 3, authority.client("/O=usher/CN=usher"))
    pods[0].start_and_wait()
    alive = [pods[0]]
    writer = Writer(lambda: [pod.client for pod in alive])
    writer.start()
    for pod in pods[1:]:
        pod.start_and_wait()
        alive.append(pod)
    alive.remove(pods[0])
    pods[0].stop()  # the leader, most likely
    bed.check(pods[1:], writer)


def test_a_refused_certificate_is_no_empty_place(bed):
    """A wrong CA, no certificate of ours, another's certificate, plain HTTP to a TLS port: somebody lives there, so nobody founds."""
    authority, stranger = Authority(bed.folder, "ours"), Authority(bed.folder, "theirs")
    mine, theirs = authority.client(), stranger.client()
    [home] = tls_set(bed, authority, 1, mine)
    home.start_and_wait()
    port = home.secure.removeprefix("https://")
    wrong = {
        "wrong-ca": {"cacert": stranger.ca, **mine},
        "no-certificate": {"cacert": authority.ca},
        "their-certificate": {"cacert": authority.ca, **theirs},
        "no-tls": {"endpoints": f"http://{port}"},
        "wrong-name": {"cacert": authority.ca, "tls-server-name": "etcd.example.org", **mine},
    }
    for name, flags in wrong.items():
        word = "something-answers" if name != "no-tls" else "does it want https"
        assert_waits(bed, bed.pod("etcd-9", name, **{"endpoints": home.secure, **flags}), word)
        once = bed.pod("etcd-9", name, **{"endpoints": home.secure, "set-record": None, "bootstrap": "once:etcd-9", **flags})
        assert_waits(bed, once, word)
    assert len(bed.members(home)) == 1
    bed.check([home])


def login(pod, password="secret"):
    """The test's own calls carry a token from now on (tokens are not part of a snapshot: a member that came later knows only later ones).
    A login is a proposal, and raft may lose one that a follower forwards: etcd then waits 7 s and says nothing. At a follower just after a
    restart 3.4 gave no answer within 5 s in 2 of 18 runs; that this was why is read from its log, not traced. So it is asked again."""
    def token():
        try:
            return call(pod.client, "/v3/auth/authenticate", {"name": "root", "password": password}, timeout=2.0)["token"]
        except OSError:
            return None
    plain.HEADERS["Authorization"] = wait_until(token, f"{pod.name} takes a login", 15)


def enable_auth(pod):
    for path, body in (("user/add", {"name": "root", "password": "secret"}), ("role/add", {"name": "root"}),
                       ("user/grant", {"user": "root", "role": "root"}), ("enable", {})):
        call(pod.client, f"/v3/auth/{path}", body)
    login(pod)


@pytest.fixture
def secret(bed, monkeypatch):
    path = bed.folder / "password"
    path.write_text("secret\n")
    monkeypatch.setenv("ETCDCTL_USER", "root:secret")  # of the bed's own etcdctl
    yield path
    plain.HEADERS.clear()


def check_with_auth(bed, pods, writer=None):
    login(pods[0])
    bed.check(pods, writer)


def test_users_and_passwords(bed, secret):
    """With etcd's auth on: join, promote, leave; and a restart, after which etcd knows none of its old tokens."""
    pods = bed.set(3, user="root", password_file=secret)
    pods[0].start_and_wait()
    enable_auth(pods[0])
    for pod in pods[1:]:
        began = time.monotonic()
        pod.start_and_wait()
        print(f"{pod.name} was ready after {time.monotonic() - began:.1f} s")
    check_with_auth(bed, pods)
    for pod in pods:  # one after the other: each forgets its tokens
        pod.etcd.stop()
        pod.start_etcd()
        pod.wait_ready()
    login(pods[0])
    leader = int(pods[0].status()["leader"])
    leaving = next(pod for pod in pods if pod.member_id == leader)
    leaving.stop()
    rest = [pod for pod in pods if pod is not leaving]
    wait_until(lambda: all(pod.probe()[0] == 200 for pod in rest), "the rest is ready")
    check_with_auth(bed, rest)
    assert "left" in (leaving.folder / "sidecar.log").read_text()


def test_a_wrong_password_changes_nothing(bed, secret):
    """It waits, and says that it is the password."""
    pods = bed.set(2, user="root", password_file=secret)
    pods[0].start_and_wait()
    enable_auth(pods[0])
    wrong = bed.folder / "wrong"
    wrong.write_text("guess\n")
    pods[1].flags["password-file"] = wrong
    pods[1].new_life()
    result = pods[1].init("--timeout=4s")
    assert result.returncode == 4, result.stderr
    assert "authentication failed" in result.stderr, result.stderr
    assert len(bed.members(pods[0])) == 1
    pods[1].flags["password-file"] = secret
    pods[1].start_and_wait()
    check_with_auth(bed, pods)


def test_tls_and_users(bed, secret):
    """Both: etcd's gateway then takes no certificate with a common name, and says so; one without is fine."""
    authority = Authority(bed.folder, "ours")
    pods = tls_set(bed, authority, 2, authority.client("/O=usher"), user="root", password_file=secret)
    pods[0].start_and_wait()
    enable_auth(pods[0])
    good = {key: pods[1].flags[key] for key in ("cert", "key")}
    pods[1].flags.update(authority.sign("named", "/O=usher/CN=usher", "extendedKeyUsage=clientAuth\n"))
    pods[1].new_life()
    result = pods[1].init("--timeout=4s")
    assert result.returncode == 4, result.stderr
    assert "CommonName" in result.stderr, result.stderr
    pods[1].flags.update(good)
    pods[1].start_and_wait()
    check_with_auth(bed, pods)
    ordered = subprocess.run([USHER, "leave", f"--plan-dir={pods[1].plan}"], capture_output=True, text=True, timeout=60)
    assert ordered.returncode == 0, ordered.stderr
    pods[1].stop()
    check_with_auth(bed, pods[:1])
