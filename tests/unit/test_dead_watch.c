/* What a watch over a member that seems dead must not outlive: the janitor's and the ghost's, with members that live. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fake_world.h"
#include "scratch.h"

enum { SECOND_MS = 1000, LAST = 3, AFTER_S = 60 };

static struct fake_world fake;
static struct sidecar sidecar;
static bool is_connected[LAST + 1]; /* with its peers, whoever else reaches it */
static bool gauge_leaks;
static uint64_t received_bytes[LAST + 1];

static void gauges(void *self, const char *const *addresses, size_t count, struct member_id target, struct deadline deadline,
                   struct gauge_reading *out)
{
    (void)self;
    (void)addresses;
    (void)deadline;
    for (size_t i = 0; i < count; i++)
        out[i] = (struct gauge_reading){.was_read = true,
                                        .shows_connected = gauge_leaks || is_connected[target.value - 1],
                                        .has_received_bytes = true,
                                        .received_bytes = received_bytes[target.value - 1]};
}

/* Four voters; it is about the last one. */
static int set_up(void **state)
{
    if (scratch_make(state) != 0)
        return -1;
    fake_world_init(&fake, *state, LAST + 1);
    fake.settings.janitor_after_ms = AFTER_S * SECOND_MS;
    fake.settings.min_voters = 2;
    fake.world.gauges = gauges;
    fake_world_sidecar(&fake, &sidecar);
    gauge_leaks = false;
    for (size_t i = 0; i <= LAST; i++)
        is_connected[i] = true;
    return 0;
}

static void turn(int seconds)
{
    for (int i = 0; i < seconds; i++) {
        sidecar_remove_dead(&sidecar);
        fake.jumped_ms += SECOND_MS;
        for (size_t k = 0; k <= LAST; k++)
            received_bytes[k] += is_connected[k] ? 1000 : 0;
    }
}

static void lead(bool leads)
{
    fake.view.endpoints[0].raft_term = ++sidecar.own.raft_term;
    for (size_t i = 0; i < fake.view.endpoint_count; i++)
        fake.view.endpoints[i].leader.value = leads ? 1 : 2;
    sidecar.own.leader = fake.view.endpoints[0].leader;
}

static void is_up(size_t index, bool is_up)
{
    fake.view.endpoint_count = is_up ? LAST + 1 : index; /* nobody behind it is asked for anything but the status */
    sidecar.usher.view = fake.view;
    fake.answers_status[index] = is_connected[index] = is_up;
}

static void what_is_dead_goes(void **state)
{
    (void)state;
    is_up(LAST, false);
    turn(AFTER_S);
    assert_int_equal(fake.removals, 0);
    turn(20);
    assert_int_equal(fake.removals, 1);
}

/* Down for 8 s, then up for more than a minute while another one leads, then down for 8 s. */
static void while_another_one_led(void **state)
{
    (void)state;
    is_up(LAST, false);
    turn(8);
    lead(false);
    is_up(LAST, true);
    memset(is_connected, 0, sizeof is_connected); /* who follows hears nothing from others that do */
    turn(80);
    memset(is_connected, 1, sizeof is_connected);
    lead(true);
    is_up(LAST, false);
    turn(8);
    assert_int_equal(fake.removals, 0);
}

static void while_our_own_sidecar_was_stopped(void **state)
{
    (void)state;
    is_up(LAST, false);
    turn(8);
    fake.jumped_ms += 80 * SECOND_MS;
    received_bytes[LAST] += 1000; /* it was up meanwhile */
    turn(8);
    assert_int_equal(fake.removals, 0);
}

/* Its client URL is not for us (another network, other certificates), its peers are connected with it; it restarts in eight seconds. Round by
 * round there is a chance for that to happen when the time is over. */
static void whom_only_its_peers_reach(void **state)
{
    (void)state;
    is_up(LAST, false);
    is_connected[LAST] = true;
    for (int i = 0; i < 30; i++) {
        turn(AFTER_S - i);
        is_connected[LAST] = false;
        turn(8);
        is_connected[LAST] = true;
        turn(5);
    }
    assert_int_equal(fake.removals, 0);
}

/* ... and hides nobody who is dead. */
static void whom_only_its_peers_reach_hides_nobody(void **state)
{
    (void)state;
    is_up(LAST, false);
    is_up(LAST - 1, false);
    fake.view.endpoint_count = LAST - 1;
    sidecar.usher.view = fake.view;
    is_connected[LAST - 1] = true;
    fake.settings.min_voters = 1;
    fake.view.list.members[LAST - 1].is_learner = true;
    sidecar.usher.view = fake.view;
    turn(2 * AFTER_S);
    assert_int_equal(fake.removals, 1);
    assert_int_equal(fake.removed.value, LAST + 1);
}

/* From 3.6 on the gauge may show a dead member as connected for ever; or only the way between it and the leader is broken. Whose pod is gone is
 * dead; of another one nobody knows. */
static void a_gauge_that_may_leak(void **state)
{
    (void)state;
    for (size_t i = 0; i < fake.view.endpoint_count; i++)
        snprintf(fake.view.endpoints[i].version, sizeof fake.view.endpoints[i].version, "3.6.4");
    is_up(LAST, false);
    gauge_leaks = true;
    turn(4 * AFTER_S);
    assert_int_equal(fake.removals, 0);
    fake.set.replicas = LAST;
    for (int i = 0; i < 340; i++) {
        sidecar_remove_ghost(&sidecar);
        fake.jumped_ms += SECOND_MS;
    }
    assert_int_equal(fake.removals, 1);
}

static void a_removal_whose_answer_was_lost(void **state)
{
    (void)state;
    is_up(LAST, false);
    fake.answer.outcome = CALL_UNKNOWN;
    while (fake.removals == 0)
        turn(1);
    fake.view.list.count = LAST; /* it was applied */
    sidecar.usher.view = fake.view;
    turn(30);
    assert_int_equal(fake.removals, 1);
    assert_string_equal(fake.last_event, "DeadMemberRemoved");
    assert_int_equal(sidecar.usher.counters.removals, 1);
}

/* The gauges were read about the first one; right before its removal it is gone from the list, and the second is another story. */
static void gauges_are_about_one_member(void **state)
{
    (void)state;
    fake.settings.ghost_after_ms = 0;
    fake.set.replicas = 2;
    is_up(LAST, false);
    is_up(LAST - 1, false);
    for (int i = 0; i < 3; i++) {
        sidecar_remove_ghost(&sidecar);
        fake.jumped_ms += SECOND_MS;
    }
    assert_int_equal(fake.removals, 0);
    fake.view.list.members[2] = fake.view.list.members[3]; /* another sidecar was quicker */
    fake.view.list.count--;
    is_connected[LAST] = true;
    sidecar_remove_ghost(&sidecar);
    assert_int_equal(fake.removals, 0);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, scratch_remove)
    static const struct CMUnitTest tests[] = {
        TEST(what_is_dead_goes),
        TEST(while_another_one_led),
        TEST(while_our_own_sidecar_was_stopped),
        TEST(whom_only_its_peers_reach),
        TEST(whom_only_its_peers_reach_hides_nobody),
        TEST(a_gauge_that_may_leak),
        TEST(a_removal_whose_answer_was_lost),
        TEST(gauges_are_about_one_member),
    };
    return cmocka_run_group_tests_name("dead_watch", tests, NULL, NULL);
}
