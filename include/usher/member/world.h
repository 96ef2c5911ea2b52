/* The outside world as one struct of functions: the very same member/ and core/ code runs against real etcd (agent/world/real_world.c)
 * and against a simulated cluster (tests/sim). Every call has a deadline; outputs are untouched on failure.
 * One thread only. */
#ifndef USHER_MEMBER_WORLD_H
#define USHER_MEMBER_WORLD_H

#include "usher/core/api_facts.h"
#include "usher/core/etcd_answer.h"
#include "usher/core/hearing.h"
#include "usher/core/join_facts.h"
#include "usher/host/data_dir.h"
#include "usher/host/deadline.h"
#include "usher/host/usher_file.h"

/* Where to look. Addresses are client URLs, dns:NAME:PORT or srv:DOMAIN; the world resolves them (inside the deadline) and leaves out
 * our own, loopback-of-our-own and unresolvable ones (kept in the view as UNREACHABLE with the problem). */
struct look_request {
    size_t address_count;
    struct {
        const char *text;
        bool is_remembered;
    } addresses[ENDPOINTS_MAX];
    /* Return as soon as one endpoint gave a barrier read and the others had a fair chance (as long again as the first took, at least
     * 20 ms): a black-holed seed must not cost its whole deadline. False: wait for all (every voter matters). */
    bool first_barrier_is_enough;
    /* Take the list only from an endpoint of this cluster, whoever answers first (0 = from any). Others still appear in the view. */
    struct cluster_id wanted;
    /* The sidecar's own turn: ask our own etcd, too (init never does: an etcd that answers there is not another member). */
    bool includes_own;
};

/* etcd_network_active_peers and what the leader received from a peer, one read of the voters' /metrics. */
struct etcd_status { /* one member's own word */
    struct cluster_id cluster;
    struct member_id member, leader;
    bool is_learner;
    uint64_t raft_term, raft_index, raft_applied_index;
    int64_t db_size_bytes;
    char version[VERSION_BYTES];
    char errors[PROBLEM_BYTES];
};

struct world {
    void *self;

    /* -- etcd -- */
    /* Barrier reads in parallel; false only when the look itself could not be done (no memory, no socket): LIVE_UNKNOWN. */
    USHER_MUST_CHECK bool (*look)(void *self, const struct look_request *request, struct deadline deadline, struct cluster_view *out_view,
                                  struct usher_error *err);
    /* Status of several addresses in parallel. out_known[i] says whether out_statuses[i] was filled. */
    void (*statuses)(void *self, const char *const *addresses, size_t count, struct deadline deadline, struct etcd_status *out_statuses,
                     bool *out_known);
    /* One read of /metrics of each address in parallel, about `target`. */
    void (*gauges)(void *self, const char *const *addresses, size_t count, struct member_id target, struct deadline deadline,
                   struct gauge_reading *out_readings);
    /* A quorum read at one address (our own etcd): true = answered. `answer` tells who, and what was refused. permission denied = healthy. */
    USHER_MUST_CHECK bool (*quorum_read)(void *self, const char *address, struct deadline deadline, struct etcd_answer *out_answer);
    /* Writes: to ONE address, which must be the member `at` in cluster `cluster` (0 = whoever; the reply's header is checked; another
     * member's answer is reported as CALL_UNKNOWN). */
    void (*add_learner)(void *self, const char *address, const struct url_list *peer_urls, struct deadline, struct etcd_answer *out);
    void (*add_voter)(void *self, const char *address, const struct url_list *peer_urls, struct deadline,
                      struct etcd_answer *out); /* 3.2, 3.3 */
    void (*promote)(void *self, const char *address, struct member_id id, struct deadline, struct etcd_answer *out);
    void (*remove)(void *self, const char *address, struct member_id id, struct deadline, struct etcd_answer *out);
    void (*update_peer_urls)(void *self, const char *address, struct member_id id, const struct url_list *, struct deadline,
                             struct etcd_answer *out); /* never with an empty list, never for a learner: asserted */
    void (*move_leader)(void *self, const char *address, struct member_id to, struct deadline, struct etcd_answer *out);
    /* Does a TCP connect succeed? TRI_NO only for a refusal; a time-out is TRI_UNKNOWN. */
    enum tri (*port_accepts)(void *self, const char *address, struct deadline deadline);

    /* -- the Kubernetes API; all NULL where there is none -- */
    /* `name` NULL = our own pod. What could not be read is API_UNKNOWN, with err. At most 3 s each. */
    void (*read_pod)(void *self, const char *name, struct deadline deadline, struct pod_facts *out, struct usher_error *err);
    void (*read_set)(void *self, const char *name, struct deadline deadline, struct stateful_set_facts *out, struct usher_error *err);
    /* An event on our pod; best effort, a second at most. */
    void (*event)(void *self, bool is_warning, const char *reason, const char *message);

    /* From now on what waits for the API, the set record's store there included, ends early when a signal or a poke comes: as if at its
     * deadline, a write's outcome unknown. Not at first. */
    void (*api_gives_way)(void *self, bool gives_way);

    /* -- time and chance (the set record has its own seam, record_store.h; disks are real in tests, too) -- */
    int64_t (*now_ms)(void *self); /* monotonic */
    uint64_t (*random)(void *self);
    /* Sleeps until the deadline, a stop signal or a poke; true = something came. */
    bool (*wait)(void *self, struct deadline deadline);
    bool (*is_stopping)(void *self);
};

#endif
