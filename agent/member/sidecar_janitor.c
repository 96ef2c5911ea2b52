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

/* Who answers nobody is down only when our etcd has heard nothing from it either, since the last round. */
static void listen(struct sidecar *sidecar, bool is_down[MEMBERS_MAX])
{
    const struct world *world = sidecar->usher.world;
    const char *own = sidecar->usher.settings->local_endpoint;
    const struct member_list *list = &sidecar->usher.view.list;
    struct ear before = sidecar->ear;

    sidecar->ear = (struct ear){.raft_term = sidecar->own.raft_term};
    for (size_t i = 0; i < list->count; i++) {
        struct member_id id = list->members[i].id;
        struct gauge_reading reading = {0};
        if (!is_down[i])
            continue;
        world->gauges(world->self, &own, 1, id, deadline_in_ms(GAUGE_READ_MS), &reading);
        is_down[i] = ear_heard_nothing(&before, sidecar->own.raft_term, id, &reading);
        ear_note(&sidecar->ear, id, &reading);
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
