/* What is kept at the Kubernetes API, over the same real TLS server: the set record in its ConfigMap, and events. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kube_bench.h"
#include "usher/kube/kube_event.h"
#include "usher/kube/kube_record.h"

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
#define TEST(function) cmocka_unit_test_setup_teardown(function, kube_bench_set_up, scratch_remove)
    static const struct CMUnitTest tests[] = {
        TEST(a_record_is_read_and_swapped), TEST(a_swap_that_fails), TEST(what_is_no_record_is_unreadable),
        TEST(events_stop_after_a_failure),  TEST(events_are_few),    TEST(an_event_waits_for_a_second_at_most),
    };
    signal(SIGPIPE, SIG_IGN); /* OpenSSL writes to whoever has gone */
    return cmocka_run_group_tests_name("kube_store", tests, NULL, NULL);
}
