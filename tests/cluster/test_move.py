"""A cluster that moves house: stretch it over a second set, move the leader, let the first set leave, while a client writes."""
from bed import Writer, call
from bed.process import wait_until


def test_move_under_writes(bed):
    """Three pods west, three pods east with the same names, west leaves; then a lost volume on the target, with the source gone for good."""
    west = bed.grow(bed.set(3))
    alive = list(west)
    writer = Writer(lambda: [pod.client for pod in alive])
    writer.start()
    east = bed.set(3, "east", join=west, bootstrap="never")
    for pod in east:
        pod.start_and_wait()
        alive.append(pod)
    leader = next(pod for pod in alive if pod.member_id == int(alive[0].status()["leader"]))
    if leader in west:
        wait_until(lambda: call(leader.client, "/v3/maintenance/transfer-leadership", {"targetID": str(east[0].member_id)}) is not None, "moved")
    for pod in reversed(west):
        alive.remove(pod)
        pod.stop()
    bed.check(east, writer)
    east[1].kill()
    east[1].lose_volume()
    east[1].start_and_wait()
    bed.check(east)
