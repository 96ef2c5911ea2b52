#include "usher/kube/kube_event.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "usher/host/log.h"

static json_t *event_object(const struct kube_events *events, const char *type, const char *reason, const char *message)
{
    const struct settings *settings = events->settings;
    char name[NAME_BYTES + 64], now[32], shown[EVENT_MESSAGE_BYTES];
    time_t seconds = time(NULL);
    struct tm when;

    gmtime_r(&seconds, &when);
    strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", &when);
    snprintf(name, sizeof name, "%.180s.%llx.%u", settings->pod_name, (unsigned long long)events->instance, events->count);
    snprintf(shown, sizeof shown, "%s", message);
    return json_pack("{s:s, s:s, s:{s:s, s:s}, s:{s:s, s:s, s:s, s:s, s:s}, s:s, s:s, s:s, s:s, s:s, s:i, s:{s:s, s:s}}", "apiVersion",
                     "v1", "kind", "Event", "metadata", "name", name, "namespace", events->client->namespace, "involvedObject",
                     "apiVersion", "v1", "kind", "Pod", "name", settings->pod_name, "namespace", events->client->namespace, "uid",
                     settings->pod_uid, "type", type, "reason", reason, "message", shown, "firstTimestamp", now, "lastTimestamp", now,
                     "count", 1, "source", "component", "etcd-usher", "host", "");
}

static bool may_send(struct kube_events *events, int64_t now_ms)
{
    if (now_ms < events->quiet_until_ms)
        return false;
    if (events->minute_began_ms == 0 || now_ms - events->minute_began_ms >= 60 * 1000) {
        events->minute_began_ms = now_ms;
        events->in_this_minute = 0;
    }
    return events->in_this_minute++ < EVENTS_A_MINUTE;
}

void kube_event(struct kube_events *events, const char *type, const char *reason, const char *message)
{
    int64_t now_ms = monotonic_ms();
    struct kube_reply reply = {0};
    struct usher_error err = {0};
    char path[HTTP_URL_BYTES], *body;
    json_t *event;

    if (!may_send(events, now_ms))
        return;
    events->count++;
    event = event_object(events, type, reason, message);
    body = event == NULL ? NULL : json_dumps(event, JSON_COMPACT);
    json_decref(event);
    snprintf(path, sizeof path, "/api/v1/namespaces/%s/events", events->client->namespace);
    if (body == NULL || !kube_call(events->client, "POST", path, body, deadline_in_ms(EVENT_CALL_MS), &reply, &err)) {
        events->quiet_until_ms = now_ms + 60 * 1000;
        log_debug("no event for a minute: %s", err.text);
    }
    json_decref(reply.body);
    free(body);
}
