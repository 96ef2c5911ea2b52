/* IDs: zero is unknown, equal to nothing and different from nothing; text as people and etcd write it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "usher/core/ids.h"

static void an_unknown_id_is_nobodys(void **state)
{
    const struct member_id unknown = {0}, a = {0xa0}, b = {0xb0};
    const struct cluster_id nowhere = {0}, here = {0xa0}, there = {0xb0};

    (void)state;
    assert_false(member_id_equals(unknown, unknown));
    assert_false(member_id_equals(unknown, a));
    assert_false(member_id_equals(a, b));
    assert_true(member_id_equals(a, a));
    assert_false(cluster_id_equals(nowhere, nowhere));
    assert_true(cluster_id_equals(here, here));
    assert_false(cluster_id_differs(nowhere, here)); /* not known to differ */
    assert_false(cluster_id_differs(here, nowhere));
    assert_false(cluster_id_differs(here, here));
    assert_true(cluster_id_differs(here, there));
}

static void hex_goes_both_ways(void **state)
{
    const uint64_t values[] = {1, 0xa0, 0x7fffffffffffffffULL, 0x8000000000000000ULL, UINT64_MAX};
    char text[ID_TEXT_BYTES];
    uint64_t back;

    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        id_to_hex(values[i], text);
        assert_true(id_from_hex(text, &back));
        assert_true(back == values[i]);
    }
}

static void what_is_no_id_is_refused(void **state)
{
    const char *const bad[] = {"", "0", "xyz", "-1", " a0", "a0 ", "10000000000000000", "0xa0"};
    uint64_t value;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(id_from_hex(bad[i], &value) && value != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_id_is_nobodys),
        cmocka_unit_test(hex_goes_both_ways),
        cmocka_unit_test(what_is_no_id_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
