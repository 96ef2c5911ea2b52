/* Is a member dead? Judges what etcd_network_active_peers{Remote=target} showed on the voters over time. One read can show life; only two
 * reads of the same voters, 2 s apart and not much more, each showing it down, can show death (DESIGN, "dead"). */
#ifndef USHER_CORE_GAUGE_VERDICT_H
#define USHER_CORE_GAUGE_VERDICT_H

#include "usher/core/cluster_view.h"
#include "usher/core/hearing.h"
#include "usher/core/join_facts.h"

enum { GAUGE_APART_MS = 2000, GAUGE_STALE_MS = 6000 };

/* Who is asked in one read, and what each showed. Zeroed before gauge_choose; the addresses belong to the view. */
struct gauge_asked {
    size_t count;
    const char *addresses[MEMBERS_MAX];
    struct member_id voters[MEMBERS_MAX];
    bool may_leak[MEMBERS_MAX]; /* etcd 3.6 and newer */
    bool is_leader[MEMBERS_MAX];
    uint64_t raft_term; /* the leader's; 0 = no leader answered */
    struct gauge_reading readings[MEMBERS_MAX];
};

/* The first of two reads. Reset it before its first use. */
struct gauge_watch {
    struct member_id target; /* of the read below; another target starts anew */
    int64_t first_at_ms;     /* -1 = none */
    uint64_t raft_term;
    size_t voter_count;
    struct {
        struct member_id voter;
        bool was_down;
        bool has_received_bytes;
        uint64_t received_bytes;
    } voters[MEMBERS_MAX];
};

void gauge_watch_reset(struct gauge_watch *watch);

/* Each voter of the view but `target` itself, at the address it answers at, else its first client URL; each address once. */
void gauge_choose(struct gauge_asked *asked, const struct cluster_view *view, struct member_id target);

/* Would a read now be the second of two? 2 s after the first of the same target, and not more than 6. */
bool gauge_is_second(const struct gauge_watch *watch, struct member_id target, int64_t now_ms);

/* What is known after this read. DOWN needs a quorum of `voters`, the number of all voters, read twice. CONNECTED: at least one voter shows it
 * so in this read, and the leader has heard from it since the first read: on 3.6 and 3.7 the gauge can leak (a joiner is counted as
 * remote and as peer) and then shows a dead member as connected for ever, so there a leader that received nothing from it for 2 s of one
 * raft term outweighs the gauge. Keeps the read as the first of two when it is one. */
enum gauge_verdict gauge_judge(struct gauge_watch *watch, const struct gauge_asked *asked, size_t voters, struct member_id target,
                               int64_t now_ms);

#endif
