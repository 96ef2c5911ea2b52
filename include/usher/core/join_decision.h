/* May this pod start, join, replace, archive, found (DESIGN 4.1 and 4.5)? One call, one decision, exactly one row. The caller applies ONE
 * decision, observes again and asks again: no decision rests on what was true before the last change.
 *
 * Pure: same facts, same decision. Zeroed facts lead to WAIT. */
#ifndef USHER_CORE_JOIN_DECISION_H
#define USHER_CORE_JOIN_DECISION_H

#include "usher/core/join_facts.h"
#include "usher/core/reason.h"

enum join_action {
    JOIN_UNKNOWN = 0,
    JOIN_WAIT,           /* look again after again_in_ms */
    JOIN_REFUSE,         /* a person must decide: plan `refused`, exit 3 */
    JOIN_KEEP,           /* G1: the plan stays as it is */
    JOIN_HOLD_REMOVED,   /* G2: plan `removed`, exit 0 */
    JOIN_START,          /* plan: etcd as it is, on its data */
    JOIN_START_JOINING,  /* plan: `existing` with our unstarted entry `target` and the list of the look */
    JOIN_UPDATE_URLS,    /* member update of voter `target` with all our peer URLs (never empty) */
    JOIN_MARK_LEFT,      /* write the left mark with the WAL's ids */
    JOIN_ARCHIVE,        /* move member/ aside */
    JOIN_DROP,           /* delete member/ (permit drop=) */
    JOIN_DELETE_REMAINS, /* delete remains that never had a WAL (our own aborted first start) */
    JOIN_ADD,            /* member add as a learner (3.2, 3.3: as a voter), join record, set record */
    JOIN_REMOVE,         /* member remove `target` */
    JOIN_CLAIM,          /* nonce beside the data, then the claim in the set record */
    JOIN_FOUND,          /* plan: `new` with our own entry alone */
    JOIN_FORGET,         /* one compare-and-swap: the record forgets its cluster or claim */
};

/* True when the action changes the member list, the data or the record. */
bool join_action_mutates(enum join_action action);
const char *join_action_name(enum join_action action); /* "wait", "refuse", "start-joining" ... */

struct join_decision {
    enum join_action action;
    enum reason reason;
    struct member_id target;   /* of REMOVE, UPDATE_URLS, START_JOINING; the member spoken of otherwise (0 = none) */
    struct cluster_id cluster; /* the cluster spoken of (0 = none) */
    struct permit used_permit; /* kind UNKNOWN = none was needed */
    struct permit would_help;  /* the permit that would let this REFUSE or WAIT pass; kind UNKNOWN = none would */
    int64_t again_in_ms;       /* WAIT: when to look again; 0 otherwise */
};

struct join_decision join_decide(const struct join_facts *facts);

/* Which entry of the list is ours (DESIGN 1): by the WAL's ID; without a WAL, the one that shares a peer URL with ours or that the set
 * record gives to our slot. */
enum our_entry_state { OUR_ENTRY_UNKNOWN = 0, OUR_ENTRY_ABSENT, OUR_ENTRY_NOT_STARTED, OUR_ENTRY_STARTED, OUR_ENTRY_AMBIGUOUS };
struct our_entry {
    enum our_entry_state state;
    const struct member *member; /* into the view's list; NULL for ABSENT, UNKNOWN, AMBIGUOUS */
    bool is_in_record;           /* the set record gives our slot to it */
    bool is_in_join_record;      /* it was given to us for this very volume */
};
struct our_entry our_entry_find(const struct join_facts *facts);

/* G5: is this endpoint's answer another cluster's, and may it be dropped (a warning) or must we refuse? */
enum stray_verdict { STRAY_UNKNOWN = 0, STRAY_NONE, STRAY_DROP, STRAY_REFUSE };
/* The cluster whose answers count: the expected or recorded one, else the WAL's; 0 = any. */
struct cluster_id join_wanted_cluster(const struct join_facts *facts);
enum stray_verdict stray_judge(const struct join_facts *facts, const struct endpoint_view *endpoint);

/* The founding part (J16), called by join_decide; here for its tests. */
struct join_decision founding_decide(const struct join_facts *facts);

/* How long J3 and J14 look before they refuse, and how long after a removal an ADD waits (etcd derives IDs from the second, facts K24). */
enum { JOIN_LOOK_MS = 10 * 1000, JOIN_AFTER_REMOVAL_MS = 1100, JOIN_AGAIN_SOON_MS = 250, JOIN_AGAIN_MS = 1000 };

#endif
