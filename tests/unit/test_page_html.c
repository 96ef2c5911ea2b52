/* The page for people: what it says, and that nothing from outside becomes markup. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "usher/serve/page_html.h"

enum { PAGE_BYTES = 256 * 1024 };

static struct snapshot *snapshot_new(void)
{
    struct snapshot *snapshot = calloc(1, sizeof *snapshot);

    assert_non_null(snapshot);
    snapshot_init(snapshot);
    snprintf(snapshot->name, sizeof snapshot->name, "etcd-0");
    snapshot->member.value = 0xa0;
    snapshot->cluster.value = 0xc1;
    snapshot->member_count = 1;
    snapshot->members[0].id.value = 0xa0;
    snapshot->members[0].is_started = true;
    return snapshot;
}

static void assert_page(const struct snapshot *snapshot, const char *words, bool is_there)
{
    struct bounded_text text;

    bounded_text_init(&text, PAGE_BYTES);
    page_html_write(snapshot, "1.2.3", 10000, &text);
    if ((strstr(bounded_text_c(&text), words) != NULL) != is_there)
        fail_msg("%s %s:\n%s", words, is_there ? "is missing" : "is there", bounded_text_c(&text));
    assert_non_null(strstr(bounded_text_c(&text), "</html>"));
    bounded_text_done(&text);
}

static void it_says_who_and_how(void **state)
{
    struct snapshot *snapshot = snapshot_new();

    (void)state;
    assert_page(snapshot, "not ready", true);
    assert_page(snapshot, "<code>a0</code> (ours)", true);
    assert_page(snapshot, "c1", true);
    assert_page(snapshot, "waiting", false);
    snapshot->waiting_for = REASON_NO_QUORUM_WAIT;
    snapshot->waiting_since_ms = 3000;
    assert_page(snapshot, "for 7 s", true);
    free(snapshot);
}

static void names_are_no_markup(void **state)
{
    struct snapshot *snapshot = snapshot_new();

    (void)state;
    snprintf(snapshot->members[0].name, sizeof snapshot->members[0].name, "<script>&\"");
    assert_page(snapshot, "<script", false);
    assert_page(snapshot, "&lt;script&gt;&amp;&quot;", true);
    free(snapshot);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(it_says_who_and_how), cmocka_unit_test(names_are_no_markup)};
    return cmocka_run_group_tests_name("page_html", tests, NULL, NULL);
}
