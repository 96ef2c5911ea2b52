/* The client of the Kubernetes API against a real TLS server that behaves well, badly, or as somebody else. */
#include <openssl/pem.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/pem.h>

#include "fake_tls.h"
#include "scratch.h"
#include "usher/kube/kube_event.h"
#include "usher/kube/kube_objects.h"
#include "usher/kube/kube_record.h"

enum { LONG_MS = 60000, SOON_MS = 20000 };

#define TOKEN "eyJ-first.token"
#define PATH "/api/v1/namespaces/ns/pods/etcd-0"
#define STATUS_OF(reason, kind, name)                                                                                                      \
    "{\"kind\":\"Status\",\"message\":\"in the server's words\",\"reason\":\"" reason "\",\"details\":{\"name\":\"" name                   \
    "\",\"kind\":\"" kind "\"}}"

static struct fake_tls tls;
static struct settings settings;
static struct kube_client client;
static const char *folder;

static void write_token(const char *token) { scratch_write(scratch_path("%s/token", folder), token, strlen(token)); }

static int set_up(void **state)
{
    if (scratch_make(state) != 0)
        return -1;
    folder = *state;
    memset(&settings, 0, sizeof settings);
    snprintf(settings.pod_name, NAME_BYTES, "etcd-0");
    snprintf(settings.pod_uid, NAME_BYTES, "uid");
    snprintf(settings.pod_namespace, NAME_BYTES, "ns");
    snprintf(settings.data_dir, PATH_BYTES, "/var/lib/etcd");
    setenv("USHER_SERVICE_ACCOUNT_DIR", folder, 1);
    setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1", 1);
    write_token(TOKEN);
    return 0;
}

static void begin_as(const char *address, const struct fake_tls_reply *replies, size_t count)
{
    char port[16];

    fake_tls_start(&tls, scratch_path("%s/ca.crt", folder), address, replies, count);
    snprintf(port, sizeof port, "%u", fake_tls_port(&tls));
    setenv("KUBERNETES_SERVICE_PORT", port, 1);
    assert_true(kube_client_init(&client, &settings, NULL));
}

static void end(void)
{
    kube_client_done(&client);
    fake_tls_stop(&tls);
}

#define SAY(code, text)                                                                                                                    \
    {                                                                                                                                      \
        .status = (code), .body = (text)                                                                                                   \
    }
#define SAY_AND(code, text, ...)                                                                                                           \
    {                                                                                                                                      \
        .status = (code), .body = (text), __VA_ARGS__                                                                                      \
    }

#define BEGIN(...)                                                                                                                         \
    const struct fake_tls_reply replies[] = {__VA_ARGS__};                                                                                 \
    (void)state;                                                                                                                           \
    begin_as("127.0.0.1", replies, sizeof replies / sizeof replies[0])

struct asked {
    bool is_good, is_missing;
    long status;
    int64_t took_ms;
    char problem[sizeof((struct usher_error *)NULL)->text];
    char kind[64];
};

static struct asked ask(const char *method, const char *path, const char *body, int limit_ms)
{
    struct kube_reply reply = {0};
    struct usher_error err = {0};
    struct asked asked = {0};
    int64_t began_ms = monotonic_ms();

    asked.is_good = kube_call(&client, method, path, body, deadline_in_ms(limit_ms), &reply, &err);
    asked.took_ms = monotonic_ms() - began_ms;
    asked.status = reply.status;
    asked.is_missing = reply.is_missing;
    assert_true(asked.is_good == (reply.body != NULL) && asked.is_good == (err.text[0] == '\0'));
    assert_null(strstr(err.text, "eyJ")); /* no token is ever told */
    memcpy(asked.problem, err.text, sizeof asked.problem);
    snprintf(asked.kind, sizeof asked.kind, "%s", asked.is_good ? json_string_value(json_object_get(reply.body, "kind")) : "");
    json_decref(reply.body);
    return asked;
}

static struct asked get(void) { return ask("GET", PATH, NULL, LONG_MS); }

static int requests(void) { return atomic_load(&tls.server.requests); }

static void a_get(void **state)
{
    BEGIN(SAY(200, "{\"kind\":\"Pod\"}"));
    struct asked asked = get();
    assert_true(asked.is_good);
    assert_string_equal(asked.kind, "Pod");
    assert_memory_equal(tls.requests[0], "GET " PATH " HTTP/1.1\r\n", strlen("GET " PATH " HTTP/1.1\r\n"));
    assert_non_null(strstr(tls.requests[0], "\r\nAuthorization: Bearer " TOKEN "\r\n"));
    assert_non_null(strstr(tls.requests[0], "\r\nUser-Agent: etcd-usher"));
    assert_true(client.calls == 1 && client.failures == 0);
    end();
}

/* As the kubelet renews it: the folder behind a symbolic link changes. */
static void the_token_is_read_anew(void **state)
{
    BEGIN(SAY(200, "{\"kind\":\"Pod\"}"));
    assert_true(get().is_good);
    write_token("eyJ-second.token\n");
    assert_true(get().is_good);
    assert_non_null(strstr(tls.requests[1], "\r\nAuthorization: Bearer eyJ-second.token\r\n"));
    end();
}

static void renew(void *self)
{
    (void)self;
    write_token("eyJ-renewed.token");
}

static void a_401_is_asked_once_more(void **state)
{
    BEGIN(SAY_AND(401, "{}", .first = renew), SAY(200, "{\"kind\":\"Pod\"}"));
    assert_true(get().is_good);
    assert_int_equal(requests(), 2);
    assert_non_null(strstr(tls.requests[1], "eyJ-renewed.token"));
    assert_int_equal(client.failures, 0);
    end();
}

static void but_not_twice(void **state)
{
    BEGIN(SAY(401, "{\"kind\":\"Status\",\"message\":\"Unauthorized\"}"));
    assert_int_equal(get().status, 401);
    assert_int_equal(requests(), 2);
    assert_int_equal(client.failures, 1);
    end();
}

static void take_token_away(void *self)
{
    (void)self;
    unlink(scratch_path("%s/token", folder));
}

static void a_token_that_vanishes_in_between(void **state)
{
    BEGIN(SAY_AND(401, "{}", .first = take_token_away));
    struct asked asked = get();
    assert_true(!asked.is_good && asked.status == 0 && requests() == 1);
    end();
}

static void refusals_are_told_apart(void **state)
{
    static const int statuses[] = {400, 403, 404, 409, 410, 422, 429, 500, 503};

    (void)state;
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        const struct fake_tls_reply reply = SAY_AND(statuses[i], STATUS_OF("Some", "pods", "etcd-0"), .header = "Retry-After: 1\r\n");
        struct asked asked;
        begin_as("127.0.0.1", &reply, 1);
        asked = get();
        assert_true(!asked.is_good && !asked.is_missing);
        assert_int_equal(asked.status, statuses[i]);
        assert_non_null(strstr(asked.problem, "in the server's words"));
        assert_int_equal(requests(), 1);
        end();
    }
}

/* Only the API server's own word about this very object means that it is gone. */
static void only_a_404_about_the_object_means_missing(void **state)
{
    static const struct {
        const char *body;
        bool is_missing;
    } rows[] = {
        {STATUS_OF("NotFound", "pods", "etcd-0"), true},
        {STATUS_OF("NotFound", "pods", "etcd-1"), false},
        {STATUS_OF("NotFound", "pods", "d-0"), false},
        {STATUS_OF("NotFound", "namespaces", "ns"), false},
        {STATUS_OF("Gone", "pods", "etcd-0"), false},
        {"{\"kind\":\"Status\",\"reason\":\"NotFound\",\"details\":{},\"message\":\"the server could not find the requested resource\"}",
         false},
        {"{\"kind\":\"Status\",\"reason\":\"NotFound\"}", false},
        {"404 page not found", false},
        {"<html>404</html>", false},
        {"", false},
        {"[]", false},
        {"null", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct fake_tls_reply reply = SAY(404, rows[i].body);
        struct pod_facts facts;
        struct usher_error err = {0};
        begin_as("127.0.0.1", &reply, 1);
        if (get().is_missing != rows[i].is_missing)
            fail_msg("%s", rows[i].body);
        kube_read_pod(&client, &settings, NULL, deadline_in_ms(LONG_MS), &facts, &err);
        assert_int_equal(facts.answer, rows[i].is_missing ? API_NOT_FOUND : API_UNKNOWN);
        end();
    }
}

static void what_is_no_object_is_no_answer(void **state)
{
    static const char *const bodies[] = {"",
                                         "<html>Log in</html>",
                                         "[]",
                                         "3",
                                         "null",
                                         "{\"kind\":\"Pod\"",
                                         "{\"kind\":\"Pod\"}x",
                                         "{\"kind\":\"Pod\",\"kind\":\"Pod\"}",
                                         "\xff\xfe"};

    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        const struct fake_tls_reply reply = SAY(200, bodies[i]);
        begin_as("127.0.0.1", &reply, 1);
        if (get().is_good)
            fail_msg("%s", bodies[i]);
        end();
    }
}

static void a_body_without_end_is_cut(void **state)
{
    static char kilobyte[1025];

    memset(kilobyte, ' ', 1024);
    BEGIN(SAY_AND(200, kilobyte, .repeats = KUBE_REPLY_BYTES / 1024 + 1));
    struct asked asked = get();
    assert_true(!asked.is_good && asked.status == 0 && asked.took_ms < SOON_MS);
    end();
}

static void half_a_body_is_none(void **state)
{
    BEGIN(SAY_AND(200, "{\"kind\":\"Pod\"}", .claims = 1000));
    struct asked asked = get();
    assert_true(!asked.is_good && asked.status == 0);
    end();
}

static void silence_ends_at_the_deadline(void **state)
{
    BEGIN(SAY(0, ""));
    struct asked asked = ask("GET", PATH, NULL, 300);
    assert_true(!asked.is_good && asked.status == 0);
    assert_in_range(asked.took_ms, 250, SOON_MS);
    end();
}

static void and_after_three_seconds_anyway(void **state)
{
    BEGIN(SAY(0, ""));
    struct asked asked = get();
    assert_true(!asked.is_good && asked.status == 0);
    assert_in_range(asked.took_ms, KUBE_CALL_MS - 100, SOON_MS);
    end();
}

static void hold(struct fake_server *server, int connection) { fake_stay_silent(server, connection); }

static void a_server_that_never_greets(void **state)
{
    struct fake_server silent;
    BEGIN(SAY(0, ""));
    fake_server_start(&silent, hold, NULL);
    snprintf(client.base, sizeof client.base, "https%.60s", silent.url + strlen("http"));
    assert_false(ask("GET", PATH, NULL, 300).is_good);
    fake_server_stop(&silent);
    end();
}

static void answer_plainly(struct fake_server *server, int connection)
{
    char request[FAKE_REQUEST_BYTES];
    (void)fake_read(server, connection, request);
    (void)fake_reply(connection, 200, "{\"kind\":\"Pod\"}");
}

static void a_server_without_tls_gets_no_token(void **state)
{
    struct fake_server plain;
    BEGIN(SAY(0, ""));
    fake_server_start(&plain, answer_plainly, NULL);
    snprintf(client.base, sizeof client.base, "https%.60s", plain.url + strlen("http"));
    assert_false(ask("GET", PATH, NULL, 1000).is_good);
    fake_server_stop(&plain);
    assert_null(strstr(plain.last_request, "eyJ"));
    end();
}

static void redirects_are_not_followed(void **state)
{
    struct fake_server other;
    char header[128];
    struct asked asked;

    fake_server_start(&other, answer_plainly, NULL);
    snprintf(header, sizeof header, "Location: %s/api\r\n", other.url);
    BEGIN(SAY_AND(307, "{}", .header = header));
    asked = get();
    assert_true(!asked.is_good && asked.status == 307);
    assert_int_equal(atomic_load(&other.requests), 0);
    fake_server_stop(&other);
    end();
}

static void another_authority_is_refused(void **state)
{
    struct fake_tls other;
    const struct fake_tls_reply reply = SAY(200, "{\"kind\":\"Pod\"}");

    BEGIN(SAY(200, "{\"kind\":\"Pod\"}"));
    fake_tls_start(&other, scratch_path("%s/other.crt", folder), "127.0.0.1", &reply, 1);
    snprintf(client.base, sizeof client.base, "https://127.0.0.1:%u", fake_tls_port(&other));
    assert_false(get().is_good);
    assert_int_equal(atomic_load(&other.server.requests), 0);
    fake_tls_stop(&other);
    end();
}

enum { NO_RIGHT_TO_MOUNT = 2 };

/* In a thread whose /etc/ssl/certs holds the server's authority, as it would hold a public one. */
static void *ask_with_a_system_authority(void *ca_file)
{
    const char *certificates = scratch_path("%s/certs", folder);
    FILE *file = fopen(ca_file, "re");
    X509 *authority = file == NULL ? NULL : PEM_read_X509(file, NULL, NULL, NULL);
    struct kube_reply reply = {0};
    char pem[4096];
    size_t length = scratch_read(ca_file, pem, sizeof pem);
    intptr_t result = NO_RIGHT_TO_MOUNT;

    scratch_write(scratch_path("%s/%08lx.0", certificates, X509_subject_name_hash(authority)), pem, length);
    if (unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
        mount(certificates, "/etc/ssl/certs", NULL, MS_BIND, NULL) == 0)
        result = kube_call(&client, "GET", PATH, NULL, deadline_in_ms(LONG_MS), &reply, NULL) ? 1 : 0;
    json_decref(reply.body);
    X509_free(authority);
    fclose(file);
    return (void *)result;
}

static void the_systems_authorities_do_not_count(void **state)
{
    struct fake_tls other;
    const struct fake_tls_reply reply = SAY(200, "{\"kind\":\"Pod\"}");
    char ca_file[PATH_BYTES];
    pthread_t thread;
    void *result = NULL;

    BEGIN(SAY(200, "{\"kind\":\"Pod\"}"));
    snprintf(ca_file, sizeof ca_file, "%s/other.crt", folder);
    fake_tls_start(&other, ca_file, "127.0.0.1", &reply, 1);
    snprintf(client.base, sizeof client.base, "https://127.0.0.1:%u", fake_tls_port(&other));
    assert_int_equal(pthread_create(&thread, NULL, ask_with_a_system_authority, ca_file), 0);
    pthread_join(thread, &result);
    fake_tls_stop(&other);
    end();
    if ((intptr_t)result == NO_RIGHT_TO_MOUNT)
        skip();
    assert_int_equal((intptr_t)result, 0);
}

static void another_host_is_refused(void **state)
{
    const struct fake_tls_reply reply = SAY(200, "{\"kind\":\"Pod\"}");

    (void)state;
    begin_as("127.0.0.2", &reply, 1);
    assert_false(get().is_good);
    assert_int_equal(requests(), 0);
    end();
}

static void an_authority_that_was_replaced(void **state)
{
    struct fake_tls other;
    const struct fake_tls_reply reply = SAY(200, "{\"kind\":\"Pod\"}");

    BEGIN(SAY(200, "{\"kind\":\"Pod\"}"));
    assert_true(get().is_good);
    fake_tls_start(&other, scratch_path("%s/ca.crt", folder), "127.0.0.1", &reply, 1); /* overwrites the file */
    assert_false(get().is_good);
    snprintf(client.base, sizeof client.base, "https://127.0.0.1:%u", fake_tls_port(&other));
    assert_true(get().is_good);
    fake_tls_stop(&other);
    end();
}

static void without_a_token_nothing_is_sent(void **state)
{
    static char long_token[16 * 1024];

    BEGIN(SAY(200, "{\"kind\":\"Pod\"}"));
    write_token("");
    assert_false(get().is_good);
    memset(long_token, 'a', sizeof long_token - 1);
    write_token(long_token);
    assert_false(get().is_good);
    take_token_away(NULL);
    assert_non_null(strstr(get().problem, "automountServiceAccountToken"));
    assert_int_equal(requests(), 0);
    write_token("eyJ-a\r\nX-Injected: yes");
    assert_true(get().is_good);
    assert_null(strstr(tls.requests[0], "X-Injected"));
    end();
}

static void a_token_of_seven_kilobytes(void **state)
{
    static char token[7 * 1024];

    BEGIN(SAY(200, "{\"kind\":\"Pod\"}"));
    memset(token, 'a', sizeof token - 1);
    write_token(token);
    assert_true(get().is_good);
    assert_non_null(strstr(tls.requests[0], token));
    end();
}

static void without_the_authority_nothing_is_sent(void **state)
{
    BEGIN(SAY(200, "{\"kind\":\"Pod\"}"));
    unlink(client.ca_file);
    assert_false(get().is_good);
    assert_int_equal(requests(), 0);
    end();
}

static void nobody_listens(void **state)
{
    BEGIN(SAY(0, ""));
    snprintf(client.base, sizeof client.base, "https://127.0.0.1:%d", fake_refusing_port());
    assert_true(!get().is_good && get().took_ms < SOON_MS);
    end();
}

static void where_the_api_is(void **state)
{
    struct usher_error err = {0};

    (void)state;
    setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
    setenv("KUBERNETES_SERVICE_PORT", "6443", 1);
    assert_true(kube_client_init(&client, &settings, &err));
    assert_string_equal(client.base, "https://[fd00::1]:6443");
    kube_client_done(&client);
    unsetenv("KUBERNETES_SERVICE_PORT");
    assert_true(kube_client_init(&client, &settings, &err));
    assert_string_equal(client.base, "https://[fd00::1]:443");
    kube_client_done(&client);
    settings.pod_namespace[0] = '\0';
    assert_false(kube_client_init(&client, &settings, &err));
    kube_client_done(&client);
    unsetenv("KUBERNETES_SERVICE_HOST");
    assert_false(kube_client_init(&client, &settings, &err));
    kube_client_done(&client);
}

static void names_are_names(void **state)
{
    static const char *const bad[] = {"", "a/b", "../secrets/x", "..", ".", "a?b", "a#b", "a%2fb", "a b", "A", "a\n"};
    char path[HTTP_URL_BYTES] = "untouched";
    static char long_name[HTTP_URL_BYTES];
    struct usher_error err = {0};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (kube_path(path, "/api/v1", "ns", "pods", bad[i], &err) || kube_path(path, "/api/v1", bad[i], "pods", "a", &err))
            fail_msg("%s", bad[i]);
    assert_true(kube_path(path, "/api/v1", "ns", "pods", "etcd-0.x", &err));
    assert_string_equal(path, "/api/v1/namespaces/ns/pods/etcd-0.x");
    memset(long_name, 'a', sizeof long_name - 1);
    assert_false(kube_path(path, "/api/v1", "ns", "pods", long_name, &err));
}

/* Without POD_NAME nobody asks for the list of all pods. */
static void a_pod_without_a_name(void **state)
{
    struct pod_facts facts;
    struct usher_error err = {0};

    BEGIN(SAY(200, "{\"kind\":\"Pod\"}"));
    settings.pod_name[0] = '\0';
    kube_read_pod(&client, &settings, NULL, deadline_in_ms(LONG_MS), &facts, &err);
    assert_true(facts.answer == API_UNKNOWN && requests() == 0 && err.text[0] != '\0');
    end();
}

/* -- the set record -- */

#define MAP(version, data) "{\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"r\",\"resourceVersion\":\"" version "\"}" data "}"

static bool swap_once(struct kube_record *store, struct set_record *record, bool *out_conflict, struct usher_error *err)
{
    *out_conflict = false;
    assert_true(kube_record_read(store, deadline_in_ms(LONG_MS), record, err));
    assert_true(set_record_claim(record, "etcd-0", "nonce", ""));
    return kube_record_swap(store, record, deadline_in_ms(LONG_MS), out_conflict, err);
}

static void a_record_is_read_and_swapped(void **state)
{
    struct kube_record store;
    struct set_record record;
    struct usher_error err = {0};
    bool is_conflict;

    BEGIN(SAY(200, MAP("7", "")), SAY(200, MAP("8", "")));
    kube_record_init(&store, &client, "r");
    assert_true(swap_once(&store, &record, &is_conflict, &err));
    assert_memory_equal(tls.requests[1], "PUT /api/v1/namespaces/ns/configmaps/r ", 39);
    assert_non_null(strstr(tls.requests[1], "\"resourceVersion\":\"7\""));
    assert_non_null(strstr(tls.requests[1], "nonce"));
    assert_false(kube_record_swap(&store, &record, deadline_in_ms(LONG_MS), &is_conflict, &err)); /* not without reading again */
    assert_true(is_conflict && requests() == 2);
    kube_record_done(&store);
    end();
}

static void failed_swap(int status, bool wants_conflict)
{
    const struct fake_tls_reply replies[] = {SAY(200, MAP("7", "")), SAY(status, STATUS_OF("Conflict", "configmaps", "r"))};
    struct kube_record store;
    struct set_record record;
    struct usher_error err = {0};
    bool is_conflict;

    begin_as("127.0.0.1", replies, 2);
    kube_record_init(&store, &client, "r");
    assert_false(swap_once(&store, &record, &is_conflict, &err));
    assert_int_equal(is_conflict, wants_conflict);
    assert_false(kube_record_swap(&store, &record, deadline_in_ms(LONG_MS), &is_conflict, &err));
    assert_int_equal(requests(), 2);
    kube_record_done(&store);
    end();
}

static void a_swap_that_fails(void **state)
{
    (void)state;
    failed_swap(409, true);
    failed_swap(403, false);
    failed_swap(404, false);
    failed_swap(500, false);
}

/* What is not one ConfigMap that was read whole is never an empty record. */
static void what_is_no_record_is_unreadable(void **state)
{
    static const struct fake_tls_reply rows[] = {
        SAY(404, STATUS_OF("NotFound", "configmaps", "r")),
        SAY(403, STATUS_OF("Forbidden", "configmaps", "r")),
        SAY(500, "{}"),
        SAY(200, "{}"),
        SAY(200, "<html/>"),
        SAY(200, "{\"kind\":\"ConfigMapList\",\"metadata\":{\"resourceVersion\":\"7\"},\"items\":[]}"),
        SAY(200, "{\"kind\":\"Status\",\"metadata\":{\"resourceVersion\":\"7\"}}"),
        SAY(200, "{\"metadata\":{\"resourceVersion\":\"7\"}}"),
        SAY(200, "{\"kind\":\"ConfigMap\",\"metadata\":{}}"),
        SAY(200, MAP("", "")),
        SAY(200, MAP("7", ",\"data\":\"cluster-id\"")),
        SAY(200, MAP("7", ",\"data\":[]")),
        SAY(200, MAP("7", ",\"data\":null")),
        SAY(200, MAP("7", ",\"data\":{\"cluster-id\":193}")),
        SAY(200, MAP("7", ",\"data\":{\"cluster-id\":null}")),
        SAY(200, MAP("7", ",\"data\":{\"claim\":\"gone\"}")),
        SAY(200, MAP("7", ",\"data\":{\"claim\":\"[]\"}")),
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct kube_record store;
        struct set_record record;
        struct usher_error err = {0};
        begin_as("127.0.0.1", &rows[i], 1);
        kube_record_init(&store, &client, "r");
        if (kube_record_read(&store, deadline_in_ms(LONG_MS), &record, &err))
            fail_msg("%s", rows[i].body);
        assert_true(err.text[0] != '\0');
        kube_record_done(&store);
        end();
    }
}

/* -- events -- */

static void events_stop_after_a_failure(void **state)
{
    struct kube_events events = {.client = &client, .settings = &settings};

    BEGIN(SAY(201, "{\"kind\":\"Event\"}"), SAY(403, "{}"));
    kube_event(&events, "Normal", "Left", "it left");
    assert_memory_equal(tls.requests[0], "POST /api/v1/namespaces/ns/events ", 34);
    assert_non_null(strstr(tls.requests[0], "\"uid\":\"uid\""));
    for (int i = 0; i < 5; i++)
        kube_event(&events, "Normal", "Left", "it left");
    assert_int_equal(requests(), 2);
    end();
}

static void events_are_few(void **state)
{
    struct kube_events events = {.client = &client, .settings = &settings};

    BEGIN(SAY(201, "{\"kind\":\"Event\"}"));
    for (int i = 0; i < 3 * EVENTS_A_MINUTE; i++)
        kube_event(&events, "Normal", "Left", "it left");
    assert_int_equal(requests(), EVENTS_A_MINUTE);
    end();
}

static void an_event_waits_for_a_second_at_most(void **state)
{
    struct kube_events events = {.client = &client, .settings = &settings};
    int64_t began_ms = monotonic_ms();

    BEGIN(SAY(0, ""));
    kube_event(&events, "Normal", "Left", "it left");
    assert_in_range(monotonic_ms() - began_ms, EVENT_CALL_MS - 100, SOON_MS);
    end();
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, scratch_remove)
    static const struct CMUnitTest tests[] = {
        TEST(a_get),
        TEST(the_token_is_read_anew),
        TEST(a_401_is_asked_once_more),
        TEST(but_not_twice),
        TEST(a_token_that_vanishes_in_between),
        TEST(refusals_are_told_apart),
        TEST(only_a_404_about_the_object_means_missing),
        TEST(what_is_no_object_is_no_answer),
        TEST(a_body_without_end_is_cut),
        TEST(half_a_body_is_none),
        TEST(silence_ends_at_the_deadline),
        TEST(and_after_three_seconds_anyway),
        TEST(a_server_that_never_greets),
        TEST(a_server_without_tls_gets_no_token),
        TEST(redirects_are_not_followed),
        TEST(another_authority_is_refused),
        TEST(the_systems_authorities_do_not_count),
        TEST(another_host_is_refused),
        TEST(an_authority_that_was_replaced),
        TEST(without_a_token_nothing_is_sent),
        TEST(a_token_of_seven_kilobytes),
        TEST(without_the_authority_nothing_is_sent),
        TEST(nobody_listens),
        TEST(where_the_api_is),
        TEST(names_are_names),
        TEST(a_pod_without_a_name),
        TEST(a_record_is_read_and_swapped),
        TEST(a_swap_that_fails),
        TEST(what_is_no_record_is_unreadable),
        TEST(events_stop_after_a_failure),
        TEST(events_are_few),
        TEST(an_event_waits_for_a_second_at_most),
    };
    signal(SIGPIPE, SIG_IGN); /* OpenSSL writes to whoever has gone */
    return cmocka_run_group_tests_name("kube_client", tests, NULL, NULL);
}
