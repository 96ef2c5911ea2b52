/* One usher beside one etcd: what it holds between two turns. Only the loop's thread touches it. */
#ifndef USHER_MEMBER_USHER_H
#define USHER_MEMBER_USHER_H

#include "usher/core/join_decision.h"
#include "usher/host/settings.h"
#include "usher/host/usher_file.h"
#include "usher/member/gauge_watch.h"
#include "usher/member/record_store.h"
#include "usher/member/world.h"

/* Counters since the start, for metrics. */
struct usher_counters {
    uint64_t looks, look_failures, adds, removals, promotions, leader_moves, url_updates, archives, record_writes, waits;
    uint64_t leaves_done, leaves_stayed, leaves_failed; /* evaluations, by how they ended */
};

enum { LEARNER_TEXT_BYTES = 512 };

/* The learner of somebody else that takes the place in the list, and since when we see it there. */
struct learner_watch {
    struct member_id id; /* 0 = none */
    int64_t since_ms;
    bool is_started;
};

struct usher {
    const struct settings *settings;
    const struct world *world;
    struct record_store record_store;

    /* -- last observation -- */
    struct cluster_view view;
    struct set_record record, edited; /* as read; as it shall be written */
    int64_t record_read_at_ms;        /* -1 = it has to be read before it counts again */
    struct deadline start_by;         /* of this turn: data on disk starts, whoever has not answered by then (I10) */
    struct usher_file notes;          /* usher.json */
    enum usher_file_state notes_state;
    struct join_facts facts; /* points into the three above */
    struct permit_list file_permits;
    struct gauge_watch gauge;
    char place_detail[PATH_BYTES];
    struct usher_error wal_problem, record_problem, notes_problem;

    /* -- since when -- */
    enum reason waiting_for; /* reason of the current wait; UNKNOWN = not waiting */
    int64_t waiting_since_ms, last_wait_line_ms;
    bool is_held;                /* the last decision waits, refuses or holds etcd back: nothing is urgent */
    enum reason facts_saved_for; /* the decision that facts.json in the plan directory shows */
    enum reason last_said;       /* the last decision that was logged; UNKNOWN after a wait */
    int64_t looking_since_ms;    /* the state that J3 and J14 look at; -1 = none */
    enum reason looking_reason;
    int64_t our_removal_at_ms; /* our last REMOVE of an entry of ours; -1 = none */
    struct learner_watch other_learner;
    unsigned attempts; /* refusals of etcd in a row, for the back-off */

    /* -- this run -- */
    struct member_id added; /* by this very process: what SIGTERM may take back */
    char added_at
        [URL_BYTES]; /* who took our ADD a moment ago: the next look asks there alone, everybody was asked right before; "" = none */
    bool has_plan;
    struct usher_counters counters;
    char message[2048]; /* of the last decision, for people */
};

/* Everything zeroed and "not yet". Borrowed: settings, world, store. */
void usher_init(struct usher *usher, const struct settings *settings, const struct world *world, const struct record_store *store_or_null);

/* An event on our pod, where there is an API; best effort. `reason` is CamelCase. */
void usher_event(const struct usher *usher, bool is_warning, const char *reason, const char *message);

/* After a look: who else is a learner. `ours` is not counted. */
void usher_watch_learner(struct usher *usher, struct member_id ours);
/* That learner for people: its ID, its slot in our set record or its name, its URL, what it is up to, and for how long. "" = none. */
void usher_describe_learner(const struct usher *usher, char *out, size_t out_bytes);

/* The address to send a directed call for `id` to: where it answered last, else its first client URL; NULL when neither is known. */
const char *usher_address_of(const struct usher *usher, struct member_id id);
/* Any serving voter other than `except`, the leader first when `prefers_leader`; NULL when none answered. out_id = who it is. */
const char *usher_some_voter(const struct usher *usher, struct member_id except, bool prefers_leader, struct member_id *out_id);

#endif
