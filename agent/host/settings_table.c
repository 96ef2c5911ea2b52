/* One table holds each setting: name, parser, default, unit, help (DESIGN 5.1). */
#include <string.h>

#include "settings_parse.h"

#define TEXT_SETTING(name, field)                                                                                                          \
    static bool name(struct settings *settings, const char *text, struct usher_error *err)                                                 \
    {                                                                                                                                      \
        return parse_text(text, settings->field, sizeof settings->field, err);                                                             \
    }
#define URLS_SETTING(name, field)                                                                                                          \
    static bool name(struct settings *settings, const char *text, struct usher_error *err)                                                 \
    {                                                                                                                                      \
        return parse_urls(text, &settings->field, err);                                                                                    \
    }
#define DURATION_SETTING(name, field)                                                                                                      \
    static bool name(struct settings *settings, const char *text, struct usher_error *err)                                                 \
    {                                                                                                                                      \
        return duration_parse(text, &settings->field, err);                                                                                \
    }
#define NUMBER_SETTING(name, field, max)                                                                                                   \
    static bool name(struct settings *settings, const char *text, struct usher_error *err)                                                 \
    {                                                                                                                                      \
        return parse_unsigned(text, max, &settings->field, err);                                                                           \
    }
#define WORD_SETTING(name, field, type, ...)                                                                                               \
    static bool name(struct settings *settings, const char *text, struct usher_error *err)                                                 \
    {                                                                                                                                      \
        static const struct word_value words[] = {__VA_ARGS__};                                                                            \
        int value = 0;                                                                                                                     \
        if (!parse_word(text, words, sizeof words / sizeof words[0], &value, err))                                                         \
            return false;                                                                                                                  \
        settings->field = (type)value;                                                                                                     \
        return true;                                                                                                                       \
    }

TEXT_SETTING(set_name, join.name)
URLS_SETTING(set_peer_url, join.peer_urls)
URLS_SETTING(set_client_url, client_urls)
TEXT_SETTING(set_local_endpoint, local_endpoint)
TEXT_SETTING(set_cacert, tls.cacert)
TEXT_SETTING(set_cert, tls.cert)
TEXT_SETTING(set_key, tls.key)
TEXT_SETTING(set_server_name, tls.server_name)
TEXT_SETTING(set_password_file, tls.password_file)
TEXT_SETTING(set_remote_cacert, remote_tls.cacert)
TEXT_SETTING(set_remote_cert, remote_tls.cert)
TEXT_SETTING(set_remote_key, remote_tls.key)
TEXT_SETTING(set_remote_server_name, remote_tls.server_name)
TEXT_SETTING(set_remote_user, remote_tls.user)
TEXT_SETTING(set_remote_password_file, remote_tls.password_file)
TEXT_SETTING(set_set_record, set_record)
TEXT_SETTING(set_token, cluster_token)
TEXT_SETTING(set_preference, leader_preference)
TEXT_SETTING(set_listen, listen)
TEXT_SETTING(set_pod_name, pod_name)
TEXT_SETTING(set_pod_namespace, pod_namespace)
TEXT_SETTING(set_pod_uid, pod_uid)
DURATION_SETTING(set_leave_timeout, leave_timeout_ms)
DURATION_SETTING(set_orphan_after, orphan_after_ms)
DURATION_SETTING(set_ghost_after, ghost_after_ms)
DURATION_SETTING(set_timeout, timeout_ms)
NUMBER_SETTING(set_keep_archives, keep_archives, 1000)
NUMBER_SETTING(set_min_voters, min_voters, 100)
WORD_SETTING(set_leave, leave, enum leave_policy, {"proven", LEAVE_PROVEN}, {"always", LEAVE_ALWAYS}, {"asked", LEAVE_ASKED},
             {"never", LEAVE_NEVER})
WORD_SETTING(set_rejoin, join.rejoin, enum rejoin_policy, {"at-start", REJOIN_AT_START}, {"always", REJOIN_ALWAYS}, {"never", REJOIN_NEVER})
WORD_SETTING(set_stale, join.stale_data, enum data_policy, {"archive", DATA_POLICY_ACT}, {"refuse", DATA_POLICY_REFUSE})
WORD_SETTING(set_lost, join.lost_data, enum data_policy, {"replace", DATA_POLICY_ACT}, {"refuse", DATA_POLICY_REFUSE})
WORD_SETTING(set_unreadable, join.unreadable_data, enum data_policy, {"refuse", DATA_POLICY_REFUSE}, {"archive", DATA_POLICY_ACT})
WORD_SETTING(set_orphans, promotes_orphans, bool, {"own", 1}, {"never", 0})
WORD_SETTING(set_log_format, log_format, enum log_format, {"text", LOG_FORMAT_TEXT}, {"json", LOG_FORMAT_JSON})
WORD_SETTING(set_log_level, log_level, enum log_level, {"debug", LOG_LEVEL_DEBUG}, {"info", LOG_LEVEL_INFO}, {"warn", LOG_LEVEL_WARN},
             {"error", LOG_LEVEL_ERROR})
WORD_SETTING(set_render_config, render_config, bool, {"true", 1}, {"false", 0})
WORD_SETTING(set_with_init, with_init, bool, {"true", 1}, {"false", 0})

static bool set_directory(char *out, const char *text, struct usher_error *err)
{
    if (text[0] != '/')
        return usher_error_set(err, "an absolute path");
    if (!parse_text(text, out, PATH_BYTES, err))
        return false;
    for (size_t length = strlen(out); length > 1 && out[length - 1] == '/'; length--)
        out[length - 1] = '\0';
    return true;
}

static bool set_data_dir(struct settings *settings, const char *text, struct usher_error *err)
{
    return set_directory(settings->data_dir, text, err);
}

static bool set_wal_dir(struct settings *settings, const char *text, struct usher_error *err)
{
    return text[0] == '\0' || set_directory(settings->wal_dir, text, err);
}

static bool set_plan_dir(struct settings *settings, const char *text, struct usher_error *err)
{
    return set_directory(settings->plan_dir, text, err);
}

static bool set_endpoints(struct settings *settings, const char *text, struct usher_error *err)
{
    return parse_endpoints(text, settings->endpoints, &settings->endpoint_count, err);
}

static bool set_remote_endpoints(struct settings *settings, const char *text, struct usher_error *err)
{
    return parse_endpoints(text, settings->remote_endpoints, &settings->remote_endpoint_count, err);
}

/* etcdctl's form NAME:PASSWORD is taken apart; the password is never repeated in a message. */
static bool set_user(struct settings *settings, const char *text, struct usher_error *err)
{
    const char *colon = strchr(text, ':');
    char name[NAME_BYTES];

    if (colon == NULL)
        return parse_text(text, settings->tls.user, sizeof settings->tls.user, err);
    if ((size_t)(colon - text) >= sizeof name)
        return usher_error_set(err, "a name of ordinary length");
    memcpy(name, text, (size_t)(colon - text));
    name[colon - text] = '\0';
    return parse_text(name, settings->tls.user, sizeof settings->tls.user, err) &&
           parse_text(colon + 1, settings->tls.password, sizeof settings->tls.password, err);
}

static bool set_bootstrap(struct settings *settings, const char *text, struct usher_error *err)
{
    if (strcmp(text, "never") == 0)
        settings->join.bootstrap = BOOTSTRAP_NEVER;
    else if (strcmp(text, "record") == 0)
        settings->join.bootstrap = BOOTSTRAP_RECORD;
    else if (strncmp(text, "once:", 5) == 0 && text[5] != '\0') {
        settings->join.bootstrap = BOOTSTRAP_ONCE;
        return parse_text(text + 5, settings->join.bootstrap_once_name, NAME_BYTES, err);
    } else
        return usher_error_set(err, "never, record or once:NAME");
    return true;
}

static bool set_expected_cluster(struct settings *settings, const char *text, struct usher_error *err)
{
    return id_from_hex(text, &settings->join.expected_cluster.value) || usher_error_set(err, "a cluster ID in hex, as etcdctl shows it");
}

static bool set_samples(struct settings *settings, const char *text, struct usher_error *err)
{
    return parse_unsigned(text, 100, &settings->promote_samples, err) &&
           (settings->promote_samples > 0 || usher_error_set(err, "at least 1"));
}

static bool set_janitor_after(struct settings *settings, const char *text, struct usher_error *err)
{
    int64_t after_ms = 0;

    if (strcmp(text, "off") != 0 && (!duration_parse(text, &after_ms, NULL) || after_ms < JANITOR_LEAST_MS))
        return usher_error_set(err, "off, or a duration of at least 1m, such as 24h");
    settings->janitor_after_ms = after_ms;
    return true;
}

const struct setting settings_table[] = {
    {"name", {"ETCD_NAME"}, set_name, NULL, "NAME", FOR_AGENT, "this member's name, as etcd's --name (default: the host name)"},
    {"peer-url", {"ETCD_INITIAL_ADVERTISE_PEER_URLS"}, set_peer_url, NULL, "URLS", FOR_AGENT, "peer URLs that this member advertises"},
    {"client-url", {"ETCD_ADVERTISE_CLIENT_URLS"}, set_client_url, NULL, "URLS", FOR_AGENT, "client URLs that this member advertises"},
    {"data-dir", {"ETCD_DATA_DIR"}, set_data_dir, "/var/lib/etcd", "DIR", FOR_AGENT, "etcd's data directory"},
    {"wal-dir", {"ETCD_WAL_DIR"}, set_wal_dir, NULL, "DIR", FOR_AGENT, "etcd's WAL directory (default: inside the data directory)"},
    {"endpoints", {"ETCDCTL_ENDPOINTS"}, set_endpoints, NULL, "LIST", FOR_AGENT, "client URLs of live members; dns:NAME:PORT; srv:DOMAIN"},
    {"remote-endpoints", {NULL}, set_remote_endpoints, NULL, "LIST", FOR_AGENT, "as --endpoints, in another trust domain (--remote-*)"},
    {"local-endpoint", {NULL}, set_local_endpoint, NULL, "URL", FOR_AGENT, "our own etcd's client URL (default: http(s)://127.0.0.1:2379)"},
    {"initial-cluster-token",
     {"ETCD_INITIAL_CLUSTER_TOKEN"},
     set_token,
     "etcd-cluster",
     "TOKEN",
     FOR_AGENT,
     "token of a cluster that is founded"},
    {"cacert", {"ETCDCTL_CACERT"}, set_cacert, NULL, "FILE", FOR_AGENT, "CA of etcd's server certificates"},
    {"cert", {"ETCDCTL_CERT"}, set_cert, NULL, "FILE", FOR_AGENT, "client certificate"},
    {"key", {"ETCDCTL_KEY"}, set_key, NULL, "FILE", FOR_AGENT, "its key"},
    {"tls-server-name", {NULL}, set_server_name, NULL, "NAME", FOR_AGENT, "name to find in the server certificates"},
    {"user", {"ETCDCTL_USER"}, set_user, NULL, "NAME", FOR_AGENT, "etcd user, of role root"},
    {"password-file", {NULL}, set_password_file, NULL, "FILE", FOR_AGENT, "its password (or the variable ETCDCTL_PASSWORD)"},
    {"remote-cacert", {NULL}, set_remote_cacert, NULL, "FILE", FOR_AGENT, "as --cacert, for --remote-endpoints"},
    {"remote-cert", {NULL}, set_remote_cert, NULL, "FILE", FOR_AGENT, "as --cert"},
    {"remote-key", {NULL}, set_remote_key, NULL, "FILE", FOR_AGENT, "as --key"},
    {"remote-tls-server-name", {NULL}, set_remote_server_name, NULL, "NAME", FOR_AGENT, "as --tls-server-name"},
    {"remote-user", {NULL}, set_remote_user, NULL, "NAME", FOR_AGENT, "as --user"},
    {"remote-password-file", {NULL}, set_remote_password_file, NULL, "FILE", FOR_AGENT, "as --password-file"},
    {"plan-dir", {NULL}, set_plan_dir, "/run/etcd-usher", "DIR", FOR_ALL, "start plan and control socket, shared with etcd's container"},
    {"bootstrap", {NULL}, set_bootstrap, "never", "HOW", FOR_AGENT, "never | record | once:NAME: who may found a cluster"},
    {"set-record",
     {NULL},
     set_set_record,
     NULL,
     "WHERE",
     FOR_AGENT,
     "configmap:NAME in our namespace, or file:PATH that all slots of the set share"},
    {"expect-cluster-id", {NULL}, set_expected_cluster, NULL, "HEX", FOR_AGENT, "refuse any other cluster"},
    {"leave", {NULL}, set_leave, NULL, "POLICY", FOR_AGENT, "proven | always | asked | never (default: proven in Kubernetes, else asked)"},
    {"leave-timeout",
     {NULL},
     set_leave_timeout,
     "25s",
     "DURATION",
     FOR_ALL,
     "how long leaving may take (default in Kubernetes: what is left of the grace period, less 3s)"},
    {"leader-preference", {NULL}, set_preference, NULL, "LIST", FOR_SIDECAR, "who should lead after us: member names or IDs, best first"},
    {"rejoin", {NULL}, set_rejoin, "at-start", "POLICY", FOR_AGENT, "at-start | always | never: after somebody removed this member"},
    {"stale-data", {NULL}, set_stale, "archive", "POLICY", FOR_AGENT, "archive | refuse: data of a removed member"},
    {"lost-data", {NULL}, set_lost, NULL, "POLICY", FOR_AGENT, "replace | refuse: a lost volume (default: replace with a set record)"},
    {"unreadable-data", {NULL}, set_unreadable, "refuse", "POLICY", FOR_AGENT, "refuse | archive: a torn WAL"},
    {"keep-archives", {NULL}, set_keep_archives, "1", "N", FOR_AGENT, "archives with a WAL that stay"},
    {"promote-samples", {NULL}, set_samples, "2", "N", FOR_AGENT, "in sync this often in a row before promotion"},
    {"promote-orphans", {NULL}, set_orphans, "own", "WHOSE", FOR_SIDECAR, "own | never: learners of our set that nobody promotes"},
    {"orphan-after", {NULL}, set_orphan_after, "30s", "DURATION", FOR_SIDECAR, "how long such a learner waits"},
    {"ghost-after", {NULL}, set_ghost_after, "5m", "DURATION", FOR_SIDECAR, "seats given up without us (needs the Kubernetes API)"},
    {"janitor-after",
     {NULL},
     set_janitor_after,
     "off",
     "DURATION",
     FOR_SIDECAR,
     "off | how long a member of any set is dead before the leader's sidecar removes it"},
    {"min-voters", {NULL}, set_min_voters, "3", "N", FOR_SIDECAR, "the janitor keeps these"},
    {"listen", {NULL}, set_listen, ":2383", "ADDR", FOR_SIDECAR, "address of probes and metrics"},
    {"timeout", {NULL}, set_timeout, "0", "DURATION", FOR_AGENT, "how long init may wait (0: for ever)"},
    {"render-config", {NULL}, set_render_config, "false", NULL, FOR_AGENT, "write etcd.json, a complete etcd config file, too"},
    {"with-init", {NULL}, set_with_init, "false", NULL, FOR_SIDECAR, "one native sidecar does init's work, too"},
    {"pod-name", {"POD_NAME"}, set_pod_name, NULL, "NAME", FOR_AGENT, "the slot's name (default: --name)"},
    {"pod-namespace", {"POD_NAMESPACE"}, set_pod_namespace, NULL, "NAME", FOR_AGENT, "the pod's namespace"},
    {"pod-uid", {"POD_UID"}, set_pod_uid, NULL, "UID", FOR_AGENT, "the pod's UID"},
    {"log-format", {NULL}, set_log_format, NULL, "FORMAT", FOR_ALL, "text | json (default: text on a terminal, else json)"},
    {"log-level", {NULL}, set_log_level, "info", "LEVEL", FOR_ALL, "debug | info | warn | error"},
};
