/* What the sidecar publishes, as ONE value: the member loop builds it at the end of each turn and publishes it; HTTP and the
 * control socket read the last one and nothing else. So a probe costs no call to etcd, and a reader can never see half a turn.
 *
 * The struct holds facts and times, no verdict that ages: "live" and "ready" are worked out at the moment of the request
 * (probe_verdict.h), because a loop that hangs publishes nothing and must still turn not ready.
 *
 * Times are monotonic milliseconds (deadline.h), -1 = never. A zeroed snapshot is "nothing is known": neither live nor ready.
 * Text is cut at the field's size. */
#ifndef USHER_SERVE_SNAPSHOT_H
#define USHER_SERVE_SNAPSHOT_H

#include <stdint.h>

#include "usher/compiler.h"
#include "usher/core/health_verdict.h"
#include "usher/core/member_list.h"
#include "usher/core/plan.h"
#include "usher/core/reason.h"
#include "usher/host/error.h"

enum {
    SNAPSHOT_TEXT_BYTES = 512,
    SNAPSHOT_MESSAGE_BYTES = 2048,
    SNAPSHOT_WARNINGS_MAX = 8,
    SNAPSHOT_VERSIONS_MAX = 4,
    SNAPSHOT_REASONS_MAX = 192, /* rows of the reason table; held by a static assertion */
};

enum snapshot_membership {
    SNAPSHOT_MEMBERSHIP_UNKNOWN = 0,
    SNAPSHOT_NOT_LISTED,
    SNAPSHOT_LEARNER,
    SNAPSHOT_VOTER,
};

/* The calls to etcd and the set record that /metrics counts. */
enum snapshot_verb {
    SNAPSHOT_VERB_UNKNOWN = 0,
    SNAPSHOT_VERB_LOOK,
    SNAPSHOT_VERB_QUORUM_READ,
    SNAPSHOT_VERB_ADD,
    SNAPSHOT_VERB_PROMOTE,
    SNAPSHOT_VERB_REMOVE,
    SNAPSHOT_VERB_UPDATE_URLS,
    SNAPSHOT_VERB_MOVE_LEADER,
    SNAPSHOT_VERB_RECORD_WRITE,
    SNAPSHOT_VERBS,
};

enum snapshot_outcome {
    SNAPSHOT_OUTCOME_UNKNOWN = 0, /* sent, no usable answer: it may be applied later */
    SNAPSHOT_OUTCOME_OK,
    SNAPSHOT_OUTCOME_REFUSED,
    SNAPSHOT_OUTCOME_NOT_SENT,
    SNAPSHOT_OUTCOMES,
};

/* Since the start of the process. Only ever grow. */
struct snapshot_counters {
    uint64_t turns, promotions, removals, adds, url_updates, leader_moves, archives, waits, errors;
    uint64_t leaves_done, leaves_stayed, leaves_failed; /* evaluations, by how they ended */
    uint64_t calls[SNAPSHOT_VERBS][SNAPSHOT_OUTCOMES];
    uint64_t decisions[SNAPSHOT_REASONS_MAX]; /* through snapshot_count_decision() */
};

struct snapshot_member {
    struct member_id id;
    char name[NAME_BYTES];
    bool is_learner, is_started, is_leader;
    enum tri is_healthy;         /* TRI_UNKNOWN = not asked, or no answer yet */
    char version[VERSION_BYTES]; /* "" = unknown */
    int64_t db_size_bytes;       /* -1 = unknown */
    uint64_t raft_index, raft_applied_index;
};

struct snapshot {
    /* -- who -- */
    char name[NAME_BYTES], slot[NAME_BYTES];
    struct member_id member;
    struct cluster_id cluster;
    enum snapshot_membership membership; /* by the last barrier read */
    bool is_leader;

    /* -- what the verdicts are made from (its now_ms is filled at the request) -- */
    struct health_facts health;
    int64_t published_at_ms; /* set by snapshot_board_publish() */
    int64_t started_at_ms;

    /* -- plan and decisions -- */
    enum plan_state plan;
    enum reason plan_reason;
    char plan_message[SNAPSHOT_MESSAGE_BYTES];
    char last_action[64]; /* "start-joining", "promote", "stay" ... */
    enum reason last_reason;
    char last_text[SNAPSHOT_MESSAGE_BYTES];
    struct member_id last_target; /* 0 = none */
    enum reason waiting_for;      /* REASON_UNKNOWN = not waiting */
    int64_t waiting_since_ms;
    char waiting_text[SNAPSHOT_TEXT_BYTES];

    /* -- the cluster, by the last barrier read -- */
    int64_t list_read_at_ms; /* -1 = never */
    size_t member_count;
    struct snapshot_member members[MEMBERS_MAX];

    /* -- while we are a learner -- */
    struct {
        bool is_known;
        bool is_measured; /* the next three are known, as last seen */
        double fraction;  /* 0 to 1 */
        uint64_t entries_to_go;
        int64_t bytes_to_go;
        int64_t left_ms; /* estimate; -1 = none */
        int64_t idle_ms; /* without progress */
        bool is_stalled;
        int64_t learner_since_ms;
    } learner;

    /* -- a learner that is not ours: the next joiner waits for it -- */
    struct {
        struct member_id id; /* 0 = none */
        bool is_started;
        int64_t since_ms; /* when we saw it first */
        char text[SNAPSHOT_TEXT_BYTES];
    } other_learner;

    /* -- leaving -- */
    bool is_stopping; /* SIGTERM came */
    bool is_leaving;  /* an evaluation runs */
    char leave_text[SNAPSHOT_TEXT_BYTES];

    size_t warning_count;
    char warnings[SNAPSHOT_WARNINGS_MAX][SNAPSHOT_TEXT_BYTES];

    struct snapshot_counters counters;
};

/* Every time "never", the rest unknown. */
void snapshot_init(struct snapshot *snapshot);
/* What does not fit is left out. */
void snapshot_add_warning(struct snapshot *snapshot, const char *format, ...) USHER_PRINTF(2, 3);
/* The row of `id`; NULL when absent. */
struct snapshot_member *snapshot_member_of(struct snapshot *snapshot, struct member_id id);

/* Healthy = TRI_YES; unknown is not healthy. */
void snapshot_count_members(const struct snapshot *snapshot, size_t *out_voters, size_t *out_learners, size_t *out_healthy_voters);

void snapshot_count_decision(struct snapshot_counters *counters, enum reason reason);

const char *snapshot_membership_word(enum snapshot_membership membership); /* "voter", "learner", "not-listed", "unknown" */
const char *snapshot_verb_word(enum snapshot_verb verb);                   /* "member-add" ... */
const char *snapshot_outcome_word(enum snapshot_outcome outcome);          /* "ok", "refused", "not-sent", "unknown" */

/* Where the last snapshot hangs. One writer, any readers; the lock is held for one copy. */
struct snapshot_board;

USHER_MUST_CHECK bool snapshot_board_new(struct snapshot_board **out_board, struct usher_error *err);
void snapshot_board_free(struct snapshot_board *board); /* NULL is fine */
/* Copies `snapshot`; published_at_ms becomes now, and so does a health.loop_turned_at_ms of -1. */
void snapshot_board_publish(struct snapshot_board *board, const struct snapshot *snapshot);
/* The number of the last published value; 0 = none yet. Cheap: no lock. */
uint64_t snapshot_board_version(const struct snapshot_board *board);
/* Copies the last value (a zeroed and inited one before the first publish) and returns its number. */
uint64_t snapshot_board_read(struct snapshot_board *board, struct snapshot *out_snapshot);

#endif
