/* What the Kubernetes API said about our pod and its StatefulSet, as far as decisions need it. Zeroed = not asked. */
#ifndef USHER_CORE_API_FACTS_H
#define USHER_CORE_API_FACTS_H

#include <stdint.h>

#include "usher/core/member_list.h"

enum { UID_BYTES = 64 };

enum api_answer {
    API_UNKNOWN = 0, /* not asked, refused, no answer, or an answer that makes no sense */
    API_FOUND,
    API_NOT_FOUND, /* 404 from the API server itself */
};

enum volume_life {
    VOLUME_UNKNOWN = 0,
    VOLUME_LASTS,         /* a claim, a host path, anything that outlives the pod */
    VOLUME_GOES_WITH_POD, /* emptyDir, or a generic ephemeral volume */
};

struct pod_facts {
    enum api_answer answer;
    char uid[UID_BYTES];
    bool is_deleted;                               /* it has a deletionTimestamp */
    int64_t grace_left_ms;                         /* until the kubelet kills; -1 = not deleted, or not known */
    char set_name[NAME_BYTES], set_uid[UID_BYTES]; /* the StatefulSet that controls it; "" = none */
    int64_t ordinal;                               /* the pod-index label's, else the name's; -1 = none */
    enum volume_life data_volume, wal_volume;      /* what holds the data and the WAL directory */
};

struct stateful_set_facts {
    enum api_answer answer;
    char name[NAME_BYTES], uid[UID_BYTES];
    bool is_deleted;
    int64_t start, replicas; /* wanted: [start, start + replicas); replicas -1 = not known */
    int64_t created;         /* status.replicas: pods that exist; -1 = not known */
};

#endif
