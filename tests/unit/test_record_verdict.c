/* What the record means for a member that runs, and when a seat is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "usher/core/record_verdict.h"

enum { OURS = 0xc1, OTHER = 0xc2 };

static enum record_verdict judge(enum record_state state, uint64_t recorded, uint64_t forgotten, uint64_t ours)
{
    struct set_record record = {.state = state, .cluster.value = recorded};

    record.forgotten[0].value = forgotten;
    record.forgotten_count = forgotten != 0 ? 1 : 0;
    return record_judge(&record, (struct cluster_id){ours});
}

static void each_record_is_judged(void **state)
{
    (void)state;
    assert_int_equal(judge(RECORD_CLUSTER, OURS, 0, OURS), RECORD_TAKES_OURS);
    assert_int_equal(judge(RECORD_EMPTY, 0, 0, OURS), RECORD_TAKES_OURS);
    assert_int_equal(judge(RECORD_CLAIMED, 0, 0, OURS), RECORD_TAKES_OURS);
    assert_int_equal(judge(RECORD_CLUSTER, OTHER, 0, OURS), RECORD_NAMES_ANOTHER);
    assert_int_equal(judge(RECORD_CLUSTER, OTHER, OURS, OURS), RECORD_FORGOT_OURS);
    assert_int_equal(judge(RECORD_EMPTY, 0, OURS, OURS), RECORD_FORGOT_OURS);
    assert_int_equal(judge(RECORD_UNREADABLE, OTHER, 0, OURS), RECORD_SAYS_NOTHING);
    assert_int_equal(judge(RECORD_UNKNOWN, 0, 0, OURS), RECORD_SAYS_NOTHING);
    assert_int_equal(judge(RECORD_NOT_CONFIGURED, 0, 0, OURS), RECORD_SAYS_NOTHING);
    assert_int_equal(judge(RECORD_CLUSTER, OTHER, 0, 0), RECORD_SAYS_NOTHING);
}

static void only_a_record_that_takes_ours_lets_go(void **state)
{
    (void)state;
    assert_true(record_still_names_another(false, RECORD_NAMES_ANOTHER));
    assert_true(record_still_names_another(true, RECORD_NAMES_ANOTHER));
    assert_true(record_still_names_another(true, RECORD_SAYS_NOTHING));
    assert_true(record_still_names_another(true, RECORD_FORGOT_OURS));
    assert_false(record_still_names_another(true, RECORD_TAKES_OURS));
    assert_false(record_still_names_another(false, RECORD_SAYS_NOTHING));
    assert_false(record_still_names_another(false, RECORD_FORGOT_OURS));
}

static void only_a_fresh_founder_stops(void **state)
{
    (void)state;
    assert_true(founding_is_unconfirmed("nonce", false));
    assert_false(founding_is_unconfirmed("nonce", true));
    assert_false(founding_is_unconfirmed("", false));
    assert_true(founding_must_stop(RECORD_NAMES_ANOTHER, true));
    assert_false(founding_must_stop(RECORD_NAMES_ANOTHER, false)); /* somebody edited the record: a serving member goes on */
    assert_false(founding_must_stop(RECORD_SAYS_NOTHING, true));
    assert_false(founding_must_stop(RECORD_TAKES_OURS, true));
}

static void when_a_seat_is_lost(void **state)
{
    const struct seat_facts lost = {.list_is_fresh = true, .etcd_answers = true};
    struct seat_facts bent;

    (void)state;
    assert_true(seat_is_lost(&lost));
    assert_false(seat_is_lost(&(struct seat_facts){0}));
    bent = lost, bent.list_is_fresh = false;
    assert_false(seat_is_lost(&bent));
    bent = lost, bent.is_listed = true;
    assert_false(seat_is_lost(&bent));
    bent = lost, bent.is_settled = true;
    assert_false(seat_is_lost(&bent));
    bent = (struct seat_facts){.list_is_fresh = true, .plan_says_start = true};
    assert_false(seat_is_lost(&bent)); /* never started: it joins again */
    bent.has_ids = true;
    assert_true(seat_is_lost(&bent));
    bent.has_ids = false, bent.removal_was_asked = true;
    assert_true(seat_is_lost(&bent));
    bent.plan_says_start = false;
    assert_false(seat_is_lost(&bent));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(each_record_is_judged),
                                              cmocka_unit_test(only_a_record_that_takes_ours_lets_go),
                                              cmocka_unit_test(only_a_fresh_founder_stops), cmocka_unit_test(when_a_seat_is_lost)};
    return cmocka_run_group_tests_name("record_verdict", tests, NULL, NULL);
}
