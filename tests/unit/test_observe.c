/* Whom a look asks right after our own ADD. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fake_world.h"
#include "scratch.h"
#include "usher/member/observe.h"

enum { LIMIT_MS = 1000 };

static struct fake_world fake;
static struct usher usher;

static struct {
    size_t count;
    size_t addresses[4];
    char first[4][URL_BYTES];
    bool answers_alone;
} looks;

static bool look(void *self, const struct look_request *request, struct deadline deadline, struct cluster_view *out,
                 struct usher_error *err)
{
    (void)self;
    (void)deadline;
    (void)err;
    assert_in_range(looks.count, 0, 3);
    looks.addresses[looks.count] = request->address_count;
    snprintf(looks.first[looks.count], URL_BYTES, "%s", request->addresses[0].text);
    looks.count++;
    *out = fake.view;
    out->live = request->address_count > 1 || looks.answers_alone ? LIVE_REACHABLE : LIVE_UNREACHABLE;
    return true;
}

static int set_up(void **state)
{
    if (scratch_make(state) != 0)
        return -1;
    fake_world_init(&fake, *state, 3);
    fake.world.look = look;
    fake.settings.endpoint_count = 2;
    snprintf(fake.settings.endpoints[0], URL_BYTES, "http://seed-0:2379");
    snprintf(fake.settings.endpoints[1], URL_BYTES, "http://seed-1:2379");
    memset(&looks, 0, sizeof looks);
    usher_init(&usher, &fake.settings, &fake.world, &fake.store);
    snprintf(usher.added_at, sizeof usher.added_at, "http://member-1:2379");
    return 0;
}

static void who_took_our_add_is_asked_alone_once(void **state)
{
    (void)state;
    looks.answers_alone = true;
    observe_cluster(&usher, deadline_in_ms(LIMIT_MS));
    assert_int_equal(looks.count, 1);
    assert_int_equal(looks.addresses[0], 1);
    assert_string_equal(looks.first[0], "http://member-1:2379");
    observe_cluster(&usher, deadline_in_ms(LIMIT_MS));
    assert_int_equal(looks.count, 2);
    assert_int_equal(looks.addresses[1], 2);
}

/* One that keeps silent is never "nobody answers" (I9). */
static void if_it_is_silent_everybody_is_asked(void **state)
{
    (void)state;
    observe_cluster(&usher, deadline_in_ms(LIMIT_MS));
    assert_int_equal(looks.count, 2);
    assert_int_equal(looks.addresses[1], 2);
    assert_int_equal(usher.view.live, LIVE_REACHABLE);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, scratch_remove)
    static const struct CMUnitTest tests[] = {
        TEST(who_took_our_add_is_asked_alone_once),
        TEST(if_it_is_silent_everybody_is_asked),
    };
    return cmocka_run_group_tests_name("observe", tests, NULL, NULL);
}
