"""A name server of the test's own, on a loopback address; pods see it, and it alone, through a resolv.conf in a mount namespace of their own."""
import collections
import socket
import struct
import threading

A, AAAA, SRV = 1, 28, 33
NO_ERROR, SERVER_FAILS, NO_SUCH_NAME = 0, 2, 3
# The shell only puts the file in its place; it is gone with the process.
SEES = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'


class Names(threading.Thread):
    """`hosts`: name -> addresses; `services`: name -> (port, target) pairs; `silent`: names, or "*", whose questions are never answered;
    `failing`: names whose questions the server cannot answer. All may be changed while pods ask."""

    def __init__(self, address, folder):
        super().__init__(daemon=True)
        self.hosts, self.services, self.silent, self.failing = {}, {}, set(), set()
        self.asked = collections.Counter()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 53))
        self.resolv_conf = folder / "resolv.conf"
        self.resolv_conf.write_text(f"nameserver {address}\n")
        self.start()

    def wrap(self):
        """What stands before a command for it to see these names."""
        return ["unshare", "--mount", "sh", "-c", SEES, self.resolv_conf]

    def run(self):
        while True:
            try:
                packet, sender = self.socket.recvfrom(4096)
            except OSError:
                return  # closed
            if not packet:
                return
            name, kind, question_end = read_question(packet)
            self.asked[name] += 1
            if "*" in self.silent or name in self.silent:
                continue
            answers, code = self.answers(name, kind)
            header = packet[:2] + struct.pack("!HHHHH", 0x8580 | code, 1, len(answers), 0, 0)
            self.socket.sendto(header + packet[12:question_end] + b"".join(answers), sender)

    def answers(self, name, kind):
        if name in self.failing:
            return [], SERVER_FAILS
        hosts, services = self.hosts.get(name), self.services.get(name)
        if hosts is None and services is None:
            return [], NO_SUCH_NAME
        found = []
        if kind == A:
            found = [socket.inet_aton(host) for host in hosts or ()]
        elif kind == SRV:
            found = [struct.pack("!HHH", 0, 0, port) + pack_name(target) for port, target in services or ()]
        return [b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 0, len(data)) + data for data in found], NO_ERROR

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for a question
        except OSError:
            pass  # "not connected", says a socket of datagrams, and wakes it all the same
        self.socket.close()
        self.join(5)


def read_question(packet):
    at, labels = 12, []
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode())
        at += 1 + packet[at]
    return ".".join(labels).lower(), struct.unpack("!H", packet[at + 1:at + 3])[0], at + 5


def pack_name(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
