/* What needs no socket: the listen address, the verdicts on probes, and who is answered by which evaluation of leaving. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "usher/host/deadline.h"
#include "usher/serve/leave_request.h"
#include "usher/serve/listen_address.h"
#include "usher/serve/probe_verdict.h"

static void listen_addresses_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_good, is_ipv6;
        const char *host;
        unsigned port;
    } rows[] = {
        {":2383", true, false, "", 2383},
        {"127.0.0.1:2383", true, false, "127.0.0.1", 2383},
        {"0.0.0.0:1", true, false, "0.0.0.0", 1},
        {"[::1]:65535", true, true, "::1", 65535},
        {"[::]:0", true, true, "::", 0},
        {"", false, false, "", 0},
        {"2383", false, false, "", 0},
        {":", false, false, "", 0},
        {":65536", false, false, "", 0},
        {":-1", false, false, "", 0},
        {": 80", false, false, "", 0},
        {"::1:2383", false, false, "", 0},
        {"[::1:2383", false, false, "", 0},
        {"[]:2383", false, false, "", 0},
        {"[127.0.0.1]:2383", false, false, "", 0},
        {"localhost:2383", false, false, "", 0},
        {"127.0.0.1:", false, false, "", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct listen_address address = {.host = "untouched"};
        struct usher_error err = {.exit = USHER_EXIT_FAILED};
        bool is_good = listen_address_parse(rows[i].text, &address, &err);
        if (is_good != rows[i].is_good)
            fail_msg("'%s' was %s", rows[i].text, is_good ? "taken" : "refused");
        if (!is_good) {
            assert_int_equal(err.exit, USHER_EXIT_USAGE);
            assert_string_equal(address.host, "untouched");
            continue;
        }
        assert_string_equal(address.host, rows[i].host);
        assert_int_equal(address.is_ipv6, rows[i].is_ipv6);
        assert_int_equal(address.port, rows[i].port);
    }
}

static void fill_well(struct snapshot *snapshot, int64_t now_ms)
{
    snapshot_init(snapshot);
    snapshot->health = (struct health_facts){.loop_turned_at_ms = now_ms,
                                             .quorum_read_at_ms = now_ms,
                                             .port_accepted_at_ms = now_ms,
                                             .etcd_expected_since_ms = now_ms,
                                             .is_voter = true,
                                             .founder_is_recorded = true,
                                             .plan_was_written = true};
}

static void assert_text(const struct snapshot *snapshot, enum probe probe, int64_t now_ms, bool is_verbose, const char *expected)
{
    struct bounded_text text;
    bounded_text_init(&text, 8192);
    probe_text(snapshot, probe, probe_judge(snapshot, probe, now_ms), is_verbose, &text);
    if (!strstr(bounded_text_c(&text), expected))
        fail_msg("expected '%s' in:\n%s", expected, bounded_text_c(&text));
    bounded_text_done(&text);
}

static void verdicts_age_by_themselves(void **state)
{
    (void)state;
    struct snapshot snapshot;
    fill_well(&snapshot, 1000);
    for (enum probe probe = PROBE_LIVE; probe < PROBES; probe++)
        assert_int_equal(probe_judge(&snapshot, probe, 1000), 0);
    /* 3 s later nobody has published: not ready; a minute later not live. */
    assert_int_not_equal(probe_judge(&snapshot, PROBE_READY, 1000 + 3000), 0);
    assert_int_equal(probe_judge(&snapshot, PROBE_LIVE, 1000 + 59 * 1000), 0);
    assert_int_not_equal(probe_judge(&snapshot, PROBE_LIVE, 1000 + 61 * 1000), 0);
    assert_int_not_equal(probe_judge(&snapshot, PROBE_ETCD_LIVE, 1000 + 61 * 1000), 0);
    snapshot.health.etcd_expected_since_ms = -1; /* held back */
    assert_int_equal(probe_judge(&snapshot, PROBE_ETCD_LIVE, 1000 + 61 * 1000), 0);
    assert_text(&snapshot, PROBE_READY, 1000 + 3000, false, "[-]quorum-read failed: ");
    assert_text(&snapshot, PROBE_READY, 1000 + 3000, false, "[+]voter ok\n");
    assert_text(&snapshot, PROBE_READY, 1000 + 3000, false, "readyz check failed\n");
    assert_text(&snapshot, PROBE_READY, 1000, true, "readyz check passed\n");
    assert_text(&snapshot, PROBE_READY, 1000, false, "ok\n");
}

static void each_part_fails_alone(void **state)
{
    (void)state;
    struct snapshot snapshot;
    fill_well(&snapshot, 1000);
    snapshot.health.is_voter = false;
    snapshot.health.is_learner = true;
    assert_text(&snapshot, PROBE_READY, 1000, false, "[-]voter failed: our member is still a learner\n");
    fill_well(&snapshot, 1000);
    snapshot.health.was_removed = true;
    assert_text(&snapshot, PROBE_READY, 1000, false, "[-]seat failed: ");
    assert_text(&snapshot, PROBE_READY, 1000, false, "[+]quorum-read ok");
    fill_well(&snapshot, 1000);
    snapshot.health.founder_is_recorded = false;
    assert_text(&snapshot, PROBE_READY, 1000, false, "[-]founding-recorded failed: ");
    snapshot_init(&snapshot);
    assert_text(&snapshot, PROBE_STARTUP, 1000, false, "[-]plan failed: ");
    for (enum probe probe = PROBE_LIVE; probe < PROBE_ETCD_LIVE; probe++)
        assert_int_not_equal(probe_judge(&snapshot, probe, 1000), 0);
}

static struct leave_request *new_request(void)
{
    struct leave_request *request = NULL;
    struct usher_error err;
    assert_true(leave_request_new(NULL, &request, &err));
    return request;
}

static void concurrent_callers_share_one_evaluation(void **state)
{
    (void)state;
    struct leave_request *request = new_request();
    struct leave_verdict verdict;
    enum leave_asked how = LEAVE_NOT_ASKED;
    assert_false(leave_request_pending(request, &how));
    uint64_t first = leave_request_ask(request, LEAVE_ASKED_HTTP), second = leave_request_ask(request, LEAVE_ASKED_HOOK);
    assert_false(leave_request_verdict(request, first, &verdict));
    assert_true(leave_request_pending(request, &how));
    assert_int_equal(how, LEAVE_ASKED_HOOK);
    leave_request_done(request, USHER_EXIT_DONE, REASON_STAY_UNPROVEN, "stays\nhere", false);
    assert_true(leave_request_verdict(request, first, &verdict));
    assert_true(leave_request_verdict(request, second, &verdict));
    assert_string_equal(verdict.text, "stays here"); /* one line */
    assert_false(leave_request_pending(request, &how));
    leave_request_free(request);
}

static void who_asks_after_the_look_is_not_answered_by_it(void **state)
{
    (void)state;
    struct leave_request *request = new_request();
    struct leave_verdict verdict;
    enum leave_asked how = LEAVE_NOT_ASKED;
    uint64_t early = leave_request_ask(request, LEAVE_ASKED_HTTP);
    assert_true(leave_request_pending(request, &how));
    uint64_t late = leave_request_ask(request, LEAVE_ASKED_ORDER);
    leave_request_done(request, USHER_EXIT_DONE, REASON_STAY_NOT_DELETED, "stays", false);
    assert_true(leave_request_verdict(request, early, &verdict));
    assert_false(leave_request_verdict(request, late, &verdict));
    assert_true(leave_request_pending(request, &how));
    assert_int_equal(how, LEAVE_ASKED_ORDER);
    leave_request_free(request);
}

static void a_stay_is_reused_only_as_far_as_it_reaches(void **state)
{
    (void)state;
    struct leave_request *request = new_request();
    struct leave_verdict verdict;
    enum leave_asked how = LEAVE_NOT_ASKED;
    (void)leave_request_ask(request, LEAVE_ASKED_HTTP);
    assert_true(leave_request_pending(request, &how));
    leave_request_done(request, USHER_EXIT_DONE, REASON_STAY_UNPROVEN, "stays", false);
    uint64_t again = leave_request_ask(request, LEAVE_ASKED_HTTP);
    assert_false(leave_request_verdict(request, again, &verdict)); /* a cached STAY would keep a dying member */
    assert_true(leave_request_pending(request, &how));
    leave_request_done(request, USHER_EXIT_DONE, REASON_STAY_COMES_BACK, "stays", true);
    assert_true(leave_request_verdict(request, leave_request_ask(request, LEAVE_ASKED_HTTP), &verdict));
    assert_false(leave_request_pending(request, &how));
    uint64_t order = leave_request_ask(request, LEAVE_ASKED_ORDER); /* an order is stronger than that evaluation was */
    assert_false(leave_request_verdict(request, order, &verdict));
    assert_true(leave_request_pending(request, &how));
    leave_request_done(request, USHER_EXIT_DONE, REASON_LEFT, "left", true);
    assert_true(leave_request_verdict(request, leave_request_ask(request, LEAVE_ASKED_ORDER), &verdict));
    assert_int_equal(verdict.reason, REASON_LEFT);
    leave_request_free(request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listen_addresses_are_told_apart),
        cmocka_unit_test(verdicts_age_by_themselves),
        cmocka_unit_test(each_part_fails_alone),
        cmocka_unit_test(concurrent_callers_share_one_evaluation),
        cmocka_unit_test(who_asks_after_the_look_is_not_answered_by_it),
        cmocka_unit_test(a_stay_is_reused_only_as_far_as_it_reaches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
