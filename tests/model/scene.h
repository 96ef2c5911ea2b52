/* A scene is one small world as a row of small numbers (dimensions), and the facts that an usher would gather in it. The rules read the
 * numbers, the decision reads the facts: so the two can disagree. Facts are mutated in place; the big arrays are never copied. */
#ifndef USHER_TESTS_SCENE_H
#define USHER_TESTS_SCENE_H

#include "usher/core/join_decision.h"
#include "usher/core/quorum.h"

enum {
    SELF_ID = 0xa0,  /* the member that our volume was, and that the list may call ours */
    FIRST_ID = 0xa1, /* the others: 0xa1 to 0xa5 */
    GONE_ID = 0xa9,  /* a member that no list holds */
    OUR_CLUSTER = 0xc1,
    OTHER_CLUSTER = 0xc2,
    OTHERS_MAX = 5,
    DB_BYTES = 1000
};

enum dimension {
    REACH,
    OTHERS, /* a multiset of kinds, by number */
    SELF,   /* our entry in the list */
    SELF_URL,
    SECOND, /* does another member hold our peer URL, too? */
    STRAY,  /* does an endpoint of another cluster answer, too? */
    WAL,
    RECORD,
    PERMIT,
    PERMIT_FROM,
    GAUGE,
    LOOKED,
    QUORUM_READ, /* could the quorum rule be judged? */
    LEFT,
    JOIN_RECORD,
    NONCE,
    TRACE,
    NOTES, /* usher.json */
    SLOT,
    REJOIN,
    BOOTSTRAP,
    HAS_RECORD,
    EXPECTED,
    STALE_DATA,
    LOST_DATA,
    UNREADABLE_DATA,
    SINCE_REMOVAL,
    FREE_SPACE,
    LIVES,
    PLAN,
    POD_REMOVED,
    PLACE,
    DIMENSIONS
};

enum reach {
    REACH_LIST, /* a barrier read of our cluster */
    REACH_OTHER_LIST,
    REACH_NOBODY,
    REACH_NOBODY_BUT_UNASKED, /* "unreachable", and one endpoint was not asked to its end */
    REACH_NOBODY_BUT_REFUSES,
    REACH_NO_QUORUM,
    REACH_NO_QUORUM_COPY, /* ... and what answers calls itself our member */
    REACH_UNKNOWN,
    REACH_NOT_LOOKED,
    REACHES
};
enum kind { VOTER_UP, VOTER_DOWN, VOTER_UNSTARTED, LEARNER_UP, LEARNER_DOWN, LEARNER_UNSTARTED, KINDS, SELF_ABSENT = KINDS, SELVES };
enum self_url { URL_OURS, URL_OURS_AND_MORE, URL_ANOTHER, SELF_URLS };
enum stray { STRAY_ABSENT, STRAY_GIVEN, STRAY_REMEMBERED, STRAYS };
enum wal { W_NONE, W_IDS, W_IDS_GONE, W_IDS_FOREIGN, W_REMAINS, W_TORN, W_UNREADABLE, W_UNKNOWN, WALS };
enum record {
    R_EMPTY,
    R_CLAIMED_OURS,
    R_CLAIMED_OURS_NONCE_LOST,
    R_CLAIMED_OTHER,
    R_OURS,       /* our cluster, our slot is SELF_ID */
    R_OURS_GONE,  /* ... is GONE_ID */
    R_OURS_FIRST, /* ... is FIRST_ID */
    R_OURS_NO_SLOT,
    R_FOREIGN,     /* another cluster, our slot is SELF_ID */
    R_FORGOT_OURS, /* empty, and our cluster was declared gone */
    R_UNREADABLE,  /* with rests of an older reading in it */
    R_NOT_CONFIGURED,
    R_UNKNOWN,
    R_NOT_READ, /* NULL */
    RECORDS
};
enum permit_choice {
    P_NONE,
    P_REPLACE_SELF,
    P_START_SELF,
    P_ARCHIVE_SELF,
    P_DROP_SELF,
    P_FORGET_OURS,
    P_FORGET_OTHER,
    P_FORGET_NONCE,
    P_ARCHIVE_SLOT,
    P_DROP_SLOT,
    P_REPLACE_WRONG,
    P_START_GONE,
    P_ARCHIVE_GONE,
    PERMITS
};
enum left { LEFT_NONE, LEFT_OURS, LEFT_OLDER, LEFTS };
enum join_record { J_NONE, J_SELF, J_OLDER, J_SELF_OTHER_CLUSTER, JOIN_RECORDS };
enum nonce { N_NONE, N_FRESH, N_USED, N_ANOTHER, NONCES };
enum bootstrap { B_RECORD, B_NEVER, B_ONCE_OURS, B_ONCE_OTHER, BOOTSTRAPS };
enum expected { E_ANY, E_OURS, E_OTHER, EXPECTEDS };
enum since { SINCE_NEVER, SINCE_JUST, SINCE_LONG, SINCES };
enum space { SPACE_UNKNOWN, SPACE_ENOUGH, SPACE_SHORT, SPACES };

struct scene {
    unsigned char at[DIMENSIONS];
    unsigned short others; /* OTHERS has more values than a byte */
    struct join_facts facts;
    struct cluster_view view;
    struct set_record record;
    bool is_view_stale;
    size_t other_count;
    enum kind other_kinds[OTHERS_MAX];
    enum quorum_verdict removal[OTHERS_MAX + 1]; /* of the list's members, as quorum.h judges it */
    size_t rewritten;                            /* the member slot whose URL was last ours */
};

const char *dimension_name(enum dimension dimension);
unsigned dimension_count(enum dimension dimension); /* how many values it has */

void scene_init(struct scene *scene);
void scene_set(struct scene *scene, enum dimension dimension, unsigned value);
/* After the last scene_set, before the decision. */
void scene_settle(struct scene *scene);

/* Multisets of at most OTHERS_MAX kinds, in order of size: how many there are with at most `members`. */
unsigned others_count(unsigned members);
size_t others_unpack(unsigned number, enum kind out_kinds[OTHERS_MAX]);

/* What the rules know, from the numbers alone. */
enum { ENTRY_ABSENT = -1, ENTRY_AMBIGUOUS = -2 };
int scene_own_entry(const struct scene *scene); /* index in the list */
bool scene_has_ids(const struct scene *scene);
uint64_t scene_wal_member(const struct scene *scene);
uint64_t scene_wal_cluster(const struct scene *scene);
enum kind scene_kind_at(const struct scene *scene, int index);
uint64_t scene_id_at(const struct scene *scene, int index);
bool scene_holds_our_url(const struct scene *scene, int index);
bool scene_permits(const struct scene *scene, enum permit_kind kind, uint64_t id);
bool scene_permits_slot(const struct scene *scene, enum permit_kind kind);
bool scene_record_names_cluster(const struct scene *scene);
bool scene_removal_is_safe(const struct scene *scene, int index);

static inline bool kind_is_learner(enum kind kind) { return kind >= LEARNER_UP && kind <= LEARNER_UNSTARTED; }
static inline bool kind_is_up(enum kind kind) { return kind == VOTER_UP || kind == LEARNER_UP; }
static inline bool kind_is_started(enum kind kind) { return kind != VOTER_UNSTARTED && kind != LEARNER_UNSTARTED; }

#endif
