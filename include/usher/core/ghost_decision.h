/* A seat that was given up without its member leaving (DESIGN 4.3, --ghost-after): its node died in the middle of a scale-down, say. A voter's
 * sidecar takes such a member out when everything speaks for it, without a break, for as long as --ghost-after: it is of our own set record, the
 * StatefulSet that owns our own pod no longer wants its slot, its pod is gone (the API's 404), nothing answers as its ID, and the gauges of a
 * quorum of voters show it down. Never while replicas is 0, or while that set is deleted, missing or another one. Each doubt waits. */
#ifndef USHER_CORE_GHOST_DECISION_H
#define USHER_CORE_GHOST_DECISION_H

#include "usher/core/api_facts.h"
#include "usher/core/join_facts.h"
#include "usher/core/quorum.h"
#include "usher/core/reason.h"
#include "usher/core/set_record.h"

/* After so long without a proof the time starts anew. */
enum { GHOST_GAP_MS = 100 * 1000 };

/* What is remembered between rounds: one member at a time. Zeroed = nothing. */
struct ghost_watch {
    struct member_id target;
    bool is_proven;
    int64_t since_ms, seen_ms; /* the first and the last round of an unbroken row, when is_proven */
};

struct ghost_facts {
    const struct cluster_view *view; /* a barrier read */
    const struct set_record *record;
    struct member_id ours;
    const char *our_uid; /* of our pod's life */
    struct pod_facts own_pod;
    struct stateful_set_facts set;
    bool is_down[MEMBERS_MAX]; /* by index in the view's list: asked just now, and nothing answered as its ID */
    enum api_answer pod;       /* the target's */
    enum gauge_verdict gauge;  /* about the target */
    struct quorum_health health;
    int64_t now_ms;
};

enum ghost_action {
    GHOST_UNKNOWN = 0, /* nothing to do */
    GHOST_WAIT,        /* look again */
    GHOST_READ_GAUGES, /* due: only the gauges are missing */
    GHOST_REMOVE,      /* the watch's target */
};

struct ghost_decision {
    enum ghost_action action;
    enum reason reason;
};

/* The first of our record's members, ours aside, that is down and whose seat was given up; *out_slot points into the record. 0 = none, or
 * anything is not known. Needs all facts but pod, gauge and health. */
struct member_id ghost_choose(const struct ghost_facts *facts, const char **out_slot);

/* One round about `target` (0 = there is none: the watch forgets). */
struct ghost_decision ghost_decide(struct ghost_watch *watch, struct member_id target, const struct ghost_facts *facts, int64_t after_ms);

#endif
