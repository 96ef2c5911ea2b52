/* J16: nobody answers and this volume is empty. Who may found a cluster? A second founding destroys data, so every doubt waits. */
#include <string.h>

#include "join_rows.h"

static struct join_decision wait_here(enum reason reason) { return join_wait(reason, JOIN_AGAIN_MS); }

/* Every endpoint was asked and nothing at all lives there. An endpoint that was not asked to its end, or that refuses us (TLS,
 * authentication, a web server), is not "nobody". */
static bool somebody_may_live(const struct cluster_view *view)
{
    for (size_t i = 0; i < view->endpoint_count; i++)
        if (view->endpoints[i].state != ENDPOINT_UNREACHABLE)
            return true;
    return false;
}

static struct join_decision forget_or_wait(const struct join_facts *facts, enum reason reason, uint64_t id, const char *nonce)
{
    const struct permit *permit = join_permit(facts, PERMIT_FORGET, id, nonce);
    struct join_decision decision;

    if (permit != NULL) {
        decision = join_act(JOIN_FORGET, REASON_FORGET);
        decision.used_permit = *permit;
    } else {
        decision = join_with_help(wait_here(reason), PERMIT_FORGET, id, nonce);
    }
    decision.cluster.value = id;
    return decision;
}

/* What this volume remembers speaks against founding: REASON_UNKNOWN when nothing does. */
static enum reason volume_objection(const struct join_facts *facts)
{
    if (facts->volume.is_readable != TRI_YES)
        return REASON_NOTES_UNREADABLE;
    if (facts->volume.nonce[0] != '\0' && facts->volume.nonce_was_used)
        return REASON_NONCE_USED;
    if (facts->volume.has_trace)
        return REASON_VOLUME_HAS_TRACE;
    return REASON_UNKNOWN;
}

static struct join_decision found_if_volume_agrees(const struct join_facts *facts, enum join_action action, enum reason reason)
{
    enum reason objection = volume_objection(facts);
    return objection != REASON_UNKNOWN ? wait_here(objection) : join_act(action, reason);
}

/* --bootstrap=record. */
static struct join_decision found_by_record(const struct join_facts *facts)
{
    const struct set_record *record = facts->record;
    bool is_our_claim;

    if (record == NULL)
        return wait_here(REASON_RECORD_NOT_READABLE);
    switch (record->state) {
    case RECORD_EMPTY:
        return found_if_volume_agrees(facts, JOIN_CLAIM, REASON_CLAIM);
    case RECORD_CLAIMED:
        is_our_claim = strcmp(record->claim.slot, facts->settings.slot_name) == 0;
        if (is_our_claim && facts->volume.nonce[0] != '\0' && strcmp(record->claim.nonce, facts->volume.nonce) == 0)
            return found_if_volume_agrees(facts, JOIN_FOUND, REASON_FOUND);
        return forget_or_wait(facts, is_our_claim ? REASON_CLAIM_WITHOUT_NONCE : REASON_CLAIMED_BY_OTHER, 0, record->claim.nonce);
    case RECORD_CLUSTER:
        return forget_or_wait(facts, REASON_RECORD_HAS_CLUSTER, record->cluster.value, NULL);
    case RECORD_UNKNOWN:
    case RECORD_NOT_CONFIGURED:
    case RECORD_UNREADABLE:
        break;
    }
    return wait_here(REASON_RECORD_NOT_READABLE);
}

/* --bootstrap=once:NAME: only that name; a configured record still has to be readable and without a cluster ID. */
static struct join_decision found_once(const struct join_facts *facts)
{
    const struct set_record *record = facts->record;

    if (strcmp(facts->settings.bootstrap_once_name, facts->settings.slot_name) != 0 &&
        strcmp(facts->settings.bootstrap_once_name, facts->settings.name) != 0)
        return wait_here(REASON_NOT_THE_ONE);
    if (facts->settings.has_set_record) {
        if (record == NULL || record->state == RECORD_UNKNOWN || record->state == RECORD_UNREADABLE ||
            record->state == RECORD_NOT_CONFIGURED)
            return wait_here(REASON_RECORD_NOT_READABLE);
        if (record->state != RECORD_EMPTY)
            return found_by_record(facts);
    }
    return found_if_volume_agrees(facts, JOIN_FOUND, REASON_FOUND);
}

struct join_decision founding_decide(const struct join_facts *facts)
{
    if (join_live(facts) != LIVE_UNREACHABLE || facts->wal.state != WAL_NONE)
        return wait_here(REASON_FACTS_INCOMPLETE);
    if (somebody_may_live(facts->view))
        return wait_here(REASON_SOMETHING_ANSWERS);
    if (cluster_id_is_known(facts->settings.expected_cluster)) /* it exists already, says the operator */
        return wait_here(REASON_WAIT_FOR_CLUSTER);
    switch (facts->settings.bootstrap) {
    case BOOTSTRAP_RECORD:
        return found_by_record(facts);
    case BOOTSTRAP_ONCE:
        return found_once(facts);
    case BOOTSTRAP_NEVER:
    case BOOTSTRAP_UNKNOWN:
        break;
    }
    if (facts->record != NULL && facts->record->state == RECORD_CLUSTER)
        return forget_or_wait(facts, REASON_RECORD_HAS_CLUSTER, facts->record->cluster.value, NULL);
    return wait_here(REASON_WAIT_FOR_CLUSTER);
}
