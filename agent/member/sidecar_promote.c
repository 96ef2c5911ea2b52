/* A learner's way to voter: polls its own and the leader's status, asks the leader to promote it. */
#include <stdio.h>
#include <string.h>

#include "usher/host/log.h"
#include "usher/member/apply.h"
#include "usher/member/observe.h"
#include "usher/member/sidecar.h"

enum { STATUS_MS = 1000 };

void sidecar_read_progress(const struct sidecar *sidecar, struct member_id learner, const char *address, struct promote_facts *facts)
{
    const struct usher *usher = &sidecar->usher;
    const struct world *world = usher->world;
    const char *addresses[2] = {address, usher_address_of(usher, sidecar->own.leader)};
    struct etcd_status statuses[2] = {0};
    bool known[2] = {false, false};

    facts->leader_read_at_ms = world->now_ms(world->self);
    if (address != NULL)
        world->statuses(world->self, addresses, addresses[1] != NULL ? 2 : 1, deadline_in_ms(STATUS_MS), statuses, known);
    facts->own_read_at_ms = facts->now_ms = world->now_ms(world->self);
    facts->own_answers =
        known[0] && member_id_equals(statuses[0].member, learner) && !cluster_id_differs(statuses[0].cluster, sidecar->cluster);
    if (facts->own_answers) {
        facts->own_is_learner = statuses[0].is_learner;
        facts->own_leader = statuses[0].leader;
        facts->own_applied = statuses[0].raft_applied_index;
    }
    /* The leader's word about what is committed, from the leader itself. */
    facts->leader_answers =
        known[1] && member_id_equals(statuses[1].member, sidecar->own.leader) && member_id_equals(statuses[1].leader, statuses[1].member);
    if (facts->leader_answers)
        facts->leader_committed = statuses[1].raft_index;
}

static void promote_now(struct sidecar *sidecar)
{
    struct usher *usher = &sidecar->usher;
    const struct world *world = usher->world;
    const char *address = usher_address_of(usher, sidecar->own.leader);
    struct member_id at = sidecar->own.leader;
    struct etcd_answer answer = {0};

    if (address != NULL)
        world->promote(world->self, address, sidecar->id, deadline_in_ms(WRITE_CALL_MS), &answer);
    if (address == NULL || answer.outcome == CALL_NOT_SENT) { /* any voter forwards it */
        address = usher_some_voter(usher, sidecar->id, true, &at);
        if (address != NULL)
            world->promote(world->self, address, sidecar->id, deadline_in_ms(WRITE_CALL_MS), &answer);
    }
    if (answer.outcome == CALL_OK) {
        usher->counters.promotions++;
        log_line(LOG_LEVEL_INFO, reason_name(REASON_PROMOTE), "our learner was promoted");
        usher_event(usher, false, "Promoted", "this member is a voter now");
    } else {
        log_line(LOG_LEVEL_INFO, reason_name(REASON_PROMOTE), "member promote: %s; reading the list again", answer.message);
    }
    sidecar->again_in_ms = answer.outcome == CALL_OK ? 1 : PROMOTE_NEAR_MS;
}

void sidecar_promote(struct sidecar *sidecar)
{
    struct usher *usher = &sidecar->usher;
    struct promote_facts facts = {.samples_wanted = usher->settings->promote_samples};
    bool list_is_read = usher->view.live == LIVE_REACHABLE && cluster_id_equals(usher->view.cluster, sidecar->cluster);
    bool was_done = sidecar->last_promote.action == PROMOTE_DONE;

    if (was_done && sidecar->membership == MEMBERSHIP_VOTER && !(sidecar->own.answered && sidecar->own.is_learner))
        return;
    if (list_is_read)
        facts.list_shows_learner = sidecar->membership == MEMBERSHIP_LEARNER ? TRI_YES : TRI_NO;
    sidecar_read_progress(sidecar, sidecar->id, usher->settings->local_endpoint, &facts);
    sidecar->last_promote = promote_decide(&sidecar->promote, &facts);
    if (sidecar->last_promote.reason == REASON_PROMOTE_QUORUM) {
        struct quorum_health health;
        observe_health(usher, &health);
        facts.quorum = quorum_judge(&usher->view, &health, QUORUM_PROMOTE, sidecar->id);
        sidecar->last_promote = promote_decide(&sidecar->promote, &facts);
    }
    if (sidecar->membership == MEMBERSHIP_LEARNER && sidecar->learner_since_ms < 0)
        sidecar->learner_since_ms = facts.now_ms;
    if (sidecar->last_promote.action == PROMOTE_DONE)
        sidecar->learner_since_ms = -1;
    sidecar_say(sidecar,
                sidecar->last_promote.action == PROMOTE_NOW    ? "promote"
                : sidecar->last_promote.action == PROMOTE_DONE ? "serve"
                                                               : "wait",
                sidecar->last_promote.reason, "");
    if (sidecar->last_promote.is_stalled && !sidecar->stall_was_said)
        usher_event(usher, true, "LearnerStalled", "this learner makes no progress; see /status");
    sidecar->stall_was_said = sidecar->last_promote.is_stalled;
    if (sidecar->last_promote.action == PROMOTE_NOW)
        promote_now(sidecar);
    else if (sidecar->last_promote.again_in_ms > 0)
        sidecar->again_in_ms = sidecar->last_promote.again_in_ms;
}
