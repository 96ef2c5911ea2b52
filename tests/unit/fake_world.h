/* A world of a test's own for a sidecar or an init: answers what the test wrote down, and counts who was asked. Its clock is the real one plus
 * `jumped_ms`. The list is that of `view`. */
#ifndef TESTS_UNIT_FAKE_WORLD_H
#define TESTS_UNIT_FAKE_WORLD_H

#include "usher/member/sidecar.h"

struct fake_world {
    struct world world;
    struct settings settings; /* data and plan directory lie in the scratch folder */
    struct record_store store;
    int64_t jumped_ms;

    /* -- what is answered -- */
    struct cluster_view view;
    struct pod_facts own_pod, other_pod; /* the second for any pod that is asked for by name */
    struct stateful_set_facts set;
    struct set_record record;
    bool record_is_unreadable, swap_fails, api_hangs, etcd_hangs; /* hangs = answers at the deadline, for 3 s at most */
    bool only_writes_hang;                                        /* of the record: it can be read though api_hangs */
    bool is_poked;                                                /* somebody asks for something: what gives way ends at once */
    bool answers_status[MEMBERS_MAX];                             /* by index in the view's list */
    bool shows_connected, gauges_unread;                          /* the gauges of all voters */
    bool counts_bytes;                                            /* they tell received_bytes, too */
    uint64_t received_bytes, bytes_a_read;                        /* what they have received of anybody, and how much more at each read */
    uint64_t raft_index[MEMBERS_MAX];                             /* committed and applied, by index */
    struct etcd_answer answer;                                    /* of every write */

    /* -- what was asked -- */
    unsigned own_pod_reads, other_pod_reads, set_reads, record_reads, record_swaps, looks, status_calls, gauge_reads, removals, moves,
        promotions, adds, updates;
    unsigned events, verdicts, events_before_verdict;
    struct member_id removed, promoted;
    char written_to[URL_BYTES]; /* the last add, removal or update */
    char last_event[64], last_event_text[1024], other_pod_name[NAME_BYTES];
    enum reason verdict;
    bool gives_way; /* as was last told */
};

/* `folder`: of scratch.h; data and plan directory are made in it. A cluster of members 1 to `voters`, slots etcd-0 and on, all healthy and recorded; we are the first. */
void fake_world_init(struct fake_world *fake, const char *folder, size_t voters);
/* A sidecar in it: a voter with a quorum whose start is long settled. */
void fake_world_sidecar(struct fake_world *fake, struct sidecar *sidecar);

enum { FAKE_CLUSTER = 0xc1 };

#endif
