#include "usher/host/usher_file.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "usher/host/text_file.h"

enum { FILE_VERSION = 1, FILE_BYTES = 64 * 1024, FILE_MODE = 0640 };

static void path_of(const char *data_dir, char out[4096]) { snprintf(out, 4096, "%s/usher.json", data_dir); }

static bool read_text(const json_t *object, const char *key, char *out, size_t out_bytes)
{
    const json_t *value = json_object_get(object, key);

    if (value == NULL)
        return true;
    if (!json_is_string(value) || json_string_length(value) >= out_bytes)
        return false;
    memcpy(out, json_string_value(value), json_string_length(value) + 1);
    return true;
}

static bool read_id(const json_t *object, const char *key, uint64_t *out)
{
    const json_t *value = json_object_get(object, key);
    return value == NULL || (json_is_string(value) && id_from_hex(json_string_value(value), out));
}

/* Absent, or both halves: half a mark read as none would start dead data again, and half a join record would disown a learner. */
static bool read_pair(const json_t *root, const char *key, struct cluster_id *out_cluster, struct member_id *out_member)
{
    const json_t *pair = json_object_get(root, key);

    if (pair == NULL)
        return true;
    return json_is_object(pair) && read_id(pair, "cluster-id", &out_cluster->value) && read_id(pair, "member-id", &out_member->value) &&
           cluster_id_is_known(*out_cluster) && member_id_is_known(*out_member);
}

static bool read_switch(const json_t *object, const char *key, bool *out)
{
    const json_t *value = json_object_get(object, key);

    *out = json_is_true(value);
    return value == NULL || json_is_boolean(value);
}

static bool is_array_or_absent(const json_t *value) { return value == NULL || json_is_array(value); }

static bool read_lists(const json_t *root, struct usher_file *out)
{
    const json_t *endpoints = json_object_get(root, "endpoints"), *voters = json_object_get(root, "voters"), *value;
    size_t i;

    if (!is_array_or_absent(endpoints) || !is_array_or_absent(voters))
        return false;
    json_array_foreach(endpoints, i, value)
    {
        if (i >= REMEMBERED_MAX || !json_is_string(value) || json_string_length(value) >= URL_BYTES)
            return false;
        memcpy(out->endpoints[i], json_string_value(value), json_string_length(value) + 1);
        out->endpoint_count = i + 1;
    }
    json_array_foreach(voters, i, value)
    {
        if (i >= MEMBERS_MAX || !json_is_string(value) || !id_from_hex(json_string_value(value), &out->voters[i].value))
            return false;
        out->voter_count = i + 1;
    }
    return true;
}

static bool read_root(const json_t *root, struct usher_file *out)
{
    return read_switch(root, "nonce-used", &out->nonce_was_used) && read_switch(root, "was-voter", &out->was_voter) &&
           read_text(root, "namespace", out->pod_namespace, sizeof out->pod_namespace) &&
           read_text(root, "slot", out->slot, sizeof out->slot) && read_text(root, "nonce", out->nonce, sizeof out->nonce) &&
           read_id(root, "cluster-id", &out->cluster.value) &&
           read_pair(root, "join-record", &out->join_record.cluster, &out->join_record.member) &&
           read_pair(root, "left", &out->left.cluster, &out->left.member) && read_lists(root, out);
}

enum usher_file_state usher_file_read(const char *data_dir, struct usher_file *out, struct usher_error *err)
{
    struct usher_file *file = calloc(1, sizeof *file);
    enum usher_file_state state = USHER_FILE_UNREADABLE;
    struct bounded_text text;
    json_error_t problem;
    json_t *root = NULL;
    char path[4096];

    path_of(data_dir, path);
    bounded_text_init(&text, FILE_BYTES);
    switch (file == NULL ? TEXT_FILE_UNREADABLE : text_file_read(path, FILE_BYTES, &text, err)) {
    case TEXT_FILE_ABSENT:
        state = USHER_FILE_ABSENT;
        break;
    case TEXT_FILE_READ:
        root = json_loadb(bounded_text_c(&text), text.length_bytes, JSON_REJECT_DUPLICATES, &problem);
        if (!json_is_object(root))
            usher_error_set(err, "%s is not JSON: %s", path, root == NULL ? problem.text : "no object");
        else if (json_integer_value(json_object_get(root, "version")) != FILE_VERSION)
            usher_error_set(err, "%s has a version that this program does not know", path);
        else if (!read_root(root, file))
            usher_error_set(err, "%s holds a value of a wrong kind", path);
        else
            state = USHER_FILE_READ;
        break;
    case TEXT_FILE_UNREADABLE:
    case TEXT_FILE_UNKNOWN:
        break;
    }
    if (state == USHER_FILE_READ)
        *out = *file;
    json_decref(root);
    bounded_text_done(&text);
    free(file);
    return state;
}

static bool put_id(json_t *object, const char *key, uint64_t id)
{
    char hex[ID_TEXT_BYTES];

    if (id == 0)
        return true;
    id_to_hex(id, hex);
    return json_object_set_new(object, key, json_string(hex)) == 0;
}

static bool put_pair(json_t *root, const char *key, struct cluster_id cluster, struct member_id member)
{
    json_t *pair;

    if (!member_id_is_known(member))
        return true;
    if (!cluster_id_is_known(cluster)) /* nobody could read it again */
        return false;
    pair = json_object();
    if (!put_id(pair, "cluster-id", cluster.value) || !put_id(pair, "member-id", member.value)) {
        json_decref(pair);
        return false;
    }
    return json_object_set_new(root, key, pair) == 0;
}

static bool put_lists(json_t *root, const struct usher_file *file)
{
    json_t *endpoints = json_array(), *voters = json_array();
    bool is_put = json_object_set_new(root, "endpoints", endpoints) == 0 && json_object_set_new(root, "voters", voters) == 0;

    for (size_t i = 0; is_put && i < file->endpoint_count; i++)
        is_put = json_array_append_new(endpoints, json_string(file->endpoints[i])) == 0;
    for (size_t i = 0; is_put && i < file->voter_count; i++) {
        char hex[ID_TEXT_BYTES];
        id_to_hex(file->voters[i].value, hex);
        is_put = json_array_append_new(voters, json_string(hex)) == 0;
    }
    return is_put;
}

/* NULL: something could not be put. A note that is left out in silence is a note that was never made. */
static json_t *render(const struct usher_file *file)
{
    json_t *root = json_pack("{s:i, s:s, s:s, s:b, s:b}", "version", (int)FILE_VERSION, "namespace", file->pod_namespace, "slot",
                             file->slot, "nonce-used", (int)file->nonce_was_used, "was-voter", (int)file->was_voter);
    bool is_put = root != NULL && put_id(root, "cluster-id", file->cluster.value) &&
                  put_pair(root, "join-record", file->join_record.cluster, file->join_record.member) &&
                  put_pair(root, "left", file->left.cluster, file->left.member) &&
                  (file->nonce[0] == '\0' || json_object_set_new(root, "nonce", json_string(file->nonce)) == 0) && put_lists(root, file);

    if (is_put)
        return root;
    json_decref(root);
    return NULL;
}

static bool with_hint(bool is_done, struct usher_error *err)
{
    return is_done ||
           usher_error_wrap(err, "the usher needs write permission on the data directory (etcd's UID and GID, or a common fsGroup)");
}

bool usher_file_can_write(const char *data_dir, struct usher_error *err)
{
    char path[4096];

    path_of(data_dir, path);
    return with_hint(text_file_can_write(path, FILE_BYTES, err), err);
}

bool usher_file_write(const char *data_dir, const struct usher_file *file, struct usher_error *err)
{
    char path[4096];
    json_t *root = render(file);
    char *dump = root == NULL ? NULL : json_dumps(root, JSON_INDENT(2));
    bool is_written;

    json_decref(root);
    if (dump == NULL)
        return usher_error_set(err, "cannot render usher.json: a name that is not UTF-8, or out of memory");
    path_of(data_dir, path);
    is_written = text_file_write(path, dump, strlen(dump), FILE_MODE, true, err);
    free(dump);
    return with_hint(is_written, err);
}
