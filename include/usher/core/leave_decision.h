/* May our own member be taken out (DESIGN 4.3)? Every doubt is STAY or WAIT: a member that keeps its seat comes back with its data. */
#ifndef USHER_CORE_LEAVE_DECISION_H
#define USHER_CORE_LEAVE_DECISION_H

#include "usher/core/api_facts.h"
#include "usher/core/quorum.h"
#include "usher/core/reason.h"
#include "usher/core/set_record.h"

enum leave_policy { LEAVE_UNKNOWN = 0, LEAVE_PROVEN, LEAVE_ALWAYS, LEAVE_ASKED, LEAVE_NEVER };

/* How it was asked, weakest first. */
enum leave_asked {
    LEAVE_NOT_ASKED = 0,
    LEAVE_ASKED_SIGNAL, /* SIGTERM reached the sidecar */
    LEAVE_ASKED_HTTP,   /* GET /prestop: anybody on the network can send it */
    LEAVE_ASKED_HOOK,   /* an exec hook or --leave-first, over the control socket */
    LEAVE_ASKED_ORDER,  /* `etcd-usher leave`, an operator in the pod */
};

/* What the Kubernetes API proved about this seat. */
enum leave_proof {
    PROOF_UNKNOWN = 0,   /* not asked, or any error: STAY */
    PROOF_NONE,          /* the API says that pod and data come back */
    PROOF_SEAT_GIVEN_UP, /* the pod, or its data, will not come back */
    PROOF_PAUSED,        /* replicas is 0 */
};

enum { LEADER_PREFERENCES_MAX = 16 };

struct leave_facts {
    enum leave_policy policy;
    enum leave_asked asked;
    enum leave_proof proof;
    enum tri pod_is_deleted;      /* the API shows our deletionTimestamp */
    enum tri client_port_accepts; /* our etcd's */
    bool is_deadline_over;
    const struct cluster_view *view; /* NULL = not looked; decisions need LIVE_REACHABLE of our cluster */
    struct quorum_health health;
    struct member_id ours;
    struct cluster_id cluster;
    struct member_id leader;              /* as the serving members say; 0 unknown */
    const struct set_record *record;      /* NULL or unreadable: nobody is known to be of our set */
    const struct stateful_set_facts *set; /* of PROOF_PAUSED: whose pods have to stand in the record; NULL = not known */
    int64_t ordinal;                      /* ours in it */
    const struct url_list *peer_urls;     /* ours: a member that differs in the ordinal alone is of our set */
    size_t preference_count;
    char preferences[LEADER_PREFERENCES_MAX][NAME_BYTES]; /* member names or hex IDs, best first */
    unsigned leader_moves_tried;
    int64_t list_age_ms; /* since the barrier read of `view`: asking the API may have taken seconds in between */
    bool was_last_voter; /* the last barrier read showed no other voter: waiting for a quorum without us is in vain */
};

enum leave_action {
    LEAVE_ACTION_UNKNOWN = 0,
    LEAVE_STAY,        /* final for this request */
    LEAVE_WAIT,        /* look again, until the deadline makes it STAY */
    LEAVE_MOVE_LEADER, /* to `target`, at ourselves */
    LEAVE_REMOVE,      /* ourselves (`target`), through another member */
    LEAVE_GONE,        /* the list does not hold us: mark the data as left; final */
};

struct leave_decision {
    enum leave_action action;
    enum reason reason;
    struct member_id target;
    int64_t again_in_ms; /* WAIT */
};

/* A look that failed, or that somebody else's request cut short, learnt nothing that a verdict could rest on: look again first. */
bool leave_can_be_judged(enum live_cluster live, bool is_deadline_over);

struct leave_decision leave_decide(const struct leave_facts *facts);

/* The first half alone: does policy and proof let this request go on? REASON_UNKNOWN = yes. */
enum reason leave_objection(const struct leave_facts *facts, bool *out_waits_for_port);

/* Who should lead after us; 0 = nobody fit. */
struct member_id leave_choose_leader(const struct leave_facts *facts);

/* A look's whole time (TURN_LOOK_MS) fits in: else where each look needs it nobody would ever leave. */
enum { LEAVE_LIST_FRESH_MS = 3000, LEAVE_AGAIN_MS = 200, LEADER_MOVES_MAX = 3, CAUGHT_UP_ENTRIES = 1000 };

#endif
