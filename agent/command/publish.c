#include "publish.h"

#include <stdio.h>
#include <string.h>

#include "usher/core/known_bad.h"
#include "usher/core/record_verdict.h"

static enum snapshot_membership membership_of(const struct sidecar *sidecar)
{
    switch (sidecar->membership) {
    case MEMBERSHIP_NONE:
        return SNAPSHOT_NOT_LISTED;
    case MEMBERSHIP_LEARNER:
        return SNAPSHOT_LEARNER;
    case MEMBERSHIP_VOTER:
        return SNAPSHOT_VOTER;
    case MEMBERSHIP_UNKNOWN:
        break;
    }
    return SNAPSHOT_MEMBERSHIP_UNKNOWN;
}

static void fill_health(const struct sidecar *sidecar, struct health_facts *out)
{
    bool is_unconfirmed = founding_is_unconfirmed(sidecar->usher.notes.nonce, sidecar->usher.notes.was_voter);

    out->loop_turned_at_ms = sidecar->turned_at_ms;
    out->quorum_read_at_ms = sidecar->quorum_read_at_ms;
    out->port_accepted_at_ms = sidecar->port_accepted_at_ms;
    out->etcd_expected_since_ms = sidecar->etcd_expected_since_ms;
    out->is_voter = sidecar->membership == MEMBERSHIP_VOTER && !sidecar->own.is_learner;
    out->is_learner = sidecar->membership == MEMBERSHIP_LEARNER || (sidecar->own.answered && sidecar->own.is_learner);
    out->was_removed = sidecar->was_removed;
    out->has_left = sidecar->has_left;
    out->founder_is_recorded = sidecar->is_recorded || !is_unconfirmed;
    out->plan_was_written = sidecar->plan != PLAN_UNKNOWN;
    out->was_voter = sidecar->usher.notes_state == USHER_FILE_READ && sidecar->usher.notes.was_voter;
    out->peers_are_not_created = sidecar->peers_are_not_created;
    out->peers_seen_missing_at_ms = sidecar->peers_asked_at_ms;
}

static void fill_members(const struct sidecar *sidecar, struct snapshot *out)
{
    const struct cluster_view *view = &sidecar->usher.view;

    if (view->live != LIVE_REACHABLE)
        return;
    for (size_t i = 0; i < view->list.count; i++) {
        const struct member *member = &view->list.members[i];
        const struct endpoint_view *endpoint = cluster_view_who_answers_as(view, view->cluster, member->id);
        struct snapshot_member *row = &out->members[out->member_count++];
        *row = (struct snapshot_member){
            .id = member->id, .is_learner = member->is_learner, .is_started = member_is_started(member), .db_size_bytes = -1};
        memcpy(row->name, member->name, sizeof row->name);
        row->is_leader = member_id_equals(member->id, sidecar->own.leader);
        if (endpoint == NULL)
            continue;
        row->is_healthy = endpoint->state == ENDPOINT_SERVING || endpoint->state == ENDPOINT_LEARNER ? TRI_YES : TRI_UNKNOWN;
        memcpy(row->version, endpoint->version, sizeof row->version);
        row->db_size_bytes = endpoint->db_size_bytes;
        row->raft_index = endpoint->raft_index;
        row->raft_applied_index = endpoint->raft_applied_index;
    }
}

static void fill_learner(const struct sidecar *sidecar, struct snapshot *out)
{
    const struct promote_decision *promote = &sidecar->last_promote;

    if (sidecar->membership != MEMBERSHIP_LEARNER)
        return;
    out->learner.is_known = true;
    out->learner.fraction = (double)promote->percent / 100;
    out->learner.is_measured = promote->is_measured;
    out->learner.entries_to_go = promote->entries_to_go;
    out->learner.bytes_to_go = promote->bytes_to_go;
    out->learner.idle_ms = promote->idle_ms;
    out->learner.left_ms = promote->eta_ms;
    out->learner.is_stalled = promote->is_stalled;
    out->learner.learner_since_ms = sidecar->learner_since_ms;
}

static void fill_other_learner(const struct usher *usher, struct snapshot *out)
{
    char text[LEARNER_TEXT_BYTES];

    usher_describe_learner(usher, text, sizeof text);
    if (text[0] == '\0')
        return;
    out->other_learner.id = usher->other_learner.id;
    out->other_learner.is_started = usher->other_learner.is_started;
    out->other_learner.since_ms = usher->other_learner.since_ms;
    snprintf(out->other_learner.text, sizeof out->other_learner.text, "%s", text);
}

static void fill_counters(const struct usher_counters *from, struct snapshot_counters *out)
{
    out->turns = from->looks;
    out->promotions = from->promotions;
    out->removals = from->removals;
    out->adds = from->adds;
    out->url_updates = from->url_updates;
    out->leader_moves = from->leader_moves;
    out->archives = from->archives;
    out->waits = from->waits;
    out->leaves_done = from->leaves_done;
    out->leaves_stayed = from->leaves_stayed;
    out->leaves_failed = from->leaves_failed;
    out->errors = from->look_failures;
    out->calls[SNAPSHOT_VERB_LOOK][SNAPSHOT_OUTCOME_OK] = from->looks - from->look_failures;
    out->calls[SNAPSHOT_VERB_LOOK][SNAPSHOT_OUTCOME_UNKNOWN] = from->look_failures;
    out->calls[SNAPSHOT_VERB_ADD][SNAPSHOT_OUTCOME_OK] = from->adds;
    out->calls[SNAPSHOT_VERB_REMOVE][SNAPSHOT_OUTCOME_OK] = from->removals;
    out->calls[SNAPSHOT_VERB_PROMOTE][SNAPSHOT_OUTCOME_OK] = from->promotions;
    out->calls[SNAPSHOT_VERB_MOVE_LEADER][SNAPSHOT_OUTCOME_OK] = from->leader_moves;
    out->calls[SNAPSHOT_VERB_UPDATE_URLS][SNAPSHOT_OUTCOME_OK] = from->url_updates;
    out->calls[SNAPSHOT_VERB_RECORD_WRITE][SNAPSHOT_OUTCOME_OK] = from->record_writes;
}

void publish_fill(const struct sidecar *sidecar, struct snapshot *out)
{
    const struct usher *usher = &sidecar->usher;

    snapshot_init(out);
    snprintf(out->name, sizeof out->name, "%s", usher->settings->join.name);
    snprintf(out->slot, sizeof out->slot, "%s", usher->settings->join.slot_name);
    out->member = sidecar->id;
    out->cluster = sidecar->cluster;
    out->membership = membership_of(sidecar);
    out->is_leader = member_id_equals(sidecar->id, sidecar->own.leader);
    fill_health(sidecar, &out->health);
    out->started_at_ms = sidecar->started_at_ms;
    out->plan = sidecar->plan;
    out->last_reason = sidecar->last_reason;
    snprintf(out->last_action, sizeof out->last_action, "%s", sidecar->last_action);
    snprintf(out->last_text, sizeof out->last_text, "%s", sidecar->last_text);
    out->waiting_for = usher->waiting_for;
    out->waiting_since_ms = usher->waiting_since_ms;
    if (usher->waiting_for != REASON_UNKNOWN)
        snprintf(out->waiting_text, sizeof out->waiting_text, "%.*s", SNAPSHOT_TEXT_BYTES - 1, usher->message);
    out->list_read_at_ms = sidecar->list_read_at_ms;
    fill_members(sidecar, out);
    fill_learner(sidecar, out);
    fill_other_learner(usher, out);
    out->is_stopping = sidecar->is_stopping;
    out->is_leaving = sidecar->leaving_since_ms >= 0;
    if (out->is_leaving)
        snprintf(out->leave_text, sizeof out->leave_text, "%s", reason_sentence(sidecar->last_leave.reason));
    if (sidecar->other_cluster_is_recorded)
        snapshot_add_warning(out, "%s", reason_sentence(REASON_OTHER_CLUSTER_RECORDED));
    for (size_t i = 0; i < out->member_count; i++)
        if (known_bad_etcd(out->members[i].version) != NULL)
            snapshot_add_warning(out, "%s runs etcd %s: %s", out->members[i].name, out->members[i].version,
                                 known_bad_etcd(out->members[i].version));
    fill_counters(&usher->counters, &out->counters);
}
