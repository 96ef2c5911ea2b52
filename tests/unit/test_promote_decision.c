/* The way from learner to voter: rows of one poll, then rows of several. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "usher/core/promote_decision.h"

/* In sync, beside a leader, allowed: one sample is enough. */
static struct promote_facts good(void)
{
    return (struct promote_facts){
        .list_shows_learner = TRI_YES,
        .own_answers = true,
        .own_is_learner = true,
        .own_leader = {7},
        .own_applied = 100,
        .own_read_at_ms = 5010,
        .leader_answers = true,
        .leader_committed = 100,
        .leader_read_at_ms = 5000,
        .quorum = QUORUM_ALLOWED,
        .samples_wanted = 1,
        .now_ms = 5010,
    };
}

struct row {
    const char *name;
    void (*bend)(struct promote_facts *facts);
    enum promote_action action;
    enum reason reason;
};

static void in_sync(struct promote_facts *f) { (void)f; }
static void zeroed(struct promote_facts *f) { *f = (struct promote_facts){0}; }
static void list_unread(struct promote_facts *f) { f->list_shows_learner = TRI_UNKNOWN; }
static void voter(struct promote_facts *f) { f->list_shows_learner = TRI_NO, f->own_is_learner = false; }
static void voter_by_list_alone(struct promote_facts *f) { f->list_shows_learner = TRI_NO; }
static void voter_that_is_silent(struct promote_facts *f) { voter(f), f->own_answers = false; }
static void own_is_silent(struct promote_facts *f) { f->own_answers = false; }
static void leader_is_silent(struct promote_facts *f) { f->leader_answers = false; }
static void own_sees_no_leader(struct promote_facts *f) { f->own_leader.value = 0; }
static void one_behind(struct promote_facts *f) { f->own_applied = 99; }
static void late_by_one(struct promote_facts *f) { f->own_read_at_ms = 6001; }
static void just_in_time(struct promote_facts *f) { f->own_read_at_ms = 6000; }
static void quorum_forbids(struct promote_facts *f) { f->quorum = QUORUM_TOO_FEW_LEFT; }
static void quorum_unknown(struct promote_facts *f) { f->quorum = QUORUM_UNKNOWN; }
static void leader_hears(struct promote_facts *f) { f->leader_hears = TRI_YES; }
static void leader_hears_nothing(struct promote_facts *f) { f->leader_hears = TRI_NO; }
static void two_wanted(struct promote_facts *f) { f->samples_wanted = 2; }
static void none_wanted(struct promote_facts *f) { f->samples_wanted = 0; }

#define ROW(bend, action, reason)                                                                                                          \
    {                                                                                                                                      \
#bend, bend, PROMOTE_##action, REASON_##reason                                                                                     \
    }
static const struct row rows[] = {
    ROW(in_sync, NOW, PROMOTE),
    ROW(zeroed, WAIT, LIST_UNREAD),
    ROW(list_unread, WAIT, LIST_UNREAD),
    ROW(voter, DONE, IS_VOTER),
    ROW(voter_by_list_alone, WAIT, VOTER_UNCONFIRMED),
    ROW(voter_that_is_silent, WAIT, VOTER_UNCONFIRMED),
    ROW(own_is_silent, WAIT, LEARNER_NOT_STARTED),
    ROW(leader_is_silent, WAIT, LEADER_UNSEEN),
    ROW(own_sees_no_leader, WAIT, LEADER_UNSEEN),
    ROW(one_behind, WAIT, CATCHING_UP),
    ROW(late_by_one, WAIT, CATCHING_UP),
    ROW(just_in_time, NOW, PROMOTE),
    ROW(quorum_forbids, WAIT, PROMOTE_QUORUM),
    ROW(quorum_unknown, WAIT, PROMOTE_QUORUM),
    ROW(leader_hears, NOW, PROMOTE),
    ROW(leader_hears_nothing, WAIT, LEARNER_UNHEARD),
    ROW(two_wanted, WAIT, CATCHING_UP),
    ROW(none_wanted, WAIT, CATCHING_UP),
};

static void each_row_decides(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct promote_progress progress = {0};
        struct promote_facts facts = good();
        struct promote_decision decision;
        rows[i].bend(&facts);
        decision = promote_decide(&progress, &facts);
        if (decision.action != rows[i].action || decision.reason != rows[i].reason)
            fail_msg("%s: %d, %s", rows[i].name, (int)decision.action, reason_name(decision.reason));
        assert_true((decision.action == PROMOTE_WAIT) == (decision.again_in_ms > 0));
    }
}

/* One poll, 100 ms after the one before, bent where `bend` says. */
static enum promote_action poll(struct promote_progress *progress, unsigned at, void (*bend)(struct promote_facts *))
{
    struct promote_facts facts = good();

    two_wanted(&facts);
    facts.leader_read_at_ms += 100 * (int64_t)at;
    facts.own_read_at_ms = facts.now_ms = facts.leader_read_at_ms + 10;
    bend(&facts);
    return promote_decide(progress, &facts).action;
}

static void two_samples_in_a_row(void **state)
{
    struct promote_progress progress = {0};

    (void)state;
    assert_int_equal(poll(&progress, 0, in_sync), PROMOTE_WAIT);
    assert_int_equal(poll(&progress, 1, in_sync), PROMOTE_NOW);
}

/* Whatever a poll cannot see, the row starts anew after it. */
static void a_gap_starts_the_row_anew(void **state)
{
    static void (*const gaps[])(struct promote_facts *) = {own_is_silent, leader_is_silent, own_sees_no_leader, list_unread,
                                                           voter_by_list_alone};
    (void)state;
    for (size_t i = 0; i < sizeof gaps / sizeof gaps[0]; i++) {
        struct promote_progress progress = {0};
        assert_int_equal(poll(&progress, 0, in_sync), PROMOTE_WAIT);
        assert_int_equal(poll(&progress, 1, gaps[i]), PROMOTE_WAIT);
        assert_int_equal(poll(&progress, 2, in_sync), PROMOTE_WAIT);
        assert_int_equal(poll(&progress, 3, in_sync), PROMOTE_NOW);
    }
}

/* Under steady writes the leader is always a little ahead: what counts is that its old mark is reached within a second. */
static void a_moving_leader_is_caught(void **state)
{
    struct promote_progress progress = {0};
    enum promote_action action = PROMOTE_WAIT;

    (void)state;
    for (unsigned at = 0; at < 10 && action == PROMOTE_WAIT; at++) {
        struct promote_facts facts = good();
        facts.samples_wanted = 2;
        facts.leader_committed = 1000 + 100 * at;
        facts.own_applied = facts.leader_committed - 150;
        facts.leader_read_at_ms += 200 * (int64_t)at;
        facts.own_read_at_ms = facts.now_ms = facts.leader_read_at_ms;
        action = promote_decide(&progress, &facts).action;
    }
    assert_int_equal(action, PROMOTE_NOW);
}

static void a_mark_that_is_reached_too_late_starts_the_row_anew(void **state)
{
    struct promote_progress progress = {0};

    (void)state;
    assert_int_equal(poll(&progress, 0, in_sync), PROMOTE_WAIT);
    assert_int_equal(poll(&progress, 1, one_behind), PROMOTE_WAIT);
    assert_int_equal(poll(&progress, 20, in_sync), PROMOTE_WAIT); /* 1.9 s after the mark */
    assert_int_equal(poll(&progress, 21, in_sync), PROMOTE_WAIT);
    assert_int_equal(poll(&progress, 22, in_sync), PROMOTE_NOW);
}

static void progress_is_told(void **state)
{
    struct promote_progress progress = {0};
    struct promote_facts facts = good();
    struct promote_decision decision;

    (void)state;
    facts.leader_committed = 20000;
    facts.own_applied = 10000;
    facts.leader_db_bytes = 3000;
    facts.own_db_bytes = 1000;
    decision = promote_decide(&progress, &facts);
    assert_int_equal(decision.again_in_ms, PROMOTE_FAR_MS);
    facts.own_applied = 15000;
    facts.now_ms += 1000;
    decision = promote_decide(&progress, &facts);
    assert_true(decision.is_measured);
    assert_int_equal(decision.entries_to_go, 5000);
    assert_int_equal(decision.bytes_to_go, 2000);
    assert_int_equal(decision.again_in_ms, PROMOTE_NEAR_MS);
    assert_in_range(decision.percent, 74, 75);
    assert_int_equal(decision.eta_ms, 1000);
    assert_false(decision.is_stalled);
    facts.now_ms += PROMOTE_STALLED_AFTER_MS - 1;
    assert_false(promote_decide(&progress, &facts).is_stalled);
    facts.now_ms += 1;
    assert_true(promote_decide(&progress, &facts).is_stalled);
    facts.own_applied++;
    assert_false(promote_decide(&progress, &facts).is_stalled);
}

/* As polls do: `at_ms` after the first, with the figures of a learner half way. */
static struct promote_decision poll_half_way(struct promote_progress *progress, int64_t at_ms, void (*bend)(struct promote_facts *))
{
    struct promote_facts facts = good();

    facts.own_applied = 50;
    facts.leader_read_at_ms += at_ms;
    facts.own_read_at_ms = facts.now_ms = facts.leader_read_at_ms + 10;
    bend(&facts);
    return promote_decide(progress, &facts);
}

/* Whoever is silent: an etcd that is stopped, a leader that is out of reach, a list that nobody reads out to us. */
static void silence_is_a_stall(void **state)
{
    static void (*const ways[])(struct promote_facts *) = {own_is_silent, leader_is_silent, own_sees_no_leader, list_unread};

    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct promote_progress progress = {0};
        struct promote_decision decision;
        (void)poll_half_way(&progress, 0, in_sync);
        assert_false(poll_half_way(&progress, PROMOTE_STALLED_AFTER_MS - 1, ways[i]).is_stalled);
        decision = poll_half_way(&progress, PROMOTE_STALLED_AFTER_MS, ways[i]);
        assert_true(decision.is_stalled);
        assert_int_equal(decision.idle_ms, PROMOTE_STALLED_AFTER_MS);
        assert_true(decision.is_measured); /* as last seen */
        assert_int_equal(decision.entries_to_go, 50);
        assert_int_equal(decision.eta_ms, -1);
    }
}

/* The figures of nobody are not "0 entries to go". */
static void what_was_never_seen_has_no_figures(void **state)
{
    struct promote_progress progress = {0};

    (void)state;
    assert_false(poll_half_way(&progress, 0, own_is_silent).is_measured);
    assert_true(poll_half_way(&progress, PROMOTE_STALLED_AFTER_MS, own_is_silent).is_stalled);
    assert_false(poll_half_way(&progress, PROMOTE_STALLED_AFTER_MS + 1, in_sync).is_stalled); /* it has started: that is progress */
}

/* etcd serves nobody before it has its first data; what it writes tells how far it is. */
static void what_is_written_is_progress(void **state)
{
    struct promote_progress progress = {0};
    struct promote_facts facts = good();
    struct promote_decision decision;

    (void)state;
    facts.own_answers = facts.leader_answers = false;
    facts.leader_db_bytes = 4000;
    facts.leader_committed = 1000;
    assert_false(promote_decide(&progress, &facts).is_measured);
    facts.disk_bytes = 1000;
    facts.now_ms += PROMOTE_STALLED_AFTER_MS;
    assert_false(promote_decide(&progress, &facts).is_stalled);
    facts.disk_bytes = 2000;
    facts.now_ms += PROMOTE_STALLED_AFTER_MS;
    decision = promote_decide(&progress, &facts);
    assert_false(decision.is_stalled);
    assert_true(decision.is_measured);
    assert_in_range(decision.percent, 49, 50);
    assert_in_range(decision.entries_to_go, 500, 510);
    assert_int_equal(decision.bytes_to_go, 2000);
    assert_int_equal(decision.eta_ms, 2 * PROMOTE_STALLED_AFTER_MS);
    facts.disk_bytes = 1500; /* a crash took some of it: no progress */
    facts.now_ms += PROMOTE_STALLED_AFTER_MS;
    assert_true(promote_decide(&progress, &facts).is_stalled);
    facts.disk_bytes = 9000;
    assert_int_equal(promote_decide(&progress, &facts).percent, 99);
    assert_int_equal(promote_decide(&progress, &facts).bytes_to_go, 0);
}

/* Cut off from the leader in an idle cluster: nothing to go, and nobody hears it. */
static void an_unheard_learner_stalls(void **state)
{
    struct promote_progress progress = {0};

    (void)state;
    for (unsigned at = 0; at < PROMOTE_STALLED_AFTER_MS / 100; at++)
        assert_int_equal(poll(&progress, at, leader_hears_nothing), PROMOTE_WAIT);
    struct promote_facts facts = good();
    facts.now_ms += PROMOTE_STALLED_AFTER_MS;
    facts.leader_hears = TRI_NO;
    assert_true(promote_decide(&progress, &facts).is_stalled);
    facts.leader_hears = TRI_YES;
    assert_false(promote_decide(&progress, &facts).is_stalled);
}

static void a_voter_does_not_stall(void **state)
{
    struct promote_progress progress = {0};

    (void)state;
    assert_int_equal(poll(&progress, 0, voter), PROMOTE_DONE);
    assert_false(poll_half_way(&progress, PROMOTE_STALLED_AFTER_MS * 2, list_unread).is_stalled);
    (void)poll(&progress, 1, in_sync);
    assert_int_equal(poll(&progress, 2, voter), PROMOTE_DONE);
    assert_false(poll_half_way(&progress, PROMOTE_STALLED_AFTER_MS * 2, list_unread).is_stalled);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_decides),
        cmocka_unit_test(two_samples_in_a_row),
        cmocka_unit_test(a_gap_starts_the_row_anew),
        cmocka_unit_test(a_moving_leader_is_caught),
        cmocka_unit_test(a_mark_that_is_reached_too_late_starts_the_row_anew),
        cmocka_unit_test(progress_is_told),
        cmocka_unit_test(silence_is_a_stall),
        cmocka_unit_test(what_was_never_seen_has_no_figures),
        cmocka_unit_test(what_is_written_is_progress),
        cmocka_unit_test(an_unheard_learner_stalls),
        cmocka_unit_test(a_voter_does_not_stall),
    };
    return cmocka_run_group_tests_name("promote_decision", tests, NULL, NULL);
}
