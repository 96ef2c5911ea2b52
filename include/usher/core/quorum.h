/* May this member be removed, promoted, added? (DESIGN 4.4)
 *
 * A change of voters is allowed when, in the voter set AFTER the change, at least a quorum is healthy. Healthy = answers us as its ID, or
 * is seen as connected by the leader's gauge. Adding a learner or removing one changes no quorum: a barrier read is enough. The last voter
 * is never removed. etcd's own 5-second rule is left to etcd: its refusal is a wait. */
#ifndef USHER_CORE_QUORUM_H
#define USHER_CORE_QUORUM_H

#include "usher/core/cluster_view.h"

size_t quorum_size(size_t voters); /* voters / 2 + 1; 0 voters: 1, which nothing can reach */

/* Which members are healthy, by index in the view's list. Zeroed = nobody known to be. */
struct quorum_health {
    bool is_healthy[MEMBERS_MAX];
};

/* From the look alone: every endpoint that answered as a member of the list's cluster (serving or learner). The observer may set more by
 * status calls and the leader's gauge. */
void quorum_health_from_view(const struct cluster_view *view, struct quorum_health *out);

enum quorum_change {
    QUORUM_CHANGE_UNKNOWN = 0, /* never allowed */
    QUORUM_ADD_LEARNER,
    QUORUM_ADD_VOTER, /* etcd 3.2 and 3.3: the new one counts as down */
    QUORUM_REMOVE,
    QUORUM_PROMOTE,
};

enum quorum_verdict {
    QUORUM_UNKNOWN = 0, /* no barrier read: decide nothing */
    QUORUM_ALLOWED,
    QUORUM_TOO_FEW_LEFT,   /* healthy(after) < quorum(after) */
    QUORUM_LAST_VOTER,     /* it is the only voter */
    QUORUM_NO_SUCH_MEMBER, /* nothing to do */
};

/* `target` is ignored for the additions. */
enum quorum_verdict quorum_judge(const struct cluster_view *view, const struct quorum_health *health, enum quorum_change change,
                                 struct member_id target);

#endif
