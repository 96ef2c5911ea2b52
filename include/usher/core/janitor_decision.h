/* The janitor (--janitor-after, off by default; DESIGN 4.3): the sidecar beside the leader takes out any dead member, of whatever set, wanted
 * or not, one at a time, when nothing has answered as it, without a break, for as long as --janitor-after, and the gauges of a quorum of voters
 * show it down. No voter goes while --min-voters would not stay. Nobody but a person can say that a machine which is silent is gone for good: the
 * flag is that word. What comes back after all finds itself removed, and joins again by its own --rejoin. */
#ifndef USHER_CORE_JANITOR_DECISION_H
#define USHER_CORE_JANITOR_DECISION_H

#include "usher/core/dead_member.h"

/* A machine that boots, or an image that is pulled, is not dead. */
enum { JANITOR_LEAST_MS = 60 * 1000 };

struct janitor_facts {
    struct dead_facts dead;
    struct member_id ours;
    struct member_id leader; /* as our own etcd sees it */
    size_t min_voters;       /* 0 is taken as 1 */
    /* By index in the view's list: asked just now, nothing answered as its ID, and our etcd has led and heard nothing from it since the last
     * round. */
    bool is_down[MEMBERS_MAX];
};

/* Whom the watch is about, as long as it is down and may go; else the first such member. 0: none, we do not lead, or anything is not known. */
struct member_id janitor_choose(const struct dead_watch *watch, const struct janitor_facts *facts);

/* One round about `target` (0 = there is none: the watch forgets). */
struct dead_decision janitor_decide(struct dead_watch *watch, struct member_id target, const struct janitor_facts *facts, int64_t after_ms);

#endif
