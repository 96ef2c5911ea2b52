/* What a sidecar or an init asks of the Kubernetes API, how often, and that nobody waits for an API that hangs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fake_world.h"
#include "scratch.h"
#include "usher/member/apply.h"
#include "usher/member/apply_parts.h"
#include "usher/member/observe.h"

#define WAL "3.6.14-acf257b6c52729d5-ead16bca26c8cc6c.wal"

static struct fake_world fake;
static struct sidecar sidecar;

static int set_up(void **state)
{
    if (scratch_make(state) != 0)
        return -1;
    fake_world_init(&fake, *state, 3);
    fake_world_sidecar(&fake, &sidecar);
    return 0;
}

static void our_pod_ends(int64_t grace_left_ms)
{
    fake.own_pod.is_deleted = true;
    fake.own_pod.grace_left_ms = grace_left_ms;
    fake.set.replicas = 3;
}

/* Quorum reads take more than a second, and one address keeps silent: a look then takes its whole time, each time. */
static void a_look_that_takes_its_time_stops_no_leave(void **state)
{
    (void)state;
    fake.etcd_hangs = true;
    for (int i = 0; i < 2; i++) {
        sidecar_observe(&sidecar, true);
        sidecar_leave(&sidecar, LEAVE_ASKED_ORDER);
    }
    assert_int_not_equal(fake.removals + fake.moves, 0);
}

static void a_stay_is_quick_though_the_api_hangs(void **state)
{
    int64_t began_ms = monotonic_ms();

    (void)state;
    fake.api_hangs = true;
    sidecar.leaving_since_ms = fake.world.now_ms(&fake);
    assert_true(sidecar_leave(&sidecar, LEAVE_ASKED_HTTP));
    assert_int_equal(fake.verdict, REASON_STAY_UNPROVEN);
    assert_in_range(monotonic_ms() - began_ms, 3000, 4900);
}

/* The turn that saw the request took its time, too. */
static void the_time_since_the_request_counts(void **state)
{
    int64_t began_ms = monotonic_ms();

    (void)state;
    fake.api_hangs = true;
    sidecar.leaving_since_ms = fake.world.now_ms(&fake) - 3000;
    assert_true(sidecar_leave(&sidecar, LEAVE_ASKED_HTTP));
    assert_in_range(monotonic_ms() - began_ms, 1000, 1900);
}

static void publish_nothing(void *self, const struct sidecar *turned)
{
    (void)self;
    (void)turned;
}

static bool take_poke(void *self)
{
    (void)self;
    return true;
}

static bool asked_from_the_second_turn_on(void *self, enum leave_asked *out_how)
{
    static bool is_second;

    (void)self;
    *out_how = is_second ? LEAVE_ASKED_HTTP : LEAVE_NOT_ASKED;
    is_second = !is_second;
    return !is_second;
}

static bool always_asked(void *self, enum leave_asked *out_how)
{
    (void)self;
    *out_how = LEAVE_ASKED_HTTP;
    return true;
}

static bool stops_when_answered(void *self)
{
    (void)self;
    fake.api_hangs = fake.verdicts == 0;
    return fake.verdicts > 0;
}

/* Somebody asks us to leave in the middle of a write of the record, and nobody at the API answers. */
static void a_write_that_hangs_gives_way(void **state)
{
    int64_t began_ms = monotonic_ms();
    struct usher_error err = {0};

    (void)state;
    fake.api_hangs = fake.only_writes_hang = fake.is_poked = true;
    fake.record.slots[0].id.value = 0xdead; /* so there is something to write */
    fake.world.is_stopping = stops_when_answered;
    sidecar.door.is_asked = asked_from_the_second_turn_on;
    sidecar.publish = publish_nothing;
    sidecar.take_poke = take_poke;
    sidecar.leave_limit_ms = 0; /* it ends with the turn that follows the verdict */
    assert_int_equal(sidecar_run(&sidecar, &err), USHER_EXIT_DONE);
    assert_int_equal(fake.record_swaps, 1);
    assert_int_not_equal(fake.verdicts, 0);
    assert_in_range(monotonic_ms() - began_ms, 2900, 4900);
}

static unsigned reads_before_verdict;

static void done_after_a_read(void *self, enum usher_exit exit, enum reason reason, const char *text, bool is_final)
{
    (void)self;
    (void)exit;
    (void)reason;
    (void)text;
    (void)is_final;
    reads_before_verdict += fake.verdicts++ == 0 ? fake.record_reads : 0;
}

/* The end of a move, where the record tells who is outside: a read of it that was cut short is made good before the verdict. */
static void a_record_that_was_cut_short_is_read_for_who_asks(void **state)
{
    struct usher_error err = {0};

    (void)state;
    sidecar.usher.record.state = RECORD_UNREADABLE;
    sidecar.record_again_at_ms = sidecar.seeds_again_at_ms = INT64_MAX;
    fake.world.is_stopping = stops_when_answered;
    sidecar.door.is_asked = always_asked;
    sidecar.door.done = done_after_a_read;
    reads_before_verdict = 0;
    sidecar.publish = publish_nothing;
    sidecar.take_poke = take_poke;
    sidecar.leave_limit_ms = 0;
    assert_int_equal(sidecar_run(&sidecar, &err), USHER_EXIT_DONE);
    assert_int_equal(reads_before_verdict, 1);
    assert_int_equal(sidecar.usher.record.state, RECORD_CLUSTER);
}

/* A second hook, or SIGTERM, in the middle of the look: nothing was learnt, and no verdict comes of it. */
static void a_look_that_was_cut_short_gives_no_verdict(void **state)
{
    (void)state;
    our_pod_ends(60000);
    sidecar.usher.view.live = LIVE_UNKNOWN;
    sidecar.leaving_since_ms = fake.world.now_ms(&fake);
    assert_false(sidecar_leave(&sidecar, LEAVE_ASKED_HTTP));
    assert_int_equal(fake.verdicts + fake.own_pod_reads, 0);
    sidecar.leaving_since_ms -= sidecar.leave_limit_ms; /* but not for ever */
    assert_true(sidecar_leave(&sidecar, LEAVE_ASKED_HTTP));
}

static void nobody_else_is_asked_for_a_stay(void **state)
{
    (void)state;
    sidecar.usher.view.endpoint_count = 1; /* a settled voter's turn asks its own etcd alone */
    assert_true(sidecar_leave(&sidecar, LEAVE_ASKED_HTTP));
    assert_int_equal(fake.verdict, REASON_STAY_COMES_BACK);
    assert_int_equal(fake.status_calls, 0);
}

static void events_come_after_the_verdict(void **state)
{
    (void)state;
    assert_true(sidecar_leave(&sidecar, LEAVE_ASKED_HTTP));
    assert_true(fake.events == 1 && fake.events_before_verdict == 0);
    assert_string_equal(fake.last_event, "Stayed");
    sidecar.has_left = true;
    fake.verdicts = 0;
    assert_true(sidecar_leave(&sidecar, LEAVE_ASKED_HTTP));
    assert_true(fake.events == 2 && fake.events_before_verdict == 0);
    assert_string_equal(fake.last_event, "Left");
}

/* A sidecar that was told to stop while its etcd goes on turns twenty times a second. */
static void a_stop_signal_does_not_flood_the_api(void **state)
{
    (void)state;
    sidecar.is_stopping = true;
    sidecar.stopping_since_ms = fake.world.now_ms(&fake);
    for (int i = 0; i < 100; i++)
        assert_true(sidecar_leave(&sidecar, LEAVE_ASKED_SIGNAL));
    assert_int_equal(fake.own_pod_reads, 1);
    assert_int_equal(fake.events, 1);
    fake.jumped_ms += 2100;
    our_pod_ends(30000);
    fake.set.replicas = 0;
    assert_true(sidecar_leave(&sidecar, LEAVE_ASKED_SIGNAL));
    assert_int_equal(fake.verdict, REASON_STAY_PAUSED);
    assert_true(fake.own_pod_reads == 2 && fake.set_reads == 1);
}

static void nor_while_the_api_is_away(void **state)
{
    (void)state;
    fake.own_pod.answer = API_UNKNOWN;
    sidecar.is_stopping = true;
    sidecar.stopping_since_ms = fake.world.now_ms(&fake);
    for (int i = 0; i < 100; i++)
        assert_true(sidecar_leave(&sidecar, LEAVE_ASKED_SIGNAL));
    assert_int_equal(fake.own_pod_reads, 3); /* three tries of one evaluation */
    assert_int_equal(fake.events, 1);
}

/* What a hook heard before the signal came says nothing: that may have been a liveness restart. */
static void a_signal_asks_anew(void **state)
{
    (void)state;
    assert_true(sidecar_leave(&sidecar, LEAVE_ASKED_HTTP));
    fake.jumped_ms += 100;
    sidecar.is_stopping = true;
    sidecar.stopping_since_ms = fake.world.now_ms(&fake);
    assert_true(sidecar_leave(&sidecar, LEAVE_ASKED_SIGNAL));
    assert_int_equal(fake.own_pod_reads, 2);
}

static void each_hook_asks_anew(void **state)
{
    (void)state;
    assert_true(sidecar_leave(&sidecar, LEAVE_ASKED_HTTP));
    assert_true(sidecar_leave(&sidecar, LEAVE_ASKED_HTTP));
    assert_int_equal(fake.own_pod_reads, 2);
}

/* A life that ends by a scale-down costs two calls. */
static void leaving_costs_two_calls(void **state)
{
    (void)state;
    our_pod_ends(30000);
    fake.set.replicas = 0;
    fake.set.start = 1;
    fake.set.replicas = 2;
    assert_false(sidecar_leave(&sidecar, LEAVE_ASKED_HTTP)); /* moves the leader */
    assert_int_equal(fake.moves, 1);
    sidecar.usher.view.endpoints[0].leader.value = sidecar.usher.view.endpoints[1].leader.value =
        sidecar.usher.view.endpoints[2].leader.value = 2;
    assert_false(sidecar_leave(&sidecar, LEAVE_ASKED_HTTP)); /* removes */
    assert_true(fake.removals == 1 && fake.removed.value == 1);
    assert_true(fake.own_pod_reads == 1 && fake.set_reads == 1);
}

static void replicas_that_change_in_the_middle_count(void **state)
{
    (void)state;
    our_pod_ends(60000);
    fake.set.start = 1;
    fake.set.replicas = 2;
    sidecar.usher.view.live = LIVE_NO_QUORUM;
    assert_false(sidecar_leave(&sidecar, LEAVE_ASKED_HTTP)); /* waits */
    fake.set.start = 0;
    sidecar.usher.view.live = LIVE_REACHABLE;
    fake.jumped_ms += 2100;
    assert_true(sidecar_leave(&sidecar, LEAVE_ASKED_HTTP));
    assert_int_equal(fake.verdict, REASON_STAY_COMES_BACK);
    assert_int_equal(fake.removals, 0);
}

/* The grace period is counted from where the leaving is counted from, also when the API was away in between. */
static void the_grace_period_bounds_the_leaving(void **state)
{
    (void)state;
    our_pod_ends(40000);
    sidecar.leaving_since_ms = fake.world.now_ms(&fake) - 20000;
    fake.set.start = 1;
    sidecar.usher.view.live = LIVE_NO_QUORUM;
    assert_false(sidecar_leave(&sidecar, LEAVE_ASKED_HTTP));
    assert_in_range(sidecar.leave_limit_ms, 57000, 57500);
}

static void another_pods_grace_is_not_ours(void **state)
{
    (void)state;
    our_pod_ends(40000);
    snprintf(fake.own_pod.uid, UID_BYTES, "another");
    assert_true(sidecar_leave(&sidecar, LEAVE_ASKED_HTTP));
    assert_int_equal(fake.verdict, REASON_STAY_UNPROVEN);
    assert_int_equal(sidecar.leave_limit_ms, 25000);
}

/* -- the set record -- */

static void a_claim_that_was_not_written_is_not_believed(void **state)
{
    struct usher *usher = &sidecar.usher;
    struct join_decision claim = {.action = JOIN_CLAIM, .reason = REASON_CLAIM};
    struct usher_error err = {0};
    int64_t again_in_ms = 0;

    (void)state;
    fake.record = (struct set_record){.state = RECORD_EMPTY};
    fake.swap_fails = true;
    observe_record(usher);
    assert_int_equal(apply_join(usher, &claim, &again_in_ms, &err), APPLY_FAILED);
    assert_int_equal(usher->record.state, RECORD_EMPTY);
    assert_int_equal(usher->record_read_at_ms, -1); /* and the next turn reads it */
}

static void a_forgetting_that_was_not_written_is_not_believed(void **state)
{
    struct usher *usher = &sidecar.usher;
    struct join_decision forget = {.action = JOIN_FORGET, .used_permit = {.kind = PERMIT_FORGET, .source = PERMIT_FROM_RECORD}};
    struct usher_error err = {0};
    int64_t again_in_ms = 0;

    (void)state;
    fake.swap_fails = true;
    assert_int_equal(apply_join(usher, &forget, &again_in_ms, &err), APPLY_FAILED);
    assert_int_equal(usher->record.state, RECORD_CLUSTER);
}

/* Two pods see one permit: the one that finds it gone has none. */
static void a_permit_is_used_once(void **state)
{
    struct usher *usher = &sidecar.usher;
    struct join_decision start = {.action = JOIN_START, .used_permit = {.kind = PERMIT_START, .source = PERMIT_FROM_RECORD, .name = "a0"}};
    struct usher_error err = {0};
    int64_t again_in_ms = 0;

    (void)state;
    assert_int_equal(apply_join(usher, &start, &again_in_ms, &err), APPLY_FAILED);
    fake.record.permits.permits[0] = start.used_permit;
    fake.record.permits.count = 1;
    assert_int_equal(apply_join(usher, &start, &again_in_ms, &err), APPLY_DONE);
    assert_int_equal(fake.record.permits.count, 0);
}

/* A pod that is refused (here: no data directory) asks again and again, but not the API. */
static void a_refused_pod_does_not_flood_the_api(void **state)
{
    struct usher *usher = &sidecar.usher;
    struct usher_error err = {0};

    (void)state;
    snprintf(fake.settings.data_dir, PATH_BYTES, "%s/missing/data", (const char *)*state);
    for (int i = 0; i < 5; i++) {
        struct join_turn turn = {0};
        assert_true(join_turn(usher, &turn, &err) && turn.is_refused);
    }
    assert_int_equal(fake.record_reads, 1);
    fake.jumped_ms += 5100;
    assert_true(join_turn(usher, &(struct join_turn){0}, &err));
    assert_int_equal(fake.record_reads, 2);
}

/* I10: API and etcd hang together. */
static void data_starts_within_three_seconds(void **state)
{
    struct usher *usher = &sidecar.usher;
    struct join_turn turn = {0};
    struct usher_error err = {0};
    static char header[64 * 1024];
    size_t length = scratch_read(USHER_TESTS_DIR "/unit/wal-headers/" WAL, header, sizeof header);
    int64_t began_ms = monotonic_ms();

    (void)state;
    scratch_write(scratch_path("%s/member/wal/0000000000000000-0000000000000000.wal", fake.settings.data_dir), header, length);
    scratch_write(scratch_path("%s/member/snap/db", fake.settings.data_dir), "x", 1);
    fake.api_hangs = fake.etcd_hangs = true;
    fake.record = (struct set_record){.state = RECORD_EMPTY};
    fake.view = (struct cluster_view){.live = LIVE_UNREACHABLE};
    began_ms = monotonic_ms();
    if (!join_turn(usher, &turn, &err))
        fail_msg("%s", err.text);
    assert_int_equal(turn.decision.action, JOIN_START);
    assert_true(turn.is_finished);
    assert_in_range(monotonic_ms() - began_ms, 2500, 3500);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, scratch_remove)
    static const struct CMUnitTest tests[] = {
        TEST(a_look_that_takes_its_time_stops_no_leave),
        TEST(a_stay_is_quick_though_the_api_hangs),
        TEST(the_time_since_the_request_counts),
        TEST(a_write_that_hangs_gives_way),
        TEST(a_record_that_was_cut_short_is_read_for_who_asks),
        TEST(a_look_that_was_cut_short_gives_no_verdict),
        TEST(nobody_else_is_asked_for_a_stay),
        TEST(events_come_after_the_verdict),
        TEST(a_stop_signal_does_not_flood_the_api),
        TEST(nor_while_the_api_is_away),
        TEST(a_signal_asks_anew),
        TEST(each_hook_asks_anew),
        TEST(leaving_costs_two_calls),
        TEST(replicas_that_change_in_the_middle_count),
        TEST(the_grace_period_bounds_the_leaving),
        TEST(another_pods_grace_is_not_ours),
        TEST(a_claim_that_was_not_written_is_not_believed),
        TEST(a_forgetting_that_was_not_written_is_not_believed),
        TEST(a_permit_is_used_once),
        TEST(a_refused_pod_does_not_flood_the_api),
        TEST(data_starts_within_three_seconds),
    };
    return cmocka_run_group_tests_name("sidecar_api", tests, NULL, NULL);
}
