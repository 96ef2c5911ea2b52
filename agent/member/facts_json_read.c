#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "facts_words.h"
#include "usher/member/facts_json.h"

/* The first bad value is kept; later ones do not overwrite it. */
struct reading {
    bool is_bad;
    struct usher_error *err;
};

static void bad(struct reading *reading, const char *key, const char *wanted)
{
    if (!reading->is_bad)
        usher_error_set(reading->err, "snapshot: \"%s\" must be %s", key, wanted);
    reading->is_bad = true;
}

static json_t *read_object(struct reading *reading, const json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);

    if (value != NULL && !json_is_object(value))
        bad(reading, key, "an object");
    return json_is_object(value) ? value : NULL;
}

/* NULL also for an absent list. */
static const json_t *read_list(struct reading *reading, const json_t *object, const char *key, size_t max, const char *of)
{
    const json_t *value = json_object_get(object, key);
    char wanted[64];

    snprintf(wanted, sizeof wanted, "a list of at most %zu %s", max, of);
    if (value != NULL && (!json_is_array(value) || json_array_size(value) > max)) {
        bad(reading, key, wanted);
        return NULL;
    }
    return value;
}

static void bad_word(struct reading *reading, const char *key, const struct word_table *table)
{
    char wanted[512] = "one of the words that a snapshot uses:";

    for (size_t i = 0; i < table->count; i++)
        snprintf(wanted + strlen(wanted), sizeof wanted - strlen(wanted), "%s %s", i > 0 ? "," : "", table->words[i]);
    bad(reading, key, wanted);
}

static int read_word(struct reading *reading, const json_t *object, const char *key, const struct word_table *table)
{
    const json_t *value = json_object_get(object, key);

    if (value == NULL)
        return 0;
    for (size_t i = 0; json_is_string(value) && i < table->count; i++)
        if (strcmp(json_string_value(value), table->words[i]) == 0)
            return (int)i;
    bad_word(reading, key, table);
    return 0;
}

static uint64_t read_hex_value(struct reading *reading, const json_t *value, const char *key)
{
    uint64_t id = 0;

    if (value == NULL || (json_is_string(value) && json_string_value(value)[0] == '\0'))
        return 0;
    if (!json_is_string(value) || !id_from_hex(json_string_value(value), &id))
        bad(reading, key, "an ID in hex");
    return id;
}

static uint64_t read_hex(struct reading *reading, const json_t *object, const char *key)
{
    return read_hex_value(reading, json_object_get(object, key), key);
}

static void read_text(struct reading *reading, const json_t *object, const char *key, char *out, size_t out_bytes)
{
    const json_t *value = json_object_get(object, key);

    if (value == NULL)
        return;
    if (!json_is_string(value) || json_string_length(value) >= out_bytes)
        bad(reading, key, "a text of ordinary length");
    else
        memcpy(out, json_string_value(value), json_string_length(value) + 1);
}

static bool read_bool(struct reading *reading, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    if (value != NULL && !json_is_boolean(value))
        bad(reading, key, "true or false");
    return json_is_true(value);
}

static int64_t read_number(struct reading *reading, const json_t *object, const char *key, int64_t missing)
{
    const json_t *value = json_object_get(object, key);

    if (value == NULL)
        return missing;
    if (!json_is_integer(value))
        bad(reading, key, "a whole number");
    return json_integer_value(value);
}

static void read_urls(struct reading *reading, const json_t *object, const char *key, struct url_list *out)
{
    const json_t *array = read_list(reading, object, key, MEMBER_URLS_MAX, "URLs"), *value;
    size_t i;

    json_array_foreach(array, i, value)
    {
        if (!json_is_string(value) || json_string_length(value) >= URL_BYTES) {
            bad(reading, key, "a list of URLs");
            return;
        }
        memcpy(out->url[i], json_string_value(value), json_string_length(value) + 1);
        out->count = i + 1;
    }
}

static void read_permits(struct reading *reading, const json_t *object, const char *key, enum permit_source source, struct permit_list *out)
{
    const json_t *array = read_list(reading, object, key, PERMITS_MAX, "permits"), *value;
    size_t i;

    json_array_foreach(array, i, value)
    {
        if (!json_is_string(value)) {
            bad(reading, key, "a list of permits");
            return;
        }
        permit_list_parse(out, json_string_value(value), source);
    }
}

static void read_members(struct reading *reading, const json_t *object, struct member_list *out)
{
    const json_t *array = read_list(reading, object, "members", MEMBERS_MAX, "members"), *value;
    size_t i;

    json_array_foreach(array, i, value)
    {
        if (!json_is_object(value))
            bad(reading, "members", "a list of objects");
        struct member *member = &out->members[i];
        member->id.value = read_hex(reading, value, "id");
        member->is_learner = read_bool(reading, value, "learner");
        read_text(reading, value, "name", member->name, sizeof member->name);
        read_urls(reading, value, "peer-urls", &member->peer_urls);
        read_urls(reading, value, "client-urls", &member->client_urls);
        out->count = i + 1;
    }
}

static void read_endpoints(struct reading *reading, const json_t *object, struct cluster_view *out)
{
    const json_t *array = read_list(reading, object, "endpoints", ENDPOINTS_MAX, "endpoints"), *value;
    size_t i;

    json_array_foreach(array, i, value)
    {
        if (!json_is_object(value))
            bad(reading, "endpoints", "a list of objects");
        struct endpoint_view *endpoint = &out->endpoints[i];
        read_text(reading, value, "address", endpoint->address, sizeof endpoint->address);
        read_text(reading, value, "version", endpoint->version, sizeof endpoint->version);
        read_text(reading, value, "problem", endpoint->problem, sizeof endpoint->problem);
        endpoint->is_remembered = read_bool(reading, value, "remembered");
        endpoint->is_learner = read_bool(reading, value, "learner");
        endpoint->state = (enum endpoint_state)read_word(reading, value, "state", &words_endpoint);
        endpoint->cluster.value = read_hex(reading, value, "cluster");
        endpoint->member.value = read_hex(reading, value, "member");
        endpoint->leader.value = read_hex(reading, value, "leader");
        endpoint->db_size_bytes = read_number(reading, value, "db-size-bytes", -1);
        out->endpoint_count = i + 1;
    }
}

static void read_view(struct reading *reading, const json_t *object, struct cluster_view *out)
{
    out->live = (enum live_cluster)read_word(reading, object, "live", &words_live);
    out->cluster.value = read_hex(reading, object, "cluster");
    out->list_from.value = read_hex(reading, object, "list-from");
    read_members(reading, object, &out->list);
    read_endpoints(reading, object, out);
}

static void read_record(struct reading *reading, json_t *object, struct set_record *out)
{
    json_t *slots = read_object(reading, object, "slots"), *value;
    const json_t *forgotten = read_list(reading, object, "forgotten", FORGOTTEN_MAX, "cluster IDs");
    const char *name;
    size_t i;

    out->state = (enum record_state)read_word(reading, object, "state", &words_record);
    out->cluster.value = read_hex(reading, object, "cluster");
    read_text(reading, object, "claim-slot", out->claim.slot, sizeof out->claim.slot);
    read_text(reading, object, "claim-nonce", out->claim.nonce, sizeof out->claim.nonce);
    read_permits(reading, object, "permits", PERMIT_FROM_RECORD, &out->permits);
    if (json_object_size(slots) > SLOTS_MAX) {
        bad(reading, "record", "of ordinary size");
        return;
    }
    json_object_foreach(slots, name, value)
    {
        if (strlen(name) >= NAME_BYTES) { /* cut, two slots could become one */
            bad(reading, "slots", "an object whose names are of ordinary length");
            return;
        }
        snprintf(out->slots[out->slot_count].name, NAME_BYTES, "%s", name);
        out->slots[out->slot_count++].id.value = read_hex_value(reading, value, name);
    }
    json_array_foreach(forgotten, i, value) out->forgotten[out->forgotten_count++].value = read_hex_value(reading, value, "forgotten");
}

static void read_volume(struct reading *reading, const json_t *object, struct volume_facts *out)
{
    out->is_readable = (enum tri)read_word(reading, object, "readable", &words_tri);
    out->is_another_slots = (enum tri)read_word(reading, object, "another-slots", &words_tri);
    read_text(reading, object, "owner-slot", out->owner_slot, sizeof out->owner_slot);
    out->left.cluster.value = read_hex(reading, object, "left-cluster");
    out->left.member.value = read_hex(reading, object, "left-member");
    out->join_record.cluster.value = read_hex(reading, object, "join-record-cluster");
    out->join_record.member.value = read_hex(reading, object, "join-record-member");
    read_text(reading, object, "nonce", out->nonce, sizeof out->nonce);
    out->nonce_was_used = read_bool(reading, object, "nonce-used");
    out->has_trace = read_bool(reading, object, "trace");
}

static void read_settings(struct reading *reading, const json_t *object, struct join_settings *out)
{
    read_text(reading, object, "slot", out->slot_name, sizeof out->slot_name);
    read_text(reading, object, "name", out->name, sizeof out->name);
    read_urls(reading, object, "peer-urls", &out->peer_urls);
    out->bootstrap = (enum bootstrap_mode)read_word(reading, object, "bootstrap", &words_bootstrap);
    read_text(reading, object, "bootstrap-once-name", out->bootstrap_once_name, sizeof out->bootstrap_once_name);
    out->expected_cluster.value = read_hex(reading, object, "expected-cluster");
    out->rejoin = (enum rejoin_policy)read_word(reading, object, "rejoin", &words_rejoin);
    out->stale_data = (enum data_policy)read_word(reading, object, "stale-data", &words_policy);
    out->lost_data = (enum data_policy)read_word(reading, object, "lost-data", &words_policy);
    out->unreadable_data = (enum data_policy)read_word(reading, object, "unreadable-data", &words_policy);
    out->has_set_record = read_bool(reading, object, "has-set-record");
}

static void read_root(struct reading *reading, json_t *root, struct facts_storage *storage, struct join_facts *out)
{
    const json_t *view = read_object(reading, root, "view");
    json_t *record = read_object(reading, root, "record");

    out->etcd_lives_here = (enum tri)read_word(reading, root, "etcd-lives", &words_tri);
    out->has_plan = read_bool(reading, root, "has-plan");
    out->pod_turned_removed = read_bool(reading, root, "pod-was-removed");
    out->data_place = (enum data_place)read_word(reading, root, "data-place", &words_place);
    out->wal.state = (enum wal_state)read_word(reading, root, "wal", &words_wal);
    out->wal.cluster.value = read_hex(reading, root, "wal-cluster");
    out->wal.member.value = read_hex(reading, root, "wal-member");
    out->our_gauge = (enum gauge_verdict)read_word(reading, root, "our-gauge", &words_gauge);
    out->removal_keeps_quorum = (enum tri)read_word(reading, root, "removal-keeps-quorum", &words_tri);
    out->looked_for_ms = read_number(reading, root, "looked-for-ms", 0);
    out->since_our_removal_ms = read_number(reading, root, "since-our-removal-ms", -1);
    out->free_bytes = read_number(reading, root, "free-bytes", -1);
    read_permits(reading, root, "file-permits", PERMIT_FROM_FILE, &out->file_permits);
    read_volume(reading, read_object(reading, root, "volume"), &out->volume);
    read_settings(reading, read_object(reading, root, "settings"), &out->settings);
    if (view != NULL) {
        read_view(reading, view, &storage->view);
        out->view = &storage->view;
    }
    if (record != NULL) {
        read_record(reading, record, &storage->record);
        out->record = &storage->record;
    }
}

bool facts_json_read(const char *text, size_t length_bytes, struct facts_storage *storage, struct join_facts *out, struct usher_error *err)
{
    struct reading reading = {.err = err};
    json_error_t problem;
    json_t *root = json_loadb(text, length_bytes, JSON_REJECT_DUPLICATES, &problem);

    memset(storage, 0, sizeof *storage);
    memset(out, 0, sizeof *out);
    if (!json_is_object(root)) {
        json_decref(root);
        return usher_error_set(err, "not a snapshot: %s (line %d)", root == NULL ? problem.text : "no object", problem.line);
    }
    if (json_integer_value(json_object_get(root, "version")) != 1)
        bad(&reading, "version", "1");
    else
        read_root(&reading, root, storage, out);
    json_decref(root);
    return !reading.is_bad;
}
