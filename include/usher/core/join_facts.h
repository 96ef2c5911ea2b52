/* Everything that the join decision may look at (DESIGN 4.1). Built by member/observe.c, never edited by a decision. A zeroed struct is
 * all-unknown and leads to WAIT. Pointers are borrowed and may be NULL (= not read). */
#ifndef USHER_CORE_JOIN_FACTS_H
#define USHER_CORE_JOIN_FACTS_H

#include "usher/core/cluster_view.h"
#include "usher/core/permit.h"
#include "usher/core/set_record.h"

enum wal_state {
    WAL_UNKNOWN = 0, /* not read: decide nothing */
    WAL_NONE,        /* no *.wal, member/snap empty too */
    WAL_IDS,
    WAL_REMAINS, /* member/snap holds something, no *.wal */
    WAL_TORN,
    WAL_UNREADABLE, /* EACCES, EIO, or ids without member/snap/db */
};

struct wal_facts {
    enum wal_state state;
    struct cluster_id cluster;
    struct member_id member;
};

enum data_place {
    PLACE_UNKNOWN = 0,
    PLACE_GOOD,
    PLACE_MISSING,       /* the data directory or its parent is not there */
    PLACE_NOT_MOUNTED,   /* in Kubernetes: not on a mounted volume */
    PLACE_WAL_ELSEWHERE, /* a *.wal lies one level up or down */
};

/* usher.json beside the data: what this very volume remembers. */
struct volume_facts {
    enum tri is_readable;      /* TRI_NO: there but unreadable: founding and adding must wait */
    enum tri is_another_slots; /* TRI_YES: namespace or slot name kept beside the data is not ours */
    char owner_slot[NAME_BYTES];
    struct { /* an etcd with these ids was seen removed by a barrier read: this data is dead */
        struct cluster_id cluster;
        struct member_id member;
    } left;
    struct { /* the ID that we were given for this very volume */
        struct cluster_id cluster;
        struct member_id member;
    } join_record;
    char nonce[NONCE_BYTES]; /* of our own founding; empty = none */
    bool nonce_was_used;     /* a WAL was seen since */
    bool has_trace;          /* join record, mark, remembered URLs or an archive: no right to found here */
};

enum bootstrap_mode { BOOTSTRAP_UNKNOWN = 0, BOOTSTRAP_NEVER, BOOTSTRAP_RECORD, BOOTSTRAP_ONCE };
enum data_policy { DATA_POLICY_UNKNOWN = 0, DATA_POLICY_REFUSE, DATA_POLICY_ACT }; /* act: archive, replace */
enum rejoin_policy { REJOIN_UNKNOWN = 0, REJOIN_AT_START, REJOIN_ALWAYS, REJOIN_NEVER };

struct join_settings {
    char slot_name[NAME_BYTES];
    char name[NAME_BYTES]; /* etcd's --name */
    struct url_list peer_urls;
    enum bootstrap_mode bootstrap;
    char bootstrap_once_name[NAME_BYTES];
    struct cluster_id expected_cluster; /* 0 = any */
    enum rejoin_policy rejoin;
    enum data_policy stale_data, lost_data, unreadable_data;
    bool has_set_record;
};

/* Does our ID look alive in the voters' gauges (etcd_network_active_peers{Remote=ID})? */
enum gauge_verdict {
    GAUGE_UNKNOWN = 0, /* not read, or fewer than a quorum of the voters' gauges could be read twice */
    GAUGE_CONNECTED,   /* some voter shows it connected, in the last read */
    GAUGE_DOWN,        /* a quorum of voters read twice, 2 s apart: 0 or absent in each */
};

struct join_facts {
    enum tri etcd_lives_here;   /* G1: lock held, or the local port accepts */
    bool has_plan;              /* a start plan of this life stands in the plan directory */
    bool pod_turned_removed;    /* G2: this pod UID */
    enum data_place data_place; /* G3 */
    struct wal_facts wal;
    struct volume_facts volume;
    const struct cluster_view *view; /* NULL = not looked yet */
    const struct set_record *record; /* NULL = not read yet */
    struct permit_list file_permits;
    enum gauge_verdict our_gauge; /* for our entry's ID (J3, J13) */
    enum tri
        removal_keeps_quorum; /* may our entry be removed by the quorum rule (4.4)? Filled by quorum.h for a voter, TRI_YES for a learner */
    int64_t looked_for_ms;    /* since the first look that found this state: J3's and J14's 10 s */
    int64_t since_our_removal_ms; /* since our last REMOVE of this run; -1 = none. ADD waits until > 1 s */
    int64_t free_bytes;           /* on the data volume; -1 unknown */
    struct join_settings settings;
};

#endif
