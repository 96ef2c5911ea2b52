/* A sidecar beside a ghost: what it asks whom, and when it removes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fake_world.h"
#include "scratch.h"

enum { SECOND_MS = 1000, LAST = 2 };

static struct fake_world fake;
static struct sidecar sidecar;

static int set_up(void **state)
{
    if (scratch_make(state) != 0)
        return -1;
    fake_world_init(&fake, *state, 3);
    fake_world_sidecar(&fake, &sidecar);
    return 0;
}

/* Turns of a second each. */
static void turn(int seconds)
{
    for (int i = 0; i < seconds; i++) {
        sidecar_remove_ghost(&sidecar);
        fake.jumped_ms += SECOND_MS;
    }
}

/* Scaled from three to two while the third's node was dead. */
static void a_ghost(void)
{
    fake.set.replicas = 2;
    fake.answers_status[LAST] = false;
    sidecar.usher.view.endpoint_count = 2;
}

static unsigned api_calls(void) { return fake.own_pod_reads + fake.other_pod_reads + fake.set_reads + fake.record_reads + fake.events; }

static void at_idle_the_api_is_not_asked(void **state)
{
    (void)state;
    turn(3600);
    assert_int_equal(api_calls(), 0);
    assert_in_range(fake.status_calls, 100, 130);
}

static void a_ghost_is_removed(void **state)
{
    (void)state;
    a_ghost();
    turn(299);
    assert_int_equal(fake.removals, 0);
    turn(40);
    assert_int_equal(fake.removals, 1);
    assert_int_equal(fake.removed.value, LAST + 1);
    assert_string_equal(fake.other_pod_name, "etcd-2");
    assert_string_equal(fake.last_event, "GhostRemoved");
    assert_in_range(fake.gauge_reads, 2, 4);
    assert_int_equal(fake.record_reads, 1); /* right before */
}

static void the_api_is_asked_twice_a_minute(void **state)
{
    (void)state;
    a_ghost();
    turn(240);
    assert_in_range(api_calls(), 3 * 8 - 3, 3 * 8 + 3);
}

static void and_never_more_often_than_every_five_seconds(void **state)
{
    (void)state;
    a_ghost();
    fake.settings.ghost_after_ms = 20000;
    turn(19);
    assert_in_range(fake.own_pod_reads, 3, 4);
}

static void a_wanted_member_that_is_down_stays(void **state)
{
    (void)state;
    a_ghost();
    fake.set.replicas = 3;
    turn(1000);
    assert_int_equal(fake.removals, 0);
    assert_int_equal(fake.other_pod_reads, 0);
}

static void a_pod_that_still_ends_stays(void **state)
{
    (void)state;
    a_ghost();
    fake.other_pod.answer = API_FOUND;
    turn(1000);
    assert_int_equal(fake.removals + fake.gauge_reads, 0);
}

static void a_gauge_that_shows_life_holds(void **state)
{
    (void)state;
    a_ghost();
    fake.shows_connected = true;
    turn(2000);
    assert_int_equal(fake.removals, 0);
    assert_in_range(fake.gauge_reads, 1, 24); /* three or four each time that it is due */
}

static void gauges_that_cannot_be_read_hold(void **state)
{
    (void)state;
    a_ghost();
    fake.gauges_unread = true;
    turn(1000);
    assert_int_equal(fake.removals, 0);
    assert_true(fake.gauge_reads > 10);
}

static void changed_right_before(void **state)
{
    (void)state;
    a_ghost();
    while (fake.gauge_reads == 0)
        turn(1);
    fake.set.replicas = 3; /* between the two reads of the gauges */
    turn(600);
    assert_int_equal(fake.removals, 0);
}

static void a_record_that_changed_right_before(void **state)
{
    (void)state;
    a_ghost();
    while (fake.gauge_reads == 0)
        turn(1);
    fake.record.slots[LAST].id.value = 77;
    turn(10);
    assert_int_equal(fake.removals, 0);
}

static void a_record_that_cannot_be_read_holds(void **state)
{
    (void)state;
    a_ghost();
    fake.record_is_unreadable = true;
    turn(1000);
    assert_int_equal(fake.removals, 0);
    assert_int_equal(sidecar.usher.record.state, RECORD_CLUSTER); /* what was known stays known */
    fake.record_is_unreadable = false;
    turn(40);
    assert_int_equal(fake.removals, 1);
}

static void without_a_quorum_of_the_others_it_stays(void **state)
{
    (void)state;
    a_ghost();
    fake.answers_status[1] = false; /* wanted, and down, too: one of two would be left */
    fake.view.endpoint_count = sidecar.usher.view.endpoint_count = 1;
    turn(1000);
    assert_int_equal(fake.removals, 0);
}

/* What another one did while we asked is seen right before the removal. */
static void gone_meanwhile(void **state)
{
    (void)state;
    a_ghost();
    fake.view.list.count = LAST; /* our own view still holds it */
    turn(1000);
    assert_int_equal(fake.removals, 0);
}

static void who_may_not_care_asks_nobody(void **state)
{
    static const enum {
        LEARNER,
        NO_QUORUM,
        STOPPING,
        OTHER_CLUSTER,
        NO_API
    } ways[] = {LEARNER, NO_QUORUM, STOPPING, OTHER_CLUSTER, NO_API};

    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        fake_world_init(&fake, *state, 3);
        fake_world_sidecar(&fake, &sidecar);
        a_ghost();
        if (ways[i] == LEARNER)
            sidecar.membership = MEMBERSHIP_LEARNER;
        sidecar.own.has_quorum = ways[i] != NO_QUORUM;
        sidecar.is_stopping = ways[i] == STOPPING;
        sidecar.other_cluster_is_recorded = ways[i] == OTHER_CLUSTER;
        if (ways[i] == NO_API)
            fake.world.read_set = NULL;
        turn(1000);
        assert_int_equal(api_calls() + fake.status_calls + fake.removals, 0);
    }
}

static void a_removal_that_fails_is_tried_again(void **state)
{
    (void)state;
    a_ghost();
    fake.answer = (struct etcd_answer){.outcome = CALL_REFUSED, .message = "unhealthy cluster"};
    turn(400);
    assert_in_range(fake.removals, 1, 5);
    assert_int_equal(fake.events, 0);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, scratch_remove)
    static const struct CMUnitTest tests[] = {
        TEST(at_idle_the_api_is_not_asked),
        TEST(a_ghost_is_removed),
        TEST(the_api_is_asked_twice_a_minute),
        TEST(and_never_more_often_than_every_five_seconds),
        TEST(a_wanted_member_that_is_down_stays),
        TEST(a_pod_that_still_ends_stays),
        TEST(a_gauge_that_shows_life_holds),
        TEST(gauges_that_cannot_be_read_hold),
        TEST(changed_right_before),
        TEST(a_record_that_changed_right_before),
        TEST(a_record_that_cannot_be_read_holds),
        TEST(without_a_quorum_of_the_others_it_stays),
        TEST(gone_meanwhile),
        TEST(who_may_not_care_asks_nobody),
        TEST(a_removal_that_fails_is_tried_again),
    };
    return cmocka_run_group_tests_name("sidecar_ghost", tests, NULL, NULL);
}
