#include "usher/kube/kube_record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "usher/host/record_json.h"

#define ANNOTATION "etcd-usher.io/cluster-id"

enum { RECORD_BYTES = 512 * 1024 };

/* The keys whose text is JSON; the others are plain. */
static bool is_json_key(const char *key)
{
    static const char *const keys[] = {"claim", "slots", "endpoints", "forgotten"};

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (strcmp(keys[i], key) == 0)
            return true;
    return false;
}

void kube_record_init(struct kube_record *store, struct kube_client *client, const char *name)
{
    *store = (struct kube_record){.client = client};
    snprintf(store->name, sizeof store->name, "%s", name);
}

void kube_record_done(struct kube_record *store)
{
    json_decref(store->seen);
    store->seen = NULL;
}

/* What is no ConfigMap, or has data of another shape, says nothing: a list of them has a resourceVersion, too, and would look empty. */
static bool has_shape(const json_t *config_map, struct usher_error *err)
{
    const char *kind = json_string_value(json_object_get(config_map, "kind"));
    json_t *data = json_object_get(config_map, "data"), *value;
    const char *key;

    if (kind == NULL || strcmp(kind, "ConfigMap") != 0)
        return usher_error_set(err, "what the API server sent is a %.60s", kind != NULL ? kind : "thing without a kind");
    if (data != NULL && !json_is_object(data))
        return usher_error_set(err, "its data is no object");
    json_object_foreach(data, key, value)
    {
        if (!json_is_string(value))
            return usher_error_set(err, "the key %.60s does not hold text", key);
    }
    return true;
}

/* data -> the document that record_json.h reads. An empty text is an absent key (kubectl patch leaves such). NULL: err says which. */
static json_t *document_of(const json_t *config_map, struct usher_error *err)
{
    json_t *data = json_object_get(config_map, "data"), *document, *value;
    const char *key;

    if (!has_shape(config_map, err))
        return NULL;
    document = json_object();
    json_object_foreach(data, key, value)
    {
        const char *text = json_string_value(value);
        json_t *part;
        if (text[0] == '\0')
            continue;
        part = is_json_key(key) ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : json_string(text);
        if (part == NULL || json_object_set_new(document, key, part) != 0) {
            usher_error_set(err, "the key %.60s does not hold JSON", key);
            json_decref(document);
            return NULL;
        }
    }
    return document;
}

/* The annotation outlives data that somebody emptied; two IDs that differ are nobody's word. */
static bool heed_annotation(const json_t *config_map, struct set_record *record, struct usher_error *err)
{
    const json_t *annotations = json_object_get(json_object_get(config_map, "metadata"), "annotations");
    const json_t *annotation = json_object_get(annotations, ANNOTATION);
    const char *text = json_string_value(annotation);
    struct cluster_id annotated = {0};

    if (annotations != NULL && !json_is_object(annotations) && !json_is_null(annotations))
        return usher_error_set(err, "its annotations are no object");
    if (annotation == NULL || (text != NULL && text[0] == '\0'))
        return true;
    if (text == NULL || !id_from_hex(text, &annotated.value))
        return usher_error_set(err, "the annotation " ANNOTATION " is no cluster ID");
    if (cluster_id_differs(annotated, record->cluster))
        return usher_error_set(err, "its data names another cluster than its annotation " ANNOTATION);
    record->cluster = annotated;
    set_record_settle(record);
    return true;
}

bool kube_record_from_json(const json_t *config_map, struct set_record *out, struct usher_error *err)
{
    const char *version = json_string_value(json_object_get(json_object_get(config_map, "metadata"), "resourceVersion"));
    struct set_record *record = calloc(1, sizeof *record);
    json_t *document = document_of(config_map, err);
    char *text = document == NULL ? NULL : json_dumps(document, JSON_COMPACT);
    bool is_read = false;

    if (record == NULL || (document != NULL && text == NULL))
        usher_error_set(err, "out of memory");
    else if (version == NULL || version[0] == '\0' || strlen(version) >= sizeof record->version)
        usher_error_set(err, "it has no resourceVersion to compare with");
    else if (text != NULL)
        is_read = record_json_read(text, strlen(text), record, err) && heed_annotation(config_map, record, err);
    if (is_read) {
        snprintf(record->version, sizeof record->version, "%s", version);
        *out = *record;
    }
    free(text);
    json_decref(document);
    free(record);
    return is_read;
}

/* Each key of the document as text; what became empty is taken out. */
static bool put_data(json_t *config_map, json_t *document)
{
    json_t *data = json_object_get(config_map, "data"), *value;
    const char *key;
    bool is_put = true;

    if (!json_is_object(data)) {
        data = json_object();
        if (json_object_set_new(config_map, "data", data) != 0)
            return false;
    }
    if (json_object_get(document, "cluster-id") == NULL)
        json_object_del(data, "cluster-id");
    if (json_object_get(document, "claim") == NULL)
        json_object_del(data, "claim");
    if (json_object_get(document, "permit") == NULL)
        json_object_del(data, "permit");
    json_object_foreach(document, key, value)
    {
        if (json_is_string(value)) {
            is_put &= json_object_set_new(data, key, json_string(json_string_value(value))) == 0;
        } else {
            char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);
            is_put &= text != NULL && json_object_set_new(data, key, json_string(text)) == 0;
            free(text);
        }
    }
    return is_put;
}

static bool put_annotation(json_t *config_map, struct cluster_id cluster)
{
    json_t *metadata = json_object_get(config_map, "metadata"), *annotations = json_object_get(metadata, "annotations");
    char text[ID_TEXT_BYTES];

    if (!json_is_object(metadata))
        return false;
    if (!json_is_object(annotations)) {
        annotations = json_object();
        if (json_object_set_new(metadata, "annotations", annotations) != 0)
            return false;
    }
    if (!cluster_id_is_known(cluster)) { /* forgotten, by permit */
        json_object_del(annotations, ANNOTATION);
        return true;
    }
    id_to_hex(cluster.value, text);
    return json_object_set_new(annotations, ANNOTATION, json_string(text)) == 0;
}

bool kube_record_onto_json(const struct set_record *record, json_t *config_map, struct usher_error *err)
{
    struct bounded_text text;
    json_t *document = NULL;
    bool is_put = false;

    bounded_text_init(&text, RECORD_BYTES);
    if (record_json_write(record, NULL, 0, &text, err)) {
        document = json_loadb(bounded_text_c(&text), text.length_bytes, 0, NULL);
        is_put = document != NULL && put_data(config_map, document) && put_annotation(config_map, record->cluster);
        if (!is_put)
            usher_error_set(err, "the set record could not be put into its ConfigMap");
    }
    json_decref(document);
    bounded_text_done(&text);
    return is_put;
}

static bool path_of(const struct kube_record *store, char path[HTTP_URL_BYTES], struct usher_error *err)
{
    return kube_path(path, "/api/v1", store->client->namespace, "configmaps", store->name, err);
}

bool kube_record_read(struct kube_record *store, struct deadline deadline, struct set_record *out, struct usher_error *err)
{
    char path[HTTP_URL_BYTES];
    struct kube_reply reply = {0};
    bool is_read;

    json_decref(store->seen);
    store->seen = NULL;
    if (!path_of(store, path, err))
        return false;
    if (!kube_call(store->client, "GET", path, NULL, deadline, &reply, err)) {
        if (reply.is_missing)
            return usher_error_set(err, "the ConfigMap %s does not exist in namespace %s; the chart makes it, without data", store->name,
                                   store->client->namespace);
        return usher_error_wrap(err, "set record in ConfigMap %s", store->name);
    }
    is_read = kube_record_from_json(reply.body, out, err);
    if (is_read)
        store->seen = reply.body;
    else
        json_decref(reply.body);
    return is_read || usher_error_wrap(err, "set record in ConfigMap %s", store->name);
}

bool kube_record_swap(struct kube_record *store, const struct set_record *record, struct deadline deadline, bool *out_conflict,
                      struct usher_error *err)
{
    const char *version = json_string_value(json_object_get(json_object_get(store->seen, "metadata"), "resourceVersion"));
    char path[HTTP_URL_BYTES], *body = NULL;
    struct kube_reply reply = {0};
    bool is_written;

    *out_conflict = version == NULL || strcmp(version, record->version) != 0;
    if (*out_conflict)
        return usher_error_set(err, "the set record was read again meanwhile");
    if (!path_of(store, path, err))
        return false;
    json_object_del(json_object_get(store->seen, "metadata"), "managedFields");
    if (kube_record_onto_json(record, store->seen, err))
        body = json_dumps(store->seen, JSON_COMPACT);
    is_written = body != NULL && kube_call(store->client, "PUT", path, body, deadline, &reply, err);
    *out_conflict = reply.status == 409;
    free(body);
    json_decref(reply.body);
    json_decref(store->seen); /* written or not, it is read again before the next swap */
    store->seen = NULL;
    return is_written || usher_error_wrap(err, "set record in ConfigMap %s", store->name);
}
