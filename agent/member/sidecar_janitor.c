/* The janitor (--janitor-after): the sidecar beside the leader takes out any dead member. It asks everybody for a status a few times in that
 * time, and the Kubernetes API nothing. */
#include <stdio.h>

#include "usher/member/dead_care.h"
#include "usher/member/observe.h"

static bool may_care(const struct sidecar *sidecar)
{
    const struct usher *usher = &sidecar->usher;

    return usher->settings->janitor_after_ms > 0 && sidecar->membership == MEMBERSHIP_VOTER && sidecar->own.answered &&
           sidecar->own.has_quorum && member_id_equals(sidecar->own.leader, sidecar->id) && !sidecar->is_stopping &&
           !sidecar->other_cluster_is_recorded && cluster_id_equals(usher->view.cluster, sidecar->cluster);
}

/* Nothing answers as it, and our etcd has heard nothing from it since the last round. A first round, or one that cannot be read, says nothing. */
static void listen(struct sidecar *sidecar, bool is_down[MEMBERS_MAX])
{
    const struct world *world = sidecar->usher.world;
    const char *own = sidecar->usher.settings->local_endpoint;
    const struct member_list *list = &sidecar->usher.view.list;
    struct janitor_ear last = sidecar->ear, *ear = &sidecar->ear;
    bool is_same_term = last.raft_term == sidecar->own.raft_term;

    *ear = (struct janitor_ear){.raft_term = sidecar->own.raft_term};
    for (size_t i = 0; i < list->count; i++) {
        struct gauge_reading reading = {0};
        bool was_silent = false;
        if (!is_down[i])
            continue;
        world->gauges(world->self, &own, 1, list->members[i].id, deadline_in_ms(GAUGE_READ_MS), &reading);
        for (size_t k = 0; k < last.count && is_same_term; k++)
            was_silent |= member_id_equals(last.of[k].id, list->members[i].id) && last.of[k].received_bytes == reading.received_bytes;
        is_down[i] = reading.was_read && was_silent;
        if (!reading.was_read)
            continue;
        ear->of[ear->count].id = list->members[i].id;
        ear->of[ear->count++].received_bytes = reading.received_bytes;
    }
}

static struct dead_decision look(struct sidecar *sidecar, enum gauge_verdict gauge, struct member_id *out_target)
{
    struct usher *usher = &sidecar->usher;
    struct janitor_facts facts = {.dead = {.view = &usher->view, .gauge = gauge, .now_ms = usher->world->now_ms(usher->world->self)},
                                  .ours = sidecar->id,
                                  .leader = sidecar->own.leader,
                                  .min_voters = usher->settings->min_voters};

    dead_find_down(sidecar, false, facts.is_down);
    listen(sidecar, facts.is_down);
    *out_target = janitor_choose(&sidecar->janitor.watch, &facts);
    if (gauge == GAUGE_DOWN)
        observe_health(usher, &facts.dead.health);
    return janitor_decide(&sidecar->janitor.watch, *out_target, &facts, usher->settings->janitor_after_ms);
}

static void name_member(const struct sidecar *sidecar, struct member_id target, char out_name[NAME_BYTES])
{
    const struct member *member = member_list_find(&sidecar->usher.view.list, target);

    snprintf(out_name, NAME_BYTES, "%s", member == NULL || member->name[0] == '\0' ? "no name" : member->name);
}

static bool nothing_more(struct sidecar *sidecar)
{
    (void)sidecar;
    return true;
}

void sidecar_remove_dead(struct sidecar *sidecar)
{
    const struct dead_kind kind = {
        .may_care = may_care,
        .read_again = nothing_more,
        .look = look,
        .name = name_member,
        .why = "dead for as long as --janitor-after",
        .event = "DeadMemberRemoved",
        .remove = REASON_JANITOR_REMOVE,
        .after_ms = sidecar->usher.settings->janitor_after_ms,
    };

    dead_care(sidecar, &sidecar->janitor, &kind);
}
