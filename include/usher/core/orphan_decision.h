/* A learner of our own set that nobody promotes, because its own sidecar is gone or never was (DESIGN 4.2): a voter's sidecar does it after
 * --orphan-after. Learners of other sets are somebody's on purpose and stay as they are. */
#ifndef USHER_CORE_ORPHAN_DECISION_H
#define USHER_CORE_ORPHAN_DECISION_H

#include "usher/core/promote_decision.h"
#include "usher/core/set_record.h"

/* What is remembered of one such learner between turns. Zeroed = nothing yet. */
struct orphan_watch {
    struct member_id target;
    struct promote_progress progress;
    bool is_ready; /* in sync without a break since ready_since_ms */
    int64_t ready_since_ms;
};

/* The first started learner, other than ours, that the record gives a slot of our set. 0: none, or anything is not known. */
struct member_id orphan_choose(const struct cluster_view *view, const struct set_record *record, struct member_id ours);

/* One poll of `target`; another target starts anew. The facts are as for our own learner, with the orphan in our place. NOW only after it
 * has been ready for after_ms: its own sidecar comes first. */
struct promote_decision orphan_decide(struct orphan_watch *watch, struct member_id target, const struct promote_facts *facts,
                                      int64_t after_ms);

#endif
