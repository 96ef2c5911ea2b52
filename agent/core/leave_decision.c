#include "usher/core/leave_decision.h"

#include <string.h>

#include "usher/core/leave_proof.h"

static struct leave_decision decided(enum leave_action action, enum reason reason)
{
    return (struct leave_decision){.action = action, .reason = reason};
}

static struct leave_decision wait_or_stay(const struct leave_facts *facts, enum reason reason)
{
    struct leave_decision decision = decided(facts->is_deadline_over ? LEAVE_STAY : LEAVE_WAIT, reason);
    decision.again_in_ms = facts->is_deadline_over ? 0 : LEAVE_AGAIN_MS;
    return decision;
}

/* --leave=always: an exec hook's word counts; HTTP and a signal need the pod's end to be seen, because a liveness restart runs the hook
 * and restarts the sidecar, too. */
static enum reason always_objection(const struct leave_facts *facts, bool *out_waits_for_port)
{
    if (facts->asked == LEAVE_ASKED_HOOK || facts->pod_is_deleted == TRI_YES)
        return REASON_UNKNOWN;
    if (facts->asked == LEAVE_ASKED_HTTP)
        return REASON_STAY_NOT_DELETED;
    if (facts->client_port_accepts == TRI_NO)
        return REASON_UNKNOWN;
    *out_waits_for_port = true;
    return REASON_STAY_ETCD_RUNS;
}

static bool has_slot(const struct leave_facts *facts, int64_t ordinal)
{
    for (size_t i = 0; i < facts->record->slot_count; i++)
        if (stateful_set_ordinal(facts->set->name, facts->record->slots[i].name) == ordinal)
            return member_id_is_known(facts->record->slots[i].id);
    return false;
}

/* Each pod of the set that exists has told the record its ID: whoever is not in there is of another set. */
static bool record_knows_all_pods(const struct leave_facts *facts)
{
    int64_t end;

    if (facts->set == NULL || facts->set->created < 0 || facts->ordinal < facts->set->start)
        return false;
    end = facts->set->start + facts->set->created;
    if (end <= facts->ordinal)
        end = facts->ordinal + 1;
    for (int64_t i = facts->set->start; i < end; i++)
        if (!has_slot(facts, i))
            return false;
    return true;
}

/* http://etcd-1.peers:2380 beside our http://etcd-0.peers:2380. */
static bool is_sibling_url(const char *set_name, const char *ours, const char *theirs)
{
    const char *our_host = strstr(ours, "://"), *their_host = strstr(theirs, "://");
    size_t length = strlen(set_name);

    if (our_host == NULL || their_host == NULL || length == 0)
        return false;
    our_host += 3;
    their_host += 3;
    if (strncmp(our_host, set_name, length) != 0 || strncmp(their_host, set_name, length) != 0 || our_host[length] != '-' ||
        their_host[length] != '-')
        return false;
    our_host += length + 1;
    their_host += length + 1;
    our_host += strspn(our_host, "0123456789");
    their_host += strspn(their_host, "0123456789");
    return strcmp(our_host, their_host) == 0;
}

static bool looks_like_ours(const struct leave_facts *facts, const struct member *member)
{
    for (size_t i = 0; facts->peer_urls != NULL && i < facts->peer_urls->count; i++)
        for (size_t k = 0; k < member->peer_urls.count; k++)
            if (is_sibling_url(facts->set->name, facts->peer_urls->url[i], member->peer_urls.url[k]))
                return true;
    return false;
}

/* --leave=proven. Replicas 0 is a pause, unless the voters outside our set can carry the cluster alone (the end of a move). */
static bool outside_carries_alone(const struct leave_facts *facts)
{
    size_t outside = 0, healthy = 0;

    if (facts->view == NULL || facts->view->live != LIVE_REACHABLE || facts->record == NULL || facts->record->state != RECORD_CLUSTER ||
        !record_knows_all_pods(facts))
        return false;
    for (size_t i = 0; i < facts->view->list.count; i++) {
        const struct member *member = &facts->view->list.members[i];
        if (member->is_learner || set_record_has_id(facts->record, member->id) || looks_like_ours(facts, member))
            continue;
        outside++;
        healthy += facts->health.is_healthy[i] ? 1 : 0;
    }
    return outside >= 1 && healthy >= quorum_size(outside);
}

static enum reason proven_objection(const struct leave_facts *facts)
{
    switch (facts->proof) {
    case PROOF_SEAT_GIVEN_UP:
        return REASON_UNKNOWN;
    case PROOF_PAUSED:
        return outside_carries_alone(facts) ? REASON_UNKNOWN : REASON_STAY_PAUSED;
    case PROOF_NONE:
        return REASON_STAY_COMES_BACK;
    case PROOF_UNKNOWN:
        break;
    }
    return REASON_STAY_UNPROVEN;
}

enum reason leave_objection(const struct leave_facts *facts, bool *out_waits_for_port)
{
    *out_waits_for_port = false;
    if (facts->asked == LEAVE_NOT_ASKED)
        return REASON_STAY_NOT_ASKED;
    switch (facts->policy) {
    case LEAVE_NEVER:
        return REASON_STAY_NEVER;
    case LEAVE_ASKED:
        return facts->asked == LEAVE_ASKED_ORDER ? REASON_UNKNOWN : REASON_STAY_NOT_ORDERED;
    case LEAVE_ALWAYS:
        return facts->asked == LEAVE_ASKED_ORDER ? REASON_UNKNOWN : always_objection(facts, out_waits_for_port);
    case LEAVE_PROVEN:
        return facts->asked == LEAVE_ASKED_ORDER ? REASON_UNKNOWN : proven_objection(facts);
    case LEAVE_UNKNOWN:
        break;
    }
    return REASON_STAY_UNPROVEN;
}

static bool is_preferred(const char *preference, const struct member *member)
{
    uint64_t id;
    return strcmp(preference, member->name) == 0 || (id_from_hex(preference, &id) && id == member->id.value);
}

static size_t preference_rank(const struct leave_facts *facts, const struct member *member)
{
    for (size_t i = 0; i < facts->preference_count; i++)
        if (is_preferred(facts->preferences[i], member))
            return i;
    return facts->preference_count;
}

/* The number at the end of a pod's name; a large one where there is none. Low ordinals leave last. */
static uint64_t ordinal_of(const char *name)
{
    size_t length = strnlen(name, NAME_BYTES), at = length;
    uint64_t ordinal = 0;

    while (at > 0 && name[at - 1] >= '0' && name[at - 1] <= '9' && length - at < 9)
        at--;
    if (at == length)
        return UINT64_MAX;
    for (; at < length; at++)
        ordinal = ordinal * 10 + (uint64_t)(name[at] - '0');
    return ordinal;
}

static bool is_ours(const struct leave_facts *facts, const struct member *member)
{
    return facts->record != NULL && facts->record->state == RECORD_CLUSTER && set_record_has_id(facts->record, member->id);
}

/* Is `a` the better leader? Preference, then members outside our set (we are leaving; they are likely to stay), then low ordinals. */
static bool is_better(const struct leave_facts *facts, const struct member *a, const struct member *b)
{
    size_t rank_a = preference_rank(facts, a), rank_b = preference_rank(facts, b);

    if (rank_a != rank_b)
        return rank_a < rank_b;
    if (is_ours(facts, a) != is_ours(facts, b))
        return !is_ours(facts, a);
    return ordinal_of(a->name) < ordinal_of(b->name);
}

static bool is_caught_up(const struct leave_facts *facts, struct member_id id)
{
    const struct endpoint_view *endpoint = cluster_view_who_answers_as(facts->view, facts->cluster, id);
    const struct endpoint_view *leader = cluster_view_who_answers_as(facts->view, facts->cluster, facts->leader);

    if (endpoint == NULL || endpoint->state != ENDPOINT_SERVING)
        return false;
    return leader == NULL || endpoint->raft_applied_index + CAUGHT_UP_ENTRIES >= leader->raft_index;
}

struct member_id leave_choose_leader(const struct leave_facts *facts)
{
    const struct member *best = NULL;

    for (size_t i = 0; i < facts->view->list.count; i++) {
        const struct member *member = &facts->view->list.members[i];
        if (member->is_learner || !member_is_started(member) || member_id_equals(member->id, facts->ours) || !facts->health.is_healthy[i] ||
            !is_caught_up(facts, member->id))
            continue;
        if (best == NULL || is_better(facts, member, best))
            best = member;
    }
    return best == NULL ? (struct member_id){0} : best->id;
}

/* The second half: may the member list change now? */
static struct leave_decision go(const struct leave_facts *facts)
{
    struct leave_decision decision;
    const struct member *ours;
    struct member_id next;

    if (facts->view == NULL || facts->view->live != LIVE_REACHABLE || !cluster_id_equals(facts->view->cluster, facts->cluster) ||
        !member_id_is_known(facts->ours))
        return facts->was_last_voter ? decided(LEAVE_STAY, REASON_STAY_LAST_VOTER) : wait_or_stay(facts, REASON_LEAVE_NO_QUORUM);
    ours = member_list_find(&facts->view->list, facts->ours);
    if (ours == NULL)
        return decided(LEAVE_GONE, REASON_LEFT);
    if (facts->list_age_ms > LEAVE_LIST_FRESH_MS) /* 4.4: a barrier read right before the call */
        return wait_or_stay(facts, REASON_LEAVE_LIST_OLD);
    if (ours->is_learner) {
        decision = decided(LEAVE_REMOVE, REASON_LEAVE_LEARNER);
        decision.target = facts->ours;
        return decision;
    }
    switch (quorum_judge(facts->view, &facts->health, QUORUM_REMOVE, facts->ours)) {
    case QUORUM_ALLOWED:
        break;
    case QUORUM_LAST_VOTER:
        return decided(LEAVE_STAY, REASON_STAY_LAST_VOTER);
    case QUORUM_TOO_FEW_LEFT:
    case QUORUM_NO_SUCH_MEMBER:
    case QUORUM_UNKNOWN:
        return wait_or_stay(facts, REASON_LEAVE_QUORUM);
    }
    next = leave_choose_leader(facts);
    if (member_id_equals(facts->leader, facts->ours) && member_id_is_known(next) && facts->leader_moves_tried < LEADER_MOVES_MAX) {
        decision = decided(LEAVE_MOVE_LEADER, REASON_LEAVE_MOVE_LEADER);
        decision.target = next;
        return decision;
    }
    decision = decided(LEAVE_REMOVE, REASON_LEAVE_REMOVE);
    decision.target = facts->ours;
    return decision;
}

bool leave_can_be_judged(enum live_cluster live, bool is_deadline_over) { return live != LIVE_UNKNOWN || is_deadline_over; }

struct leave_decision leave_decide(const struct leave_facts *facts)
{
    bool waits_for_port;
    enum reason objection = leave_objection(facts, &waits_for_port);

    if (objection == REASON_UNKNOWN)
        return go(facts);
    return waits_for_port ? wait_or_stay(facts, objection) : decided(LEAVE_STAY, objection);
}
