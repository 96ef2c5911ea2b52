#include "usher/host/record_json.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static bool bad(struct usher_error *err, const char *key)
{
    return usher_error_set(err, "the set record's \"%s\" has a value of a wrong kind", key);
}

static bool read_text(const json_t *object, const char *key, char *out, size_t out_bytes, struct usher_error *err)
{
    const json_t *value = json_object_get(object, key);

    if (value == NULL || json_is_null(value))
        return true;
    if (!json_is_string(value) || json_string_length(value) >= out_bytes)
        return bad(err, key);
    memcpy(out, json_string_value(value), json_string_length(value) + 1);
    return true;
}

static bool read_slots(json_t *slots, struct set_record *out, struct usher_error *err)
{
    const char *name;
    json_t *value;

    if (slots != NULL && !json_is_object(slots))
        return bad(err, "slots");
    json_object_foreach(slots, name, value)
    {
        struct record_slot *slot = &out->slots[out->slot_count];
        if (out->slot_count >= SLOTS_MAX || strlen(name) >= NAME_BYTES || !json_is_string(value) ||
            !id_from_hex(json_string_value(value), &slot->id.value))
            return bad(err, "slots");
        memcpy(slot->name, name, strlen(name) + 1);
        out->slot_count++;
    }
    return true;
}

static bool read_arrays(const json_t *root, struct set_record *out, struct usher_error *err)
{
    const json_t *endpoints = json_object_get(root, "endpoints"), *forgotten = json_object_get(root, "forgotten"), *value;
    size_t i;

    if ((endpoints != NULL && !json_is_array(endpoints)) || json_array_size(endpoints) > REMEMBERED_MAX)
        return bad(err, "endpoints");
    if ((forgotten != NULL && !json_is_array(forgotten)) || json_array_size(forgotten) > FORGOTTEN_MAX)
        return bad(err, "forgotten");
    json_array_foreach(endpoints, i, value)
    {
        if (!json_is_string(value) || json_string_length(value) >= URL_BYTES)
            return bad(err, "endpoints");
        memcpy(out->endpoints[out->endpoint_count++], json_string_value(value), json_string_length(value) + 1);
    }
    json_array_foreach(forgotten, i, value)
    {
        if (!json_is_string(value) || !id_from_hex(json_string_value(value), &out->forgotten[out->forgotten_count].value))
            return bad(err, "forgotten");
        out->forgotten_count++;
    }
    return true;
}

static bool read_root(json_t *root, struct set_record *out, struct usher_error *err)
{
    json_t *claim = json_object_get(root, "claim");
    const json_t *cluster = json_object_get(root, "cluster-id"), *permit = json_object_get(root, "permit");

    if (claim != NULL && !json_is_object(claim))
        return bad(err, "claim");
    if (cluster != NULL && (!json_is_string(cluster) || !id_from_hex(json_string_value(cluster), &out->cluster.value)))
        return bad(err, "cluster-id");
    if (permit != NULL && !json_is_string(permit))
        return bad(err, "permit");
    if (permit != NULL)
        permit_list_parse(&out->permits, json_string_value(permit), PERMIT_FROM_RECORD);
    if (!read_text(claim, "slot", out->claim.slot, sizeof out->claim.slot, err) ||
        !read_text(claim, "nonce", out->claim.nonce, sizeof out->claim.nonce, err) ||
        !read_text(claim, "time", out->claim.time, sizeof out->claim.time, err))
        return false;
    if (claim != NULL && out->claim.slot[0] == '\0') /* somebody's all the same: taken for none, it would let a second founder in */
        return bad(err, "claim");
    return read_slots(json_object_get(root, "slots"), out, err) && read_arrays(root, out, err);
}

bool record_json_read(const char *text, size_t length_bytes, struct set_record *out, struct usher_error *err)
{
    struct set_record *record = calloc(1, sizeof *record);
    json_error_t problem;
    json_t *root = json_loadb(text, length_bytes, JSON_REJECT_DUPLICATES, &problem);
    bool is_read = false;

    if (record == NULL)
        usher_error_set(err, "out of memory");
    else if (!json_is_object(root))
        usher_error_set(err, "the set record is not a JSON object: %s", root == NULL ? problem.text : "another kind of value");
    else
        is_read = read_root(root, record, err);
    if (is_read) {
        set_record_settle(record);
        *out = *record;
    }
    json_decref(root);
    free(record);
    return is_read;
}

static json_t *hex(uint64_t id)
{
    char text[ID_TEXT_BYTES];

    id_to_hex(id, text);
    return json_string(text);
}

static json_t *permits_json(const struct permit_list *permits)
{
    struct bounded_text text;
    json_t *value;

    bounded_text_init(&text, PERMITS_MAX * (PERMIT_NAME_BYTES + 16));
    for (size_t i = 0; i < permits->count; i++)
        bounded_text_printf(&text, "%s%s=%s", i > 0 ? "," : "", permit_word(permits->permits[i].kind), permits->permits[i].name);
    value = json_string(bounded_text_c(&text));
    bounded_text_done(&text);
    return value;
}

static bool put_lists(json_t *root, const struct set_record *record)
{
    json_t *slots = json_object(), *endpoints = json_array(), *forgotten = json_array();
    bool is_put = true;

    for (size_t i = 0; i < record->slot_count; i++)
        is_put &= json_object_set_new(slots, record->slots[i].name, hex(record->slots[i].id.value)) == 0;
    for (size_t i = 0; i < record->endpoint_count; i++)
        is_put &= json_array_append_new(endpoints, json_string(record->endpoints[i])) == 0;
    for (size_t i = 0; i < record->forgotten_count; i++)
        is_put &= json_array_append_new(forgotten, hex(record->forgotten[i].value)) == 0;
    is_put &= json_object_set_new(root, "slots", slots) == 0;
    is_put &= json_object_set_new(root, "endpoints", endpoints) == 0;
    is_put &= json_object_set_new(root, "forgotten", forgotten) == 0;
    return is_put;
}

/* Writes what we know over what stood there; keys that we do not know are kept. False: something could not be put (a name that is not
 * UTF-8, no memory). A claim that is left out in silence would let a second founder in. */
static bool put_all(json_t *root, const struct set_record *record)
{
    bool is_put = put_lists(root, record);

    json_object_del(root, "claim");
    json_object_del(root, "cluster-id");
    json_object_del(root, "permit");
    if (record->claim.slot[0] != '\0')
        is_put &= json_object_set_new(root, "claim",
                                      json_pack("{s:s, s:s, s:s}", "slot", record->claim.slot, "nonce", record->claim.nonce, "time",
                                                record->claim.time)) == 0;
    if (cluster_id_is_known(record->cluster))
        is_put &= json_object_set_new(root, "cluster-id", hex(record->cluster.value)) == 0;
    if (record->permits.count > 0)
        is_put &= json_object_set_new(root, "permit", permits_json(&record->permits)) == 0;
    return is_put;
}

bool record_json_write(const struct set_record *record, const char *old_text, size_t old_length_bytes, struct bounded_text *out_text,
                       struct usher_error *err)
{
    json_t *root = old_length_bytes > 0 ? json_loadb(old_text, old_length_bytes, 0, NULL) : NULL;
    char *dump = NULL;
    bool is_added;

    if (!json_is_object(root)) {
        json_decref(root);
        root = json_object();
    }
    if (root == NULL)
        return usher_error_set(err, "out of memory");
    if (put_all(root, record))
        dump = json_dumps(root, JSON_INDENT(2));
    json_decref(root);
    is_added = dump != NULL && bounded_text_add_c(out_text, dump) && bounded_text_add_c(out_text, "\n");
    free(dump);
    return is_added || usher_error_set(err, "cannot render the set record: a name that is not UTF-8, or too long");
}
