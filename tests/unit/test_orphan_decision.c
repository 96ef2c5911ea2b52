/* Which learner is an orphan of ours, and when it is promoted (DESIGN 4.2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "join_bench.h"
#include "usher/core/orphan_decision.h"

enum { LEARNER = 0xb1, AFTER_MS = 30000 };

/* The bench's cluster, and a started learner in slot pod-0 of our record. */
static struct bench *bench_with_learner(void)
{
    struct bench *bench = bench_new();
    struct member *learner = bench_member(bench, LEARNER, 4);

    learner->is_learner = true;
    bench_recorded(bench);
    bench->record.slots[0].id.value = LEARNER;
    return bench;
}

static uint64_t chosen(const struct bench *bench)
{
    return orphan_choose(&bench->view, &bench->record, (struct member_id){BENCH_OURS + 1}).value;
}

static void a_learner_of_our_record_is_chosen(void **state)
{
    struct bench *bench = bench_with_learner();

    (void)state;
    assert_int_equal(chosen(bench), LEARNER);
    free(bench);
}

static void others_are_never_chosen(void **state)
{
    struct bench *bench = bench_with_learner();

    (void)state;
    bench->record.slots[0].id.value = BENCH_OURS; /* of another set */
    assert_int_equal(chosen(bench), 0);
    bench->record.slots[0].id.value = LEARNER;
    bench->record.cluster.value = BENCH_OTHER_CLUSTER; /* the record speaks of another cluster */
    assert_int_equal(chosen(bench), 0);
    bench->record.cluster.value = BENCH_CLUSTER;
    bench->record.state = RECORD_UNREADABLE;
    assert_int_equal(chosen(bench), 0);
    bench->record.state = RECORD_CLUSTER;
    bench->view.live = LIVE_NO_QUORUM;
    assert_int_equal(chosen(bench), 0);
    bench->view.live = LIVE_REACHABLE;
    bench->view.list.members[3].client_urls.count = 0; /* never started */
    assert_int_equal(chosen(bench), 0);
    bench->view.list.members[3].client_urls.count = 1;
    bench->view.list.members[3].is_learner = false;
    assert_int_equal(chosen(bench), 0);
    free(bench);
}

static void our_own_learner_is_not_an_orphan(void **state)
{
    struct bench *bench = bench_with_learner();

    (void)state;
    assert_int_equal(orphan_choose(&bench->view, &bench->record, (struct member_id){LEARNER}).value, 0);
    free(bench);
}

/* A poll in which the orphan has applied what the leader had committed. */
static struct promote_facts in_sync_at(int64_t now_ms)
{
    return (struct promote_facts){
        .list_shows_learner = TRI_YES,
        .own_answers = true,
        .own_is_learner = true,
        .own_leader = {BENCH_OURS + 1},
        .own_applied = 100,
        .own_read_at_ms = now_ms,
        .leader_answers = true,
        .leader_committed = 100,
        .leader_read_at_ms = now_ms,
        .quorum = QUORUM_ALLOWED,
        .samples_wanted = 2,
        .now_ms = now_ms,
    };
}

static struct promote_decision poll_at(struct orphan_watch *watch, int64_t now_ms, enum quorum_verdict quorum)
{
    struct promote_facts facts = in_sync_at(now_ms);

    facts.quorum = quorum;
    return orphan_decide(watch, (struct member_id){LEARNER}, &facts, AFTER_MS);
}

static void its_own_sidecar_comes_first(void **state)
{
    struct orphan_watch watch = {0};
    struct promote_decision decision;

    (void)state;
    for (int64_t at = 0; at < AFTER_MS + 1000; at += 1000)
        assert_int_equal(poll_at(&watch, at, QUORUM_ALLOWED).action, PROMOTE_WAIT);
    decision = poll_at(&watch, AFTER_MS + 1000, QUORUM_ALLOWED);
    assert_int_equal(decision.action, PROMOTE_NOW);
    assert_int_equal(decision.reason, REASON_PROMOTE_ORPHAN);
}

static void quorum_is_asked_for_only_when_due(void **state)
{
    struct orphan_watch watch = {0};

    (void)state;
    for (int64_t at = 0; at < AFTER_MS + 1000; at += 1000)
        assert_int_not_equal(poll_at(&watch, at, QUORUM_UNKNOWN).reason, REASON_PROMOTE_QUORUM);
    assert_int_equal(poll_at(&watch, AFTER_MS + 1000, QUORUM_UNKNOWN).reason, REASON_PROMOTE_QUORUM);
    assert_int_equal(poll_at(&watch, AFTER_MS + 1000, QUORUM_TOO_FEW_LEFT).action, PROMOTE_WAIT);
}

/* Due, and not heard just then: it stays due, and is promoted once it is heard. */
static void an_unheard_orphan_waits_without_starting_anew(void **state)
{
    struct orphan_watch watch = {0};
    struct promote_facts facts = in_sync_at(AFTER_MS + 1000);

    (void)state;
    for (int64_t at = 0; at <= AFTER_MS; at += 1000)
        (void)poll_at(&watch, at, QUORUM_UNKNOWN);
    facts.leader_hears = TRI_NO;
    assert_int_equal(orphan_decide(&watch, (struct member_id){LEARNER}, &facts, AFTER_MS).action, PROMOTE_WAIT);
    facts = in_sync_at(AFTER_MS + 2000);
    facts.leader_hears = TRI_YES;
    assert_int_equal(orphan_decide(&watch, (struct member_id){LEARNER}, &facts, AFTER_MS).action, PROMOTE_NOW);
}

/* A stopped learner answers nobody: it is never promoted, and its time starts anew when it is back. */
static void a_stopped_learner_is_not_promoted(void **state)
{
    struct orphan_watch watch = {0};
    struct promote_facts silent = in_sync_at(AFTER_MS * 2);

    (void)state;
    for (int64_t at = 0; at <= AFTER_MS; at += 1000)
        (void)poll_at(&watch, at, QUORUM_ALLOWED);
    silent.own_answers = false;
    assert_int_equal(orphan_decide(&watch, (struct member_id){LEARNER}, &silent, AFTER_MS).action, PROMOTE_WAIT);
    for (int64_t at = 1000; at <= AFTER_MS; at += 1000)
        assert_int_equal(poll_at(&watch, AFTER_MS * 2 + at, QUORUM_ALLOWED).action, PROMOTE_WAIT);
}

static void another_learner_starts_anew(void **state)
{
    struct orphan_watch watch = {0};
    struct promote_facts facts = in_sync_at(AFTER_MS * 2);

    (void)state;
    for (int64_t at = 0; at <= AFTER_MS; at += 1000)
        (void)poll_at(&watch, at, QUORUM_ALLOWED);
    assert_int_equal(orphan_decide(&watch, (struct member_id){LEARNER + 1}, &facts, AFTER_MS).action, PROMOTE_WAIT);
    assert_int_equal(watch.target.value, LEARNER + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_learner_of_our_record_is_chosen), cmocka_unit_test(others_are_never_chosen),
        cmocka_unit_test(our_own_learner_is_not_an_orphan),  cmocka_unit_test(its_own_sidecar_comes_first),
        cmocka_unit_test(quorum_is_asked_for_only_when_due), cmocka_unit_test(a_stopped_learner_is_not_promoted),
        cmocka_unit_test(another_learner_starts_anew),       cmocka_unit_test(an_unheard_orphan_waits_without_starting_anew),
    };
    return cmocka_run_group_tests_name("orphan_decision", tests, NULL, NULL);
}
