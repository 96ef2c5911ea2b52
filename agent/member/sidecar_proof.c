/* Is our seat given up? Asked only while somebody wants us to leave: a pod's life costs two calls to the API at its end, and none before;
 * two more while a leave that waits goes on. */
#include <string.h>

#include "usher/core/leave_proof.h"
#include "usher/host/log.h"
#include "usher/member/sidecar.h"

/* From when we were asked: a STAY is said within five seconds, whatever the API and etcd do. */
enum { PROOF_BY_MS = 4000, PROOF_LEAST_MS = 1500 };
enum { PROOF_KEPT_MS = 2000, TRIES = 3, TRY_AGAIN_MS = 200, STOP_RESERVE_MS = 3000, LEAST_LIMIT_MS = 2000 };

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

static int64_t asked_for_ms(const struct sidecar *sidecar)
{
    const struct world *world = sidecar->usher.world;
    return sidecar->leaving_since_ms < 0 ? 0 : world->now_ms(world->self) - sidecar->leaving_since_ms;
}

/* The kubelet's own clock runs: what is left of the grace period bounds the leaving, with a reserve for etcd's own stop. */
static void keep_limit(struct sidecar *sidecar)
{
    int64_t left_ms = sidecar->pod.grace_left_ms;

    if (!sidecar->usher.settings->leaves_by_grace || left_ms < 0)
        return;
    sidecar->leave_limit_ms = left_ms - STOP_RESERVE_MS > LEAST_LIMIT_MS ? left_ms - STOP_RESERVE_MS : LEAST_LIMIT_MS;
    sidecar->leave_limit_ms += asked_for_ms(sidecar); /* which is where it is counted from */
}

/* What was read with a deletionTimestamp stays true for a moment; without one it says nothing about the next request (a liveness restart runs
 * the hook, too). A stop signal asks again at each turn: for it, any answer since then is good for a moment. */
static bool is_kept(const struct sidecar *sidecar, enum leave_asked how)
{
    const struct world *world = sidecar->usher.world;
    bool is_deleted = sidecar->pod.answer == API_FOUND && sidecar->pod.is_deleted;

    return sidecar->proof_read_at_ms >= 0 && world->now_ms(world->self) - sidecar->proof_read_at_ms < PROOF_KEPT_MS &&
           (is_deleted || (how == LEAVE_ASKED_SIGNAL && sidecar->proof_read_at_ms >= sidecar->stopping_since_ms));
}

void sidecar_read_proof(struct sidecar *sidecar, enum leave_asked how)
{
    const struct world *world = sidecar->usher.world;
    int64_t left_ms = PROOF_BY_MS - asked_for_ms(sidecar);
    struct deadline deadline = deadline_in_ms(left_ms > PROOF_LEAST_MS ? left_ms : PROOF_LEAST_MS);
    struct usher_error err = {0};
    bool was_deleted = sidecar->pod.is_deleted;

    if (world->read_pod == NULL || is_kept(sidecar, how))
        return;
    for (int i = 0; i < TRIES && !read_once(sidecar, deadline, &err); i++) {
        log_warn("asking the Kubernetes API about our seat: %s", err.text);
        if (deadline_left_ms(deadline) <= TRY_AGAIN_MS || i + 1 == TRIES)
            break;
        world->wait(world->self, deadline_in_ms(TRY_AGAIN_MS));
    }
    sidecar->proof_read_at_ms = world->now_ms(world->self);
    if (leave_pod_is_deleted(&sidecar->pod, sidecar->usher.settings->pod_uid) == TRI_YES && !was_deleted)
        keep_limit(sidecar);
}
