#include "usher/core/health_verdict.h"

#include <string.h>

#include "usher/core/quorum.h"

/* An unknown time, or one from the future (a caller's mistake), is not fresh. */
static bool is_fresh(int64_t now_ms, int64_t at_ms, int64_t within_ms)
{
    return at_ms >= 0 && now_ms >= at_ms && now_ms - at_ms <= within_ms;
}

bool health_peers_are_not_created(const struct stateful_set_facts *set, const char *our_set_uid, size_t remembered_voters)
{
    if (set->answer != API_FOUND || set->is_deleted || our_set_uid[0] == '\0' || strcmp(set->uid, our_set_uid) != 0 || set->created < 0 ||
        remembered_voters == 0)
        return false;
    return set->created < set->replicas && (uint64_t)set->created < quorum_size(remembered_voters);
}

static bool waits_for_its_controller(const struct health_facts *facts)
{
    return facts->was_voter && facts->peers_are_not_created && !facts->is_learner &&
           is_fresh(facts->now_ms, facts->peers_seen_missing_at_ms, HEALTH_PEERS_MS) &&
           is_fresh(facts->now_ms, facts->port_accepted_at_ms, HEALTH_QUORUM_READ_MS);
}

static enum reason unready_reason(const struct health_facts *facts)
{
    if (!is_fresh(facts->now_ms, facts->loop_turned_at_ms, HEALTH_LOOP_MS))
        return REASON_LOOP_STUCK;
    if (facts->has_left)
        return REASON_UNREADY_LEFT;
    if (facts->was_removed)
        return REASON_UNREADY_REMOVED;
    if (waits_for_its_controller(facts))
        return REASON_PEERS_NOT_CREATED;
    if (facts->is_learner)
        return REASON_UNREADY_LEARNER;
    if (!facts->is_voter)
        return REASON_UNREADY_NOT_MEMBER;
    if (!facts->founder_is_recorded)
        return REASON_UNREADY_UNRECORDED;
    if (!is_fresh(facts->now_ms, facts->quorum_read_at_ms, HEALTH_QUORUM_READ_MS))
        return REASON_UNREADY_QUORUM;
    return REASON_READY;
}

/* etcd's own livenessProbe: fails only when etcd should run, has had its minute to start, and its port has not accepted for as long. */
static bool etcd_is_live(const struct health_facts *facts)
{
    if (facts->etcd_expected_since_ms < 0)
        return true;
    return is_fresh(facts->now_ms, facts->etcd_expected_since_ms, HEALTH_ETCD_PORT_MS) ||
           is_fresh(facts->now_ms, facts->port_accepted_at_ms, HEALTH_ETCD_PORT_MS);
}

struct health_verdict health_judge(const struct health_facts *facts)
{
    struct health_verdict verdict = {.ready_reason = unready_reason(facts)};

    verdict.is_ready = verdict.ready_reason == REASON_READY || verdict.ready_reason == REASON_PEERS_NOT_CREATED;
    verdict.is_live = is_fresh(facts->now_ms, facts->loop_turned_at_ms, HEALTH_LOOP_MS);
    verdict.live_reason = verdict.is_live ? REASON_LIVE : REASON_LOOP_STUCK;
    verdict.is_etcd_live = etcd_is_live(facts);
    verdict.is_started = facts->plan_was_written;
    return verdict;
}
