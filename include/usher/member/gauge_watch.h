/* Is a member dead? Watches etcd_network_active_peers{Remote=target} on the voters over time. One read can show life; only two reads of
 * the same voters, 2 s apart and not much more, each showing it down, can show death (DESIGN, "dead"). */
#ifndef USHER_MEMBER_GAUGE_WATCH_H
#define USHER_MEMBER_GAUGE_WATCH_H

#include "usher/member/world.h"

enum { GAUGE_APART_MS = 2000, GAUGE_STALE_MS = 6000 };

struct gauge_watch {
    struct member_id target; /* of the reads below; another target starts anew */
    int64_t first_at_ms;     /* of the first of two reads; -1 = none */
    size_t voter_count;
    struct {
        struct member_id voter;
        bool was_down; /* in the first read */
        bool has_received_bytes;
        uint64_t received_bytes; /* in the first read */
    } voters[MEMBERS_MAX];
};

void gauge_watch_reset(struct gauge_watch *watch);

/* Reads the gauges of the view's voters (without `target` itself) once and says what is known by now. DOWN needs a quorum of all voters,
 * read twice. CONNECTED: at least one voter shows it so in this read, and the leader has heard from it since the first read: on 3.6
 * and 3.7 the gauge can leak (a joiner is counted as remote and as peer) and then shows a dead member as connected for ever, so there a
 * leader that received nothing from it for 2 s outweighs the gauge. */
enum gauge_verdict gauge_watch_read(struct gauge_watch *watch, const struct world *world, const struct cluster_view *view,
                                    struct member_id target, struct deadline deadline);

#endif
