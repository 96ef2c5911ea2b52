"""Pods in network namespaces of their own, joined by a switch; links that are cut, and ways on which packets vanish.

A namespace lives as long as the process that holds it, and that ends with the test, however the test ends: nothing is ever left behind."""
import dataclasses
import os
import subprocess

from .process import Process, wait_until

SWITCH_NUMBER = 30          # of the 32 addresses of a block, the machine's own is the last but one
NOWHERE = "02:00:00:00:00:01"  # nobody's hardware address


def is_possible():
    """Root, with the right to make namespaces and links."""
    trial = ["unshare", "--net", "sh", "-c", "ip link add name trial type bridge && ip link add name one type veth peer name other"]
    return os.geteuid() == 0 and subprocess.run(trial, capture_output=True, timeout=20).returncode == 0


def run(*words, net=None):
    command = ["nsenter", f"--net=/proc/{net.popen.pid}/ns/net", *words] if net else list(words)
    result = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert result.returncode == 0, f"{' '.join(map(str, words))}: {result.stderr}"


@dataclasses.dataclass(frozen=True)
class Side:
    """One of a pod's addresses, for swallow() and let_through()."""
    ip: str


class Network:
    def __init__(self, bed):
        self.bed, self.holders, self.inner = bed, {}, {}
        self.link = f"usherbed{bed.block}"
        bed.address = self.address
        self.switch = self.hold("switch")
        run("ip", "link", "add", "name", "switch", "type", "bridge", net=self.switch)
        run("ip", "link", "set", "dev", "switch", "up", net=self.switch)
        wait_until(lambda: not self.machine_has_link(), "the last run's link is gone")
        run("ip", "link", "add", "name", self.link, "type", "veth", "peer", "name", "uplink", "netns", str(self.switch.popen.pid))
        self.plug("uplink")
        run("ip", "address", "add", f"{self.address(SWITCH_NUMBER)}/27", "dev", self.link)
        run("ip", "link", "set", "dev", self.link, "up")

    def address(self, number):
        """Of a range that is set aside for measuring (RFC 2544): no real network is hidden by it."""
        assert number <= SWITCH_NUMBER
        at = self.bed.block * 32 + number + (0 if number == SWITCH_NUMBER else 1)
        return f"198.{18 + at // 65536}.{at // 256 % 256}.{at % 256}"

    def machine_has_link(self):
        return os.path.exists(f"/sys/class/net/{self.link}")

    def hold(self, name):
        own = os.readlink("/proc/self/ns/net")
        holder = Process(["unshare", "--net", "sleep", "infinity"], self.bed.folder / f"{name}.net.log", {})
        wait_until(lambda: os.readlink(f"/proc/{holder.popen.pid}/ns/net") != own, "the namespace")
        return holder

    def plug(self, end):
        run("ip", "link", "set", "dev", end, "master", "switch", "up", net=self.switch)

    def connect(self, *pods):
        """Each pod's processes live in a namespace of their own from now on, with its address on a link to the switch."""
        for pod in pods:
            net = self.hold(f"{pod.set_name}-{pod.name}")
            end = f"pod{pod.ip.rsplit('.', 1)[1]}"
            run("ip", "link", "add", "name", end, "type", "veth", "peer", "name", "eth0", "netns", str(net.popen.pid), net=self.switch)
            self.plug(end)
            run("ip", "address", "add", f"{pod.ip}/27", "dev", "eth0", net=net)
            for name in ("lo", "eth0"):
                run("ip", "link", "set", "dev", name, "up", net=net)
            pod.wrap = ["nsenter", f"--net=/proc/{net.popen.pid}/ns/net"]
            self.holders[pod], self.inner[pod] = net, end
        return pods

    def cut(self, pod):
        """The cable is out: nothing reaches it, it reaches nobody."""
        run("ip", "link", "set", "dev", self.inner[pod], "down", net=self.switch)

    def mend(self, pod):
        run("ip", "link", "set", "dev", self.inner[pod], "up", net=self.switch)

    def swallow(self, pod, *others):
        """What this pod sends to those vanishes, the answers to what they ask included; the machine still reaches all."""
        for other in others:
            run("ip", "neigh", "replace", other.ip, "lladdr", NOWHERE, "dev", "eth0", "nud", "permanent", net=self.holders[pod])

    def let_through(self, pod, *others):
        for other in others:
            run("ip", "neigh", "delete", other.ip, "dev", "eth0", net=self.holders[pod])

    def part(self, *pods):
        """Their etcds talk to each other between addresses of their own from now on, so that this way alone can be cut: the clients' stays open."""
        sides = {pod: self.address(20 + number) for number, pod in enumerate(pods)}
        for pod, ip in sides.items():
            run("ip", "address", "add", f"{ip}/27", "dev", "eth0", net=self.holders[pod])
            pod.peer, pod.peer_side = f"http://{ip}:2380", Side(ip)
            for other in sides.values():
                if other != ip:
                    run("ip", "route", "add", other, "dev", "eth0", "src", ip, net=self.holders[pod])

    def slow(self, pod, rate):
        """What comes to it comes at this rate at most, such as 20mbit; None = as fast as ever."""
        words = ["tc", "qdisc", "replace" if rate else "delete", "dev", self.inner[pod], "root"]
        run(*words, *(["tbf", "rate", rate, "burst", "64kb", "latency", "400ms"] if rate else []), net=self.switch)

    def close(self):
        for holder in (*self.holders.values(), self.switch):
            holder.kill()
        if self.machine_has_link():  # it goes with the switch, a little later
            subprocess.run(["ip", "link", "delete", self.link], capture_output=True, timeout=20)
        wait_until(lambda: not self.machine_has_link(), "the link is gone")
