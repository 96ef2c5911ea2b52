/* A voter's care for seats of its own set that were given up without their member leaving. While all members of our set answer, the API is asked
 * nothing, and they are asked for their status a few times in --ghost-after. */
#include <stdio.h>
#include <string.h>

#include "usher/host/log.h"
#include "usher/member/dead_care.h"
#include "usher/member/observe.h"

enum { API_MS = 1000 };

static bool may_care(const struct sidecar *sidecar)
{
    const struct usher *usher = &sidecar->usher;

    return usher->world->read_set != NULL && sidecar->membership == MEMBERSHIP_VOTER && sidecar->own.answered && sidecar->own.has_quorum &&
           !sidecar->is_stopping && !sidecar->other_cluster_is_recorded && usher->record.state == RECORD_CLUSTER &&
           cluster_id_equals(usher->record.cluster, sidecar->cluster) && cluster_id_equals(usher->view.cluster, sidecar->cluster);
}

/* Our pod, its set, and the pod of the seat that was given up. An answer that is missing proves nothing. */
static struct member_id ask_api(struct sidecar *sidecar, struct ghost_facts *facts)
{
    const struct world *world = sidecar->usher.world;
    struct usher_error err = {0};
    struct pod_facts pod = {0};
    const char *slot = NULL;
    struct member_id target;

    world->read_pod(world->self, NULL, deadline_in_ms(API_MS), &facts->own_pod, &err);
    if (facts->own_pod.answer == API_FOUND && facts->own_pod.set_name[0] != '\0')
        world->read_set(world->self, facts->own_pod.set_name, deadline_in_ms(API_MS), &facts->set, &err);
    if (facts->own_pod.answer == API_UNKNOWN || facts->set.answer == API_UNKNOWN) {
        log_debug("asking the Kubernetes API about seats that were given up: %s", err.text);
        return sidecar->ghost.watch.target; /* not known: the time goes on for a while, and nothing is done */
    }
    target = ghost_choose(facts, &slot);
    if (!member_id_is_known(target))
        return target;
    world->read_pod(world->self, slot, deadline_in_ms(API_MS), &pod, &err);
    facts->pod = pod.answer;
    snprintf(sidecar->ghost_slot, sizeof sidecar->ghost_slot, "%s", slot);
    return target;
}

static struct dead_decision look(struct sidecar *sidecar, enum gauge_verdict gauge, struct member_id *out_target)
{
    struct usher *usher = &sidecar->usher;
    struct ghost_facts facts = {.dead = {.view = &usher->view, .gauge = gauge, .now_ms = usher->world->now_ms(usher->world->self)},
                                .record = &usher->record,
                                .ours = sidecar->id,
                                .our_uid = usher->settings->pod_uid};

    *out_target = dead_find_down(sidecar, true, facts.is_down) ? ask_api(sidecar, &facts) : (struct member_id){0};
    if (gauge == GAUGE_DOWN)
        observe_health(usher, &facts.dead.health);
    return ghost_decide(&sidecar->ghost.watch, *out_target, &facts, usher->settings->ghost_after_ms);
}

static void name_slot(const struct sidecar *sidecar, struct member_id target, char out_name[NAME_BYTES])
{
    (void)target;
    snprintf(out_name, NAME_BYTES, "%s", sidecar->ghost_slot);
}

/* The record anew; one that cannot be read leaves what was known, for all others who look at it. */
static bool read_record(struct sidecar *sidecar)
{
    struct usher *usher = &sidecar->usher;

    usher->edited = usher->record;
    observe_record(usher);
    if (usher->record.state != RECORD_UNREADABLE)
        return true;
    usher->record = usher->edited;
    return false;
}

void sidecar_remove_ghost(struct sidecar *sidecar)
{
    const struct dead_kind kind = {
        .may_care = may_care,
        .read_again = read_record,
        .look = look,
        .name = name_slot,
        .why = "its seat was given up, and its pod is gone",
        .event = "GhostRemoved",
        .remove = REASON_GHOST_REMOVE,
        .after_ms = sidecar->usher.settings->ghost_after_ms,
        .silence_outweighs = true, /* its pod is gone */
    };

    dead_care(sidecar, &sidecar->ghost, &kind);
}
