/* What silence between two reads of etcd's metrics means: for a learner that is to be promoted, and for a member that answers nobody. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "usher/core/hearing.h"

enum { LEARNER = 3, LEADER = 1, TERM = 7 };

static struct gauge_reading bytes(uint64_t received) { return (struct gauge_reading){true, true, received, true}; }

static enum tri read_at(struct hear_watch *watch, uint64_t leader, struct gauge_reading reading, int64_t now_ms)
{
    return hear_judge(watch, (struct member_id){leader}, (struct member_id){LEARNER}, &reading, now_ms);
}

static void only_bytes_that_grow_are_heard(void **state)
{
    struct hear_watch watch = {0};

    (void)state;
    assert_int_equal(read_at(&watch, LEADER, bytes(10), 0), TRI_NO); /* the first read */
    assert_int_equal(read_at(&watch, LEADER, bytes(10), 100), TRI_NO);
    assert_int_equal(read_at(&watch, LEADER, bytes(11), 200), TRI_YES);
    assert_int_equal(read_at(&watch, LEADER, bytes(11), 200 + HEARD_FRESH_MS), TRI_YES);
    assert_int_equal(read_at(&watch, LEADER, bytes(11), 201 + HEARD_FRESH_MS), TRI_NO);
    assert_int_equal(read_at(&watch, LEADER, bytes(12), 202 + HEARD_FRESH_MS + HEARD_GAP_MS), TRI_NO); /* more than then: when? */
    assert_int_equal(read_at(&watch, LEADER, bytes(13), 203 + HEARD_FRESH_MS + HEARD_GAP_MS), TRI_YES);
    assert_int_equal(read_at(&watch, LEADER + 1, bytes(14), 204 + HEARD_FRESH_MS + HEARD_GAP_MS), TRI_NO); /* another one counts */
    assert_int_equal(read_at(&watch, LEADER + 1, bytes(5), 205 + HEARD_FRESH_MS + HEARD_GAP_MS), TRI_NO);  /* it began anew */
}

static void what_metrics_do_not_tell(void **state)
{
    struct hear_watch watch = {0};

    (void)state;
    assert_int_equal(read_at(&watch, LEADER, (struct gauge_reading){0}, 0), TRI_UNKNOWN);
    assert_int_equal(read_at(&watch, LEADER, (struct gauge_reading){.was_read = true, .shows_connected = true}, 1), TRI_UNKNOWN);
    assert_int_equal(read_at(&watch, LEADER, (struct gauge_reading){.was_read = true}, 2), TRI_NO);
}

static void silence_takes_two_rounds_of_one_term(void **state)
{
    const struct member_id id = {LEARNER}, other = {LEARNER + 1};
    const struct gauge_reading ten = bytes(10), eleven = bytes(11), unread = {0};
    struct ear none = {.raft_term = TERM}, ear = {.raft_term = TERM};

    (void)state;
    ear_note(&ear, id, &ten);
    ear_note(&ear, other, &unread);
    assert_true(ear_heard_nothing(&ear, TERM, id, &ten));
    assert_false(ear_heard_nothing(&ear, TERM, id, &eleven));
    assert_false(ear_heard_nothing(&ear, TERM, id, &unread));
    assert_false(ear_heard_nothing(&ear, TERM, other, &ten));
    assert_false(ear_heard_nothing(&ear, TERM + 1, id, &ten));
    assert_false(ear_heard_nothing(&none, TERM, id, &ten));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_bytes_that_grow_are_heard),
        cmocka_unit_test(what_metrics_do_not_tell),
        cmocka_unit_test(silence_takes_two_rounds_of_one_term),
    };
    return cmocka_run_group_tests_name("hearing", tests, NULL, NULL);
}
