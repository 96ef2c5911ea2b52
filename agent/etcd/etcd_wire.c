#include "usher/etcd/etcd_wire.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Absent = 0. A number that is not a string is refused: beyond 2^63 a JSON reader has lost it already. */
static bool read_u64(const json_t *object, const char *key, uint64_t *out)
{
    const json_t *value = json_object_get(object, key);
    const char *text;
    char *end = NULL;

    if (value == NULL) {
        *out = 0;
        return true;
    }
    text = json_string_value(value);
    if (text == NULL || text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0';
}

static bool read_text(const json_t *object, const char *key, char *out, size_t out_bytes)
{
    const json_t *value = json_object_get(object, key);

    if (value == NULL) {
        out[0] = '\0';
        return true;
    }
    if (!json_is_string(value) || json_string_length(value) >= out_bytes)
        return false;
    memcpy(out, json_string_value(value), json_string_length(value) + 1);
    return true;
}

static bool read_bool(const json_t *object, const char *key, bool *out)
{
    const json_t *value = json_object_get(object, key);

    *out = json_is_true(value);
    return value == NULL || json_is_boolean(value);
}

static json_t *load(const char *text, size_t bytes, struct usher_error *err)
{
    json_error_t problem;
    json_t *root = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &problem);

    if (json_is_object(root))
        return root;
    usher_error_set(err, "not etcd's JSON: %s", root == NULL ? problem.text : "no object");
    json_decref(root);
    return NULL;
}

static bool read_header(const json_t *root, struct etcd_header *out)
{
    const json_t *header = json_object_get(root, "header");

    return json_is_object(header) && read_u64(header, "cluster_id", &out->cluster.value) &&
           read_u64(header, "member_id", &out->member.value) && out->cluster.value != 0 && out->member.value != 0;
}

bool etcd_wire_read_header(const char *text, size_t bytes, struct etcd_header *out, struct usher_error *err)
{
    json_t *root = load(text, bytes, err);
    struct etcd_header header = {{0}, {0}};
    bool is_read = root != NULL && read_header(root, &header);

    if (is_read)
        *out = header;
    else if (root != NULL)
        usher_error_set(err, "the reply has no header with cluster and member");
    json_decref(root);
    return is_read;
}

bool etcd_wire_is_object(const char *text, size_t bytes)
{
    json_t *root = load(text, bytes, NULL);

    json_decref(root);
    return root != NULL;
}

/* What cannot stand in --initial-cluster or on a line of the plan: a comma, a blank, a control character. etcd's own parser of URLs refuses
 * the last two and lets a comma through. */
static bool is_one_url(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text <= ' ' || *text == ',' || *text == 0x7f)
            return false;
    return true;
}

static bool read_urls(const json_t *object, const char *key, struct url_list *out)
{
    const json_t *array = json_object_get(object, key), *value;
    size_t i;

    out->count = 0;
    if (array == NULL)
        return true;
    if (!json_is_array(array) || json_array_size(array) > MEMBER_URLS_MAX)
        return false;
    json_array_foreach(array, i, value)
    {
        if (!json_is_string(value) || json_string_length(value) == 0 || json_string_length(value) >= URL_BYTES ||
            !is_one_url(json_string_value(value)))
            return false;
        memcpy(out->url[i], json_string_value(value), json_string_length(value) + 1);
        out->count = i + 1;
    }
    return true;
}

static bool read_member(const json_t *value, struct member *out)
{
    return json_is_object(value) && read_u64(value, "ID", &out->id.value) && out->id.value != 0 &&
           read_text(value, "name", out->name, sizeof out->name) && read_bool(value, "isLearner", &out->is_learner) &&
           read_urls(value, "peerURLs", &out->peer_urls) && read_urls(value, "clientURLs", &out->client_urls) && out->peer_urls.count > 0;
}

static bool read_members(const json_t *root, struct member_list *out)
{
    const json_t *array = json_object_get(root, "members"), *value;
    size_t i;

    if (!json_is_array(array) || json_array_size(array) == 0 || json_array_size(array) > MEMBERS_MAX)
        return false;
    json_array_foreach(array, i, value)
    {
        memset(&out->members[i], 0, sizeof out->members[i]);
        if (!read_member(value, &out->members[i]) || member_list_find(out, out->members[i].id) != NULL)
            return false;
        out->count = i + 1;
    }
    return true;
}

bool etcd_wire_read_list(const char *text, size_t bytes, struct etcd_header *out_header, struct member_list *out_list,
                         struct usher_error *err)
{
    json_t *root = load(text, bytes, err);
    struct member_list *list = malloc(sizeof *list); /* 170 KiB: only the members that are there are touched */
    struct etcd_header header = {{0}, {0}};
    bool is_read;

    if (list != NULL)
        list->count = 0;
    is_read = root != NULL && list != NULL && read_header(root, &header) && read_members(root, list);
    if (is_read) {
        *out_header = header;
        out_list->count = list->count;
        memcpy(out_list->members, list->members, list->count * sizeof list->members[0]);
    } else if (root != NULL) {
        usher_error_set(err, "the member list holds a value of a wrong kind");
    }
    json_decref(root);
    free(list);
    return is_read;
}

static void join_errors(const json_t *root, char *out, size_t out_bytes)
{
    const json_t *value;
    struct bounded_text text;
    size_t i;

    bounded_text_init(&text, out_bytes - 1);
    json_array_foreach(json_object_get(root, "errors"), i, value)
    {
        if (json_is_string(value))
            bounded_text_printf(&text, "%s%s", i > 0 ? "; " : "", json_string_value(value));
    }
    memcpy(out, bounded_text_c(&text), text.length_bytes);
    out[text.length_bytes] = '\0';
    bounded_text_done(&text);
}

bool etcd_wire_read_status(const char *text, size_t bytes, struct etcd_status *out, struct usher_error *err)
{
    json_t *root = load(text, bytes, err);
    struct etcd_status status = {{0}, {0}, {0}, false, 0, 0, 0, -1, "", ""};
    struct etcd_header header = {{0}, {0}};
    uint64_t db_size = 0;
    bool is_read = root != NULL && read_header(root, &header) && read_text(root, "version", status.version, sizeof status.version) &&
                   read_u64(root, "leader", &status.leader.value) && read_u64(root, "raftTerm", &status.raft_term) &&
                   read_u64(root, "raftIndex", &status.raft_index) && read_u64(root, "raftAppliedIndex", &status.raft_applied_index) &&
                   read_u64(root, "dbSize", &db_size) && read_bool(root, "isLearner", &status.is_learner) && db_size <= INT64_MAX;

    if (is_read) {
        status.cluster = header.cluster;
        status.member = header.member;
        status.db_size_bytes = (int64_t)db_size;
        join_errors(root, status.errors, sizeof status.errors);
        *out = status;
    } else if (root != NULL) {
        usher_error_set(err, "the status holds a value of a wrong kind");
    }
    json_decref(root);
    return is_read;
}

bool etcd_wire_read_added(const char *text, size_t bytes, struct etcd_header *out_header, struct member_id *out_added,
                          struct usher_error *err)
{
    json_t *root = load(text, bytes, err);
    struct etcd_header header = {{0}, {0}};
    uint64_t added = 0;
    bool is_read = root != NULL && read_header(root, &header) && read_u64(json_object_get(root, "member"), "ID", &added) && added != 0;

    if (is_read) {
        *out_header = header;
        out_added->value = added;
    } else if (root != NULL) {
        usher_error_set(err, "the reply to member add names no member");
    }
    json_decref(root);
    return is_read;
}

bool etcd_wire_read_token(const char *text, size_t bytes, char *out_token, size_t token_bytes, struct usher_error *err)
{
    json_t *root = load(text, bytes, err);
    const char *token = json_string_value(json_object_get(root, "token"));
    bool is_read = token != NULL && token[0] != '\0' && strlen(token) < token_bytes;

    if (is_read)
        memcpy(out_token, token, strlen(token) + 1);
    else if (root != NULL)
        usher_error_set(err, "the reply to authenticate holds no token");
    json_decref(root);
    return is_read;
}

void etcd_wire_write_urls(struct bounded_text *out, const char *prefix, const struct url_list *urls, const char *suffix)
{
    json_t *array = json_array();
    char *dump;

    for (size_t i = 0; i < urls->count; i++)
        json_array_append_new(array, json_string(urls->url[i]));
    dump = json_dumps(array, JSON_COMPACT);
    bounded_text_printf(out, "%s%s%s", prefix, dump != NULL ? dump : "[]", suffix);
    free(dump);
    json_decref(array);
}

static bool read_sample(const char *line, double *out)
{
    const char *value = strrchr(line, ' ');
    char *end = NULL;

    if (value == NULL)
        return false;
    *out = strtod(value + 1, &end);
    return end != value + 1 && *end == '\0' && *out >= 0 && *out < (double)INT64_MAX; /* not NaN, which is no number of connections */
}

/* One sample line: NAME{...} VALUE. False: it tells of the target, and what it tells cannot be read. */
static bool read_gauge_line(const char *line, const char *remote, const char *from, struct gauge_reading *out)
{
    double value = 0;

    if (strncmp(line, "etcd_network_active_peers{", 26) == 0 && strstr(line, remote) != NULL) {
        if (!read_sample(line, &value))
            return false;
        out->shows_connected |= value > 0;
    } else if (strncmp(line, "etcd_network_peer_received_bytes_total{", 39) == 0 && strstr(line, from) != NULL &&
               read_sample(line, &value)) {
        out->received_bytes = (uint64_t)value;
        out->has_received_bytes = true;
    }
    return true;
}

/* The text format keeps the lines of a metric together: one that was followed by another is complete. */
bool etcd_wire_has_gauges(const char *text, size_t bytes)
{
    static const char *const needed[] = {"\n# TYPE etcd_network_active_peers ", "\n# TYPE etcd_network_peer_received_bytes_total ",
                                         "\netcd_server_has_leader "};

    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        const char *found = memmem(text, bytes, needed[i], strlen(needed[i]));
        if (found == NULL || memmem(found + 1, bytes - (size_t)(found + 1 - text), "\n# HELP ", 8) == NULL)
            return false;
    }
    return true;
}

void etcd_wire_read_gauges(const char *text, size_t bytes, struct member_id target, struct gauge_reading *out)
{
    char hex[ID_TEXT_BYTES], remote[64], from[64];
    const char *end = text + bytes;
    bool is_etcd = false, is_clear = true;

    id_to_hex(target.value, hex);
    snprintf(remote, sizeof remote, "Remote=\"%s\"", hex);
    snprintf(from, sizeof from, "From=\"%s\"", hex);
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        size_t length = (size_t)((newline != NULL ? newline : end) - text);
        char line[512];
        if (length < sizeof line) {
            memcpy(line, text, length);
            line[length] = '\0';
            is_etcd |= strncmp(line, "etcd_server_has_leader", 22) == 0;
            is_clear &= read_gauge_line(line, remote, from, out);
        } else if (strncmp(text, "etcd_network_active_peers{", 26) == 0) {
            is_clear = false; /* perhaps the target's */
        }
        text += length + 1;
    }
    out->was_read = is_etcd && is_clear; /* some other server's metrics are no word about etcd's peers */
}
