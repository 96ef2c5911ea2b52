/* May a member that seems dead be taken out by somebody else? What the two cares for dead members share (ghost_decision.h, janitor_decision.h):
 * it was down in every round for long enough, the gauges of a quorum of voters show it down, and enough healthy voters stay without it. */
#ifndef USHER_CORE_DEAD_MEMBER_H
#define USHER_CORE_DEAD_MEMBER_H

#include "usher/core/join_facts.h"
#include "usher/core/quorum.h"
#include "usher/core/reason.h"

/* After so long without a round that saw it down the time starts anew: nobody knows what was in between. */
enum { DEAD_GAP_MS = 100 * 1000 };

/* What is remembered between rounds: one member at a time. Zeroed = nothing. */
struct dead_watch {
    struct member_id target; /* another one starts anew */
    bool was_seen;
    int64_t since_ms, seen_ms; /* the first and the last round of an unbroken row, when was_seen */
};

struct dead_facts {
    const struct cluster_view *view; /* a barrier read */
    enum gauge_verdict gauge;        /* about the target */
    struct quorum_health health;
    int64_t now_ms;
};

/* What each step is called by whoever asks. */
struct dead_reasons {
    enum reason wait, quorum, remove;
};

enum dead_action {
    DEAD_UNKNOWN = 0, /* nothing to do */
    DEAD_WAIT,        /* look again */
    DEAD_READ_GAUGES, /* due: only the gauges are missing */
    DEAD_REMOVE,      /* the watch's target */
};

struct dead_decision {
    enum dead_action action;
    enum reason reason;
};

/* The watch starts anew; nothing to do. */
struct dead_decision dead_forget(struct dead_watch *watch);

/* The watch is about `target` from now on: what it holds about another one is dropped. */
void dead_watch_turn_to(struct dead_watch *watch, struct member_id target);

/* A round that saw `target` down. */
struct dead_decision dead_decide(struct dead_watch *watch, struct member_id target, const struct dead_facts *facts, int64_t after_ms,
                                 const struct dead_reasons *reasons);

#endif
