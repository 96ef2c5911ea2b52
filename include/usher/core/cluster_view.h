/* What one look at etcd showed: a value, filled by member/observe.c, judged by the decisions.
 * Own, loopback and unresolvable addresses are left out of the asking by the observer. */
#ifndef USHER_CORE_CLUSTER_VIEW_H
#define USHER_CORE_CLUSTER_VIEW_H

#include "usher/core/member_list.h"

enum { ENDPOINTS_MAX = 64, PROBLEM_BYTES = 256 };

enum endpoint_state {
    ENDPOINT_UNKNOWN = 0, /* not asked, or the look ended before anything was learnt */
    ENDPOINT_UNREACHABLE, /* refused, no route, no such name, TCP black hole: nothing accepted */
    ENDPOINT_NO_QUORUM,   /* accepts TCP and does not answer, or answers without a leader: a living cluster all the same */
    ENDPOINT_LEARNER,     /* answers as a learner: an ID and a cluster, no list */
    ENDPOINT_SERVING,     /* quorum read answered, then the list read on the same endpoint: barrier read */
    ENDPOINT_REFUSES,     /* something lives there that we cannot use: TLS, 401/403, HTML ... (problem says) */
};

struct endpoint_view {
    char address[URL_BYTES];
    bool is_remembered; /* not from --endpoints: a client URL last seen */
    enum endpoint_state state;
    struct cluster_id cluster;
    struct member_id member; /* who answered; 0 unless it said so */
    struct member_id leader; /* as it believes; 0 = none or unknown */
    bool is_learner;
    uint64_t raft_term, raft_index, raft_applied_index;
    int64_t db_size_bytes; /* -1 unknown */
    char version[VERSION_BYTES];
    char problem[PROBLEM_BYTES]; /* etcd's or curl's own words */
};

enum live_cluster {
    LIVE_UNKNOWN = 0, /* the look itself failed: decide nothing */
    LIVE_UNREACHABLE, /* nobody answered and nobody accepts */
    LIVE_NO_QUORUM,   /* something lives there, no barrier read to be had */
    LIVE_REACHABLE,   /* `list` is from a barrier read */
};

struct cluster_view {
    enum live_cluster live;
    struct cluster_id cluster;  /* of the barrier read */
    struct member_id list_from; /* who answered it */
    struct member_list list;    /* valid only when live == LIVE_REACHABLE */
    size_t endpoint_count;
    struct endpoint_view endpoints[ENDPOINTS_MAX];
};

/* The endpoint that answered as `id` in cluster `cluster` (0 = any). NULL when nobody did: which is no proof of death. */
const struct endpoint_view *cluster_view_who_answers_as(const struct cluster_view *view, struct cluster_id cluster, struct member_id id);

#endif
