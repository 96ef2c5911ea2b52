#include "usher/core/record_verdict.h"

enum record_verdict record_judge(const struct set_record *record, struct cluster_id ours)
{
    if (!cluster_id_is_known(ours))
        return RECORD_SAYS_NOTHING;
    switch (record->state) {
    case RECORD_EMPTY:
    case RECORD_CLAIMED:
    case RECORD_CLUSTER:
        break;
    case RECORD_UNKNOWN:
    case RECORD_NOT_CONFIGURED:
    case RECORD_UNREADABLE:
        return RECORD_SAYS_NOTHING;
    }
    if (set_record_forgot(record, ours))
        return RECORD_FORGOT_OURS;
    return cluster_id_differs(record->cluster, ours) ? RECORD_NAMES_ANOTHER : RECORD_TAKES_OURS;
}

bool record_still_names_another(bool did_so_before, enum record_verdict verdict)
{
    return verdict == RECORD_NAMES_ANOTHER || (did_so_before && verdict != RECORD_TAKES_OURS);
}

bool founding_is_unconfirmed(const char *nonce, bool was_voter) { return nonce[0] != '\0' && !was_voter; }

bool founding_must_stop(enum record_verdict verdict, bool is_unconfirmed) { return verdict == RECORD_NAMES_ANOTHER && is_unconfirmed; }

bool seat_is_lost(const struct seat_facts *facts)
{
    if (!facts->list_is_fresh || facts->is_listed || facts->is_settled)
        return false;
    return facts->etcd_answers || (facts->plan_says_start && (facts->has_ids || facts->removal_was_asked));
}
