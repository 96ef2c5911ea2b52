#include "usher/core/orphan_decision.h"

struct member_id orphan_choose(const struct cluster_view *view, const struct set_record *record, struct member_id ours)
{
    if (view->live != LIVE_REACHABLE || record->state != RECORD_CLUSTER || !cluster_id_equals(record->cluster, view->cluster))
        return (struct member_id){0};
    for (size_t i = 0; i < view->list.count; i++) {
        const struct member *member = &view->list.members[i];
        if (member->is_learner && member_is_started(member) && !member_id_equals(member->id, ours) && set_record_has_id(record, member->id))
            return member->id;
    }
    return (struct member_id){0};
}

struct promote_decision orphan_decide(struct orphan_watch *watch, struct member_id target, const struct promote_facts *facts,
                                      int64_t after_ms)
{
    struct promote_decision decision;

    if (!member_id_equals(watch->target, target))
        *watch = (struct orphan_watch){.target = target};
    decision = promote_decide(&watch->progress, facts);
    if (decision.action != PROMOTE_NOW && decision.reason != REASON_PROMOTE_QUORUM && decision.reason != REASON_LEARNER_UNHEARD) {
        watch->is_ready = false;
        return decision;
    }
    if (!watch->is_ready) {
        watch->is_ready = true;
        watch->ready_since_ms = facts->now_ms;
    }
    if (facts->now_ms - watch->ready_since_ms < after_ms)
        decision.action = PROMOTE_WAIT;
    else if (decision.action != PROMOTE_NOW)
        return decision; /* due, and quorum or silence forbid it */
    decision.reason = REASON_PROMOTE_ORPHAN;
    return decision;
}
