#include "usher/core/join_decision.h"

#include <string.h>

#include "join_rows.h"

struct join_decision join_act(enum join_action action, enum reason reason)
{
    return (struct join_decision){.action = action, .reason = reason};
}

struct join_decision join_wait(enum reason reason, int64_t again_in_ms)
{
    return (struct join_decision){.action = JOIN_WAIT, .reason = reason, .again_in_ms = again_in_ms};
}

struct join_decision join_refuse(enum reason reason) { return join_act(JOIN_REFUSE, reason); }

struct join_decision join_with_help(struct join_decision decision, enum permit_kind kind, uint64_t id, const char *name)
{
    decision.would_help.kind = kind;
    decision.would_help.id = id;
    if (name != NULL) {
        size_t length = strnlen(name, sizeof decision.would_help.name - 1);
        memcpy(decision.would_help.name, name, length);
        decision.would_help.name[length] = '\0';
    }
    return decision;
}

struct join_decision join_about(struct join_decision decision, struct member_id target, struct cluster_id cluster)
{
    decision.target = target;
    decision.cluster = cluster;
    return decision;
}

const struct permit *join_permit(const struct join_facts *facts, enum permit_kind kind, uint64_t id, const char *name)
{
    const struct permit *found = permit_find(&facts->file_permits, kind, id, name);
    if (found == NULL && facts->record != NULL && facts->record->state != RECORD_UNREADABLE)
        found = permit_find(&facts->record->permits, kind, id, name);
    return found;
}

struct cluster_id join_anchor(const struct join_facts *facts)
{
    if (cluster_id_is_known(facts->settings.expected_cluster))
        return facts->settings.expected_cluster;
    if (facts->record != NULL && facts->record->state == RECORD_CLUSTER)
        return facts->record->cluster;
    return (struct cluster_id){0};
}

enum live_cluster join_live(const struct join_facts *facts) { return facts->view == NULL ? LIVE_UNKNOWN : facts->view->live; }

bool join_action_mutates(enum join_action action)
{
    switch (action) {
    case JOIN_UPDATE_URLS:
    case JOIN_MARK_LEFT:
    case JOIN_ARCHIVE:
    case JOIN_DROP:
    case JOIN_DELETE_REMAINS:
    case JOIN_ADD:
    case JOIN_REMOVE:
    case JOIN_CLAIM:
    case JOIN_FOUND:
    case JOIN_FORGET:
        return true;
    case JOIN_UNKNOWN:
    case JOIN_WAIT:
    case JOIN_REFUSE:
    case JOIN_KEEP:
    case JOIN_HOLD_REMOVED:
    case JOIN_START:
    case JOIN_START_JOINING:
        return false;
    }
    return false;
}

const char *join_action_name(enum join_action action)
{
    switch (action) {
    case JOIN_WAIT:
        return "wait";
    case JOIN_REFUSE:
        return "refuse";
    case JOIN_KEEP:
        return "keep";
    case JOIN_HOLD_REMOVED:
        return "hold-removed";
    case JOIN_START:
        return "start";
    case JOIN_START_JOINING:
        return "start-joining";
    case JOIN_UPDATE_URLS:
        return "update-urls";
    case JOIN_MARK_LEFT:
        return "mark-left";
    case JOIN_ARCHIVE:
        return "archive";
    case JOIN_DROP:
        return "drop";
    case JOIN_DELETE_REMAINS:
        return "delete-remains";
    case JOIN_ADD:
        return "add";
    case JOIN_REMOVE:
        return "remove";
    case JOIN_CLAIM:
        return "claim";
    case JOIN_FOUND:
        return "found";
    case JOIN_FORGET:
        return "forget";
    case JOIN_UNKNOWN:
        break;
    }
    return "unknown";
}

/* G1. Zero decisions about data while an etcd may be writing it. */
static bool guard_etcd_lives(const struct join_facts *facts, struct join_decision *out)
{
    if (facts->etcd_lives_here == TRI_NO)
        return false;
    if (facts->etcd_lives_here == TRI_UNKNOWN)
        *out = join_wait(REASON_FACTS_INCOMPLETE, JOIN_AGAIN_SOON_MS);
    else if (facts->has_plan)
        *out = join_act(JOIN_KEEP, REASON_ETCD_LIVES);
    else
        *out = join_wait(REASON_ETCD_LIVES_UNPLANNED, JOIN_AGAIN_SOON_MS);
    return true;
}

/* G2, the half that needs no look: this very pod was removed while it ran. (The other half stands at J4, after the left mark.) */
static bool guard_pod_was_removed(const struct join_facts *facts, struct join_decision *out)
{
    if (!facts->pod_turned_removed || facts->settings.rejoin == REJOIN_ALWAYS)
        return false;
    *out = join_about(join_act(JOIN_HOLD_REMOVED, REASON_POD_WAS_REMOVED), facts->wal.member, facts->wal.cluster);
    return true;
}

/* G3. A wrong path must not look like a lost volume. */
static bool guard_data_place(const struct join_facts *facts, struct join_decision *out)
{
    switch (facts->data_place) {
    case PLACE_GOOD:
        return false;
    case PLACE_MISSING:
        *out = join_refuse(REASON_DATA_DIR_MISSING);
        return true;
    case PLACE_NOT_MOUNTED:
        *out = join_refuse(REASON_DATA_DIR_NOT_MOUNTED);
        return true;
    case PLACE_WAL_ELSEWHERE:
        *out = join_refuse(REASON_WAL_ELSEWHERE);
        return true;
    case PLACE_UNKNOWN:
        break;
    }
    *out = join_wait(REASON_FACTS_INCOMPLETE, JOIN_AGAIN_SOON_MS);
    return true;
}

/* Why this data is not ours to start, REASON_UNKNOWN when nothing speaks against it. */
static enum reason foreign_reason(const struct join_facts *facts)
{
    if (facts->wal.state == WAL_IDS) {
        if (cluster_id_differs(facts->wal.cluster, facts->settings.expected_cluster))
            return REASON_FOREIGN_CLUSTER;
        if (facts->record != NULL && facts->record->state == RECORD_CLUSTER &&
            cluster_id_differs(facts->wal.cluster, facts->record->cluster))
            return REASON_FOREIGN_CLUSTER;
        if (facts->record != NULL && facts->record->state != RECORD_UNREADABLE && set_record_forgot(facts->record, facts->wal.cluster))
            return REASON_FORGOTTEN_CLUSTER;
    }
    if (facts->volume.is_another_slots == TRI_YES)
        return REASON_FOREIGN_SLOT;
    return REASON_UNKNOWN;
}

/* G4. Foreign data is neither started nor moved without a person's word, reachable or not. start=ID: go on as if it were ours. */
static bool guard_foreign(const struct join_facts *facts, struct join_decision *out)
{
    enum reason reason = foreign_reason(facts);
    uint64_t id = facts->wal.state == WAL_IDS ? facts->wal.member.value : 0;
    const char *slot = id == 0 ? facts->settings.slot_name : NULL; /* data without an ID is named by the slot */
    const struct permit *permit;

    if (reason == REASON_UNKNOWN || join_permit(facts, PERMIT_START, id, NULL) != NULL)
        return false;
    permit = join_permit(facts, PERMIT_ARCHIVE, id, slot);
    if (permit != NULL) {
        *out = join_act(JOIN_ARCHIVE, REASON_ARCHIVE_BY_PERMIT);
        out->used_permit = *permit;
    } else {
        *out = join_with_help(join_refuse(reason), PERMIT_ARCHIVE, id, slot);
    }
    *out = join_about(*out, facts->wal.member, facts->wal.cluster);
    return true;
}

/* The data counts as ours, whatever speaks against its cluster, once a permit says to start it. */
static bool is_started_by_permit(const struct join_facts *facts)
{
    return facts->wal.state == WAL_IDS && join_permit(facts, PERMIT_START, facts->wal.member.value, NULL) != NULL;
}

struct cluster_id join_wanted_cluster(const struct join_facts *facts)
{
    struct cluster_id anchor = join_anchor(facts);
    if (is_started_by_permit(facts) || (!cluster_id_is_known(anchor) && facts->wal.state == WAL_IDS))
        return facts->wal.cluster;
    return anchor;
}

enum stray_verdict stray_judge(const struct join_facts *facts, const struct endpoint_view *endpoint)
{
    struct cluster_id anchor = join_anchor(facts);
    bool has_ids = facts->wal.state == WAL_IDS;

    if (!cluster_id_is_known(endpoint->cluster))
        return STRAY_NONE;
    if (facts->record != NULL && facts->record->state != RECORD_UNREADABLE && set_record_forgot(facts->record, endpoint->cluster))
        return endpoint->is_remembered ? STRAY_DROP : STRAY_REFUSE;
    if (!cluster_id_differs(endpoint->cluster, join_wanted_cluster(facts)))
        return STRAY_NONE;
    /* With data of the wanted cluster an outage must heal whatever else answers; a remembered address may have been given to others. */
    if (endpoint->is_remembered || is_started_by_permit(facts) || (has_ids && cluster_id_equals(facts->wal.cluster, anchor)))
        return STRAY_DROP;
    return STRAY_REFUSE;
}

/* Two given endpoints name different clusters and nothing tells which one is ours. */
static bool endpoints_disagree(const struct cluster_view *view)
{
    struct cluster_id first = {0};
    for (size_t i = 0; i < view->endpoint_count; i++) {
        const struct endpoint_view *endpoint = &view->endpoints[i];
        if (endpoint->is_remembered || !cluster_id_is_known(endpoint->cluster))
            continue;
        if (cluster_id_differs(first, endpoint->cluster))
            return true;
        first = endpoint->cluster;
    }
    return false;
}

/* G5. The observer has left out what may be dropped; whatever still answers another cluster's ID is a reason to stop. A permit forget= for
 * the recorded cluster lets the set join another one. */
static bool guard_clusters(const struct join_facts *facts, struct join_decision *out)
{
    const struct cluster_view *view = facts->view;
    bool refuses = false;

    for (size_t i = 0; i < view->endpoint_count && !refuses; i++)
        refuses = stray_judge(facts, &view->endpoints[i]) == STRAY_REFUSE;
    if (!refuses && !cluster_id_is_known(join_anchor(facts)) && facts->wal.state != WAL_IDS)
        refuses = endpoints_disagree(view);
    if (!refuses)
        return false;
    if (facts->record != NULL && facts->record->state == RECORD_CLUSTER) {
        const struct permit *permit = join_permit(facts, PERMIT_FORGET, facts->record->cluster.value, NULL);
        if (permit != NULL) {
            *out = join_about(join_act(JOIN_FORGET, REASON_FORGET), (struct member_id){0}, facts->record->cluster);
            out->used_permit = *permit;
            return true;
        }
        *out = join_with_help(join_refuse(REASON_CLUSTERS_DISAGREE), PERMIT_FORGET, facts->record->cluster.value, NULL);
    } else {
        *out = join_refuse(REASON_CLUSTERS_DISAGREE);
    }
    *out = join_about(*out, facts->wal.member, view->cluster);
    return true;
}

struct join_decision join_set_aside(const struct join_facts *facts, enum reason reason)
{
    const char *slot = facts->wal.state == WAL_IDS ? NULL : facts->settings.slot_name; /* data without an ID is named by the slot */
    const struct permit *drop = join_permit(facts, PERMIT_DROP, facts->wal.member.value, slot);
    const struct endpoint_view *leader = NULL;
    struct join_decision decision;
    int64_t needed_bytes = -1;

    for (size_t i = 0; facts->view != NULL && i < facts->view->endpoint_count; i++) {
        const struct endpoint_view *endpoint = &facts->view->endpoints[i];
        if (endpoint->db_size_bytes > needed_bytes && (leader == NULL || !member_id_equals(leader->member, leader->leader))) {
            needed_bytes = endpoint->db_size_bytes;
            leader = endpoint;
        }
    }
    if (facts->free_bytes >= 0 && needed_bytes >= 0 && facts->free_bytes < needed_bytes) {
        if (drop != NULL) {
            decision = join_act(JOIN_DROP, REASON_DROP_BY_PERMIT);
            decision.used_permit = *drop;
        } else {
            decision = join_with_help(join_refuse(REASON_NO_SPACE_TO_ARCHIVE), PERMIT_DROP, facts->wal.member.value, slot);
        }
    } else {
        decision = join_act(JOIN_ARCHIVE, reason);
    }
    return join_about(decision, facts->wal.member, facts->wal.cluster);
}

/* J5. Neither started nor taken as lost; a person names the slot, because such data has no ID. */
static struct join_decision join_with_unreadable(const struct join_facts *facts)
{
    bool is_torn = facts->wal.state == WAL_TORN;
    const struct permit *permit = join_permit(facts, PERMIT_ARCHIVE, 0, facts->settings.slot_name);
    struct join_decision decision;

    if (permit != NULL || (is_torn && facts->settings.unreadable_data == DATA_POLICY_ACT)) {
        decision = join_act(JOIN_ARCHIVE, REASON_ARCHIVE_UNREADABLE);
        if (permit != NULL)
            decision.used_permit = *permit;
        return decision;
    }
    return join_with_help(join_refuse(is_torn ? REASON_DATA_TORN : REASON_DATA_UNREADABLE), PERMIT_ARCHIVE, 0, facts->settings.slot_name);
}

/* J6 to J8. */
static struct join_decision join_with_remains(const struct join_facts *facts)
{
    struct our_entry entry = our_entry_find(facts);
    bool is_own_join = entry.state == OUR_ENTRY_NOT_STARTED && member_id_equals(entry.member->id, facts->volume.join_record.member);
    bool is_own_founding = facts->volume.nonce[0] != '\0' && !facts->volume.nonce_was_used;

    if (is_own_join || is_own_founding)
        return join_act(JOIN_DELETE_REMAINS, REASON_DELETE_OWN_REMAINS);
    if (join_live(facts) != LIVE_REACHABLE)
        return join_wait(REASON_REMAINS_WAIT, JOIN_AGAIN_MS);
    return join_set_aside(facts, REASON_ARCHIVE_REMAINS);
}

struct join_decision join_decide(const struct join_facts *facts)
{
    struct join_decision decision;

    if (guard_etcd_lives(facts, &decision) || guard_pod_was_removed(facts, &decision) || guard_data_place(facts, &decision))
        return decision;
    if (facts->wal.state == WAL_UNKNOWN || join_live(facts) == LIVE_UNKNOWN)
        return join_wait(REASON_FACTS_INCOMPLETE, JOIN_AGAIN_SOON_MS);
    if (guard_foreign(facts, &decision) || guard_clusters(facts, &decision))
        return decision;

    switch (facts->wal.state) {
    case WAL_IDS:
        return join_with_ids(facts);
    case WAL_TORN:
    case WAL_UNREADABLE:
        return join_with_unreadable(facts);
    case WAL_REMAINS:
        return join_with_remains(facts);
    case WAL_NONE:
        return join_without_data(facts);
    case WAL_UNKNOWN:
        break;
    }
    return join_wait(REASON_FACTS_INCOMPLETE, JOIN_AGAIN_SOON_MS);
}
