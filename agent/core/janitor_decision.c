#include "usher/core/janitor_decision.h"

static bool may_go(const struct janitor_facts *facts, size_t index)
{
    const struct member_list *list = &facts->dead.view->list;
    const struct member *member = &list->members[index];

    if (!facts->is_down[index] || member_id_equals(member->id, facts->ours))
        return false;
    return member->is_learner || member_list_voter_count(list) > (facts->min_voters == 0 ? 1 : facts->min_voters);
}

struct member_id janitor_choose(const struct dead_watch *watch, const struct janitor_facts *facts)
{
    const struct cluster_view *view = facts->dead.view;
    const struct member *ours = member_list_find(&view->list, facts->ours);
    struct member_id chosen = {0};

    if (view->live != LIVE_REACHABLE || ours == NULL || ours->is_learner || !member_id_equals(facts->leader, facts->ours))
        return chosen;
    for (size_t i = 0; i < view->list.count; i++) {
        struct member_id id = view->list.members[i].id;
        if (!may_go(facts, i))
            continue;
        if (member_id_equals(id, watch->target))
            return id;
        if (!member_id_is_known(chosen))
            chosen = id;
    }
    return chosen;
}

struct dead_decision janitor_decide(struct dead_watch *watch, struct member_id target, const struct janitor_facts *facts, int64_t after_ms)
{
    static const struct dead_reasons reasons = {REASON_JANITOR_WAIT, REASON_JANITOR_QUORUM, REASON_JANITOR_REMOVE};

    return dead_decide(watch, target, &facts->dead, after_ms, &reasons);
}
