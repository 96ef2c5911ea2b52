/* J1 to J4: the data directory holds a WAL that names its cluster and member. */
#include "join_rows.h"

/* Somebody else answers with our WAL's identity: one of the two volumes is a copy. Two copies under one ID corrupt the cluster
 * (measured: the real member's streams drop, the clone dies in a tocommit panic). */
static bool copy_answers(const struct join_facts *facts)
{
    return cluster_view_who_answers_as(facts->view, facts->wal.cluster, facts->wal.member) != NULL;
}

static struct join_decision about_us(const struct join_facts *facts, struct join_decision decision)
{
    return join_about(decision, facts->wal.member, facts->wal.cluster);
}

/* J1, J2. No barrier read to be had. Start never waits for the cluster, or a full outage would never heal; data that a barrier read
 * showed as removed is dead all the same. */
static struct join_decision start_unseen(const struct join_facts *facts, bool is_permitted)
{
    bool is_dead =
        cluster_id_equals(facts->volume.left.cluster, facts->wal.cluster) && member_id_equals(facts->volume.left.member, facts->wal.member);
    if (is_dead)
        return about_us(facts, join_wait(REASON_DEAD_DATA_WAITS, JOIN_AGAIN_MS));
    if (copy_answers(facts) && !is_permitted)
        return about_us(facts, join_with_help(join_refuse(REASON_COPY_LIVES), PERMIT_START, facts->wal.member.value, NULL));
    return about_us(facts, join_act(JOIN_START, REASON_START_UNSEEN));
}

/* J4, and the half of G2 that needs the list. */
static struct join_decision handle_removed(const struct join_facts *facts)
{
    const struct permit *archive = join_permit(facts, PERMIT_ARCHIVE, facts->wal.member.value, NULL);
    struct join_decision decision;
    bool is_marked =
        cluster_id_equals(facts->volume.left.cluster, facts->wal.cluster) && member_id_equals(facts->volume.left.member, facts->wal.member);

    if (!is_marked)
        return about_us(facts, join_act(JOIN_MARK_LEFT, REASON_MARK_LEFT));
    if (facts->settings.rejoin == REJOIN_NEVER)
        return about_us(facts, join_act(JOIN_HOLD_REMOVED, REASON_REJOIN_NEVER));
    if (facts->settings.stale_data != DATA_POLICY_ACT && archive == NULL)
        return about_us(facts, join_with_help(join_refuse(REASON_STALE_REFUSED), PERMIT_ARCHIVE, facts->wal.member.value, NULL));
    decision = join_set_aside(facts, REASON_ARCHIVE_STALE);
    if (archive != NULL && decision.action == JOIN_ARCHIVE)
        decision.used_permit = *archive;
    return decision;
}

/* J3. */
static struct join_decision start_listed(const struct join_facts *facts, const struct member *ours, bool is_permitted)
{
    const struct member_list *list = &facts->view->list;

    if (!is_permitted) {
        if (copy_answers(facts))
            return about_us(facts, join_with_help(join_refuse(REASON_COPY_LIVES), PERMIT_START, ours->id.value, NULL));
        if (facts->our_gauge == GAUGE_CONNECTED && facts->looked_for_ms < JOIN_LOOK_MS)
            return about_us(facts, join_wait(REASON_COPY_CONNECTED_WAIT, JOIN_AGAIN_SOON_MS));
        if (facts->our_gauge == GAUGE_CONNECTED)
            return about_us(facts, join_with_help(join_refuse(REASON_COPY_CONNECTED), PERMIT_START, ours->id.value, NULL));
    }
    for (size_t i = 0; i < list->count; i++)
        if (!member_id_equals(list->members[i].id, ours->id) && url_list_overlaps(&list->members[i].peer_urls, &facts->settings.peer_urls))
            return join_about(join_refuse(REASON_URL_HELD_BY_OTHER), list->members[i].id, facts->wal.cluster);
    if (facts->settings.peer_urls.count > 0 && !url_list_overlaps(&ours->peer_urls, &facts->settings.peer_urls))
        /* etcd's update drops the learner flag (fixed in 3.5.31 and 3.6.12 only), so a learner is taken out and joins again. */
        return about_us(facts, ours->is_learner ? join_act(JOIN_REMOVE, REASON_LEARNER_URLS_CHANGED)
                                                : join_act(JOIN_UPDATE_URLS, REASON_UPDATE_URLS));
    return about_us(facts, join_act(JOIN_START, REASON_START_LISTED));
}

struct join_decision join_with_ids(const struct join_facts *facts)
{
    const struct permit *start = join_permit(facts, PERMIT_START, facts->wal.member.value, NULL);
    struct join_decision decision;

    if (join_live(facts) != LIVE_REACHABLE) {
        decision = start_unseen(facts, start != NULL);
    } else if (!cluster_id_equals(facts->view->cluster, facts->wal.cluster)) {
        /* A barrier read of another cluster says nothing about our ids (the guards let it pass only as a stray). */
        decision = start_unseen(facts, start != NULL);
    } else {
        const struct member *ours = member_list_find(&facts->view->list, facts->wal.member);
        decision = ours == NULL ? handle_removed(facts) : start_listed(facts, ours, start != NULL);
    }
    if (start != NULL && (decision.action == JOIN_START || decision.action == JOIN_UPDATE_URLS))
        decision.used_permit = *start;
    return decision;
}
