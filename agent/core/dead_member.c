#include "usher/core/dead_member.h"

static struct dead_decision decided(enum dead_action action, enum reason reason) { return (struct dead_decision){action, reason}; }

struct dead_decision dead_forget(struct dead_watch *watch)
{
    *watch = (struct dead_watch){0};
    return decided(DEAD_UNKNOWN, REASON_UNKNOWN);
}

void dead_watch_turn_to(struct dead_watch *watch, struct member_id target)
{
    if (!member_id_equals(watch->target, target))
        *watch = (struct dead_watch){.target = target};
}

struct dead_decision dead_decide(struct dead_watch *watch, struct member_id target, const struct dead_facts *facts, int64_t after_ms,
                                 const struct dead_reasons *reasons)
{
    if (!member_id_is_known(target) || facts->gauge == GAUGE_CONNECTED)
        return dead_forget(watch);
    dead_watch_turn_to(watch, target);
    if (!watch->was_seen || facts->now_ms - watch->seen_ms > DEAD_GAP_MS)
        watch->since_ms = facts->now_ms;
    watch->was_seen = true;
    watch->seen_ms = facts->now_ms;
    if (facts->now_ms - watch->since_ms < after_ms)
        return decided(DEAD_WAIT, reasons->wait);
    if (facts->gauge != GAUGE_DOWN)
        return decided(DEAD_READ_GAUGES, reasons->wait);
    if (quorum_judge(facts->view, &facts->health, QUORUM_REMOVE, target) != QUORUM_ALLOWED)
        return decided(DEAD_WAIT, reasons->quorum);
    return decided(DEAD_REMOVE, reasons->remove);
}
