/* --initial-cluster: every member, every peer URL, keys that cannot collide, and nothing at all rather than half. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "usher/core/initial_cluster.h"

static struct member *add(struct member_list *list, uint64_t id, const char *name, const char *url)
{
    struct member *member = &list->members[list->count++];
    member->id.value = id;
    snprintf(member->name, NAME_BYTES, "%s", name);
    member->peer_urls.count = 1;
    snprintf(member->peer_urls.url[0], URL_BYTES, "%s", url);
    return member;
}

static struct member_list *list_of_two(void)
{
    struct member_list *list = calloc(1, sizeof *list);
    if (list == NULL)
        abort();
    add(list, 0xab, "pod-0", "http://a:2380");
    add(list, 0xcd, "pod-1", "http://b:2380");
    return list;
}

static void each_member_and_each_url_is_named(void **state)
{
    struct member_list *list = list_of_two();
    char text[256];

    (void)state;
    add(list, 0xef, "", "http://c:2380")->is_learner = true; /* unstarted: no name, no client URL */
    list->members[1].peer_urls.count = 2;
    snprintf(list->members[1].peer_urls.url[1], URL_BYTES, "http://b2:2380");
    assert_true(initial_cluster_render(list, (struct member_id){0xcd}, "me", text, sizeof text));
    assert_string_equal(text, "m-ab=http://a:2380,me=http://b:2380,me=http://b2:2380,m-ef=http://c:2380");
    free(list);
}

/* Another member has our name, or our name looks like a key: no two keys are equal all the same. */
static void keys_cannot_collide(void **state)
{
    struct member_list *list = list_of_two();
    char text[256];

    (void)state;
    assert_true(initial_cluster_render(list, (struct member_id){0xcd}, "pod-0", text, sizeof text));
    assert_string_equal(text, "m-ab=http://a:2380,pod-0=http://b:2380");
    assert_true(initial_cluster_render(list, (struct member_id){0xcd}, "m-ab", text, sizeof text));
    assert_string_equal(text, "member-ab=http://a:2380,m-ab=http://b:2380");
    free(list);
}

static void nothing_rather_than_half(void **state)
{
    struct member_list *list = list_of_two();
    size_t whole = strlen("m-ab=http://a:2380,me=http://b:2380");
    char text[256];

    (void)state;
    assert_false(initial_cluster_render(list, (struct member_id){0xee}, "me", text, sizeof text)); /* we are not in it */
    assert_string_equal(text, "");
    assert_false(initial_cluster_render(list, (struct member_id){0}, "me", text, sizeof text));
    assert_false(initial_cluster_render(list, (struct member_id){0xcd}, "", text, sizeof text));
    assert_false(initial_cluster_render(list, (struct member_id){0xcd}, "me", text, whole));
    assert_string_equal(text, "");
    assert_true(initial_cluster_render(list, (struct member_id){0xcd}, "me", text, whole + 1));
    list->members[0].peer_urls.count = 0; /* etcd would count one member less */
    assert_false(initial_cluster_render(list, (struct member_id){0xcd}, "me", text, sizeof text));
    free(list);
}

static void the_founder_names_itself_alone(void **state)
{
    struct member_list *list = list_of_two();
    const struct url_list *urls = &list->members[0].peer_urls;
    char text[64];

    (void)state;
    assert_true(initial_cluster_render_alone("me", urls, text, sizeof text));
    assert_string_equal(text, "me=http://a:2380");
    assert_false(initial_cluster_render_alone("", urls, text, sizeof text));
    assert_false(initial_cluster_render_alone("me", urls, text, strlen("me=http://a:2380")));
    assert_string_equal(text, "");
    assert_false(initial_cluster_render_alone("me", &(struct url_list){0}, text, sizeof text));
    free(list);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_member_and_each_url_is_named),
        cmocka_unit_test(keys_cannot_collide),
        cmocka_unit_test(nothing_rather_than_half),
        cmocka_unit_test(the_founder_names_itself_alone),
    };
    return cmocka_run_group_tests_name("initial_cluster", tests, NULL, NULL);
}
