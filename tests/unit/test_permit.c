/* Permits as a person writes them: what is granted, and that anything else grants nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "usher/core/permit.h"

struct row {
    const char *text;
    enum permit_kind kind;
    uint64_t id;
    const char *name;
    bool is_granted, has_bad_entry;
};

static const struct row rows[] = {
    {"replace=a0", PERMIT_REPLACE, 0xa0, NULL, true, false},
    {"replace=00000000000000A0", PERMIT_REPLACE, 0xa0, NULL, true, false},
    {"replace=a0", PERMIT_REPLACE, 0xa1, NULL, false, false},
    {"replace=a0", PERMIT_ARCHIVE, 0xa0, NULL, false, false},
    {"replace=a0", PERMIT_UNKNOWN, 0xa0, NULL, false, false},
    {"replace=a0", PERMIT_REPLACE, 0, NULL, false, false},
    {"archive=pod-0", PERMIT_ARCHIVE, 0, "pod-0", true, false},
    {"archive=pod-0", PERMIT_ARCHIVE, 0, "pod-00", false, false},
    {"archive=pod-0", PERMIT_ARCHIVE, 0, "", false, false},
    {"archive=pod-0", PERMIT_ARCHIVE, 0, NULL, false, false},
    {" start=a0 ,\n drop=b1\n", PERMIT_DROP, 0xb1, NULL, true, false},
    {" start=a0 ,\n drop=b1\n", PERMIT_START, 0xa0, NULL, true, false},
    {"forget=00ff00ff", PERMIT_FORGET, 0, "00ff00ff", true, false},
    {"forget=00ff00ff", PERMIT_FORGET, 0xff00ff, NULL, true, false},
    {"rescue=1", PERMIT_RESCUE, 1, NULL, true, false},
    {"replace=a0,,", PERMIT_REPLACE, 0xa0, NULL, true, false},
    {"", PERMIT_REPLACE, 0xa0, NULL, false, false},
    {"replace", PERMIT_REPLACE, 0xa0, NULL, false, true},
    {"replace=", PERMIT_REPLACE, 0xa0, NULL, false, true},
    {"replac=a0", PERMIT_REPLACE, 0xa0, NULL, false, true},
    {"REPLACE=a0", PERMIT_REPLACE, 0xa0, NULL, false, true},
    {"=a0", PERMIT_UNKNOWN, 0xa0, NULL, false, true},
    {"unknown=a0", PERMIT_UNKNOWN, 0xa0, NULL, false, true},
    {"replace=0", PERMIT_REPLACE, 0, NULL, false, false},
    {"replace=100000000000000a0", PERMIT_REPLACE, 0xa0, NULL, false, false}, /* 17 digits: a name, no ID */
    {"replace=0xa0", PERMIT_REPLACE, 0xa0, NULL, false, false},
    {"bad,replace=a0", PERMIT_REPLACE, 0xa0, NULL, true, true},
};

static void each_text_grants_what_it_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct permit_list list = {0};
        permit_list_parse(&list, rows[i].text, PERMIT_FROM_FILE);
        if ((permit_find(&list, rows[i].kind, rows[i].id, rows[i].name) != NULL) != rows[i].is_granted ||
            list.has_bad_entry != rows[i].has_bad_entry)
            fail_msg("row %zu: %s", i, rows[i].text);
    }
}

static void what_does_not_fit_grants_nothing(void **state)
{
    struct permit_list list = {0};
    char text[16 * 16 + 32] = "", longest[PERMIT_NAME_BYTES + 16] = "archive=";

    (void)state;
    for (int i = 0; i < PERMITS_MAX; i++)
        strcat(text, "start=a0,");
    strcat(text, "drop=b1");
    permit_list_parse(&list, text, PERMIT_FROM_RECORD);
    assert_int_equal(list.count, PERMITS_MAX);
    assert_true(list.has_bad_entry);
    assert_null(permit_find(&list, PERMIT_DROP, 0xb1, NULL));
    list = (struct permit_list){0};
    memset(longest + 8, 'n', PERMIT_NAME_BYTES);
    permit_list_parse(&list, longest, PERMIT_FROM_RECORD);
    assert_int_equal(list.count, 0);
    assert_true(list.has_bad_entry);
    longest[8 + PERMIT_NAME_BYTES - 1] = '\0';
    permit_list_parse(&list, longest, PERMIT_FROM_RECORD);
    assert_int_equal(list.count, 1);
    assert_int_equal(list.permits[0].source, PERMIT_FROM_RECORD);
}

static void words_and_kinds_agree(void **state)
{
    (void)state;
    for (int kind = PERMIT_ARCHIVE; kind <= PERMIT_RESCUE; kind++) {
        struct permit_list list = {0};
        char text[32] = "";
        strcat(text, permit_word((enum permit_kind)kind));
        strcat(text, "=a0");
        permit_list_parse(&list, text, PERMIT_FROM_FILE);
        assert_int_equal(list.permits[0].kind, kind);
    }
    assert_string_equal(permit_word(PERMIT_UNKNOWN), "unknown");
    assert_string_equal(permit_word((enum permit_kind)99), "unknown");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_text_grants_what_it_says),
        cmocka_unit_test(what_does_not_fit_grants_nothing),
        cmocka_unit_test(words_and_kinds_agree),
    };
    return cmocka_run_group_tests_name("permit", tests, NULL, NULL);
}
