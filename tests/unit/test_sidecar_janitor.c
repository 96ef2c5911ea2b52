/* The sidecar beside the leader and a member that is dead: what it asks whom, and when it removes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fake_world.h"
#include "scratch.h"

enum { SECOND_MS = 1000, LAST = 3, AFTER_S = 600 };

static struct fake_world fake;
static struct sidecar sidecar;

/* Four voters; the last one is of another set, and dead. */
static void begin(const char *folder)
{
    fake_world_init(&fake, folder, LAST + 1);
    fake.settings.janitor_after_ms = AFTER_S * SECOND_MS;
    fake.settings.min_voters = 3;
    fake.record.slot_count = LAST;
    fake.answers_status[LAST] = false;
    fake.view.endpoint_count = LAST;
    fake_world_sidecar(&fake, &sidecar);
}

static int set_up(void **state)
{
    if (scratch_make(state) != 0)
        return -1;
    begin(*state);
    return 0;
}

static void turn(int seconds)
{
    for (int i = 0; i < seconds; i++) {
        sidecar_remove_dead(&sidecar);
        fake.jumped_ms += SECOND_MS;
    }
}

static void the_dead_are_removed(void **state)
{
    (void)state;
    turn(AFTER_S - 1);
    assert_int_equal(fake.removals, 0);
    turn(45);
    assert_int_equal(fake.removals, 1);
    assert_int_equal(fake.removed.value, LAST + 1);
    assert_string_equal(fake.last_event, "DeadMemberRemoved");
    assert_in_range(fake.gauge_reads, 23, 27); /* our own in each round, and those of all, twice */
    assert_int_equal(fake.own_pod_reads + fake.set_reads + fake.record_reads, 0);
}

static void one_at_a_time(void **state)
{
    (void)state;
    fake.settings.min_voters = 1;
    fake.answers_status[LAST - 1] = false;
    turn(AFTER_S + 45);
    assert_int_equal(fake.removals, 1);
    fake.view.list.members[2] = fake.view.list.members[3]; /* it is off the list, the other one still dead */
    fake.view.list.count--;
    fake.answers_status[2] = false;
    sidecar.usher.view = fake.view;
    turn(AFTER_S - 60);
    assert_int_equal(fake.removals, 1);
    turn(120);
    assert_int_equal(fake.removals, 2);
}

static void life_in_between_starts_anew(void **state)
{
    (void)state;
    turn(AFTER_S - 60);
    fake.answers_status[LAST] = true;
    turn(40);
    fake.answers_status[LAST] = false;
    turn(AFTER_S - 60);
    assert_int_equal(fake.removals, 0);
    turn(120);
    assert_int_equal(fake.removals, 1);
}

static void what_the_gauges_show_holds(void **state)
{
    (void)state;
    fake.shows_connected = true;
    turn(2000);
    assert_int_equal(fake.removals, 0);
    fake.shows_connected = false;
    fake.gauges_unread = true;
    turn(2000);
    assert_int_equal(fake.removals, 0);
}

static void gone_meanwhile(void **state)
{
    (void)state;
    fake.view.list.count = LAST; /* our own view still holds it */
    turn(1000);
    assert_int_equal(fake.removals, 0);
}

static void another_one_leads_meanwhile(void **state)
{
    (void)state;
    while (fake.gauge_reads == 0)
        turn(1);
    sidecar.own.leader.value = 2;
    for (size_t i = 0; i < fake.view.endpoint_count; i++)
        fake.view.endpoints[i].leader.value = 2;
    turn(2000);
    assert_int_equal(fake.removals, 0);
}

static void who_may_not_care_asks_nobody(void **state)
{
    static const enum {
        OFF,
        LEARNER,
        NO_QUORUM,
        NO_LEADER,
        STOPPING,
        OTHER_CLUSTER
    } ways[] = {OFF, LEARNER, NO_QUORUM, NO_LEADER, STOPPING, OTHER_CLUSTER};

    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        begin(*state);
        if (ways[i] == OFF)
            fake.settings.janitor_after_ms = 0;
        if (ways[i] == LEARNER)
            sidecar.membership = MEMBERSHIP_LEARNER;
        if (ways[i] == NO_LEADER)
            sidecar.own.leader.value = 0;
        sidecar.own.has_quorum = ways[i] != NO_QUORUM;
        sidecar.is_stopping = ways[i] == STOPPING;
        sidecar.other_cluster_is_recorded = ways[i] == OTHER_CLUSTER;
        turn(2000);
        assert_int_equal(fake.status_calls + fake.gauge_reads + fake.removals, 0);
    }
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, scratch_remove)
    static const struct CMUnitTest tests[] = {
        TEST(the_dead_are_removed),         TEST(one_at_a_time),  TEST(life_in_between_starts_anew),
        TEST(what_the_gauges_show_holds),   TEST(gone_meanwhile), TEST(another_one_leads_meanwhile),
        TEST(who_may_not_care_asks_nobody),
    };
    return cmocka_run_group_tests_name("sidecar_janitor", tests, NULL, NULL);
}
