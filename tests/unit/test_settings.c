/* Settings: every flag and its variables, who wins, and what a person is told about wrong ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "usher/host/settings.h"

enum { WORDS_MAX = 64 };

/* Settings are large: one of them. */
static struct settings settings;

/* `words` and `variables`: separated by blanks. */
static bool read_words(enum settings_command command, const char *words, const char *variables, struct usher_error *err)
{
    char word_text[4096], variable_text[4096], *argv[WORDS_MAX] = {NULL}, *environment[WORDS_MAX] = {NULL};
    static char name[] = "command";
    int argc = 0, variable_count = 0;

    snprintf(word_text, sizeof word_text, "%s", words);
    snprintf(variable_text, sizeof variable_text, "%s", variables);
    argv[argc++] = name;
    for (char *word = strtok(word_text, " "); word != NULL && argc < WORDS_MAX - 1; word = strtok(NULL, " "))
        argv[argc++] = word;
    for (char *word = strtok(variable_text, " "); word != NULL && variable_count < WORDS_MAX - 1; word = strtok(NULL, " "))
        environment[variable_count++] = word;
    memset(&settings, 0, sizeof settings);
    *err = (struct usher_error){.text = ""};
    return settings_read(command, argc, argv, environment, &settings, err);
}

#define NEEDED "--name=a --peer-url=http://a:2380 --endpoints=http://b:2379 "

/* With what every command needs. */
static void must_read(enum settings_command command, const char *words, const char *variables)
{
    char all[4096];
    struct usher_error err;

    snprintf(all, sizeof all, "%s%s", command == SETTINGS_FOR_STATUS || command == SETTINGS_FOR_LEAVE ? "" : NEEDED, words);
    if (!read_words(command, all, variables, &err))
        fail_msg("%s [%s]: %s", words, variables, err.text);
}

#define TEXT_ROW(flag, variable, value, field)                                                                                             \
    {                                                                                                                                      \
        flag, variable, value, offsetof(struct settings, field), 0, true                                                                   \
    }
#define LONG_ROW(flag, variable, value, field, number)                                                                                     \
    {                                                                                                                                      \
        flag, variable, value, offsetof(struct settings, field), number, false                                                             \
    }
#define INT_ROW(flag, variable, value, field, number)                                                                                      \
    {                                                                                                                                      \
        flag, variable, value, offsetof(struct settings, field), (number) | INT_MARK, false                                                \
    }
#define INT_MARK ((int64_t)1 << 62)

/* Each flag by itself, as a flag, as USHER_<FLAG>, and as etcd's or etcdctl's own variable. */
static const struct row {
    const char *flag, *variable, *value;
    size_t offset;
    int64_t number;
    bool is_text;
} rows[] = {
    TEXT_ROW("name", "ETCD_NAME", "etcd-7", join.name),
    TEXT_ROW("peer-url", "ETCD_INITIAL_ADVERTISE_PEER_URLS", "https://p:2380", join.peer_urls.url[0]),
    TEXT_ROW("client-url", "ETCD_ADVERTISE_CLIENT_URLS", "https://c:2379", client_urls.url[0]),
    TEXT_ROW("data-dir", "ETCD_DATA_DIR", "/d", data_dir),
    TEXT_ROW("wal-dir", "ETCD_WAL_DIR", "/w", wal_dir),
    TEXT_ROW("endpoints", "ETCDCTL_ENDPOINTS", "dns:headless:2379", endpoints[0]),
    TEXT_ROW("remote-endpoints", NULL, "srv:example.org", remote_endpoints[0]),
    TEXT_ROW("local-endpoint", NULL, "http://127.0.0.1:9", local_endpoint),
    TEXT_ROW("initial-cluster-token", "ETCD_INITIAL_CLUSTER_TOKEN", "tok", cluster_token),
    TEXT_ROW("cacert", "ETCDCTL_CACERT", "/ca", tls.cacert),
    TEXT_ROW("tls-server-name", NULL, "sni", tls.server_name),
    TEXT_ROW("remote-cacert", NULL, "/rca", remote_tls.cacert),
    TEXT_ROW("remote-tls-server-name", NULL, "rsni", remote_tls.server_name),
    TEXT_ROW("plan-dir", NULL, "/p", plan_dir),
    TEXT_ROW("set-record", NULL, "file:/r", set_record),
    TEXT_ROW("leader-preference", NULL, "a,b", leader_preference),
    TEXT_ROW("listen", NULL, "127.0.0.1:1", listen),
    TEXT_ROW("pod-name", "POD_NAME", "pod-1", pod_name),
    TEXT_ROW("pod-name", "POD_NAME", "pod-1", join.slot_name),
    TEXT_ROW("pod-namespace", "POD_NAMESPACE", "ns", pod_namespace),
    TEXT_ROW("pod-uid", "POD_UID", "uid", pod_uid),
    INT_ROW("bootstrap", NULL, "once:x", join.bootstrap, BOOTSTRAP_ONCE),
    INT_ROW("bootstrap", NULL, "never", join.bootstrap, BOOTSTRAP_NEVER),
    LONG_ROW("expect-cluster-id", NULL, "0df818194e3a8c32", join.expected_cluster.value, 0x0df818194e3a8c32),
    INT_ROW("leave", NULL, "proven", leave, LEAVE_PROVEN),
    INT_ROW("leave", NULL, "always", leave, LEAVE_ALWAYS),
    INT_ROW("leave", NULL, "never", leave, LEAVE_NEVER),
    LONG_ROW("leave-timeout", NULL, "7s", leave_timeout_ms, 7000),
    INT_ROW("rejoin", NULL, "never", join.rejoin, REJOIN_NEVER),
    INT_ROW("rejoin", NULL, "always", join.rejoin, REJOIN_ALWAYS),
    INT_ROW("stale-data", NULL, "refuse", join.stale_data, DATA_POLICY_REFUSE),
    INT_ROW("lost-data", NULL, "refuse", join.lost_data, DATA_POLICY_REFUSE),
    INT_ROW("unreadable-data", NULL, "archive", join.unreadable_data, DATA_POLICY_ACT),
    INT_ROW("keep-archives", NULL, "0", keep_archives, 0),
    INT_ROW("promote-samples", NULL, "9", promote_samples, 9),
    LONG_ROW("orphan-after", NULL, "250ms", orphan_after_ms, 250),
    LONG_ROW("ghost-after", NULL, "2h", ghost_after_ms, 7200000),
    INT_ROW("min-voters", NULL, "5", min_voters, 5),
    LONG_ROW("timeout", NULL, "3m", timeout_ms, 180000),
    INT_ROW("log-format", NULL, "text", log_format, LOG_FORMAT_TEXT),
    INT_ROW("log-level", NULL, "debug", log_level, LOG_LEVEL_DEBUG),
};

static void assert_row(const struct row *row, const char *how)
{
    const char *at = (const char *)&settings + row->offset;
    int64_t number = 0;

    if (row->is_text) {
        if (strcmp(at, row->value) != 0)
            fail_msg("--%s as %s: \"%s\"", row->flag, how, at);
        return;
    }
    if ((row->number & INT_MARK) != 0) {
        int value;
        memcpy(&value, at, sizeof value);
        number = value | INT_MARK;
    } else {
        memcpy(&number, at, sizeof number);
    }
    if (number != row->number)
        fail_msg("--%s=%s as %s: another value", row->flag, row->value, how);
}

static void usher_variable(const struct row *row, char out[128])
{
    snprintf(out, 128, "USHER_%s=%s", row->flag, row->value);
    for (char *at = out; *at != '='; at++)
        *at = *at == '-' ? '_' : *at >= 'a' && *at <= 'z' ? (char)(*at - 'a' + 'A') : *at;
}

/* What must stand beside the row's own value, without that flag itself. */
static void words_without(const char *flag, char out[512])
{
    static const char *const needed[] = {"name=a", "peer-url=http://a:2380", "endpoints=http://b:2379"};

    out[0] = '\0';
    for (size_t i = 0; i < 3; i++)
        if (strncmp(needed[i], flag, strlen(flag)) != 0 || needed[i][strlen(flag)] != '=')
            snprintf(out + strlen(out), 512 - strlen(out), "--%s ", needed[i]);
}

static void every_flag_has_its_variables(void **state)
{
    struct usher_error err;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char words[1024], rest[512], variable[128], own[256];
        words_without(rows[i].flag, rest);
        snprintf(words, sizeof words, "%s--%s=%s", rest, rows[i].flag, rows[i].value);
        if (!read_words(SETTINGS_FOR_SIDECAR, words, "", &err))
            fail_msg("%s: %s", words, err.text);
        assert_row(&rows[i], "a flag");
        snprintf(words, sizeof words, "%s--%s %s", rest, rows[i].flag, rows[i].value);
        assert_true(read_words(SETTINGS_FOR_SIDECAR, words, "", &err));
        assert_row(&rows[i], "two words");
        usher_variable(&rows[i], variable);
        if (!read_words(SETTINGS_FOR_SIDECAR, rest, variable, &err))
            fail_msg("%s: %s", variable, err.text);
        assert_row(&rows[i], variable);
        if (rows[i].variable == NULL)
            continue;
        snprintf(own, sizeof own, "%s=%s", rows[i].variable, rows[i].value);
        assert_true(read_words(SETTINGS_FOR_SIDECAR, rest, own, &err));
        assert_row(&rows[i], own);
    }
}

/* The table above names every flag that --help shows, save those with tests of their own. */
static void help_shows_every_flag(void **state)
{
    static const char *const others[] = {"cert",          "key",         "user",          "password-file",        "remote-cert",
                                         "remote-key",    "remote-user", "janitor-after", "remote-password-file", "promote-orphans",
                                         "render-config", "with-init"};
    char *text = NULL, *line, *rest;
    size_t length = 0, shown = 0;
    FILE *memory = open_memstream(&text, &length);

    (void)state;
    assert_non_null(memory);
    settings_print_help(memory, SETTINGS_FOR_SIDECAR);
    fclose(memory);
    for (line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest), shown++) {
        char flag[64], variable[64] = "";
        bool is_known = false;
        assert_int_equal(sscanf(line, "  --%63[a-z-]", flag), 1);
        for (size_t i = 0; i < sizeof rows / sizeof rows[0] && !is_known; i++)
            is_known = strcmp(rows[i].flag, flag) == 0;
        for (size_t i = 0; i < sizeof others / sizeof others[0] && !is_known; i++)
            is_known = strcmp(others[i], flag) == 0;
        if (!is_known)
            fail_msg("--%s has no test", flag);
        assert_int_equal(sscanf(strstr(line, "[USHER_"), "[%63[A-Z_]", variable), 1);
        assert_int_equal(strlen(variable), strlen(flag) + 6);
    }
    assert_true(shown > 40);
    free(text);
}

static void defaults_are_as_documented(void **state)
{
    (void)state;
    must_read(SETTINGS_FOR_SIDECAR, "", "");
    assert_string_equal(settings.data_dir, "/var/lib/etcd");
    assert_string_equal(settings.wal_dir, "");
    assert_string_equal(settings.plan_dir, "/run/etcd-usher");
    assert_string_equal(settings.listen, ":2383");
    assert_string_equal(settings.cluster_token, "etcd-cluster");
    assert_string_equal(settings.local_endpoint, "http://127.0.0.1:2379");
    assert_string_equal(settings.join.slot_name, "a");
    assert_int_equal(settings.join.bootstrap, BOOTSTRAP_NEVER);
    assert_int_equal(settings.join.rejoin, REJOIN_AT_START);
    assert_int_equal(settings.join.stale_data, DATA_POLICY_ACT);
    assert_int_equal(settings.join.unreadable_data, DATA_POLICY_REFUSE);
    assert_int_equal(settings.join.lost_data, DATA_POLICY_REFUSE);
    assert_int_equal(settings.leave, LEAVE_ASKED);
    assert_int_equal(settings.leave_timeout_ms, 25000);
    assert_int_equal(settings.orphan_after_ms, 30000);
    assert_int_equal(settings.ghost_after_ms, 300000);
    assert_int_equal(settings.janitor_after_ms, 0);
    assert_int_equal(settings.keep_archives, 1);
    assert_int_equal(settings.promote_samples, 2);
    assert_int_equal(settings.min_voters, 3);
    assert_int_equal(settings.timeout_ms, 0);
    assert_true(settings.promotes_orphans);
    assert_false(settings.render_config || settings.with_init || settings.in_kubernetes);
    assert_int_equal(settings.log_level, LOG_LEVEL_INFO);
    /* What depends on other settings and on where we are. */
    must_read(SETTINGS_FOR_SIDECAR, "--client-url=https://c:2379 --set-record=file:/shared/r", "KUBERNETES_SERVICE_HOST=10.0.0.1");
    assert_string_equal(settings.local_endpoint, "https://127.0.0.1:2379");
    assert_int_equal(settings.leave, LEAVE_PROVEN);
    assert_int_equal(settings.join.lost_data, DATA_POLICY_ACT);
    assert_true(settings.join.has_set_record);
}

static void a_flag_beats_a_variable_and_the_last_flag_counts(void **state)
{
    struct usher_error err;

    (void)state;
    must_read(SETTINGS_FOR_INIT, "--data-dir=/flag", "USHER_DATA_DIR=/usher ETCD_DATA_DIR=/etcd");
    assert_string_equal(settings.data_dir, "/flag");
    must_read(SETTINGS_FOR_INIT, "", "ETCD_DATA_DIR=/etcd USHER_DATA_DIR=/usher");
    assert_string_equal(settings.data_dir, "/usher");
    must_read(SETTINGS_FOR_INIT, "", "USHER_DATA_DIR= ETCD_DATA_DIR=/etcd"); /* an empty variable says nothing */
    assert_string_equal(settings.data_dir, "/etcd");
    must_read(SETTINGS_FOR_INIT, "--data-dir=/one --data-dir /two/", "");
    assert_string_equal(settings.data_dir, "/two");
    must_read(SETTINGS_FOR_INIT, "--bootstrap=once:x", "");
    assert_string_equal(settings.join.bootstrap_once_name, "x");
    must_read(SETTINGS_FOR_INIT, "--render-config", "");
    assert_true(settings.render_config);
    must_read(SETTINGS_FOR_INIT, "--render-config=false", "USHER_RENDER_CONFIG=true");
    assert_false(settings.render_config);
    must_read(SETTINGS_FOR_SIDECAR, "--with-init --promote-orphans=never --janitor-after=off", "");
    assert_true(settings.with_init);
    assert_false(settings.promotes_orphans);
    /* A bad variable is not looked at where a flag says better. */
    must_read(SETTINGS_FOR_INIT, "--timeout=1s", "USHER_TIMEOUT=soon");
    /* A variable of another command's flag is no mistake: pods share their environment. */
    must_read(SETTINGS_FOR_INIT, "", "USHER_LISTEN=nonsense USHER_MIN_VOTERS=x");
    must_read(SETTINGS_FOR_STATUS, "--plan-dir=/x", "USHER_PEER_URL=nonsense");
    assert_false(read_words(SETTINGS_FOR_INIT, NEEDED, "USHER_TIMEOUT=soon", &err));
    assert_string_equal(err.text, "USHER_TIMEOUT: \"soon\" is not allowed: a duration such as 250ms, 5s, 2m or 1h");
}

static void lists_and_credentials_are_taken_apart(void **state)
{
    (void)state;
    must_read(SETTINGS_FOR_SIDECAR, "--endpoints=http://a:1,,https://[::1]:2/,dns:x.y:3,srv:z", "");
    assert_int_equal(settings.endpoint_count, 4);
    assert_string_equal(settings.endpoints[1], "https://[::1]:2/");
    must_read(SETTINGS_FOR_SIDECAR, "--cert=/c --key=/k --remote-cert=/rc --remote-key=/rk", "ETCDCTL_USER=root:a:b");
    assert_string_equal(settings.tls.cert, "/c");
    assert_string_equal(settings.tls.key, "/k");
    assert_string_equal(settings.remote_tls.cert, "/rc");
    assert_string_equal(settings.remote_tls.key, "/rk");
    assert_string_equal(settings.tls.user, "root");
    assert_string_equal(settings.tls.password, "a:b");
    must_read(SETTINGS_FOR_SIDECAR, "--user=u --remote-user=r --remote-password-file=/rp", "ETCDCTL_PASSWORD=pw");
    assert_string_equal(settings.tls.password, "pw");
    assert_string_equal(settings.remote_tls.user, "r");
    assert_string_equal(settings.remote_tls.password_file, "/rp");
    must_read(SETTINGS_FOR_SIDECAR, "--user=u --password-file=/p", "");
    assert_string_equal(settings.tls.password_file, "/p");
}

#define URLS_HINT "URLs of the form http(s)://HOST:PORT"
#define DURATION_HINT "a duration such as 250ms, 5s, 2m or 1h"

/* One wrong input a row, each with the whole message. */
static void each_wrong_input_is_told_exactly(void **state)
{
    static const struct {
        enum settings_command command;
        const char *words, *message;
    } wrong[] = {
        {SETTINGS_FOR_INIT, "--bogus", "--bogus: no such flag (see --help)"},
        {SETTINGS_FOR_INIT, "--usr=root:secret", "--usr: no such flag (see --help)"},
        {SETTINGS_FOR_INIT, "--peer=http://a:1", "--peer: no such flag; did you mean --peer-url?"},
        {SETTINGS_FOR_INIT, "-data-dir=/x", "-data-dir: no such flag; flags begin with two dashes (see --help)"},
        {SETTINGS_FOR_INIT, "-x", "-x: no such flag; flags begin with two dashes (see --help)"},
        {SETTINGS_FOR_INIT, "stray", "\"stray\": a word without a flag before it"},
        {SETTINGS_FOR_INIT, "--render-config false", "\"false\": a word without a flag before it"},
        {SETTINGS_FOR_INIT, "--data-dir", "--data-dir needs a value"},
        {SETTINGS_FOR_INIT, "--data-dir --wal-dir=/w", "--data-dir needs a value"},
        {SETTINGS_FOR_INIT, "--listen=:1", "--listen: not a flag of this command (see --help)"},
        {SETTINGS_FOR_STATUS, "--name=a", "--name: not a flag of this command (see --help)"},
        {SETTINGS_FOR_INIT, "--peer-url=a:2380", "--peer-url: \"a:2380\" is not allowed: " URLS_HINT},
        {SETTINGS_FOR_INIT, "--peer-url=http://a", "--peer-url: \"http://a\" is not allowed: " URLS_HINT},
        {SETTINGS_FOR_INIT, "--peer-url=http://a:0", "--peer-url: \"http://a:0\" is not allowed: " URLS_HINT},
        {SETTINGS_FOR_INIT, "--peer-url=http://u@a:1", "--peer-url: \"http://u@a:1\" is not allowed: " URLS_HINT},
        {SETTINGS_FOR_INIT, "--peer-url=http://a:1/x", "--peer-url: \"http://a:1/x\" is not allowed: " URLS_HINT},
        {SETTINGS_FOR_INIT, "--peer-url=http://::1:2380", "--peer-url: \"http://::1:2380\" is not allowed: " URLS_HINT},
        {SETTINGS_FOR_INIT, "--peer-url=", "--peer-url: \"\" is not allowed: at least one URL"},
        {SETTINGS_FOR_INIT, "--endpoints=a:2379",
         "--endpoints: \"a:2379\" is not allowed: entries of the form http(s)://HOST:PORT, dns:NAME:PORT or srv:DOMAIN"},
        {SETTINGS_FOR_INIT, "--endpoints=dns:a",
         "--endpoints: \"dns:a\" is not allowed: entries of the form http(s)://HOST:PORT, dns:NAME:PORT or srv:DOMAIN"},
        {SETTINGS_FOR_INIT, "--peer-url=http://a\t:1", "--peer-url: \"http://a\t:1\" is not allowed: " URLS_HINT},
        {SETTINGS_FOR_INIT, "--peer-url=http://a\x7f:1", "--peer-url: \"http://a\x7f:1\" is not allowed: " URLS_HINT},
        {SETTINGS_FOR_INIT, "--endpoints=dns:a\nb:2379",
         "--endpoints: \"dns:a\nb:2379\" is not allowed: entries of the form http(s)://HOST:PORT, dns:NAME:PORT or srv:DOMAIN"},
        {SETTINGS_FOR_INIT, "--endpoints=dns::2379",
         "--endpoints: \"dns::2379\" is not allowed: entries of the form http(s)://HOST:PORT, dns:NAME:PORT or srv:DOMAIN"},
        {SETTINGS_FOR_INIT, "--endpoints=srv:a\rb",
         "--endpoints: \"srv:a\rb\" is not allowed: entries of the form http(s)://HOST:PORT, dns:NAME:PORT or srv:DOMAIN"},
        {SETTINGS_FOR_INIT, "--data-dir=x", "--data-dir: \"x\" is not allowed: an absolute path"},
        {SETTINGS_FOR_INIT, "--plan-dir=", "--plan-dir: \"\" is not allowed: an absolute path"},
        {SETTINGS_FOR_INIT, "--timeout=5", "--timeout: \"5\" is not allowed: " DURATION_HINT},
        {SETTINGS_FOR_INIT, "--timeout=-5s", "--timeout: \"-5s\" is not allowed: " DURATION_HINT},
        {SETTINGS_FOR_INIT, "--timeout=99999999999999999999s", "--timeout: \"99999999999999999999s\" is not allowed: " DURATION_HINT},
        {SETTINGS_FOR_INIT, "--timeout=87601h", "--timeout: \"87601h\" is not allowed: a duration of at most ten years"},
        {SETTINGS_FOR_INIT, "--keep-archives=1001", "--keep-archives: \"1001\" is not allowed: a whole number from 0 to 1000"},
        {SETTINGS_FOR_INIT, "--keep-archives=1x", "--keep-archives: \"1x\" is not allowed: a whole number from 0 to 1000"},
        {SETTINGS_FOR_INIT, "--promote-samples=0", "--promote-samples: \"0\" is not allowed: at least 1"},
        {SETTINGS_FOR_INIT, "--bootstrap=once:", "--bootstrap: \"once:\" is not allowed: never, record or once:NAME"},
        {SETTINGS_FOR_INIT, "--bootstrap=record",
         "--bootstrap=record needs --set-record: without one nobody can know whether a cluster was founded before"},
        {SETTINGS_FOR_INIT, "--lost-data=replace", "--lost-data=replace needs --set-record: it proves that the entry is this slot's"},
        {SETTINGS_FOR_INIT, "--expect-cluster-id=0", "--expect-cluster-id: \"0\" is not allowed: a cluster ID in hex, as etcdctl shows it"},
        {SETTINGS_FOR_INIT, "--leave=maybe", "--leave: \"maybe\" is not allowed: proven, always, asked or never"},
        {SETTINGS_FOR_INIT, "--rejoin=", "--rejoin: \"\" is not allowed: at-start, always or never"},
        {SETTINGS_FOR_INIT, "--render-config=yes", "--render-config: \"yes\" is not allowed: true or false"},
        {SETTINGS_FOR_INIT, "--log-level=loud", "--log-level: \"loud\" is not allowed: debug, info, warn or error"},
        {SETTINGS_FOR_INIT, "--name=a=b", "--name: \"a=b\" is not allowed: no \"=\" or \",\", which separate names in --initial-cluster"},
        {SETTINGS_FOR_INIT, "--name=\xff", "--name: \"\xff\" is not allowed: text in UTF-8"},
        {SETTINGS_FOR_INIT, "--set-record=file:r",
         "--set-record: \"file:r\" is not allowed: configmap:NAME, or file:PATH with an absolute path"},
        {SETTINGS_FOR_INIT, "--set-record=configmap:x",
         "--set-record=configmap:x: needs the Kubernetes API (KUBERNETES_SERVICE_HOST is not set); outside, use file:PATH"},
        {SETTINGS_FOR_INIT, "--set-record=file:/var/lib/etcd/r",
         "--set-record: /var/lib/etcd/r lies inside the data or WAL directory: it would be lost with the volume that it must outlive"},
        {SETTINGS_FOR_INIT, "--cert=/c", "--cert and --key go together"},
        {SETTINGS_FOR_INIT, "--remote-key=/c", "--remote-cert and --remote-key go together"},
        {SETTINGS_FOR_INIT, "--user=root", "--user needs --password-file (or ETCDCTL_PASSWORD)"},
        {SETTINGS_FOR_INIT, "--local-endpoint=x", "--local-endpoint: \"x\" is not allowed: http(s)://HOST:PORT"},
        {SETTINGS_FOR_SIDECAR, "--janitor-after=soon",
         "--janitor-after: \"soon\" is not allowed: off, or a duration of at least 1m, such as 24h"},
        {SETTINGS_FOR_SIDECAR, "--janitor-after=59s",
         "--janitor-after: \"59s\" is not allowed: off, or a duration of at least 1m, such as 24h"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char words[1024];
        struct usher_error err;
        snprintf(words, sizeof words, "%s%s", wrong[i].command == SETTINGS_FOR_STATUS ? "" : NEEDED, wrong[i].words);
        if (read_words(wrong[i].command, words, "", &err))
            fail_msg("%s was taken", wrong[i].words);
        if (strcmp(err.text, wrong[i].message) != 0)
            fail_msg("%s says \"%s\"", wrong[i].words, err.text);
        assert_int_equal(err.exit, USHER_EXIT_USAGE);
    }
}

static unsigned lines_of(const char *text)
{
    unsigned lines = 1;
    for (; *text != '\0'; text++)
        lines += *text == '\n';
    return lines;
}

static void all_wrong_inputs_are_told_at_once(void **state)
{
    struct usher_error err;

    (void)state;
    assert_false(read_words(SETTINGS_FOR_INIT, "", "", &err));
    assert_string_equal(err.text,
                        "--peer-url is missing: the peer URLs that etcd will advertise (ETCD_INITIAL_ADVERTISE_PEER_URLS serves, too)\n"
                        "--endpoints is missing: client URLs of live members, or of the pods that will be");
    assert_false(
        read_words(SETTINGS_FOR_INIT,
                   "-q --bogus --peer-url=x --client-url=y --data-dir=d --wal-dir=w --endpoints=e --local-endpoint=l --bootstrap=b "
                   "--set-record=s --expect-cluster-id=z --leave=l --leave-timeout=1 --rejoin=r --stale-data=s --lost-data=l "
                   "--unreadable-data=u --keep-archives=k --promote-samples=p --timeout=t --render-config=r --log-format=f "
                   "--log-level=l --cert=/c --name=a=b stray",
                   "", &err));
    assert_int_equal(lines_of(err.text), 26);
    assert_null(strstr(err.text, "is missing")); /* what was given wrongly is not missing, too */
    assert_null(strstr(err.text, "and more"));
}

static void too_many_to_tell_end_in_a_whole_line(void **state)
{
    char words[4096] = NEEDED;
    struct usher_error err;

    (void)state;
    for (int i = 0; i < 48; i++) {
        size_t used = strlen(words);
        snprintf(words + used, sizeof words - used, " --%060d", i);
    }
    assert_false(read_words(SETTINGS_FOR_INIT, words, "", &err));
    assert_true(strlen(err.text) < sizeof err.text);
    assert_string_equal(strrchr(err.text, '\n') + 1, "(and more)");
    memset(words, 0, sizeof words);
    memset(words + snprintf(words, sizeof words, "%s--timeout=", NEEDED), 'x', 2000);
    assert_false(read_words(SETTINGS_FOR_INIT, words, "", &err));
    assert_true(strlen(err.text) < 250 && strstr(err.text, "xxx...\" is not allowed") != NULL);
}

static void secrets_are_not_repeated(void **state)
{
    static char password[2000];
    static char name[] = "init", *argv[] = {name, NULL};
    char *environment[] = {password, NULL};
    char words[1024];
    struct usher_error err;

    (void)state;
    snprintf(words, sizeof words, "%s--user=root:%0300d", NEEDED, 7);
    assert_false(read_words(SETTINGS_FOR_INIT, words, "", &err));
    assert_non_null(strstr(err.text, "--user: \"...\" is not allowed: at most 255 bytes\n"));
    assert_null(strstr(err.text, "0007"));
    memset(password, 's', sizeof password - 1);
    memcpy(password, "ETCDCTL_PASSWORD=", 17);
    assert_false(settings_read(SETTINGS_FOR_INIT, 1, argv, environment, &settings, &err));
    assert_non_null(strstr(err.text, "ETCDCTL_PASSWORD: \"...\" is not allowed: at most 255 bytes"));
    assert_null(strstr(err.text, "sss"));
}

static void durations_and_sizes(void **state)
{
    struct usher_error err;
    int64_t value = -7;

    (void)state;
    assert_true(duration_parse("0", &value, &err) && value == 0);
    assert_true(duration_parse("87600h", &value, &err) && value == 315360000000);
    value = -7;
    assert_false(duration_parse("1d", &value, &err));
    assert_false(duration_parse("", &value, &err));
    assert_false(duration_parse(" 1s", &value, NULL));
    assert_int_equal(value, -7);
    assert_true(size_parse("2GiB", &value, &err) && value == (int64_t)2 << 30);
    assert_true(size_parse("17", &value, &err) && value == 17);
    assert_false(size_parse("9223372036854775807KiB", &value, &err));
    assert_string_equal(err.text, "a size such as 64KiB, 2GiB or plain bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_flag_has_its_variables),
        cmocka_unit_test(help_shows_every_flag),
        cmocka_unit_test(defaults_are_as_documented),
        cmocka_unit_test(a_flag_beats_a_variable_and_the_last_flag_counts),
        cmocka_unit_test(lists_and_credentials_are_taken_apart),
        cmocka_unit_test(each_wrong_input_is_told_exactly),
        cmocka_unit_test(all_wrong_inputs_are_told_at_once),
        cmocka_unit_test(too_many_to_tell_end_in_a_whole_line),
        cmocka_unit_test(secrets_are_not_repeated),
        cmocka_unit_test(durations_and_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
