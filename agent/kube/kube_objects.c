#include "usher/kube/kube_objects.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

/* False when it does not fit: a cut UID is another UID. */
static bool copy(char *out, size_t out_bytes, const char *text)
{
    size_t length = strlen(text);

    if (length >= out_bytes)
        return false;
    memcpy(out, text, length + 1);
    return true;
}

/* RFC 3339 as the API writes it: 2026-11-25T09:00:00Z. -1 = something else. */
static int64_t seconds_of(const char *text)
{
    struct tm when = {0};
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &when);
    return end == NULL ? -1 : (int64_t)timegm(&when);
}

static int64_t digits_of(const char *text)
{
    int64_t value = 0;

    if (text[0] == '\0' || strlen(text) > 9)
        return -1;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return -1;
        value = value * 10 + (*text - '0');
    }
    return value;
}

/* deletionTimestamp is the time of the request plus the grace period. A clock that is off gives the whole grace at most, and never less than
 * nothing. */
static int64_t grace_left_ms(const json_t *metadata, int64_t now_s)
{
    const json_t *grace = json_object_get(metadata, "deletionGracePeriodSeconds");
    int64_t until_s = seconds_of(text_of(metadata, "deletionTimestamp")), grace_s = json_integer_value(grace), left_s = until_s - now_s;

    if (!json_is_integer(grace) || grace_s < 0 || grace_s > INT32_MAX || until_s < 0)
        return -1;
    if (left_s > grace_s || left_s < 0)
        left_s = grace_s;
    return left_s * 1000;
}

/* The name's, as the controller itself reads it. A label that says otherwise was written by somebody else: then neither counts. */
static int64_t ordinal_of(const json_t *metadata, const char *set_name)
{
    const char *label = text_of(json_object_get(metadata, "labels"), "apps.kubernetes.io/pod-index");
    int64_t ordinal = stateful_set_ordinal(set_name, text_of(metadata, "name"));

    return label[0] != '\0' && digits_of(label) != ordinal ? -1 : ordinal;
}

static bool read_owner(const json_t *metadata, struct pod_facts *out)
{
    size_t i;
    json_t *owner;

    json_array_foreach(json_object_get(metadata, "ownerReferences"), i, owner)
    {
        if (!json_is_true(json_object_get(owner, "controller")) || strcmp(text_of(owner, "kind"), "StatefulSet") != 0 ||
            strncmp(text_of(owner, "apiVersion"), "apps/", 5) != 0)
            continue;
        return copy(out->set_name, sizeof out->set_name, text_of(owner, "name")) &&
               copy(out->set_uid, sizeof out->set_uid, text_of(owner, "uid"));
    }
    return true;
}

/* How much of `path` lies below `mount`; 0 = not below it. */
static size_t match(const char *mount, const char *path)
{
    size_t length = strlen(mount);

    while (length > 1 && mount[length - 1] == '/')
        length--;
    if (length == 0 || strncmp(mount, path, length) != 0 || (length > 1 && path[length] != '/' && path[length] != '\0'))
        return 0;
    return length;
}

static const char *volume_at(const json_t *container, const char *path)
{
    const char *name = NULL;
    size_t best = 0, i;
    json_t *mount;

    json_array_foreach(json_object_get(container, "volumeMounts"), i, mount)
    {
        size_t length = match(text_of(mount, "mountPath"), path);
        if (length > best) {
            best = length;
            name = text_of(mount, "name");
        }
    }
    return name;
}

static enum volume_life life_of(const json_t *spec, const char *name)
{
    size_t i;
    json_t *volume;

    json_array_foreach(json_object_get(spec, "volumes"), i, volume)
    {
        if (strcmp(text_of(volume, "name"), name) != 0)
            continue;
        if (json_is_object(json_object_get(volume, "emptyDir")) || json_is_object(json_object_get(volume, "ephemeral")))
            return VOLUME_GOES_WITH_POD;
        return VOLUME_LASTS;
    }
    return VOLUME_UNKNOWN;
}

/* All containers that mount something there have to mean the same volume. */
static enum volume_life volume_life_at(const json_t *spec, const char *path)
{
    static const char *const lists[] = {"containers", "initContainers"};
    const char *name = NULL;

    for (size_t k = 0; k < sizeof lists / sizeof lists[0]; k++) {
        size_t i;
        json_t *container;
        json_array_foreach(json_object_get(spec, lists[k]), i, container)
        {
            const char *here = volume_at(container, path);
            if (here != NULL && name != NULL && strcmp(here, name) != 0)
                return VOLUME_UNKNOWN;
            if (here != NULL)
                name = here;
        }
    }
    return name == NULL ? VOLUME_UNKNOWN : life_of(spec, name);
}

void kube_pod_from_json(const json_t *pod, const char *data_dir, const char *wal_dir, int64_t now_s, struct pod_facts *out)
{
    const json_t *metadata = json_object_get(pod, "metadata"), *spec = json_object_get(pod, "spec");
    struct pod_facts facts = {.answer = API_FOUND, .grace_left_ms = -1};

    *out = (struct pod_facts){.grace_left_ms = -1, .ordinal = -1};
    if (strcmp(text_of(pod, "kind"), "Pod") != 0 || text_of(metadata, "uid")[0] == '\0' || !json_is_object(spec) ||
        !copy(facts.uid, sizeof facts.uid, text_of(metadata, "uid")) || !read_owner(metadata, &facts))
        return;
    facts.is_deleted = text_of(metadata, "deletionTimestamp")[0] != '\0';
    if (facts.is_deleted)
        facts.grace_left_ms = grace_left_ms(metadata, now_s);
    facts.ordinal = ordinal_of(metadata, facts.set_name);
    facts.data_volume = volume_life_at(spec, data_dir);
    facts.wal_volume = wal_dir[0] == '\0' ? facts.data_volume : volume_life_at(spec, wal_dir);
    *out = facts;
}

void kube_stateful_set_from_json(const json_t *set, struct stateful_set_facts *out)
{
    const json_t *metadata = json_object_get(set, "metadata"), *spec = json_object_get(set, "spec");
    const json_t *ordinals = json_object_get(spec, "ordinals"), *start = json_object_get(ordinals, "start");
    const json_t *replicas = json_object_get(spec, "replicas"), *created = json_object_get(json_object_get(set, "status"), "replicas");
    struct stateful_set_facts facts = {.answer = API_FOUND};

    *out = (struct stateful_set_facts){.replicas = -1, .created = -1};
    if (strcmp(text_of(set, "kind"), "StatefulSet") != 0 || !json_is_integer(replicas) || json_integer_value(replicas) < 0 ||
        (start != NULL && (!json_is_integer(start) || json_integer_value(start) < 0)) || text_of(metadata, "uid")[0] == '\0' ||
        !copy(facts.uid, sizeof facts.uid, text_of(metadata, "uid")) || !copy(facts.name, sizeof facts.name, text_of(metadata, "name")))
        return;
    facts.is_deleted = json_object_get(metadata, "deletionTimestamp") != NULL; /* whatever it says: then nobody leaves */
    facts.start = json_integer_value(start);
    facts.replicas = json_integer_value(replicas);
    facts.created = json_is_integer(created) ? json_integer_value(created) : -1;
    *out = facts;
}

void kube_read_pod(struct kube_client *client, const struct settings *settings, const char *name, struct deadline deadline,
                   struct pod_facts *out, struct usher_error *err)
{
    char path[HTTP_URL_BYTES];
    struct kube_reply reply;

    *out = (struct pod_facts){.grace_left_ms = -1, .ordinal = -1};
    if (!kube_path(path, "/api/v1", client->namespace, "pods", name != NULL ? name : settings->pod_name, err))
        return;
    if (kube_call(client, "GET", path, NULL, deadline, &reply, err)) {
        kube_pod_from_json(reply.body, settings->data_dir, settings->wal_dir, (int64_t)time(NULL), out);
        if (out->answer != API_FOUND)
            usher_error_set(err, "the Kubernetes API's pod is not to be understood");
        json_decref(reply.body);
    } else if (reply.is_missing) {
        out->answer = API_NOT_FOUND;
    }
}

void kube_read_stateful_set(struct kube_client *client, const char *name, struct deadline deadline, struct stateful_set_facts *out,
                            struct usher_error *err)
{
    char path[HTTP_URL_BYTES];
    struct kube_reply reply;

    *out = (struct stateful_set_facts){.replicas = -1, .created = -1};
    if (!kube_path(path, "/apis/apps/v1", client->namespace, "statefulsets", name, err))
        return;
    if (kube_call(client, "GET", path, NULL, deadline, &reply, err)) {
        kube_stateful_set_from_json(reply.body, out);
        if (out->answer != API_FOUND)
            usher_error_set(err, "the Kubernetes API's StatefulSet is not to be understood");
        json_decref(reply.body);
    } else if (reply.is_missing) {
        out->answer = API_NOT_FOUND;
    }
}
