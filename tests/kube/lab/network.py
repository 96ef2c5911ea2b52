"""Addresses of a lab, and the cables between its machines.

All machines hang on one bridge, which lives in the control machine (on the host its packets would meet the host's own firewall). The host
gets one cable into it and a route to the pods of each node. There is no NAT: everybody sees the addresses of pods.
"""
import fcntl
import json
import tempfile
from pathlib import Path

from .machine import command

INDEXES = 50


class Addresses:
    """10.A.0.0/24: machines; 10.A+1.N.0/24: the pods of node N; 10.A+2.0.0/16: services. A follows from the index of the lab."""

    def __init__(self, index):
        self.index, self.octet = index, 100 + 3 * index
        self.control, self.host = f"10.{self.octet}.0.1", f"10.{self.octet}.0.254"
        self.machines, self.all_pods = f"10.{self.octet}.0.0/24", f"10.{self.octet + 1}.0.0/16"
        self.services, self.api_service = f"10.{self.octet + 2}.0.0/16", f"10.{self.octet + 2}.0.1"
        self.server = f"https://{self.control}:6443"

    def node(self, number):
        return f"10.{self.octet}.0.{10 + number}"

    def hardware(self, number):
        """The same at each boot, so that what neighbours remember of it stays true; node 0 is the control machine. (02: given locally.)"""
        return f"02:00:00:{self.index:02x}:{number >> 8:02x}:{number & 255:02x}"

    def pods(self, number):
        return f"10.{self.octet + 1}.{number}.0/24"


class Index:
    """A number that no other lab on this machine has, held by a lock on a file. It names the folder that the last one may have left."""

    def __init__(self, first=0):
        locks = Path(tempfile.gettempdir()) / "usher-lab-indexes"
        locks.mkdir(exist_ok=True)
        routes = json.loads(command("ip", "-j", "-4", "route", "show", "table", "all"))
        for number in range(first, INDEXES):
            octet = Addresses(number).octet
            handle = open(locks / str(number), "a+", encoding="utf-8")
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                handle.close()
                continue
            taken = tuple(f"10.{octet + i}." for i in range(3))
            if any(route["dst"].startswith(taken) and route.get("dev") != self.cable(number) for route in routes):
                handle.close()  # somebody else's network
                continue
            self.number, self.handle = number, handle
            return
        raise RuntimeError("no free range of addresses for one more lab")

    @staticmethod
    def cable(number):
        return f"usherlab{number}"

    def last_folder(self):
        self.handle.seek(0)
        return self.handle.read().strip()

    def write_folder(self, folder):
        self.handle.truncate(0)
        self.handle.write(str(folder))
        self.handle.flush()

    def close(self):
        self.handle.truncate(0)
        self.handle.close()


def lay_bridge(control, addresses):
    """The bridge, and the host's cable into it."""
    cable = Index.cable(addresses.index)
    control.shell(f"ip link add br0 address {addresses.hardware(0)} type bridge forward_delay 0", f"ip address add {addresses.control}/24 dev br0", "ip link set br0 up",
                  f"ip route add default via {addresses.host}")
    command("ip", "link", "add", cable, "type", "veth", "peer", "name", "host", "netns", control.pid)
    control.shell("ip link set host master br0 up")
    command("ip", "address", "add", f"{addresses.host}/24", "dev", cable)
    command("ip", "link", "set", cable, "up")


def take_up(addresses):
    """The host's cable and its routes. (They would go with the control machine, but only some time after it.)"""
    command("ip", "link", "delete", Index.cable(addresses.index), check=False)


def plug_in(control, node, number, addresses):
    """A cable from the node into the bridge, and routes to and from its pods. The port in the bridge bears the node's name."""
    control.network(f"ip link add {node.name} type veth peer name eth0 address {addresses.hardware(number)} netns {node.pid}",
                    f"ip link set {node.name} master br0 up",
                    f"ip route replace {addresses.pods(number)} via {addresses.node(number)}")
    node.shell(f"ip address add {addresses.node(number)}/24 dev eth0", "ip link set eth0 up",
               f"ip route add default via {addresses.control}", "echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables")
    command("ip", "route", "replace", addresses.pods(number), "via", addresses.node(number))


class Link:
    """A route between the pods of two labs, by a cable between their control machines. Nobody's address is hidden."""

    def __init__(self, one, other):
        self.ends = [(one, other, f"lab{other.addresses.index}"), (other, one, f"lab{one.addresses.index}")]
        (_, _, name), (_, _, other_name) = self.ends
        one.control.network(f"ip link add {name} type veth peer name {other_name} netns {other.control.pid}")
        self.mend()

    def mend(self):
        for near, _, name in self.ends:
            near.control.run("ip", "link", "set", name, "up")
        for near, far, name in self.ends:
            for range_of in (far.addresses.machines, far.addresses.all_pods):
                near.control.run("ip", "route", "replace", range_of, "via", far.addresses.control, "dev", name, "onlink")

    def cut(self):
        """What is on its way is lost; mend() undoes it."""
        for near, _, name in self.ends:
            near.control.run("ip", "link", "set", name, "down")

    def close(self):
        """Either end takes the other with it; a side that is down has none."""
        for near, _, name in self.ends:
            if near.control is not None and near.control.is_on:
                near.control.run("ip", "link", "delete", name, check=False)
