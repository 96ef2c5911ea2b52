/* Is our seat given up? Asked only while somebody wants us to leave: a pod's life costs two calls to the API at its end, and none before. */
#include <string.h>

#include "usher/host/log.h"
#include "usher/member/sidecar.h"

enum { PROOF_MS = 4500, PROOF_KEPT_MS = 2000, TRIES = 3, TRY_AGAIN_MS = 200, STOP_RESERVE_MS = 3000, LEAST_LIMIT_MS = 2000 };

/* One try: the pod, then the set that it says it belongs to. True: both were read, or the pod alone says enough. */
static bool read_once(struct sidecar *sidecar, struct deadline deadline, struct usher_error *err)
{
    const struct world *world = sidecar->usher.world;

    sidecar->set = (struct stateful_set_facts){.replicas = -1, .created = -1};
    world->read_pod(world->self, NULL, deadline, &sidecar->pod, err);
    if (sidecar->pod.answer != API_FOUND)
        return sidecar->pod.answer == API_NOT_FOUND;
    if (!sidecar->pod.is_deleted || sidecar->pod.set_name[0] == '\0')
        return true;
    world->read_set(world->self, sidecar->pod.set_name, deadline, &sidecar->set, err);
    return sidecar->set.answer != API_UNKNOWN;
}

/* The kubelet's own clock runs: what is left of the grace period bounds the leaving, with a reserve for etcd's own stop. */
static void keep_limit(struct sidecar *sidecar)
{
    int64_t left_ms = sidecar->pod.grace_left_ms;

    if (!sidecar->usher.settings->leaves_by_grace || left_ms < 0)
        return;
    sidecar->leave_limit_ms = left_ms - STOP_RESERVE_MS > LEAST_LIMIT_MS ? left_ms - STOP_RESERVE_MS : LEAST_LIMIT_MS;
}

/* What was read with a deletionTimestamp stays true for a moment; without one it says nothing about the next request (a liveness restart runs
 * the hook, too). */
void sidecar_read_proof(struct sidecar *sidecar)
{
    const struct world *world = sidecar->usher.world;
    struct deadline deadline = deadline_in_ms(PROOF_MS);
    struct usher_error err = {0};
    bool was_deleted = sidecar->pod.is_deleted;

    if (world->read_pod == NULL)
        return;
    if (sidecar->proof_read_at_ms >= 0 && sidecar->pod.answer == API_FOUND && was_deleted &&
        world->now_ms(world->self) - sidecar->proof_read_at_ms < PROOF_KEPT_MS)
        return;
    for (int i = 0; i < TRIES && !read_once(sidecar, deadline, &err); i++) {
        log_warn("asking the Kubernetes API about our seat: %s", err.text);
        if (deadline_left_ms(deadline) <= TRY_AGAIN_MS || i + 1 == TRIES)
            break;
        world->wait(world->self, deadline_in_ms(TRY_AGAIN_MS));
    }
    sidecar->proof_read_at_ms = world->now_ms(world->self);
    if (sidecar->pod.is_deleted && !was_deleted)
        keep_limit(sidecar);
}
