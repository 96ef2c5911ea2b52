/* Live? Ready? From the last published observation and its age (DESIGN 5.3). A stale observation is never ready; liveness never depends on
 * quorum or on any API. */
#ifndef USHER_CORE_HEALTH_VERDICT_H
#define USHER_CORE_HEALTH_VERDICT_H

#include "usher/core/api_facts.h"
#include "usher/core/reason.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    HEALTH_LOOP_MS = 60 * 1000,      /* /livez: the loop has turned within this */
    HEALTH_QUORUM_READ_MS = 2500,    /* /readyz: a quorum read answered within this; lost quorum shows within 3 s */
    HEALTH_PEERS_MS = 12 * 1000,     /* what the API said about pods that were not created holds so long */
    HEALTH_ETCD_PORT_MS = 60 * 1000, /* /etcd/livez: the port has accepted within this, while etcd should run */
};

/* Times are monotonic milliseconds; -1 = never. */
struct health_facts {
    int64_t now_ms;
    int64_t loop_turned_at_ms;
    int64_t quorum_read_at_ms;      /* last quorum read through our own etcd */
    int64_t port_accepted_at_ms;    /* our etcd's client port */
    int64_t etcd_expected_since_ms; /* since when a start plan stands; -1 = etcd is held back */
    bool is_voter;                  /* list and own status agree */
    bool is_learner;
    bool was_removed;
    bool has_left;
    bool founder_is_recorded; /* false: we founded, and the set record does not show our cluster yet */
    bool plan_was_written;
    /* OrderedReady after a full outage: the controller waits for us before it creates the peers that our quorum needs. */
    bool was_voter, peers_are_not_created;
    int64_t peers_seen_missing_at_ms;
};

struct health_verdict {
    bool is_live, is_ready, is_etcd_live, is_started;
    enum reason ready_reason; /* why not ready; READY otherwise */
    enum reason live_reason;
};

/* Has our own StatefulSet created fewer pods than it wants, and fewer than a quorum of the remembered voters needs? Only then may a member that
 * was a voter count as ready without a quorum, so that the controller creates the next pod (DESIGN 5.3); a rollout with broken certificates has
 * all its pods, and stops at the first. */
bool health_peers_are_not_created(const struct stateful_set_facts *set, const char *our_set_uid, size_t remembered_voters);

struct health_verdict health_judge(const struct health_facts *facts);

#endif
