/* The sidecar's loop: observe -> decide -> apply -> publish -> wait. One thread turns it; HTTP and the control socket see only what is
 * published, and ask for a leave through the door. */
#ifndef USHER_MEMBER_SIDECAR_H
#define USHER_MEMBER_SIDECAR_H

#include "usher/core/ghost_decision.h"
#include "usher/core/health_verdict.h"
#include "usher/core/janitor_decision.h"
#include "usher/core/leave_decision.h"
#include "usher/core/orphan_decision.h"
#include "usher/core/plan.h"
#include "usher/member/join_loop.h"
#include "usher/member/usher.h"

/* How requests to leave reach the loop, and how their verdict gets out. Implemented over serve/ by command/sidecar.c. */
struct leave_door {
    void *self;
    /* Is anyone waiting for an evaluation? *out_how = the strongest way it was asked. Called before a turn observes. */
    bool (*is_asked)(void *self, enum leave_asked *out_how);
    void (*say)(void *self, const char *text);
    /* Ends the evaluation for everyone who waits. `is_final`: later callers get the same verdict (we have left). */
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
    bool is_learner; /* its own word; valid when answered */
    struct member_id leader;
    uint64_t raft_term;
};

/* The care for one kind of dead members, by rounds (sidecar_dead.c). */
struct dead_care {
    struct dead_watch watch;
    struct gauge_watch gauge;
    bool is_due; /* the gauges are read, and turns look at everybody */
    int64_t again_at_ms;
    enum reason said;
    struct member_id asked; /* a removal whose answer was lost: when it is off the list, that was it */
    char asked_name[NAME_BYTES];
};

struct sidecar {
    struct usher usher;
    struct leave_door door;
    void (*publish)(void *self, const struct sidecar *sidecar);
    void *publish_self;
    bool (*take_poke)(void *self); /* the wake-up's: cleared at the start of each turn */
    void *take_poke_self;

    /* -- this turn -- */
    struct own_etcd own;
    enum membership membership; /* by the last barrier read; keeps its last known value */
    struct cluster_id cluster;  /* ours: the WAL's, before there is one the join record's */
    struct member_id id;
    bool is_last_voter; /* by the last barrier read */
    bool version_was_told;
    bool is_disowned; /* what answers at --local-endpoint is another member */
    int64_t again_in_ms;

    /* -- since when (monotonic, -1 = never) -- */
    int64_t started_at_ms, turned_at_ms, port_accepted_at_ms, quorum_read_at_ms, list_read_at_ms, etcd_expected_since_ms;
    enum plan_state plan;
    bool was_removed;      /* while this pod runs, by somebody else */
    bool has_left;         /* by our own leave */
    bool start_is_settled; /* the plan says `existing`, the nonce is used */
    bool is_recorded;      /* our cluster stands in the set record, or there is none to stand in */
    bool other_cluster_is_recorded;
    int64_t record_again_at_ms;
    int64_t seeds_again_at_ms; /* when a record that was not readable is read again for its client URLs */
    uint64_t list_digest;      /* of the list that notes and record were last brought up to */
    bool archives_are_thin;

    /* -- OrderedReady after a full outage (sidecar_peers.c) -- */
    bool peers_are_not_created;
    int64_t peers_asked_at_ms; /* -1 = never */

    /* -- promotion -- */
    struct promote_progress promote;
    struct promote_decision last_promote;
    struct hear_watch hear, hear_orphan;
    int64_t learner_since_ms;
    bool stall_was_said;
    struct member_id blocker_said; /* somebody else's learner that was reported */
    struct orphan_watch orphan;

    /* -- other members that are dead: of seats that were given up, and, where a person said so, any -- */
    struct dead_care ghost, janitor;
    struct ear ear;
    char ghost_slot[NAME_BYTES]; /* the ghost's */

    /* -- leaving -- */
    bool is_stopping;
    int64_t stopping_since_ms, leaving_since_ms;
    unsigned leader_moves_tried;
    int64_t leave_limit_ms; /* --leave-timeout, or what the grace period leaves */
    struct pod_facts pod;   /* our own, as read at proof_read_at_ms */
    struct stateful_set_facts set;
    int64_t proof_read_at_ms; /* -1 = never */
    bool leaving_was_told;    /* as an event */
    enum reason stayed_for;   /* the last verdict, when it was STAY */
    bool removal_was_asked;   /* by us: a list without us means that we have left */
    char last_progress[256];
    struct leave_decision last_leave;

    enum reason last_reason; /* of the last decision of any kind, for /status */
    char last_action[64];
    char last_text[2048];
};

void sidecar_init(struct sidecar *sidecar, const struct settings *settings, const struct world *world,
                  const struct record_store *store_or_null, const struct leave_door *door);

/* Turns until etcd is gone after a stop signal, or the leave deadline. Returns the exit code of the process. */
enum usher_exit sidecar_run(struct sidecar *sidecar, struct usher_error *err);

/* -- the steps of a turn, one file each -- */
void sidecar_observe(struct sidecar *sidecar, bool looks_wide); /* sidecar_observe.c */
void sidecar_keep(struct sidecar *sidecar);                     /* sidecar_keep.c: plan, notes, record, removed */
void sidecar_promote(struct sidecar *sidecar);                  /* sidecar_promote.c */
/* Both statuses that "in sync" is judged by: of the learner at its address (NULL: not known), and of the leader. */
void sidecar_read_progress(const struct sidecar *sidecar, struct member_id learner, const char *address, struct promote_facts *facts);
/* Asks the leader: hear_judge(). */
enum tri sidecar_leader_hears(const struct sidecar *sidecar, struct hear_watch *watch, struct member_id learner);
void sidecar_promote_orphan(struct sidecar *sidecar); /* sidecar_orphan.c: another learner of our set */
void sidecar_report_blocker(struct sidecar *sidecar); /* sidecar_orphan.c: a learner that was added and never started */
void sidecar_remove_ghost(struct sidecar *sidecar);   /* sidecar_ghost.c: a dead member of our set whose seat was given up */
void sidecar_remove_dead(struct sidecar *sidecar);    /* sidecar_janitor.c: any dead member, where a person said so */
/* True: the request is answered (or there was none). */
bool sidecar_leave(struct sidecar *sidecar, enum leave_asked how); /* sidecar_leave.c */
void sidecar_ask_for_peers(struct sidecar *sidecar);               /* sidecar_peers.c: has the StatefulSet created the others? */
/* sidecar_proof.c: what the Kubernetes API says about our seat. */
void sidecar_read_proof(struct sidecar *sidecar, enum leave_asked how);
void sidecar_note(struct sidecar *sidecar, const char *action, enum reason reason, const char *text); /* remembers one that was logged */
void sidecar_say(struct sidecar *sidecar, const char *action, enum reason reason, const char *text);  /* remembers and logs a decision */

#endif
