/* After a full outage under OrderedReady the controller creates the next pod only when we are ready, and we would be ready only with its quorum.
 * The API is asked while our etcd runs without a quorum, every five seconds, and at no other time. */
#include "usher/member/sidecar.h"

enum { ASK_EVERY_MS = 5000, ASK_MS = 1000, QUORUM_GRACE_MS = 5000 };

static bool has_to_ask(const struct sidecar *sidecar, int64_t now_ms)
{
    const struct usher *usher = &sidecar->usher;

    return usher->world->read_set != NULL && usher->notes_state == USHER_FILE_READ && usher->notes.was_voter &&
           sidecar->own.port_accepts == TRI_YES && !sidecar->own.has_quorum && !sidecar->is_stopping && !sidecar->was_removed &&
           !sidecar->has_left && (sidecar->quorum_read_at_ms < 0 || now_ms - sidecar->quorum_read_at_ms >= QUORUM_GRACE_MS);
}

void sidecar_ask_for_peers(struct sidecar *sidecar)
{
    const struct usher *usher = &sidecar->usher;
    const struct world *world = usher->world;
    int64_t now_ms = world->now_ms(world->self);
    struct stateful_set_facts set = {.replicas = -1, .created = -1};
    struct pod_facts pod = {.ordinal = -1};
    struct usher_error err = {0};
    bool were_missing = sidecar->peers_are_not_created;

    if (!has_to_ask(sidecar, now_ms)) {
        sidecar->peers_are_not_created = false;
        return;
    }
    if (sidecar->peers_asked_at_ms >= 0 && now_ms - sidecar->peers_asked_at_ms < ASK_EVERY_MS)
        return;
    world->read_pod(world->self, NULL, deadline_in_ms(ASK_MS), &pod, &err);
    if (pod.answer == API_FOUND && pod.set_name[0] != '\0')
        world->read_set(world->self, pod.set_name, deadline_in_ms(ASK_MS), &set, &err);
    sidecar->peers_asked_at_ms = world->now_ms(world->self);
    sidecar->peers_are_not_created = health_peers_are_not_created(&set, pod.set_uid, usher->notes.voter_count);
    if (sidecar->peers_are_not_created && !were_missing)
        sidecar_say(sidecar, "serve", REASON_PEERS_NOT_CREATED, "");
}
