/* What the set record means for a member that runs (DESIGN 4.1, "Set record" and "Founding"), and whether a running pod lost its seat. */
#ifndef USHER_CORE_RECORD_VERDICT_H
#define USHER_CORE_RECORD_VERDICT_H

#include "usher/core/set_record.h"

enum record_verdict {
    RECORD_SAYS_NOTHING = 0, /* not read, or not readable: nothing is written, nothing is concluded */
    RECORD_TAKES_OURS,       /* it holds our cluster, or none: our slot may be written there (ADOPT) */
    RECORD_NAMES_ANOTHER,    /* another cluster stands there: never written over without a permit */
    RECORD_FORGOT_OURS,      /* a person declared our cluster gone for good */
};

/* `ours` not known: nothing. */
enum record_verdict record_judge(const struct set_record *record, struct cluster_id ours);

/* What could not be read takes nothing back: who was held back stays so until the record takes our cluster. */
bool record_still_names_another(bool did_so_before, enum record_verdict verdict);

/* We founded, and have not been a voter of a recorded cluster yet: not ready until the record holds our cluster, and another one there ends it.
 * `nonce` is what lies beside the data. A member of old serves on, whatever somebody writes into the record; its next start asks a person (G4). */
bool founding_is_unconfirmed(const char *nonce, bool was_voter);
bool founding_must_stop(enum record_verdict verdict, bool is_unconfirmed);

/* What a running pod knows about its seat. */
struct seat_facts {
    bool list_is_fresh; /* a barrier read of our cluster, in this turn */
    bool is_listed;     /* it holds our ID */
    bool etcd_answers;  /* as us */
    bool plan_says_start;
    bool has_ids;           /* our WAL */
    bool removal_was_asked; /* by us */
    bool is_settled;        /* we know already: left, or removed */
};

/* Did somebody, or we ourselves, take our member out while this pod runs? An entry that never started and is gone is no removal: that pod joins
 * again, unless it was we who took it back. */
bool seat_is_lost(const struct seat_facts *facts);

#endif
