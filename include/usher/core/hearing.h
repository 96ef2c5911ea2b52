/* What etcd's own metrics say about one member's life, as seen by others, and what its silence between two reads means. A leader exchanges
 * heartbeats with every member that lives, many times a second: bytes that grow are life, whoever else cannot reach it. */
#ifndef USHER_CORE_HEARING_H
#define USHER_CORE_HEARING_H

#include "usher/core/join_facts.h"

struct gauge_reading {
    bool was_read;           /* this voter's /metrics was read */
    bool shows_connected;    /* gauge for `target` is > 0 */
    uint64_t received_bytes; /* etcd_network_peer_received_bytes_total{From=target}; 3.6 and 3.7 can leak the gauge (a joiner counted
                                twice), so CONNECTED without any byte received between two reads is not a sign of life */
    bool has_received_bytes;
};

enum { HEARD_FRESH_MS = 1000, HEARD_GAP_MS = 5000 };

/* Does raft's leader hear a learner? What it has received of it, read again and again. Zeroed = not yet read. */
struct hear_watch {
    struct member_id learner, leader; /* of the read below; others start anew */
    uint64_t bytes;
    bool was_heard;
    int64_t read_at_ms, heard_at_ms; /* the second counts when was_heard */
};

/* One read at the leader. YES = it received something in the last HEARD_FRESH_MS; NO = nothing new, or this was the first read of this pair, or
 * the last one is longer ago than HEARD_GAP_MS; UNKNOWN = the metrics do not tell. */
enum tri hear_judge(struct hear_watch *watch, struct member_id leader, struct member_id learner, const struct gauge_reading *reading,
                    int64_t now_ms);

/* What our own etcd, the leader, had received of those that answer nobody, as of one round. Zeroed = nothing. */
struct ear {
    uint64_t raft_term; /* another one: others may have led meanwhile, and nothing holds */
    size_t count;
    struct {
        struct member_id id;
        uint64_t received_bytes;
    } of[MEMBERS_MAX];
};

/* Nothing was heard from `id` since the round before. A first round, or a read that failed, says nothing: false. */
bool ear_heard_nothing(const struct ear *before, uint64_t raft_term, struct member_id id, const struct gauge_reading *reading);
/* Keeps what was read, for the next round. */
void ear_note(struct ear *ear, struct member_id id, const struct gauge_reading *reading);

#endif
