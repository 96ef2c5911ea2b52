#include "usher/core/ghost_decision.h"

#include <string.h>

#include "usher/core/leave_proof.h"

/* Is this the StatefulSet that our own pod, which stays, belongs to? */
static bool set_is_ours(const struct ghost_facts *facts)
{
    const struct pod_facts *pod = &facts->own_pod;

    return leave_pod_is_deleted(pod, facts->our_uid) == TRI_NO && pod->set_uid[0] != '\0' && facts->set.answer == API_FOUND &&
           strcmp(pod->set_uid, facts->set.uid) == 0 && strcmp(pod->set_name, facts->set.name) == 0 &&
           stateful_set_gave_up(&facts->set, pod->ordinal) == TRI_NO;
}

/* All slots that the record gives to this ID were given up: a slot that is wanted, or of another set, speaks against it. */
static const char *given_up_slot(const struct ghost_facts *facts, struct member_id id)
{
    const char *slot = NULL;

    for (size_t i = 0; i < facts->record->slot_count; i++) {
        const struct record_slot *entry = &facts->record->slots[i];
        if (!member_id_equals(entry->id, id))
            continue;
        if (stateful_set_gave_up(&facts->set, stateful_set_ordinal(facts->set.name, entry->name)) != TRI_YES)
            return NULL;
        slot = entry->name;
    }
    return slot;
}

struct member_id ghost_choose(const struct ghost_facts *facts, const char **out_slot)
{
    const struct cluster_view *view = facts->dead.view;
    const struct member *ours = member_list_find(&view->list, facts->ours);

    if (view->live != LIVE_REACHABLE || facts->record->state != RECORD_CLUSTER ||
        !cluster_id_equals(facts->record->cluster, view->cluster) || ours == NULL || ours->is_learner || !set_is_ours(facts))
        return (struct member_id){0};
    for (size_t i = 0; i < view->list.count; i++) {
        struct member_id id = view->list.members[i].id;
        const char *slot = facts->is_down[i] && !member_id_equals(id, facts->ours) ? given_up_slot(facts, id) : NULL;
        if (slot == NULL)
            continue;
        *out_slot = slot;
        return id;
    }
    return (struct member_id){0};
}

struct dead_decision ghost_decide(struct dead_watch *watch, struct member_id target, const struct ghost_facts *facts, int64_t after_ms)
{
    static const struct dead_reasons reasons = {REASON_GHOST_WAIT, REASON_GHOST_QUORUM, REASON_GHOST_REMOVE};

    if (!member_id_is_known(target) || facts->pod == API_FOUND || facts->dead.gauge == GAUGE_CONNECTED)
        return dead_forget(watch);
    if (facts->pod != API_NOT_FOUND) { /* not known: the time goes on for a while, and nothing is done */
        dead_watch_turn_to(watch, target);
        return (struct dead_decision){DEAD_WAIT, REASON_GHOST_WAIT};
    }
    return dead_decide(watch, target, &facts->dead, after_ms, &reasons);
}
