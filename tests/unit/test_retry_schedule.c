/* When to ask again: an unknown outcome reads first, waits are bounded, never early, and never at the same time for all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "usher/core/retry_schedule.h"

struct row {
    enum call_outcome outcome;
    enum etcd_refusal refusal;
    enum retry_class class;
};

static const struct row rows[] = {
    {CALL_UNKNOWN, REFUSAL_UNKNOWN, RETRY_READ_AGAIN},
    {CALL_UNKNOWN, REFUSAL_TOO_MANY_LEARNERS, RETRY_READ_AGAIN},
    {CALL_REFUSED, REFUSAL_TOO_MANY_LEARNERS, RETRY_TURN},
    {CALL_REFUSED, REFUSAL_UNHEALTHY_CLUSTER, RETRY_FIVE_SECONDS},
    {CALL_REFUSED, REFUSAL_NOT_ENOUGH_STARTED, RETRY_FIVE_SECONDS},
    {CALL_REFUSED, REFUSAL_ID_EXISTS, RETRY_SAME_SECOND},
    {CALL_REFUSED, REFUSAL_MEMBER_NOT_FOUND, RETRY_SAME_SECOND},
    {CALL_REFUSED, REFUSAL_PEER_URL_EXISTS, RETRY_READ_AGAIN},
    {CALL_REFUSED, REFUSAL_TIMED_OUT, RETRY_READ_AGAIN},
    {CALL_REFUSED, REFUSAL_LEADER_CHANGED, RETRY_READ_AGAIN},
    {CALL_REFUSED, REFUSAL_STOPPED, RETRY_READ_AGAIN},
    {CALL_REFUSED, REFUSAL_NO_LEADER, RETRY_GENERAL},
    {CALL_REFUSED, REFUSAL_UNKNOWN, RETRY_GENERAL},
    {CALL_NOT_SENT, REFUSAL_UNKNOWN, RETRY_GENERAL},
};

static void each_answer_has_its_class(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct etcd_answer answer = {.outcome = rows[i].outcome, .refusal = rows[i].refusal};
        assert_int_equal(retry_class_of(&answer), rows[i].class);
    }
}

static void delays_grow_to_a_limit_and_are_never_early(void **state)
{
    static const struct {
        enum retry_class class;
        unsigned attempts;
        int64_t base_ms;
    } cases[] = {
        {RETRY_READ_AGAIN, 0, 50},    {RETRY_READ_AGAIN, 4, 800},   {RETRY_READ_AGAIN, 1000, 800}, {RETRY_TURN, 9, 100},
        {RETRY_FIVE_SECONDS, 9, 100}, {RETRY_SAME_SECOND, 0, 1000}, {RETRY_SAME_SECOND, 9, 1000},  {RETRY_GENERAL, 0, 100},
        {RETRY_GENERAL, 1, 200},      {RETRY_GENERAL, 4, 1600},     {RETRY_GENERAL, 4000, 1600},   {RETRY_UNKNOWN, 0, 100},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t lowest = INT64_MAX, highest = 0;
        for (uint64_t random = 0; random < 5000; random++) {
            int64_t delay_ms = retry_delay_ms(cases[i].class, cases[i].attempts, random);
            lowest = delay_ms < lowest ? delay_ms : lowest;
            highest = delay_ms > highest ? delay_ms : highest;
        }
        assert_int_equal(lowest, cases[i].base_ms);
        assert_int_equal(highest, cases[i].base_ms + cases[i].base_ms / 2);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_answer_has_its_class),
        cmocka_unit_test(delays_grow_to_a_limit_and_are_never_early),
    };
    return cmocka_run_group_tests_name("retry_schedule", tests, NULL, NULL);
}
