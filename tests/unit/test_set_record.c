/* The set record as a value: who may claim it, what adopts, what is forgotten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "usher/core/set_record.h"

static int setup(void **state)
{
    struct set_record *record = calloc(1, sizeof *record);
    if (record == NULL)
        return -1;
    record->state = RECORD_EMPTY;
    *state = record;
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static void only_an_empty_record_is_claimed(void **state)
{
    struct set_record *record = *state;

    for (int s = RECORD_UNKNOWN; s <= RECORD_CLUSTER; s++) {
        record->state = (enum record_state)s;
        if (s != RECORD_EMPTY)
            assert_false(set_record_claim(record, "pod-0", "n1", ""));
    }
    record->state = RECORD_EMPTY;
    assert_false(set_record_claim(record, "", "n1", ""));
    assert_false(set_record_claim(record, "pod-0", "", ""));
    assert_true(set_record_claim(record, "pod-0", "n1", "now"));
    assert_int_equal(record->state, RECORD_CLAIMED);
    assert_false(set_record_claim(record, "pod-1", "n2", "now"));
    assert_string_equal(record->claim.slot, "pod-0");
    assert_string_equal(record->claim.nonce, "n1");
}

static void adopting_fills_an_empty_or_claimed_record(void **state)
{
    struct set_record *record = *state;

    assert_true(set_record_claim(record, "pod-0", "n1", ""));
    assert_true(set_record_adopt(record, (struct cluster_id){0xc1}, "pod-0", (struct member_id){0xa0}, NULL));
    assert_int_equal(record->state, RECORD_CLUSTER);
    assert_true(set_record_slot(record, "pod-0").value == 0xa0);
    assert_true(set_record_has_id(record, (struct member_id){0xa0}));
    assert_false(set_record_has_id(record, (struct member_id){0}));
    assert_false(set_record_adopt(record, (struct cluster_id){0xc1}, "pod-0", (struct member_id){0xa0}, NULL)); /* nothing new */
    assert_true(set_record_adopt(record, (struct cluster_id){0xc1}, "pod-0", (struct member_id){0xa9}, NULL));
    assert_int_equal(record->slot_count, 1);
    assert_true(set_record_adopt(record, (struct cluster_id){0xc1}, "pod-1", (struct member_id){0xa1}, NULL));
    assert_int_equal(record->slot_count, 2);
    assert_true(set_record_slot(record, "pod-2").value == 0);
}

static void another_cluster_is_left_alone(void **state)
{
    struct set_record *record = *state;

    assert_true(set_record_adopt(record, (struct cluster_id){0xc1}, "pod-0", (struct member_id){0xa0}, NULL));
    assert_false(set_record_adopt(record, (struct cluster_id){0xc2}, "pod-0", (struct member_id){0xb0}, NULL));
    assert_true(record->cluster.value == 0xc1);
    assert_true(set_record_slot(record, "pod-0").value == 0xa0);
}

static void what_is_not_known_is_not_adopted(void **state)
{
    static const enum record_state states[] = {RECORD_UNKNOWN, RECORD_NOT_CONFIGURED, RECORD_UNREADABLE};
    struct set_record *record = *state;

    assert_false(set_record_adopt(record, (struct cluster_id){0}, "pod-0", (struct member_id){0xa0}, NULL));
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        record->state = states[i];
        assert_false(set_record_adopt(record, (struct cluster_id){0xc1}, "pod-0", (struct member_id){0xa0}, NULL));
        assert_int_equal(record->state, states[i]);
    }
}

static void endpoints_follow_the_list_but_are_never_emptied(void **state)
{
    struct set_record *record = *state;
    struct member_list *list = calloc(1, sizeof *list);

    assert_non_null(list);
    list->count = 2;
    list->members[1].client_urls.count = 1;
    snprintf(list->members[1].client_urls.url[0], URL_BYTES, "http://a:2379");
    assert_true(set_record_adopt(record, (struct cluster_id){0xc1}, "pod-0", (struct member_id){0xa0}, list));
    assert_int_equal(record->endpoint_count, 1);
    assert_false(set_record_adopt(record, (struct cluster_id){0xc1}, "pod-0", (struct member_id){0xa0}, list));
    list->members[1].client_urls.count = 0;
    assert_false(set_record_adopt(record, (struct cluster_id){0xc1}, "pod-0", (struct member_id){0xa0}, list));
    assert_string_equal(record->endpoints[0], "http://a:2379");
    free(list);
}

/* Forgetting drops everything of that cluster and remembers its ID, so that an old volume cannot bring it back. */
static void forgetting_remembers_the_id(void **state)
{
    struct set_record *record = *state;

    assert_false(set_record_forget(record)); /* nothing to forget */
    assert_true(set_record_adopt(record, (struct cluster_id){0xc1}, "pod-0", (struct member_id){0xa0}, NULL));
    permit_list_parse(&record->permits, "archive=a0,forget=c1,drop=a0", PERMIT_FROM_RECORD);
    assert_true(set_record_forget(record));
    assert_int_equal(record->state, RECORD_EMPTY);
    assert_int_equal(record->slot_count, 0);
    assert_int_equal(record->permits.count, 2);
    assert_null(permit_find(&record->permits, PERMIT_FORGET, 0xc1, NULL));
    assert_true(set_record_forgot(record, (struct cluster_id){0xc1}));
    assert_false(set_record_forgot(record, (struct cluster_id){0}));
    assert_false(set_record_adopt(record, (struct cluster_id){0xc1}, "pod-0", (struct member_id){0xa0}, NULL));
    assert_true(set_record_adopt(record, (struct cluster_id){0xc2}, "pod-0", (struct member_id){0xb0}, NULL));
}

static void a_forgotten_claim_leaves_no_id(void **state)
{
    struct set_record *record = *state;

    assert_true(set_record_claim(record, "pod-0", "n1", ""));
    assert_true(set_record_forget(record));
    assert_int_equal(record->state, RECORD_EMPTY);
    assert_string_equal(record->claim.nonce, "");
    assert_int_equal(record->forgotten_count, 0);
    assert_true(set_record_claim(record, "pod-1", "n2", ""));
}

static void many_forgotten_keep_the_newest(void **state)
{
    struct set_record *record = *state;

    for (uint64_t cluster = 1; cluster <= FORGOTTEN_MAX + 1; cluster++) {
        assert_true(set_record_adopt(record, (struct cluster_id){cluster}, "pod-0", (struct member_id){0xa0}, NULL));
        assert_true(set_record_forget(record));
    }
    assert_int_equal(record->forgotten_count, FORGOTTEN_MAX);
    assert_false(set_record_forgot(record, (struct cluster_id){1}));
    assert_true(set_record_forgot(record, (struct cluster_id){FORGOTTEN_MAX + 1}));
}

static void a_used_permit_is_taken_out(void **state)
{
    struct set_record *record = *state;
    struct permit permit;

    permit_list_parse(&record->permits, "start=a0,start=a1", PERMIT_FROM_RECORD);
    permit = record->permits.permits[0];
    assert_true(set_record_drop_permit(record, &permit));
    assert_false(set_record_drop_permit(record, &permit));
    assert_int_equal(record->permits.count, 1);
    assert_non_null(permit_find(&record->permits, PERMIT_START, 0xa1, NULL));
}

static void too_many_slots_change_nothing(void **state)
{
    struct set_record *record = *state;
    char name[32];

    for (int i = 0; i < SLOTS_MAX; i++) {
        snprintf(name, sizeof name, "pod-%d", i);
        assert_true(set_record_adopt(record, (struct cluster_id){0xc1}, name, (struct member_id){(uint64_t)i + 1}, NULL));
    }
    assert_false(set_record_adopt(record, (struct cluster_id){0xc1}, "one-more", (struct member_id){0xff}, NULL));
    assert_int_equal(record->slot_count, SLOTS_MAX);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    static const struct CMUnitTest tests[] = {
        TEST(only_an_empty_record_is_claimed),
        TEST(adopting_fills_an_empty_or_claimed_record),
        TEST(another_cluster_is_left_alone),
        TEST(what_is_not_known_is_not_adopted),
        TEST(endpoints_follow_the_list_but_are_never_emptied),
        TEST(forgetting_remembers_the_id),
        TEST(a_forgotten_claim_leaves_no_id),
        TEST(many_forgotten_keep_the_newest),
        TEST(a_used_permit_is_taken_out),
        TEST(too_many_slots_change_nothing),
    };
    return cmocka_run_group_tests_name("set_record", tests, NULL, NULL);
}
