/* --render-config: a complete etcd config file. With a config file etcd ignores flags and environment, so a partial one would silently drop
 * TLS: every ETCD_* setting of this container's environment goes in, and one that we do not know how to write is refused. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "usher/host/text_file.h"
#include "usher/member/plan.h"

enum { CONFIG_BYTES = 128 * 1024, CONFIG_MODE = 0640 };

/* Settings that etcd keeps in nested sections of its file. */
static const struct {
    const char *variable, *section, *key;
    bool is_switch;
} nested[] = {
    {"ETCD_CERT_FILE", "client-transport-security", "cert-file", false},
    {"ETCD_KEY_FILE", "client-transport-security", "key-file", false},
    {"ETCD_TRUSTED_CA_FILE", "client-transport-security", "trusted-ca-file", false},
    {"ETCD_CLIENT_CERT_AUTH", "client-transport-security", "client-cert-auth", true},
    {"ETCD_AUTO_TLS", "client-transport-security", "auto-tls", true},
    {"ETCD_PEER_CERT_FILE", "peer-transport-security", "cert-file", false},
    {"ETCD_PEER_KEY_FILE", "peer-transport-security", "key-file", false},
    {"ETCD_PEER_TRUSTED_CA_FILE", "peer-transport-security", "trusted-ca-file", false},
    {"ETCD_PEER_CLIENT_CERT_AUTH", "peer-transport-security", "client-cert-auth", true},
    {"ETCD_PEER_AUTO_TLS", "peer-transport-security", "auto-tls", true},
};

static const char *const written_by_us[] = {"ETCD_NAME",
                                            "ETCD_DATA_DIR",
                                            "ETCD_WAL_DIR",
                                            "ETCD_INITIAL_CLUSTER",
                                            "ETCD_INITIAL_CLUSTER_STATE",
                                            "ETCD_INITIAL_CLUSTER_TOKEN",
                                            "ETCD_INITIAL_ADVERTISE_PEER_URLS",
                                            "ETCD_ADVERTISE_CLIENT_URLS",
                                            "ETCD_CONFIG_FILE",
                                            "ETCD_ENABLE_GRPC_GATEWAY"};

static json_t *value_of(const char *text)
{
    char *end = NULL;
    long long number;

    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
        return json_boolean(text[0] == 't');
    number = strtoll(text, &end, 10);
    if (text[0] >= '0' && text[0] <= '9' && *end == '\0')
        return json_integer(number);
    return json_string(text);
}

static bool put_nested(json_t *root, const char *variable, size_t length, const char *value)
{
    for (size_t i = 0; i < sizeof nested / sizeof nested[0]; i++) {
        json_t *section;
        if (strlen(nested[i].variable) != length || strncmp(nested[i].variable, variable, length) != 0)
            continue;
        section = json_object_get(root, nested[i].section);
        if (section == NULL) {
            section = json_object();
            json_object_set_new(root, nested[i].section, section);
        }
        json_object_set_new(section, nested[i].key, nested[i].is_switch ? json_boolean(strcmp(value, "true") == 0) : json_string(value));
        return true;
    }
    return false;
}

static void put_plain(json_t *root, const char *variable, size_t length, const char *value)
{
    char key[128];
    size_t k = 0;

    for (size_t i = 5; i < length && k + 1 < sizeof key; i++) /* behind "ETCD_" */
        key[k++] = variable[i] == '_' ? '-' : variable[i] >= 'A' && variable[i] <= 'Z' ? (char)(variable[i] - 'A' + 'a') : variable[i];
    key[k] = '\0';
    if (strcmp(key, "log-outputs") == 0) {
        json_t *list = json_array();
        json_array_append_new(list, json_string(value));
        json_object_set_new(root, key, list);
    } else {
        json_object_set_new(root, key, value_of(value));
    }
}

static bool is_written_by_us(const char *variable, size_t length)
{
    for (size_t i = 0; i < sizeof written_by_us / sizeof written_by_us[0]; i++)
        if (strlen(written_by_us[i]) == length && strncmp(written_by_us[i], variable, length) == 0)
            return true;
    return false;
}

static void put_environment(json_t *root, char *const environment[])
{
    for (; *environment != NULL; environment++) {
        const char *equals = strchr(*environment, '=');
        size_t length;
        if (equals == NULL || strncmp(*environment, "ETCD_", 5) != 0)
            continue;
        length = (size_t)(equals - *environment);
        if (!is_written_by_us(*environment, length) && !put_nested(root, *environment, length, equals + 1))
            put_plain(root, *environment, length, equals + 1);
    }
}

static void put_urls(json_t *root, const char *key, const struct url_list *urls)
{
    struct bounded_text text;

    bounded_text_init(&text, MEMBER_URLS_MAX * URL_BYTES);
    for (size_t i = 0; i < urls->count; i++)
        bounded_text_printf(&text, "%s%s", i > 0 ? "," : "", urls->url[i]);
    if (urls->count > 0)
        json_object_set_new(root, key, json_string(bounded_text_c(&text)));
    bounded_text_done(&text);
}

bool plan_write_etcd_config(const struct settings *settings, const struct plan *plan, char *const environment[], struct usher_error *err)
{
    json_t *root = json_pack("{s:s, s:s, s:s, s:s, s:s, s:b}", "name", settings->join.name, "data-dir", settings->data_dir,
                             "initial-cluster", plan->initial_cluster, "initial-cluster-state", plan->is_new ? "new" : "existing",
                             "initial-cluster-token", plan->token, "enable-grpc-gateway", 1);
    char path[PATH_BYTES + 32];
    char *dump;
    bool is_written;

    if (root == NULL)
        return usher_error_set(err, "cannot render etcd.json");
    put_environment(root, environment);
    if (json_object_get(root, "listen-client-urls") == NULL || json_object_get(root, "listen-peer-urls") == NULL) {
        json_decref(root);
        return usher_error_set(err, "--render-config needs all of etcd's settings as ETCD_* variables of this container; "
                                    "ETCD_LISTEN_CLIENT_URLS and ETCD_LISTEN_PEER_URLS are missing");
    }
    if (settings->wal_dir[0] != '\0')
        json_object_set_new(root, "wal-dir", json_string(settings->wal_dir));
    put_urls(root, "initial-advertise-peer-urls", &settings->join.peer_urls);
    put_urls(root, "advertise-client-urls", &settings->client_urls);
    dump = json_dumps(root, JSON_INDENT(2));
    json_decref(root);
    if (dump == NULL)
        return usher_error_set(err, "out of memory");
    snprintf(path, sizeof path, "%s/etcd.json", settings->plan_dir);
    is_written = text_file_write(path, dump, strlen(dump), CONFIG_MODE, false, err);
    free(dump);
    return is_written;
}
