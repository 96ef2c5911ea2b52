/* The sidecar's loop: observe -> decide -> apply -> publish -> wait. One thread turns it; HTTP and the control socket see only what is
 * published, and ask for a leave through the door. */
#ifndef USHER_MEMBER_SIDECAR_H
#define USHER_MEMBER_SIDECAR_H

#include "usher/core/leave_decision.h"
#include "usher/core/promote_decision.h"
#include "usher/member/join_loop.h"
#include "usher/member/usher.h"

/* How requests to leave reach the loop, and how their verdict gets out. Implemented over serve/ by command/sidecar.c. */
struct leave_door {
    void *self;
    /* Is anyone waiting for an evaluation? *out_how = the strongest way it was asked. */
    bool (*is_asked)(void *self, enum leave_asked *out_how);
    void (*progress)(void *self, const char *text);
    /* Ends the evaluation for everyone who waits. `is_final`: may be answered again without a new evaluation (we have left). */
    void (*done)(void *self, enum usher_exit exit, enum reason reason, const char *text, bool is_final);
};

enum membership {
    MEMBERSHIP_UNKNOWN = 0,
    MEMBERSHIP_NONE, /* a barrier read does not list us */
    MEMBERSHIP_LEARNER,
    MEMBERSHIP_VOTER,
};

/* What our own etcd showed in this turn. */
struct own_etcd {
    bool answered;   /* it said who it is (serving, or a learner) */
    bool has_quorum; /* a quorum read through it was answered in this turn */
    enum tri port_accepts;
    struct etcd_status status; /* valid when answered */
};

struct sidecar {
    struct usher usher;
    struct leave_door door;
    void (*publish)(void *self, const struct sidecar *sidecar);
    void *publish_self;

    /* -- this turn -- */
    struct own_etcd own;
    enum membership membership; /* by the last barrier read; keeps its last known value */
    struct cluster_id cluster;  /* ours: the WAL's, or our etcd's own word */
    struct member_id id;
    struct join_turn last_join; /* while etcd was never started */

    /* -- since when (monotonic, -1 = never) -- */
    int64_t started_at_ms, turned_at_ms, port_accepted_at_ms, quorum_read_at_ms, list_read_at_ms, etcd_expected_since_ms;
    bool plan_was_written; /* of this life: /startupz */
    bool was_removed;      /* while this pod runs */
    bool has_left;         /* by our own leave */
    bool record_is_settled;
    int64_t record_again_at_ms;
    bool archives_are_thin;

    /* -- promotion -- */
    struct promote_progress promote;
    struct promote_decision last_promote;

    /* -- leaving -- */
    bool is_stopping; /* SIGTERM came */
    int64_t stopping_since_ms;
    struct leave_decision last_leave;

    enum reason last_reason; /* of the last decision of any kind, for /status */
    char last_action[64];
    char last_text[2048];
};

void sidecar_init(struct sidecar *sidecar, const struct settings *settings, const struct world *world,
                  const struct record_store *store_or_null, const struct leave_door *door);

/* Turns until etcd is gone after a stop signal, or the leave deadline. Returns the exit code of the process. */
enum usher_exit sidecar_run(struct sidecar *sidecar, struct usher_error *err);

#endif
