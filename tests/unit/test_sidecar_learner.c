/* A sidecar beside a learner: its own on the way to voter, and one of somebody else that blocks the next join. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fake_world.h"
#include "scratch.h"

enum { OURS = 2, POLL_MS = 50, SECOND_MS = 1000 };

static struct fake_world fake;
static struct sidecar sidecar;

/* Two voters that lead and follow, and a third member that is a learner: ours in `a_learner`. */
static int set_up(void **state)
{
    if (scratch_make(state) != 0)
        return -1;
    fake_world_init(&fake, *state, 3);
    fake.view.list.members[OURS].is_learner = true;
    fake.view.endpoints[OURS].state = ENDPOINT_LEARNER;
    fake.view.endpoints[OURS].is_learner = true;
    for (size_t i = 0; i < 3; i++)
        fake.raft_index[i] = 100;
    fake.counts_bytes = true;
    fake.bytes_a_read = 10;
    fake.settings.orphan_after_ms = 30 * SECOND_MS;
    fake.settings.promotes_orphans = true;
    fake_world_sidecar(&fake, &sidecar);
    return 0;
}

static void a_learner(void)
{
    snprintf(fake.settings.local_endpoint, URL_BYTES, "http://2");
    sidecar.id.value = OURS + 1;
    sidecar.membership = MEMBERSHIP_LEARNER;
    sidecar.own.is_learner = true;
    sidecar.own.has_quorum = false;
}

static void poll_own(int times)
{
    for (int i = 0; i < times; i++) {
        sidecar_promote(&sidecar);
        fake.jumped_ms += POLL_MS;
    }
}

static void a_learner_that_the_leader_hears_is_promoted(void **state)
{
    (void)state;
    a_learner();
    poll_own(2);
    assert_int_equal(fake.promotions, 1);
    assert_int_equal(fake.promoted.value, OURS + 1);
}

/* Its indices are the leader's, as they stay when an idle cluster's learner is cut off. */
static void one_that_the_leader_does_not_hear_is_not(void **state)
{
    (void)state;
    a_learner();
    fake.bytes_a_read = 0;
    poll_own(100);
    assert_int_equal(fake.promotions, 0);
    assert_int_equal(sidecar.last_promote.reason, REASON_LEARNER_UNHEARD);
    fake.bytes_a_read = 10;
    poll_own(1);
    assert_int_equal(fake.promotions, 1);
}

/* A poll that sees nothing in between is no sign of life. */
static void a_gap_does_not_end_a_stall(void **state)
{
    (void)state;
    a_learner();
    fake.bytes_a_read = 0;
    poll_own(10);
    fake.answers_status[0] = false; /* the leader */
    poll_own(1);
    fake.answers_status[0] = true;
    poll_own(2);
    assert_in_range(sidecar.last_promote.idle_ms, 10 * POLL_MS, 13 * POLL_MS);
    assert_int_equal(fake.promotions, 0);
}

/* Heartbeats may be rarer than polls. */
static void an_answer_counts_for_a_second(void **state)
{
    (void)state;
    a_learner();
    fake.settings.promote_samples = 12;
    fake.received_bytes = 1;
    poll_own(2); /* heard at the second read */
    fake.bytes_a_read = 0;
    poll_own(10);
    assert_int_equal(fake.promotions, 1);
}

static void what_was_heard_long_ago_does_not_count(void **state)
{
    (void)state;
    a_learner();
    sidecar_promote(&sidecar); /* the first read */
    fake.jumped_ms += 6 * SECOND_MS;
    sidecar_promote(&sidecar); /* more bytes than six seconds ago: when? */
    assert_int_equal(fake.promotions, 0);
    fake.jumped_ms += POLL_MS;
    sidecar_promote(&sidecar);
    assert_int_equal(fake.promotions, 1);
}

/* etcd's metrics may be served elsewhere: that must not keep a learner for ever. */
static void gauges_that_cannot_be_read_do_not_hold(void **state)
{
    (void)state;
    a_learner();
    fake.gauges_unread = true;
    poll_own(2);
    assert_int_equal(fake.promotions, 1);
}

static void a_stall_is_told_once_with_name_and_age(void **state)
{
    (void)state;
    a_learner();
    fake.raft_index[OURS] = 40;
    poll_own(1);
    fake.jumped_ms += PROMOTE_STALLED_AFTER_MS - SECOND_MS;
    poll_own(1);
    assert_int_equal(fake.events, 0);
    fake.jumped_ms += 5 * SECOND_MS;
    poll_own(5);
    assert_int_equal(fake.events, 1);
    assert_string_equal(fake.last_event, "LearnerStalled");
    assert_non_null(strstr(fake.last_event_text, "learner 3 (etcd-0) has made no progress for 34 s (39 %, 60 entries to go)"));
    fake.raft_index[OURS] = 41;
    poll_own(1);
    assert_false(sidecar.last_promote.is_stalled);
    assert_int_equal(fake.promotions, 0);
}

/* Its etcd is down: nobody is asked, and the time runs. */
static void a_learner_whose_etcd_is_down_stalls(void **state)
{
    (void)state;
    a_learner();
    sidecar.own = (struct own_etcd){.port_accepts = TRI_NO};
    poll_own(1);
    fake.jumped_ms += PROMOTE_STALLED_AFTER_MS;
    poll_own(1);
    assert_true(sidecar.last_promote.is_stalled);
    assert_int_equal(fake.status_calls, 0);
    assert_string_equal(fake.last_event, "LearnerStalled");
}

static void watch_for(int seconds)
{
    for (int i = 0; i < seconds; i++) {
        sidecar.usher.view = fake.view;
        usher_watch_learner(&sidecar.usher, sidecar.id);
        sidecar_promote_orphan(&sidecar);
        sidecar_report_blocker(&sidecar);
        fake.jumped_ms += SECOND_MS;
    }
}

static void a_learner_that_never_started_is_named(void **state)
{
    (void)state;
    fake.view.list.members[OURS].client_urls.count = 0;
    fake.view.list.members[OURS].name[0] = '\0';
    watch_for(30);
    assert_int_equal(fake.events, 0);
    watch_for(10);
    assert_int_equal(fake.events, 1);
    assert_string_equal(fake.last_event, "LearnerBlocks");
    assert_non_null(
        strstr(fake.last_event_text, "learner 3 (etcd-2, http://etcd-2.peers:2380) was added but never started, seen for 30 s"));
    sidecar.usher.record.slots[OURS].id.value = 77; /* of another set: its name is not known */
    char text[LEARNER_TEXT_BYTES];
    usher_describe_learner(&sidecar.usher, text, sizeof text);
    assert_non_null(strstr(text, "(no name yet, "));
}

static void only_the_leaders_sidecar_makes_the_event(void **state)
{
    (void)state;
    fake.view.list.members[OURS].client_urls.count = 0;
    sidecar.own.leader.value = 2;
    watch_for(40);
    assert_int_equal(fake.events, 0);
    assert_int_equal(sidecar.blocker_said.value, OURS + 1);
}

/* A cluster that cannot be read for a while makes no learner younger; one that is gone is forgotten. */
static void its_age_survives_a_gap(void **state)
{
    (void)state;
    watch_for(10);
    fake.view.live = LIVE_NO_QUORUM;
    watch_for(5);
    fake.view.live = LIVE_REACHABLE;
    watch_for(1);
    assert_true(sidecar.usher.other_learner.is_started);
    assert_in_range(fake.world.now_ms(&fake) - sidecar.usher.other_learner.since_ms, 16 * SECOND_MS, 17 * SECOND_MS);
    fake.view.list.members[OURS].is_learner = false;
    watch_for(1);
    assert_int_equal(sidecar.usher.other_learner.id.value, 0);
}

static void an_orphan_that_is_not_heard_stays_a_learner(void **state)
{
    (void)state;
    fake.bytes_a_read = 0;
    watch_for(60);
    assert_int_equal(fake.promotions, 0);
    fake.bytes_a_read = 10;
    watch_for(1);
    assert_int_equal(fake.promotions, 1);
    assert_int_equal(fake.promoted.value, OURS + 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, scratch_remove)
    const struct CMUnitTest tests[] = {
        TEST(a_learner_that_the_leader_hears_is_promoted),
        TEST(one_that_the_leader_does_not_hear_is_not),
        TEST(a_gap_does_not_end_a_stall),
        TEST(an_answer_counts_for_a_second),
        TEST(what_was_heard_long_ago_does_not_count),
        TEST(gauges_that_cannot_be_read_do_not_hold),
        TEST(a_stall_is_told_once_with_name_and_age),
        TEST(a_learner_whose_etcd_is_down_stalls),
        TEST(a_learner_that_never_started_is_named),
        TEST(only_the_leaders_sidecar_makes_the_event),
        TEST(its_age_survives_a_gap),
        TEST(an_orphan_that_is_not_heard_stays_a_learner),
    };
    return cmocka_run_group_tests_name("sidecar_learner", tests, NULL, NULL);
}
