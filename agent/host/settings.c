#include "usher/host/settings.h"

#include <ctype.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "settings_parse.h"
#include "usher/host/text_file.h"

enum { FOR_INIT = 1, FOR_SIDECAR = 2, FOR_CLIENT = 4, FOR_AGENT = FOR_INIT | FOR_SIDECAR, FOR_ALL = 7 };

struct setting {
    const char *flag;
    const char *variables[2]; /* beside USHER_<FLAG>, which every setting has */
    bool (*parse)(struct settings *settings, const char *text, struct usher_error *err);
    const char *fallback;   /* as text, parsed like any other; NULL = none */
    const char *value_name; /* NULL: a switch */
    int commands;
    const char *help;
};

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

static const struct setting table[] = {
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

enum { SETTING_COUNT = sizeof table / sizeof table[0] };

static int command_bit(enum settings_command command)
{
    switch (command) {
    case SETTINGS_FOR_INIT:
        return FOR_INIT;
    case SETTINGS_FOR_SIDECAR:
        return FOR_SIDECAR;
    case SETTINGS_FOR_LEAVE:
    case SETTINGS_FOR_STATUS:
        return FOR_CLIENT;
    case SETTINGS_FOR_UNKNOWN:
        break;
    }
    return 0;
}

void settings_problem(struct usher_error *problems, const char *format, ...)
{
    static const char more[] = "\n(and more)";
    size_t used = strlen(problems->text), room = sizeof problems->text - used;
    char line[PATH_BYTES * 2];
    va_list values;

    va_start(values, format);
    vsnprintf(line, sizeof line, format, values);
    va_end(values);
    problems->exit = USHER_EXIT_USAGE;
    if (used >= sizeof more && strcmp(problems->text + used - (sizeof more - 1), more) == 0)
        return;
    if (strlen(line) + 1 + sizeof more < room)
        snprintf(problems->text + used, room, "%s%s", used > 0 ? "\n" : "", line);
    else
        memcpy(problems->text + used, more, sizeof more); /* there is room for it: see above */
}

static const char *find_variable(char *const environment[], const char *name)
{
    size_t length = strlen(name);

    for (; *environment != NULL; environment++)
        if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
            return *environment + length + 1;
    return NULL;
}

static void usher_variable(const char *flag, char out[64])
{
    snprintf(out, 64, "USHER_%s", flag);
    for (char *at = out; *at != '\0'; at++)
        *at = *at == '-' ? '_' : (char)toupper((unsigned char)*at);
}

/* The environment's word for a setting and where it stands; NULL when it says nothing. An empty variable says nothing. */
static const char *from_environment(const struct setting *setting, char *const environment[], char out_source[64])
{
    const char *value;

    usher_variable(setting->flag, out_source);
    value = find_variable(environment, out_source);
    for (size_t i = 0; i < 2 && (value == NULL || value[0] == '\0') && setting->variables[i] != NULL; i++) {
        snprintf(out_source, 64, "%s", setting->variables[i]);
        value = find_variable(environment, out_source);
    }
    return value != NULL && value[0] != '\0' ? value : NULL;
}

enum { SHOWN_BYTES = 100 }; /* of a value in a message */

static bool is_secret(const struct setting *setting) { return strcmp(setting->flag, "user") == 0; }

static void apply(const struct setting *setting, struct settings *settings, const char *source, const char *value,
                  struct usher_error *problems)
{
    struct usher_error allowed = {0};

    if (!setting->parse(settings, value, &allowed))
        settings_problem(problems, "%s: \"%.*s%s\" is not allowed: %s", source, is_secret(setting) ? 0 : SHOWN_BYTES, value,
                         is_secret(setting) || strlen(value) > SHOWN_BYTES ? "..." : "", allowed.text);
}

/* A flag that getopt did not take, or took for a longer one. What stands behind '=' may be a secret: it is not repeated. */
static void unknown_flag(const char *word, const char *longer, struct usher_error *problems)
{
    int length = (int)strcspn(word, "=");

    if (longer != NULL)
        settings_problem(problems, "%.*s: no such flag; did you mean --%s?", length, word, longer);
    else if (word[1] != '-')
        settings_problem(problems, "%.*s: no such flag; flags begin with two dashes (see --help)", length, word);
    else
        settings_problem(problems, "%.*s: no such flag (see --help)", length, word);
}

/* `word` is where the flag stands; optarg and optind as getopt left them. */
static void take_flag(enum settings_command command, const struct setting *setting, const char *word, const char **out_value,
                      struct usher_error *problems)
{
    bool has_equals = strchr(word, '=') != NULL;

    if (strcspn(word + 2, "=") != strlen(setting->flag)) { /* what is short for one flag today is short for two tomorrow */
        unknown_flag(word, setting->flag, problems);
    } else if ((setting->commands & command_bit(command)) == 0) {
        settings_problem(problems, "--%s: not a flag of this command (see --help)", setting->flag);
    } else if (!has_equals && optarg != NULL && strncmp(optarg, "--", 2) == 0) {
        settings_problem(problems, "--%s needs a value", setting->flag);
        optind--; /* it is the next flag */
    } else {
        *out_value = optarg != NULL ? optarg : "true";
    }
}

/* Flags as given; the last of several counts, as is usual. */
static void read_flags(enum settings_command command, int argc, char *const argv[], const char *values[SETTING_COUNT],
                       struct usher_error *problems)
{
    struct option options[SETTING_COUNT + 1] = {0};
    int index = 0, found, at, reported = 0;

    for (size_t i = 0; i < SETTING_COUNT; i++)
        options[i] =
            (struct option){table[i].flag, table[i].value_name == NULL ? optional_argument : required_argument, NULL, (int)i + 256};
    optind = 0; /* start anew: settings may be read more than once in a process */
    opterr = 0;
    while (at = optind > 0 ? optind : 1, (found = getopt_long(argc, argv, "+:", options, &index)) != -1) {
        if (found == ':') {
            settings_problem(problems, "%s needs a value", argv[at]);
        } else if (found != '?') {
            take_flag(command, &table[found - 256], argv[at], &values[found - 256], problems);
        } else if (at != reported) { /* -abc comes three times */
            unknown_flag(argv[at], NULL, problems);
            reported = at;
        }
    }
    for (; optind < argc; optind++)
        settings_problem(problems, "\"%.*s\": a word without a flag before it", SHOWN_BYTES, argv[optind]);
}

static void fill_defaults_of_this_machine(struct settings *settings, char *const environment[], struct usher_error *problems)
{
    const char *account = find_variable(environment, "USHER_SERVICE_ACCOUNT_DIR");
    const char *password = find_variable(environment, "ETCDCTL_PASSWORD");
    char path[PATH_BYTES];
    struct bounded_text text;

    settings->in_kubernetes = find_variable(environment, "KUBERNETES_SERVICE_HOST") != NULL;
    if (settings->join.name[0] == '\0' && gethostname(settings->join.name, sizeof settings->join.name - 1) != 0)
        settings->join.name[0] = '\0';
    snprintf(settings->join.slot_name, NAME_BYTES, "%s", settings->pod_name[0] != '\0' ? settings->pod_name : settings->join.name);
    if (password != NULL && strlen(password) >= sizeof settings->tls.password)
        settings_problem(problems, "ETCDCTL_PASSWORD: \"...\" is not allowed: at most %d bytes", NAME_BYTES - 1);
    else if (password != NULL)
        snprintf(settings->tls.password, sizeof settings->tls.password, "%s", password);
    if (settings->pod_namespace[0] == '\0') {
        snprintf(path, sizeof path, "%s/namespace", account != NULL ? account : "/var/run/secrets/kubernetes.io/serviceaccount");
        bounded_text_init(&text, NAME_BYTES - 1);
        if (text_file_read(path, NAME_BYTES - 1, &text, NULL) == TEXT_FILE_READ)
            snprintf(settings->pod_namespace, NAME_BYTES, "%s", bounded_text_c(&text));
        bounded_text_done(&text);
    }
    if (settings->local_endpoint[0] == '\0')
        snprintf(settings->local_endpoint, URL_BYTES, "%s://127.0.0.1:2379",
                 settings->client_urls.count > 0 && strncmp(settings->client_urls.url[0], "https://", 8) == 0 ? "https" : "http");
    settings->join.has_set_record = settings->set_record[0] != '\0';
    if (settings->join.lost_data == DATA_POLICY_UNKNOWN)
        settings->join.lost_data = settings->join.has_set_record ? DATA_POLICY_ACT : DATA_POLICY_REFUSE;
    if (settings->leave == LEAVE_UNKNOWN)
        settings->leave = settings->in_kubernetes ? LEAVE_PROVEN : LEAVE_ASKED;
}

bool settings_read(enum settings_command command, int argc, char *const argv[], char *const environment[], struct settings *out,
                   struct usher_error *err)
{
    const char *values[SETTING_COUNT] = {NULL};
    struct settings *settings = calloc(1, sizeof *settings);
    struct usher_error problems = {0};
    struct settings_given given = {0};

    if (settings == NULL)
        return usher_error_set(err, "out of memory");
    settings->leaves_by_grace = true;
    read_flags(command, argc, argv, values, &problems);
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        char source[80];
        const char *value = values[i];
        if ((table[i].commands & command_bit(command)) == 0)
            continue;
        if (value != NULL) {
            snprintf(source, sizeof source, "--%s", table[i].flag);
        } else {
            value = from_environment(&table[i], environment, source);
            if (value == NULL)
                value = table[i].fallback;
        }
        if (value != NULL)
            apply(&table[i], settings, source, value, &problems);
        given.peer_url |= value != NULL && table[i].parse == set_peer_url;
        settings->leaves_by_grace &= value == NULL || table[i].parse != set_leave_timeout;
        given.endpoints |= value != NULL && (table[i].parse == set_endpoints || table[i].parse == set_remote_endpoints);
    }
    fill_defaults_of_this_machine(settings, environment, &problems);
    settings_check(command, settings, &given, &problems);
    if (problems.text[0] == '\0')
        *out = *settings;
    else if (err != NULL)
        *err = problems;
    free(settings);
    return problems.text[0] == '\0';
}

void settings_print_help(FILE *to, enum settings_command command)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        char flag[64], variable[64];
        if ((table[i].commands & command_bit(command)) == 0)
            continue;
        usher_variable(table[i].flag, variable);
        snprintf(flag, sizeof flag, "--%s%s%s", table[i].flag, table[i].value_name != NULL ? " " : "",
                 table[i].value_name != NULL ? table[i].value_name : "");
        fprintf(to, "  %-30s %s", flag, table[i].help);
        if (table[i].fallback != NULL && table[i].value_name != NULL)
            fprintf(to, " (default: %s)", table[i].fallback);
        fprintf(to, " [%s%s%s]\n", variable, table[i].variables[0] != NULL ? ", " : "",
                table[i].variables[0] != NULL ? table[i].variables[0] : "");
    }
}
