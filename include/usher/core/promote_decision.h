/* May our learner become a voter now (DESIGN 4.2)?
 *
 * In sync = what the leader had committed at t0 we had applied at t1 <= t0 + 1 s, `samples_wanted` times in a row. Not a lag in entries,
 * which starves under heavy writes; and not etcd's own test alone (90 % of the log index: a stopped learner passes it and is a dead voter at
 * once). Nor the two indices alone: a learner that is cut off from the leader goes on saying who leads, and in an idle cluster it lags
 * behind nobody; promoted, it is a dead voter, and a cluster of one has lost its quorum (3.4 and 3.6 do that). So the leader must hear it.
 * Success = the list AND our etcd's own status say voter: on several versions the two can differ (etcd 18347, 21694).
 */
#ifndef USHER_CORE_PROMOTE_DECISION_H
#define USHER_CORE_PROMOTE_DECISION_H

#include "usher/core/quorum.h"
#include "usher/core/reason.h"

enum {
    SYNC_WINDOW_MS = 1000,
    PROMOTE_NEAR_MS = 50,        /* poll while nearly in sync */
    PROMOTE_FAR_MS = 250,        /* poll while far */
    PROMOTE_NEAR_ENTRIES = 5000, /* "near": fewer entries to go */
    PROMOTE_STALLED_AFTER_MS = 30 * 1000,
};

struct promote_facts {
    enum tri list_shows_learner; /* by a barrier read: YES learner, NO voter, UNKNOWN not listed or not read */
    bool own_answers;            /* our etcd answered as our ID in this poll */
    bool own_is_learner;         /* its own word */
    struct member_id own_leader; /* the leader it sees; 0 = none */
    uint64_t own_applied;
    int64_t own_read_at_ms;
    bool leader_answers; /* the leader's status was read in this poll */
    uint64_t leader_committed;
    int64_t own_db_bytes, leader_db_bytes; /* valid with own_answers, leader_answers */
    /* etcd serves no client before it has its first data, snapshot or log. Until then (not own_answers) what counts is what it has written, and
     * leader_committed and leader_db_bytes may be filled from what the leader told others. 0 = not known. */
    int64_t disk_bytes;
    enum tri leader_hears;      /* has raft's leader received anything from the learner since the last poll? UNKNOWN = cannot be told */
    int64_t leader_read_at_ms;  /* before own_read_at_ms of the same poll, or equal */
    enum quorum_verdict quorum; /* QUORUM_PROMOTE judged for us */
    unsigned samples_wanted;    /* at least 1 */
    int64_t now_ms;
};

/* What one learner's way to voter remembers between polls. Zeroed = nothing yet. */
struct promote_progress {
    unsigned in_sync_in_a_row;
    bool has_target;
    uint64_t target_committed; /* the leader's commit index at target_at_ms, still to be reached */
    int64_t target_at_ms;
    bool has_begun; /* it was seen as a learner; last_progress_at_ms counts */
    int64_t last_progress_at_ms;
    bool has_start; /* its figures were seen */
    uint64_t start_applied, last_applied, last_committed;
    int64_t start_at_ms, last_bytes_to_go;
    int64_t start_disk_bytes, most_disk_bytes, disk_at_ms; /* before its figures were seen */
};

enum promote_action {
    PROMOTE_UNKNOWN = 0,
    PROMOTE_WAIT, /* poll again after again_in_ms */
    PROMOTE_NOW,
    PROMOTE_DONE, /* list and own status agree: voter */
};

struct promote_decision {
    enum promote_action action;
    enum reason reason;
    int64_t again_in_ms;
    bool is_measured; /* the next three are known, as last seen; before etcd serves they are estimates by bytes */
    unsigned percent; /* 0 to 100, of the leader's commit index */
    uint64_t entries_to_go;
    int64_t bytes_to_go; /* by the sizes of the two databases: an estimate, good while a snapshot is on its way */
    int64_t eta_ms;      /* -1 unknown */
    int64_t idle_ms;     /* how long without progress: no entry applied although some are to go, or nothing seen or heard of it */
    bool is_stalled;     /* for PROMOTE_STALLED_AFTER_MS */
};

struct promote_decision promote_decide(struct promote_progress *progress, const struct promote_facts *facts);

#endif
