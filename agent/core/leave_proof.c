#include "usher/core/leave_proof.h"

#include <string.h>

static bool is_our_pod(const struct pod_facts *pod, const char *our_uid)
{
    return pod->answer == API_FOUND && our_uid[0] != '\0' && strcmp(pod->uid, our_uid) == 0;
}

enum tri leave_pod_is_deleted(const struct pod_facts *pod, const char *our_uid)
{
    if (!is_our_pod(pod, our_uid))
        return TRI_UNKNOWN;
    return pod->is_deleted ? TRI_YES : TRI_NO;
}

enum tri stateful_set_gave_up(const struct stateful_set_facts *set, int64_t ordinal)
{
    if (set->answer != API_FOUND || set->is_deleted || set->replicas <= 0 || set->start < 0 || ordinal < 0)
        return TRI_UNKNOWN;
    return ordinal < set->start || ordinal - set->start >= set->replicas ? TRI_YES : TRI_NO;
}

int64_t stateful_set_ordinal(const char *set_name, const char *pod_name)
{
    size_t length = strlen(set_name);
    int64_t ordinal = 0;

    if (length == 0 || strncmp(pod_name, set_name, length) != 0 || pod_name[length] != '-' || pod_name[length + 1] == '\0' ||
        (pod_name[length + 1] == '0' && pod_name[length + 2] != '\0'))
        return -1;
    for (const char *digit = pod_name + length + 1; *digit != '\0'; digit++) {
        if (*digit < '0' || *digit > '9' || ordinal > INT32_MAX / 10)
            return -1;
        ordinal = ordinal * 10 + (*digit - '0');
    }
    return ordinal;
}

/* Its data goes with it, all of it: nobody can come back with this member's identity. */
static bool data_goes(const struct pod_facts *pod)
{
    return pod->data_volume == VOLUME_GOES_WITH_POD && pod->wal_volume == VOLUME_GOES_WITH_POD;
}

enum leave_proof leave_prove(const struct pod_facts *pod, const struct stateful_set_facts *set, const char *our_uid)
{
    if (!is_our_pod(pod, our_uid))
        return PROOF_UNKNOWN;
    if (!pod->is_deleted)
        return PROOF_NONE;
    if (data_goes(pod))
        return PROOF_SEAT_GIVEN_UP;
    if (pod->set_uid[0] == '\0' || set->answer != API_FOUND || strcmp(set->uid, pod->set_uid) != 0)
        return PROOF_UNKNOWN; /* orphaned, or the set is gone, or another one of its name: who knows what was meant */
    if (set->is_deleted)
        return PROOF_NONE; /* an uninstall keeps the volumes, and an install finds them again */
    if (set->replicas == 0)
        return PROOF_PAUSED;
    switch (stateful_set_gave_up(set, pod->ordinal)) {
    case TRI_YES:
        return PROOF_SEAT_GIVEN_UP;
    case TRI_NO:
        return PROOF_NONE;
    case TRI_UNKNOWN:
        break;
    }
    return PROOF_UNKNOWN;
}
