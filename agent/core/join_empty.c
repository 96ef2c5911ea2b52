/* J9 to J15: the data directory is empty. What the list calls ours is either this volume's own entry, or a predecessor's. */
#include "join_rows.h"

static struct our_entry entry_of(const struct join_facts *facts, const struct member *member, bool is_in_record)
{
    return (struct our_entry){
        .state = member_is_started(member) ? OUR_ENTRY_STARTED : OUR_ENTRY_NOT_STARTED,
        .member = member,
        .is_in_record = is_in_record,
        .is_in_join_record = member_id_equals(facts->volume.join_record.member, member->id) &&
                             !cluster_id_differs(facts->volume.join_record.cluster, facts->view->cluster) &&
                             url_list_overlaps(&member->peer_urls, &facts->settings.peer_urls),
    };
}

struct our_entry our_entry_find(const struct join_facts *facts)
{
    const struct member *by_url, *by_record = NULL;
    const struct member_list *list;

    if (join_live(facts) != LIVE_REACHABLE)
        return (struct our_entry){.state = OUR_ENTRY_UNKNOWN};
    list = &facts->view->list;
    if (facts->record != NULL && facts->record->state != RECORD_UNREADABLE &&
        !cluster_id_differs(facts->record->cluster, facts->view->cluster))
        by_record = member_list_find(list, set_record_slot(facts->record, facts->settings.slot_name));
    if (facts->wal.state == WAL_IDS) {
        const struct member *ours = member_list_find(list, facts->wal.member);
        return ours == NULL ? (struct our_entry){.state = OUR_ENTRY_ABSENT} : entry_of(facts, ours, ours == by_record);
    }
    if (member_list_count_by_peer_url(list, &facts->settings.peer_urls) > 1)
        return (struct our_entry){.state = OUR_ENTRY_AMBIGUOUS};
    by_url = member_list_find_by_peer_url(list, &facts->settings.peer_urls);
    if (by_url != NULL && by_record != NULL && by_url != by_record)
        return (struct our_entry){.state = OUR_ENTRY_AMBIGUOUS};
    if (by_url != NULL)
        return entry_of(facts, by_url, by_url == by_record);
    if (by_record != NULL)
        return entry_of(facts, by_record, true);
    return (struct our_entry){.state = OUR_ENTRY_ABSENT};
}

static struct join_decision about(const struct join_facts *facts, const struct member *member, struct join_decision decision)
{
    return join_about(decision, member == NULL ? (struct member_id){0} : member->id, facts->view->cluster);
}

static bool answers_elsewhere(const struct join_facts *facts, const struct member *member)
{
    return cluster_view_who_answers_as(facts->view, facts->view->cluster, member->id) != NULL;
}

/* J10, and the second half of J11 and J13. */
static struct join_decision add(const struct join_facts *facts)
{
    if (facts->volume.is_readable != TRI_YES) /* the join record could not be kept: the next start would not know its own entry */
        return about(facts, NULL, join_wait(REASON_NOTES_UNREADABLE, JOIN_AGAIN_MS));
    if (facts->since_our_removal_ms >= 0 && facts->since_our_removal_ms < JOIN_AFTER_REMOVAL_MS)
        return about(facts, NULL, join_wait(REASON_REMOVAL_SPACING, JOIN_AFTER_REMOVAL_MS - facts->since_our_removal_ms));
    return about(facts, NULL, join_act(JOIN_ADD, REASON_ADD_LEARNER));
}

static struct join_decision remove_entry(const struct join_facts *facts, const struct member *member, enum reason reason)
{
    if (facts->removal_keeps_quorum != TRI_YES)
        return about(facts, member, join_wait(REASON_QUORUM_FORBIDS, JOIN_AGAIN_MS));
    return about(facts, member, join_act(JOIN_REMOVE, reason));
}

/* J9, J11. */
static struct join_decision with_unstarted(const struct join_facts *facts, const struct our_entry *entry)
{
    const struct member *member = entry->member;

    if (answers_elsewhere(facts, member))
        return about(facts, member, join_refuse(REASON_LIVE_TWIN));
    if (entry->is_in_join_record)
        return about(facts, member, join_act(JOIN_START_JOINING, REASON_START_JOINING));
    return remove_entry(facts, member, REASON_REPLACE_UNSTARTED);
}

/* No permit outweighs a sign of life, so none is offered against one. */
static struct join_decision refuse_to_replace(const struct join_facts *facts, const struct member *member, enum reason reason)
{
    struct join_decision decision = join_refuse(reason);

    if (facts->our_gauge != GAUGE_CONNECTED)
        decision = join_with_help(decision, PERMIT_REPLACE, member->id.value, NULL);
    return about(facts, member, decision);
}

/* J12 to J14. Dead = nothing answers as its ID, and the gauges of a quorum of voters show it down, and the record gives our slot to it. A
 * permit replace=ID stands for the record and for unreadable gauges, never against a sign of life. Silence alone is never death. */
static struct join_decision with_started(const struct join_facts *facts, const struct our_entry *entry)
{
    const struct member *member = entry->member;
    const struct permit *permit = join_permit(facts, PERMIT_REPLACE, member->id.value, NULL);
    bool has_sign_of_life = facts->our_gauge == GAUGE_CONNECTED;
    bool is_proven = facts->our_gauge == GAUGE_DOWN && entry->is_in_record;
    struct join_decision decision;

    if (answers_elsewhere(facts, member))
        return about(facts, member, join_refuse(REASON_LIVE_TWIN));
    if (permit != NULL && !has_sign_of_life) {
        decision = remove_entry(facts, member, REASON_REPLACE_LOST);
        decision.used_permit = *permit;
        return decision;
    }
    if (facts->settings.lost_data != DATA_POLICY_ACT)
        return refuse_to_replace(facts, member, REASON_LOST_REFUSED);
    if (is_proven)
        return remove_entry(facts, member, REASON_REPLACE_LOST);
    if (facts->looked_for_ms < JOIN_LOOK_MS)
        return about(facts, member, join_wait(REASON_LOST_UNPROVEN_WAIT, JOIN_AGAIN_SOON_MS));
    return refuse_to_replace(facts, member, REASON_LOST_UNPROVEN);
}

/* J15. What refuses us altogether (TLS, authentication, a web server), or was not answered for at all (a name server that is down), says nothing
 * about a quorum; a person has to look elsewhere. */
static struct join_decision without_quorum(const struct join_facts *facts)
{
    bool some_refuse = false, some_live = false;
    enum reason reason;

    for (size_t i = 0; i < facts->view->endpoint_count; i++) {
        some_refuse |= facts->view->endpoints[i].state == ENDPOINT_REFUSES;
        some_live |= facts->view->endpoints[i].state != ENDPOINT_REFUSES && facts->view->endpoints[i].state != ENDPOINT_UNREACHABLE &&
                     facts->view->endpoints[i].state != ENDPOINT_UNKNOWN;
    }
    reason = some_live ? REASON_NO_QUORUM_WAIT : some_refuse ? REASON_SOMETHING_ANSWERS : REASON_ENDPOINTS_UNKNOWN;
    return about(facts, NULL, join_wait(reason, JOIN_AGAIN_MS));
}

struct join_decision join_without_data(const struct join_facts *facts)
{
    struct our_entry entry;

    switch (join_live(facts)) {
    case LIVE_UNREACHABLE:
        return founding_decide(facts); /* J16 */
    case LIVE_NO_QUORUM:
        return without_quorum(facts);
    case LIVE_REACHABLE:
        break;
    case LIVE_UNKNOWN:
        return join_wait(REASON_FACTS_INCOMPLETE, JOIN_AGAIN_SOON_MS);
    }
    entry = our_entry_find(facts);
    switch (entry.state) {
    case OUR_ENTRY_ABSENT:
        return add(facts);
    case OUR_ENTRY_NOT_STARTED:
        return with_unstarted(facts, &entry);
    case OUR_ENTRY_STARTED:
        return with_started(facts, &entry);
    case OUR_ENTRY_AMBIGUOUS:
        return about(facts, NULL, join_refuse(REASON_TWO_ENTRIES));
    case OUR_ENTRY_UNKNOWN:
        break;
    }
    return join_wait(REASON_FACTS_INCOMPLETE, JOIN_AGAIN_SOON_MS);
}
