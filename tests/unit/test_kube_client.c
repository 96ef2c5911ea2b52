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

#include "kube_bench.h"
#include "usher/kube/kube_objects.h"

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

/* Somebody asks us to leave: what may give way ends at once, and what may not takes its time. */
static void a_call_that_gives_way(void **state)
{
    int ends[2];
    struct asked asked;
    BEGIN(SAY(0, ""));

    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    kube_client_done(&client);
    assert_true(kube_client_init(&client, &settings, ends[0], NULL));
    asked = ask("GET", PATH, NULL, 300);
    assert_true(!asked.is_good && asked.took_ms >= 250);
    client.gives_way = true;
    asked = ask("PUT", PATH, "{}", LONG_MS);
    assert_true(!asked.is_good && asked.status == 0 && asked.took_ms < KUBE_CALL_MS - 500);
    assert_non_null(strstr(asked.problem, "something else came"));
    close(ends[0]);
    close(ends[1]);
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
    if (unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", "none", MS_REC | MS_PRIVATE, NULL) == 0 &&
        mount(certificates, "/etc/ssl/certs", "none", MS_BIND, NULL) == 0)
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
    assert_true(kube_client_init(&client, &settings, -1, &err));
    assert_string_equal(client.base, "https://[fd00::1]:6443");
    kube_client_done(&client);
    unsetenv("KUBERNETES_SERVICE_PORT");
    assert_true(kube_client_init(&client, &settings, -1, &err));
    assert_string_equal(client.base, "https://[fd00::1]:443");
    kube_client_done(&client);
    settings.pod_namespace[0] = '\0';
    assert_false(kube_client_init(&client, &settings, -1, &err));
    kube_client_done(&client);
    unsetenv("KUBERNETES_SERVICE_HOST");
    assert_false(kube_client_init(&client, &settings, -1, &err));
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

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, kube_bench_set_up, scratch_remove)
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
        TEST(a_call_that_gives_way),
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
    };
    signal(SIGPIPE, SIG_IGN); /* OpenSSL writes to whoever has gone */
    return cmocka_run_group_tests_name("kube_client", tests, NULL, NULL);
}
