"""A move between two houses that trust different authorities: each side's client ports speak TLS with certificates of its own CA."""
from bed import Writer
from test_tls_and_auth import Authority, tls_pod


def house(bed, authority, set_name, size, **flags):
    server = authority.server([bed.address(number) for number in range(1, 12)])
    mine = authority.client(f"/O={set_name}")
    pods = [tls_pod(bed, authority, server, f"etcd-{i}", set_name=set_name, **mine, **flags) for i in range(size)]
    for pod in pods:
        pod.flags["endpoints"] = ",".join(other.secure for other in pods)
        pod.identity = mine
    return pods


def introduce(pods, others, authority):
    """What these need to know to ask the others: their addresses, their CA, and a certificate that they accept."""
    for pod in pods:
        pod.flags.update({"remote-endpoints": ",".join(other.secure for other in others), "remote-cacert": authority.ca,
                          "remote-cert": others[0].identity["cert"], "remote-key": others[0].identity["key"]})


def test_move_between_trust_domains(bed):
    """The target joins through --remote-*; the source leaves once it knows the target's side, too; nobody accepts the other's certificates."""
    ours, theirs = Authority(bed.folder, "ours"), Authority(bed.folder, "theirs")
    west = house(bed, ours, "west", 1)
    east = house(bed, theirs, "east", 3, bootstrap="never")
    introduce(west, east, theirs)
    introduce(east, west, ours)
    alive = []
    writer = Writer(lambda: [pod.client for pod in alive])
    for pod in (*west, *east):
        pod.start_and_wait()
        alive.append(pod)
        if len(alive) == 1:
            writer.start()
    for pod in reversed(west):
        alive.remove(pod)
        pod.stop()
    bed.check(east, writer)
    east[1].kill()
    east[1].lose_volume()
    for pod in east:  # the source is gone for good, and its names with it
        for flag in ("remote-endpoints", "remote-cacert", "remote-cert", "remote-key"):
            del pod.flags[flag]
    east[1].start_and_wait()
    bed.check(east)
