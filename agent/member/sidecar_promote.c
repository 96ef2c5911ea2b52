/* A learner's way to voter: polls its own and the leader's status, asks the leader to promote it. */
#include <stdio.h>
#include <string.h>

#include "usher/host/data_dir.h"
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
        facts->own_db_bytes = statuses[0].db_size_bytes;
    }
    /* The leader's word about what is committed, from the leader itself. */
    facts->leader_answers =
        known[1] && member_id_equals(statuses[1].member, sidecar->own.leader) && member_id_equals(statuses[1].leader, statuses[1].member);
    if (facts->leader_answers) {
        facts->leader_committed = statuses[1].raft_index;
        facts->leader_db_bytes = statuses[1].db_size_bytes;
    }
}

enum tri sidecar_leader_hears(const struct sidecar *sidecar, struct hear_watch *watch, struct member_id learner)
{
    const struct world *world = sidecar->usher.world;
    const char *address = usher_address_of(&sidecar->usher, sidecar->own.leader);
    struct gauge_reading reading = {0};

    if (address != NULL)
        world->gauges(world->self, &address, 1, learner, deadline_in_ms(STATUS_MS), &reading);
    return hear_judge(watch, sidecar->own.leader, learner, &reading, world->now_ms(world->self));
}

/* Its etcd serves nobody before it has its first data: how much of that is on our disk, and what the voters told in this look. */
static void read_first_progress(const struct sidecar *sidecar, struct promote_facts *facts)
{
    const struct cluster_view *view = &sidecar->usher.view;

    facts->disk_bytes = data_dir_snap_bytes(sidecar->usher.settings->data_dir);
    for (size_t i = 0; i < view->endpoint_count; i++) {
        const struct endpoint_view *endpoint = &view->endpoints[i];
        if (endpoint->state != ENDPOINT_SERVING || !cluster_id_equals(endpoint->cluster, sidecar->cluster) ||
            endpoint->raft_index <= facts->leader_committed)
            continue;
        facts->leader_committed = endpoint->raft_index;
        facts->leader_db_bytes = endpoint->db_size_bytes;
    }
}

/* What the leader hears is read once at the beginning, so that there is something to compare with, and then where it matters. */
static bool is_nearly_there(const struct sidecar *sidecar)
{
    return sidecar->promote.in_sync_in_a_row > 0 || (sidecar->last_promote.is_measured && sidecar->last_promote.entries_to_go == 0) ||
           !member_id_equals(sidecar->hear.learner, sidecar->id);
}

/* Once when it begins, with name, age and figures; once when it is over. */
static void say_stall(struct sidecar *sidecar)
{
    const struct promote_decision *promote = &sidecar->last_promote;
    char text[LEARNER_TEXT_BYTES], hex[ID_TEXT_BYTES];

    if (promote->is_stalled == sidecar->stall_was_said)
        return;
    sidecar->stall_was_said = promote->is_stalled;
    id_to_hex(sidecar->id.value, hex);
    if (!promote->is_stalled) {
        if (sidecar->membership == MEMBERSHIP_LEARNER)
            log_line(LOG_LEVEL_INFO, reason_name(promote->reason), "learner %s makes progress again", hex);
        return;
    }
    snprintf(text, sizeof text, "learner %s (%.100s) has made no progress for %lld s (%u %%, %llu entries to go): %s; %s", hex,
             sidecar->usher.settings->join.name, (long long)(promote->idle_ms / 1000), promote->percent,
             (unsigned long long)promote->entries_to_go, reason_sentence(promote->reason), reason_remedy(promote->reason));
    log_line(LOG_LEVEL_WARN, reason_name(promote->reason), "%s", text);
    usher_event(&sidecar->usher, true, "LearnerStalled", text);
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
    bool can_ask = sidecar->own.port_accepts == TRI_YES;

    if (was_done && sidecar->membership == MEMBERSHIP_VOTER && !(sidecar->own.answered && sidecar->own.is_learner))
        return;
    if (list_is_read)
        facts.list_shows_learner = sidecar->membership == MEMBERSHIP_LEARNER ? TRI_YES : TRI_NO;
    facts.now_ms = usher->world->now_ms(usher->world->self);
    if (can_ask)
        sidecar_read_progress(sidecar, sidecar->id, usher->settings->local_endpoint, &facts);
    if (!facts.own_answers)
        read_first_progress(sidecar, &facts);
    if (facts.list_shows_learner == TRI_YES && facts.own_answers && facts.leader_answers && is_nearly_there(sidecar))
        facts.leader_hears = sidecar_leader_hears(sidecar, &sidecar->hear, sidecar->id);
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
    say_stall(sidecar);
    if (!can_ask)
        return; /* etcd is down: what the turn does about that has its own pace and words */
    sidecar_say(sidecar,
                sidecar->last_promote.action == PROMOTE_NOW    ? "promote"
                : sidecar->last_promote.action == PROMOTE_DONE ? "serve"
                                                               : "wait",
                sidecar->last_promote.reason, "");
    if (sidecar->last_promote.action == PROMOTE_NOW)
        promote_now(sidecar);
    else if (sidecar->last_promote.again_in_ms > 0)
        sidecar->again_in_ms = sidecar->last_promote.again_in_ms;
}
