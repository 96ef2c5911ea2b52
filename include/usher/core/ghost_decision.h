/* A seat that was given up without its member leaving (DESIGN 4.3, --ghost-after): its node died in the middle of a scale-down, say. A voter's
 * sidecar takes such a member out when everything speaks for it, without a break, for as long as --ghost-after: it is of our own set record, the
 * StatefulSet that owns our own pod no longer wants its slot, its pod is gone (the API's 404), nothing answers as its ID, and the gauges of a
 * quorum of voters show it down. Never while replicas is 0, or while that set is deleted, missing or another one. Each doubt waits. */
#ifndef USHER_CORE_GHOST_DECISION_H
#define USHER_CORE_GHOST_DECISION_H

#include "usher/core/api_facts.h"
#include "usher/core/dead_member.h"
#include "usher/core/set_record.h"

struct ghost_facts {
    struct dead_facts dead;
    const struct set_record *record;
    struct member_id ours;
    const char *our_uid; /* of our pod's life */
    struct pod_facts own_pod;
    struct stateful_set_facts set;
    bool is_down[MEMBERS_MAX]; /* by index in the view's list: asked just now, and nothing answered as its ID */
    enum api_answer pod;       /* the target's */
};

/* The first of our record's members, ours aside, that is down and whose seat was given up; *out_slot points into the record. 0 = none, or
 * anything is not known. Needs all facts but pod, and the dead's gauge and health. */
struct member_id ghost_choose(const struct ghost_facts *facts, const char **out_slot);

/* One round about `target` (0 = there is none: the watch forgets). */
struct dead_decision ghost_decide(struct dead_watch *watch, struct member_id target, const struct ghost_facts *facts, int64_t after_ms);

#endif
