"""Names instead of addresses in all URLs: names that come late, that lead astray, that vanish, and that move to another address."""
import subprocess
import time

import pytest
from bed import Writer
from bed.bed import USHER
from bed.names import Names
from bed.process import wait_until
from test_tls_and_auth import Authority, tls_pod


@pytest.fixture
def names(bed):
    names = Names(bed.address(250), bed.folder)
    yield names
    names.close()


def full_name(pod):
    return f"{pod.name}.{pod.set_name}.test"


def name_pod(pod, names):
    """Its URLs hold names alone; only what it listens at, and its own etcd, are addresses. The name is not known yet."""
    pod.wrap = names.wrap()
    pod.peer = f"http://{full_name(pod)}:2380"
    pod.flags.setdefault("endpoints", ",".join(f"http://{full_name(other)}:2379" for other in pod.bed.seeds_of(pod)))
    pod.flags["client-url"] = f"http://{full_name(pod)}:2379"
    listen_at(pod, pod.ip)


def listen_at(pod, ip):
    pod.ip, pod.client = ip, f"{ip}:2379"
    pod.etcd_flags = [f"--listen-peer-urls=http://{ip}:2380"]


def appear(pod, names):
    names.hosts[full_name(pod)] = [pod.ip]


def named_set(bed, names, size, set_name="west", **how):
    """Names as of a headless service that publishes all pods: each can be found once its pod runs."""
    pods = bed.set(size, set_name, **how)
    for pod in pods:
        name_pod(pod, names)
    return pods


def grow(bed, names, pods):
    for pod in pods:
        appear(pod, names)
    return bed.grow(pods)


def is_waiting_for(pod, word):
    return lambda: f'"reason":"{word}"' in (pod.folder / "init.log").read_text()


def finish(pod, limit=90):
    wait_until(pod.go_on, lambda: f"init ends: {pod.starting.tail()}", limit)
    pod.wait_ready()


def test_names_in_all_urls(bed, names):
    """Found, join, promote, leave; nobody ever needs an address."""
    pods = grow(bed, names, named_set(bed, names, 3))
    writer = Writer(lambda: [pod.client for pod in pods])
    writer.start()
    leader = next(pod for pod in pods if pod.member_id == int(pods[0].status()["leader"]))
    pods.remove(leader)
    leader.stop()
    bed.check(pods, writer)
    urls = [url for member in bed.members(pods[0]) for url in member["peerURLs"] + member["clientURLs"]]
    assert urls and not [url for url in urls if ".west.test:" not in url]


def test_a_name_that_comes_late(bed, names):
    """The seeds' names are unknown, then known: the joiner waits, says for what, and joins as soon as it can."""
    home = grow(bed, names, named_set(bed, names, 1))
    del names.hosts[full_name(home[0])]
    joiner = bed.pod("etcd-0", "east", join=home, bootstrap="never", set_record=f"file:{bed.record_path('west')}", pod_name="etcd-1")
    name_pod(joiner, names)
    appear(joiner, names)
    joiner.begin()
    wait_until(is_waiting_for(joiner, "record-has-cluster"), "init waits")
    asked = names.asked[full_name(home[0])]
    wait_until(lambda: names.asked[full_name(home[0])] > asked, "it asks again")
    assert joiner.starting.is_running
    appear(home[0], names)
    finish(joiner, limit=20)
    bed.check([*home, joiner])


def test_a_name_of_nothing_founds_nothing(bed, names):
    """bootstrap=never, an empty record, names that nobody knows: waits, and goes on waiting."""
    pod, = named_set(bed, names, 1, bootstrap="never")
    pod.flags["endpoints"] = "http://nobody.test:2379,dns:nobody.test:2379,srv:nobody.test"
    pod.new_life()
    waited = pod.init("--timeout=2s")
    assert waited.returncode == 4 and "wait-for-cluster" in waited.stderr, waited.stderr
    assert "nobody.test" in waited.stderr
    assert not bed.record_path("west").exists()


def test_a_name_that_leads_to_another_cluster(bed, names):
    """The seed's name belongs to a stranger: refused, with both IDs; nothing was added there. With the right name it joins."""
    home = grow(bed, names, named_set(bed, names, 2)[:1])
    joiner = bed.pods[1]
    appear(joiner, names)
    stranger, = named_set(bed, names, 1, "strangers", set_record=None, bootstrap="once:etcd-0")
    appear(stranger, names)
    stranger.start_and_wait()
    names.hosts[full_name(home[0])] = [stranger.ip]
    joiner.new_life()
    refused = joiner.init()
    assert refused.returncode == 3 and "clusters-disagree" in refused.stderr, refused.stderr
    assert len(bed.members(stranger)) == 1 and len(bed.members(home[0])) == 1
    appear(home[0], names)
    joiner.start_and_wait()
    bed.check([*home, joiner])


def test_a_name_that_leads_into_the_void(bed, names):
    """The seed's name points to an address where nothing is, while init waits it is corrected: no stale answer holds it up."""
    home = grow(bed, names, named_set(bed, names, 2)[:1])
    joiner = bed.pods[1]
    appear(joiner, names)
    names.hosts[full_name(home[0])] = [bed.address(200)]
    joiner.begin()
    wait_until(is_waiting_for(joiner, "record-has-cluster"), "init waits")
    appear(home[0], names)
    began = time.monotonic()
    finish(joiner)
    took = time.monotonic() - began
    bed.check([*home, joiner])
    assert took < 30, f"ready only {took:.0f} s after the name was right"


@pytest.mark.parametrize("silent", [pytest.param(False, id="unknown", marks=pytest.mark.slow), pytest.param(True, id="unanswered")])
def test_names_that_vanish(bed, names, silent):
    """All names are gone, or the name server is: members with data start within seconds (I10), and it heals when the names are back."""
    pods = grow(bed, names, named_set(bed, names, 3, leave="asked"))
    before = [pod.member_id for pod in pods]
    for pod in pods:
        pod.kill()
    known = dict(names.hosts)
    names.hosts.clear()
    names.silent.update({"*"} if silent else ())
    for pod in pods:
        began = time.monotonic()
        pod.start()
        took = time.monotonic() - began
        assert took < 10, f"{pod.name}: init took {took:.1f} s with data on its volume"
    names.hosts.update(known)
    names.silent.clear()
    bed.check(pods)
    assert [pod.member_id for pod in pods] == before


def test_names_vanish_under_a_running_cluster(bed, names):
    """Members that are connected stay so; readiness does not hang on the resolver."""
    pods = grow(bed, names, named_set(bed, names, 3, leave="asked"))
    known = dict(names.hosts)
    names.hosts.clear()
    names.silent.add("*")
    began = time.monotonic()
    lowest = 200
    while time.monotonic() - began < 6:  # longer than what a readiness lasts, and than a look
        lowest = max([lowest] + [pod.probe()[0] for pod in pods])
    names.hosts.update(known)
    names.silent.clear()
    bed.check(pods)
    assert lowest == 200


def test_a_pod_comes_back_at_another_address(bed, names):
    """The same name, another address, as pods do: the same member; and a colleague that leaves right after counts it as healthy."""
    pods = grow(bed, names, named_set(bed, names, 3, leave="asked"))
    before = pods[1].member_id
    pods[1].stop()
    listen_at(pods[1], bed.address(100))
    appear(pods[1], names)
    pods[1].start_and_wait()
    bed.check(pods)
    assert pods[1].member_id == before
    began = time.monotonic()
    ordered = subprocess.run([USHER, "leave", f"--plan-dir={pods[2].plan}"], capture_output=True, text=True, timeout=90)
    took = time.monotonic() - began
    assert ordered.returncode == 0, ordered.stderr
    pods[2].stop()
    bed.check(pods[:2])
    assert took < 15, f"it left only after {took:.0f} s"


@pytest.mark.slow
def test_dns_form(bed, names):
    """--endpoints=dns:NAME:PORT: one name, the addresses of all pods that run."""
    pods = named_set(bed, names, 3, endpoints="dns:all.west.test:2379")
    for pod in pods:
        appear(pod, names)
        names.hosts["all.west.test"] = [other.ip for other in pods[:pods.index(pod) + 1]]
        pod.start_and_wait()
    bed.check(pods)
    pods[0].stop()
    names.hosts["all.west.test"] = [pod.ip for pod in pods[1:]]
    bed.check(pods[1:])


def test_dns_form_with_certificates(bed, names):
    """dns: behind TLS: at each address the certificate must hold the name, in every call, from the look to the removal; no address is in it."""
    authority = Authority(bed.folder, "ours")
    pods = []
    for number in range(3):
        host = f"etcd-{number}.west.test"
        server = authority.sign(f"server-{number}", "/O=etcd", f"subjectAltName=DNS:all.west.test,DNS:{host}\nextendedKeyUsage=serverAuth,clientAuth\n")
        pod = tls_pod(bed, authority, server, f"etcd-{number}", **authority.client(), endpoints="dns:all.west.test:2379")
        pod.wrap = names.wrap()
        pod.flags.update({"client-url": f"https://{host}:2379", "local-endpoint": f"https://{host}:2379"})
        pod.etcd_flags[1] = f"--advertise-client-urls=https://{host}:2379"
        pods.append(pod)
    for pod in pods:
        appear(pod, names)
        names.hosts["all.west.test"] = [other.ip for other in pods]
        pod.start_and_wait()
    bed.check(pods)
    pods[0].stop()
    bed.check(pods[1:])


def test_srv_form(bed, names):
    """--endpoints=srv:DOMAIN, as etcdctl's --discovery-srv."""
    pods = named_set(bed, names, 3, endpoints="srv:west.test")
    for pod in pods:
        appear(pod, names)
        names.services["_etcd-client._tcp.west.test"] = [(2379, full_name(other)) for other in pods]
        pod.start_and_wait()
    bed.check(pods)


def test_a_resolver_that_hangs_is_no_empty_place(bed, names):
    """Names that nobody answers stand before the address of a living cluster: it is asked all the same, and nobody founds beside it."""
    home = grow(bed, names, named_set(bed, names, 1))
    names.silent.update({"a.test", "b.test", "c.test", "_etcd-client-ssl._tcp.d.test"})
    east = bed.pod("etcd-0", "east", join=home)
    name_pod(east, names)
    appear(east, names)
    east.flags["endpoints"] = f"dns:a.test:2379,dns:b.test:2379,http://c.test:2379,srv:d.test,http://{home[0].client}"
    east.start_and_wait()
    bed.check([*home, east])


@pytest.mark.parametrize("form", ["http://{}:2379", "dns:{}:2379"], ids=["url", "dns"])
def test_a_name_server_that_fails_is_no_empty_place(bed, names, form):
    """The resolver says that it cannot tell: nobody founds on that. Once it says that there is no such name, the founder founds."""
    pod, = named_set(bed, names, 1, endpoints=form.format("seed.test"))
    appear(pod, names)
    names.failing.add("seed.test")
    pod.begin()
    wait_until(lambda: names.asked["seed.test"] > 6, "init has asked several times")
    assert pod.starting.is_running, pod.starting.tail()
    assert not bed.record_path("west").exists()
    names.failing.clear()
    finish(pod)
    bed.check([pod])
