/* The small values that everything stands on: errors, deadlines, the bounded text. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "usher/host/bounded_text.h"
#include "usher/host/deadline.h"
#include "usher/host/error.h"

static void errors_gain_context_on_the_way_up(void **state)
{
    struct usher_error err = {.exit = USHER_EXIT_REFUSED};

    (void)state;
    assert_false(usher_error_errno(&err, ENOSPC, "cannot write %s", "/a/b"));
    assert_int_equal(err.exit, USHER_EXIT_FAILED);
    assert_string_equal(err.text, "cannot write /a/b: No space left on device");
    err.exit = USHER_EXIT_TIMEOUT;
    assert_false(usher_error_wrap(&err, "slot %d", 3));
    assert_string_equal(err.text, "slot 3: cannot write /a/b: No space left on device");
    assert_int_equal(err.exit, USHER_EXIT_TIMEOUT); /* context does not change what it means */
    assert_false(usher_error_set(&err, "other"));
    assert_string_equal(err.text, "other");
    /* Nobody listens. */
    assert_false(usher_error_set(NULL, "x"));
    assert_false(usher_error_wrap(NULL, "x"));
    assert_false(usher_error_errno(NULL, EIO, "x"));
}

static void errors_are_cut_never_overrun(void **state)
{
    struct {
        struct usher_error err;
        char guard[8];
    } held = {.guard = "guarded"};
    char longest[ERROR_TEXT_BYTES * 2];

    (void)state;
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    usher_error_set(&held.err, "%s", longest);
    assert_int_equal(strlen(held.err.text), ERROR_TEXT_BYTES - 1);
    usher_error_wrap(&held.err, "%s", "front");
    assert_int_equal(strlen(held.err.text), ERROR_TEXT_BYTES - 1);
    assert_memory_equal(held.err.text, "front: xxx", 10);
    usher_error_errno(&held.err, EIO, "%s", longest);
    assert_int_equal(strlen(held.err.text), ERROR_TEXT_BYTES - 1);
    usher_error_wrap(&held.err, "%s", longest);
    assert_int_equal(strlen(held.err.text), ERROR_TEXT_BYTES - 1);
    assert_string_equal(held.guard, "guarded");
}

static void deadlines_do_not_wrap(void **state)
{
    static const int64_t far[] = {INT64_MAX, INT64_MAX - 1, INT64_MAX / 2};
    struct deadline soon = deadline_in_ms(60 * 1000);

    (void)state;
    for (size_t i = 0; i < sizeof far / sizeof far[0]; i++) {
        struct deadline deadline = deadline_in_ms(far[i]); /* --timeout=9223372036854775807ms */
        assert_false(deadline_is_over(deadline));
        assert_int_equal(deadline_left_ms(deadline), INT32_MAX);
    }
    assert_true(deadline_is_over(deadline_in_ms(0)));
    assert_true(deadline_is_over(deadline_in_ms(-1)));
    assert_true(deadline_is_over(deadline_in_ms(INT64_MIN)));
    assert_int_equal(deadline_left_ms(deadline_in_ms(INT64_MIN)), 0);
    assert_int_equal(deadline_left_ms(deadline_never()), INT32_MAX);
    assert_true(deadline_left_ms(soon) > 0 && deadline_left_ms(soon) <= 60 * 1000);
    assert_int_equal(deadline_earlier(soon, deadline_never()).at_ms, soon.at_ms);
    assert_int_equal(deadline_earlier(deadline_never(), soon).at_ms, soon.at_ms);
    assert_true(monotonic_us() / 1000 <= monotonic_ms());
}

static void a_text_stays_within_its_maximum(void **state)
{
    struct bounded_text text;

    (void)state;
    bounded_text_init(&text, 10);
    assert_string_equal(bounded_text_c(&text), "");
    assert_true(bounded_text_add_c(&text, "12345"));
    assert_true(bounded_text_printf(&text, "%d", 67890)); /* exactly full */
    assert_string_equal(bounded_text_c(&text), "1234567890");
    assert_true(bounded_text_add(&text, "", 0));
    assert_false(bounded_text_add_c(&text, "x"));
    assert_true(text.overflowed);
    assert_false(bounded_text_add(&text, "", 0)); /* once short, always short: a reader must not take half a text for a whole one */
    assert_string_equal(bounded_text_c(&text), "1234567890");
    bounded_text_reset(&text);
    assert_string_equal(bounded_text_c(&text), "");
    assert_false(bounded_text_printf(&text, "%s", "12345678901"));
    assert_true(text.overflowed);
    assert_string_equal(bounded_text_c(&text), "");
    bounded_text_reset(&text);
    assert_false(bounded_text_add(&text, "x", SIZE_MAX)); /* a length that wraps */
    bounded_text_done(&text);
    bounded_text_done(&text);
    assert_string_equal(bounded_text_c(&text), "");
}

static void a_text_holds_any_bytes(void **state)
{
    struct bounded_text text, none = {0};
    static const char bytes[] = {'a', '\0', (char)0xff, '\n'};

    (void)state;
    bounded_text_init(&text, 100 * 1000);
    for (int i = 0; i < 20 * 1000; i++)
        assert_true(bounded_text_add(&text, bytes, sizeof bytes));
    assert_int_equal(text.length_bytes, 80 * 1000);
    assert_memory_equal(text.data + 79996, bytes, sizeof bytes);
    assert_int_equal(text.data[text.length_bytes], 0);
    bounded_text_done(&text);
    assert_false(bounded_text_add_c(&none, "x")); /* a zeroed one holds nothing */
    assert_string_equal(bounded_text_c(&none), "");
    bounded_text_done(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_gain_context_on_the_way_up),
        cmocka_unit_test(errors_are_cut_never_overrun),
        cmocka_unit_test(deadlines_do_not_wrap),
        cmocka_unit_test(a_text_stays_within_its_maximum),
        cmocka_unit_test(a_text_holds_any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
