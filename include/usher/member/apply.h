/* Carries out ONE decision. Each action is idempotent: after a crash at any point the next observation finds its way. After a call whose
 * outcome is not known the caller observes again before anything else (I8). */
#ifndef USHER_MEMBER_APPLY_H
#define USHER_MEMBER_APPLY_H

#include "usher/core/plan.h"
#include "usher/member/usher.h"

enum apply_result {
    APPLY_UNKNOWN = 0,
    APPLY_DONE,      /* observe again at once (or, for a plan, finished) */
    APPLY_REFUSED,   /* etcd said no for a reason that passes: again after out_again_in_ms; err has etcd's words */
    APPLY_AMBIGUOUS, /* sent, outcome unknown: observe again after out_again_in_ms */
    APPLY_FAILED,    /* this machine failed (disk, permissions): err says; trying again may help */
};

enum { WRITE_CALL_MS = 7000, RECORD_SWAP_MS = 2000 };

USHER_MUST_CHECK enum apply_result apply_join(struct usher *usher, const struct join_decision *decision, int64_t *out_again_in_ms,
                                              struct usher_error *err);

/* The plan that goes with a decision that ends the join (START, START_JOINING, FOUND) or holds etcd back (WAIT, REFUSE, HOLD_REMOVED). */
USHER_MUST_CHECK bool apply_plan(struct usher *usher, const struct join_decision *decision, struct usher_error *err);

/* SIGTERM in init: removes the entry that THIS process added, if it is still an unstarted learner by a fresh read. Best effort, true when
 * nothing of ours is left. */
bool apply_take_back(struct usher *usher, struct deadline deadline, struct usher_error *err);

/* Writes usher.json from usher->notes, our slot and namespace filled in. */
USHER_MUST_CHECK bool apply_notes(struct usher *usher, struct usher_error *err);

/* ADOPT: cluster ID, our slot, endpoints into the set record; one compare-and-swap try, for RECORD_SWAP_MS at most. True when nothing is left to
 * write. */
USHER_MUST_CHECK bool apply_record_adopt(struct usher *usher, struct cluster_id cluster, struct member_id id,
                                         const struct member_list *list_or_null, struct deadline deadline, struct usher_error *err);

#endif
