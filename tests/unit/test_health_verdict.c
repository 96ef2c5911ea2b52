/* Live and ready, a row a case: how the facts differ from a healthy voter's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "usher/core/health_verdict.h"

enum { NOW = 1000 * 1000 };

struct row {
    const char *name;
    void (*bend)(struct health_facts *facts);
    bool is_live, is_etcd_live;
    enum reason ready_reason;
};

static void healthy(struct health_facts *f) { (void)f; }
static void zeroed(struct health_facts *f) { *f = (struct health_facts){.now_ms = NOW}; }
static void loop_at_its_limit(struct health_facts *f) { f->loop_turned_at_ms = NOW - HEALTH_LOOP_MS; }
static void loop_stuck(struct health_facts *f) { f->loop_turned_at_ms = NOW - HEALTH_LOOP_MS - 1; }
static void loop_never(struct health_facts *f) { f->loop_turned_at_ms = -1; }
static void loop_in_the_future(struct health_facts *f) { f->loop_turned_at_ms = NOW + 1; }
static void quorum_at_its_limit(struct health_facts *f) { f->quorum_read_at_ms = NOW - HEALTH_QUORUM_READ_MS; }
static void quorum_lost(struct health_facts *f) { f->quorum_read_at_ms = NOW - HEALTH_QUORUM_READ_MS - 1; }
static void quorum_never(struct health_facts *f) { f->quorum_read_at_ms = -1; }
static void learner(struct health_facts *f) { f->is_learner = true, f->is_voter = false; }
static void learner_by_one_word(struct health_facts *f) { f->is_learner = true; }
static void no_member(struct health_facts *f) { f->is_voter = false; }
static void removed(struct health_facts *f) { f->was_removed = true; }
static void left(struct health_facts *f) { f->has_left = true; }
static void unrecorded(struct health_facts *f) { f->founder_is_recorded = false; }
static void port_at_its_limit(struct health_facts *f) { f->port_accepted_at_ms = NOW - HEALTH_ETCD_PORT_MS; }
static void port_closed(struct health_facts *f) { f->port_accepted_at_ms = NOW - HEALTH_ETCD_PORT_MS - 1; }
static void port_closed_just_started(struct health_facts *f) { port_closed(f), f->etcd_expected_since_ms = NOW - 1000; }
static void port_closed_held_back(struct health_facts *f) { port_closed(f), f->etcd_expected_since_ms = -1; }
static void port_never(struct health_facts *f) { f->port_accepted_at_ms = -1; }

static void peers_missing(struct health_facts *f)
{
    quorum_never(f), f->is_voter = false, f->was_voter = f->peers_are_not_created = true, f->peers_seen_missing_at_ms = NOW - 5000;
}
static void peers_missing_never_a_voter(struct health_facts *f) { peers_missing(f), f->was_voter = false; }
static void peers_missing_learner(struct health_facts *f) { peers_missing(f), f->is_learner = true; }
static void peers_missing_old_news(struct health_facts *f) { peers_missing(f), f->peers_seen_missing_at_ms = NOW - HEALTH_PEERS_MS - 1; }
static void peers_missing_port_closed(struct health_facts *f)
{
    peers_missing(f), f->port_accepted_at_ms = NOW - HEALTH_QUORUM_READ_MS - 1;
}
static void peers_missing_removed(struct health_facts *f) { peers_missing(f), f->was_removed = true; }
static void peers_all_created(struct health_facts *f) { peers_missing(f), f->peers_are_not_created = false; }

#define ROW(bend, live, etcd_live, reason)                                                                                                 \
    {                                                                                                                                      \
#bend, bend, live, etcd_live, REASON_##reason                                                                                      \
    }
static const struct row rows[] = {
    ROW(healthy, true, true, READY),
    ROW(zeroed, false, false, LOOP_STUCK),
    ROW(loop_at_its_limit, true, true, READY),
    ROW(loop_stuck, false, true, LOOP_STUCK),
    ROW(loop_never, false, true, LOOP_STUCK),
    ROW(loop_in_the_future, false, true, LOOP_STUCK),
    ROW(quorum_at_its_limit, true, true, READY),
    ROW(quorum_lost, true, true, UNREADY_QUORUM),
    ROW(quorum_never, true, true, UNREADY_QUORUM),
    ROW(learner, true, true, UNREADY_LEARNER),
    ROW(learner_by_one_word, true, true, UNREADY_LEARNER),
    ROW(no_member, true, true, UNREADY_NOT_MEMBER),
    ROW(removed, true, true, UNREADY_REMOVED),
    ROW(left, true, true, UNREADY_LEFT),
    ROW(unrecorded, true, true, UNREADY_UNRECORDED),
    ROW(peers_missing, true, true, PEERS_NOT_CREATED),
    ROW(peers_missing_never_a_voter, true, true, UNREADY_NOT_MEMBER),
    ROW(peers_missing_learner, true, true, UNREADY_LEARNER),
    ROW(peers_missing_old_news, true, true, UNREADY_NOT_MEMBER),
    ROW(peers_missing_port_closed, true, true, UNREADY_NOT_MEMBER),
    ROW(peers_missing_removed, true, true, UNREADY_REMOVED),
    ROW(peers_all_created, true, true, UNREADY_NOT_MEMBER),
    ROW(port_at_its_limit, true, true, READY),
    ROW(port_closed, true, false, READY),
    ROW(port_closed_just_started, true, true, READY),
    ROW(port_closed_held_back, true, true, READY),
    ROW(port_never, true, false, READY),
};

static void each_row_is_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct health_facts facts = {.now_ms = NOW,
                                     .loop_turned_at_ms = NOW - 100,
                                     .quorum_read_at_ms = NOW - 100,
                                     .port_accepted_at_ms = NOW - 100,
                                     .etcd_expected_since_ms = 0,
                                     .is_voter = true,
                                     .founder_is_recorded = true,
                                     .plan_was_written = true};
        struct health_verdict verdict;
        rows[i].bend(&facts);
        verdict = health_judge(&facts);
        if (verdict.is_live != rows[i].is_live || verdict.is_etcd_live != rows[i].is_etcd_live ||
            verdict.ready_reason != rows[i].ready_reason)
            fail_msg("%s: live %d, etcd %d, %s", rows[i].name, verdict.is_live, verdict.is_etcd_live, reason_name(verdict.ready_reason));
        assert_int_equal(verdict.is_ready, rows[i].ready_reason == REASON_READY || rows[i].ready_reason == REASON_PEERS_NOT_CREATED);
        assert_int_equal(verdict.live_reason, rows[i].is_live ? REASON_LIVE : REASON_LOOP_STUCK);
        assert_int_equal(verdict.is_started, facts.plan_was_written);
    }
}

static void when_peers_are_not_created(void **state)
{
    const struct stateful_set_facts set = {.answer = API_FOUND, .uid = "s", .replicas = 3, .created = 1};
    struct stateful_set_facts bent;

    (void)state;
    assert_true(health_peers_are_not_created(&set, "s", 3));
    assert_false(health_peers_are_not_created(&set, "s", 1)); /* our quorum is here */
    assert_false(health_peers_are_not_created(&set, "s", 0)); /* nobody is remembered */
    assert_false(health_peers_are_not_created(&set, "t", 3)); /* another set of that name */
    assert_false(health_peers_are_not_created(&set, "", 3));
    bent = set, bent.created = 2; /* a quorum could be had: a rollout, or a slow start */
    assert_false(health_peers_are_not_created(&bent, "s", 3));
    bent = set, bent.created = -1;
    assert_false(health_peers_are_not_created(&bent, "s", 3));
    bent = set, bent.replicas = 1;
    assert_false(health_peers_are_not_created(&bent, "s", 3));
    bent = set, bent.answer = API_UNKNOWN;
    assert_false(health_peers_are_not_created(&bent, "s", 3));
    bent = set, bent.is_deleted = true;
    assert_false(health_peers_are_not_created(&bent, "s", 3));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(each_row_is_judged), cmocka_unit_test(when_peers_are_not_created)};
    return cmocka_run_group_tests_name("health_verdict", tests, NULL, NULL);
}
