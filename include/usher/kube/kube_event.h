/* Events on our own pod (kubectl describe pod). Best effort: one POST, no answer is waited for longer than a second, at most EVENTS_A_MINUTE,
 * and none for a minute after one that failed. */
#ifndef USHER_KUBE_KUBE_EVENT_H
#define USHER_KUBE_KUBE_EVENT_H

#include "usher/kube/kube_client.h"

enum { EVENT_CALL_MS = 1000, EVENTS_A_MINUTE = 20, EVENT_MESSAGE_BYTES = 1024 };

struct kube_events {
    struct kube_client *client;      /* borrowed */
    const struct settings *settings; /* borrowed: pod name and UID */
    int64_t minute_began_ms, quiet_until_ms;
    unsigned in_this_minute, count;
    uint64_t instance; /* makes names unique */
};

/* `type` is Normal or Warning, `reason` CamelCase. */
void kube_event(struct kube_events *events, const char *type, const char *reason, const char *message);

#endif
