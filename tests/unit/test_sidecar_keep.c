/* What a turn of the sidecar keeps true: notes beside the data, the plan, the set record; and the two ways in which it holds etcd back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fake_world.h"
#include "scratch.h"
#include "usher/host/usher_file.h"
#include "usher/member/plan.h"

#define NONCE "00112233445566778899aabbccddeeff"

static struct fake_world fake;
static struct sidecar sidecar;

/* A voter that was never kept before: nothing is noted, the plan is to be settled. */
static int set_up(void **state)
{
    if (scratch_make(state) != 0)
        return -1;
    fake_world_init(&fake, *state, 3);
    fake_world_sidecar(&fake, &sidecar);
    sidecar.start_is_settled = sidecar.is_recorded = false;
    sidecar.plan = PLAN_START;
    sidecar.usher.facts.wal.state = WAL_IDS;
    sidecar.usher.facts.wal.cluster.value = FAKE_CLUSTER;
    sidecar.usher.facts.wal.member.value = 1;
    return 0;
}

static struct usher_file notes(void)
{
    struct usher_file file = {0};
    struct usher_error err = {0};
    assert_int_equal(usher_file_read(fake.settings.data_dir, &file, &err), USHER_FILE_READ);
    return file;
}

static enum plan_state plan(bool *out_is_new)
{
    enum plan_state state = PLAN_UNKNOWN;
    return plan_read(&fake.settings, &state, out_is_new) == PLAN_FILE_READ ? state : PLAN_UNKNOWN;
}

static void found(bool was_voter)
{
    snprintf(sidecar.usher.notes.nonce, NONCE_BYTES, NONCE);
    sidecar.usher.notes.was_voter = was_voter;
}

static void record_another_cluster(void)
{
    fake.record.cluster.value = 0xbad;
    set_record_settle(&fake.record);
}

/* -- what is kept -- */

static void a_voter_is_noted_with_the_others(void **state)
{
    bool is_new = true;
    struct usher_file file;

    (void)state;
    sidecar_keep(&sidecar);
    file = notes();
    assert_true(file.was_voter && file.cluster.value == FAKE_CLUSTER && file.voter_count == 3);
    assert_int_equal(file.endpoint_count, 2); /* of the others: our own leads nowhere after a lost cluster */
    assert_string_equal(file.endpoints[0], "http://1");
    assert_true(plan(&is_new) == PLAN_START && !is_new);
    assert_true(sidecar.start_is_settled && sidecar.is_recorded);
}

static void a_learner_is_no_voter(void **state)
{
    (void)state;
    sidecar.membership = MEMBERSHIP_LEARNER;
    sidecar.usher.view.list.members[0].is_learner = true;
    sidecar_keep(&sidecar);
    assert_false(notes().was_voter);
    assert_int_equal(notes().voter_count, 2);
}

/* The WAL is there: the nonce is used, and the next start says `existing`. */
static void a_founding_is_settled(void **state)
{
    bool is_new = true;

    (void)state;
    found(false);
    sidecar_keep(&sidecar);
    assert_true(notes().nonce_was_used && plan(&is_new) == PLAN_START && !is_new);
    sidecar_keep(&sidecar); /* the record is known to hold us now */
    assert_true(notes().was_voter);
}

static void without_a_wal_nothing_is_settled(void **state)
{
    (void)state;
    found(false);
    sidecar.usher.facts.wal.state = WAL_NONE;
    sidecar_keep(&sidecar);
    assert_false(sidecar.start_is_settled);
    assert_false(notes().nonce_was_used);
}

static void nothing_is_kept_of_what_was_not_seen(void **state)
{
    struct usher_file file = {0};

    (void)state;
    sidecar.usher.view.live = LIVE_NO_QUORUM;
    sidecar_keep(&sidecar);
    sidecar.usher.view.live = LIVE_REACHABLE;
    sidecar.own.answered = false;
    sidecar_keep(&sidecar);
    sidecar.own.answered = true;
    sidecar.usher.view.cluster.value = 0xbad;
    sidecar_keep(&sidecar);
    assert_int_equal(usher_file_read(fake.settings.data_dir, &file, NULL), USHER_FILE_ABSENT);
    assert_true(fake.record_reads == 0 && fake.record_swaps == 0);
}

/* -- the set record -- */

static void what_stands_there_is_not_written_again(void **state)
{
    (void)state;
    sidecar_keep(&sidecar);
    assert_int_equal(fake.record_reads, 1);
    fake.record_swaps = 0;
    for (int i = 0; i < 10; i++)
        sidecar_keep(&sidecar);
    assert_true(fake.record_reads == 1 && fake.record_swaps == 0);
}

static void a_list_that_changes_is_recorded_at_once(void **state)
{
    unsigned reads;

    (void)state;
    sidecar_keep(&sidecar);
    reads = fake.record_reads;
    sidecar.usher.view.list.count = 2;
    sidecar_keep(&sidecar);
    assert_int_equal(fake.record_reads, reads + 1);
    assert_int_equal(notes().voter_count, 2);
}

/* Somebody may have deleted it and made it anew, empty. */
static void it_is_looked_at_again_within_two_hours(void **state)
{
    (void)state;
    sidecar_keep(&sidecar);
    fake.record = (struct set_record){.state = RECORD_EMPTY, .version = "9"};
    fake.jumped_ms += 2 * 60 * 60 * 1000;
    sidecar_keep(&sidecar);
    assert_true(fake.record.cluster.value == FAKE_CLUSTER && fake.record.slots[0].id.value == 1);
}

static void a_record_that_cannot_be_written_is_tried_again(void **state)
{
    (void)state;
    fake.record = (struct set_record){.state = RECORD_EMPTY, .version = "9"};
    fake.swap_fails = true;
    sidecar_keep(&sidecar);
    sidecar_keep(&sidecar);
    assert_true(fake.record_swaps == 1 && !sidecar.is_recorded);
    fake.swap_fails = false;
    fake.jumped_ms += 5001;
    sidecar_keep(&sidecar);
    assert_true(sidecar.is_recorded && fake.record.cluster.value == FAKE_CLUSTER);
}

static void nobody_who_leaves_waits_for_it(void **state)
{
    (void)state;
    sidecar.leaving_since_ms = fake.world.now_ms(&fake);
    sidecar_keep(&sidecar);
    assert_int_equal(fake.record_reads, 0);
}

/* -- another cluster stands there -- */

static void a_second_founding_holds_its_etcd_back(void **state)
{
    bool is_new;

    (void)state;
    found(false);
    record_another_cluster();
    sidecar_keep(&sidecar);
    assert_int_equal(plan(&is_new), PLAN_REFUSED);
    assert_true(sidecar.other_cluster_is_recorded && !sidecar.is_recorded && sidecar.last_reason == REASON_OTHER_CLUSTER_RECORDED);
    sidecar_keep(&sidecar); /* and stays held back */
    assert_int_equal(plan(&is_new), PLAN_REFUSED);
    assert_int_equal(fake.record.cluster.value, 0xbad);
}

/* Silence of the API is no permission. */
static void and_stays_held_back_while_nobody_can_read_it(void **state)
{
    bool is_new;

    (void)state;
    found(false);
    record_another_cluster();
    sidecar_keep(&sidecar);
    fake.record_is_unreadable = true;
    fake.jumped_ms += 5001;
    sidecar_keep(&sidecar);
    sidecar_keep(&sidecar);
    assert_true(fake.record_reads == 2 && sidecar.other_cluster_is_recorded);
    assert_int_equal(plan(&is_new), PLAN_REFUSED);
}

static void a_member_of_old_serves_on(void **state)
{
    bool is_new;

    (void)state;
    found(true);
    sidecar.usher.notes.nonce_was_used = true;
    record_another_cluster();
    sidecar_keep(&sidecar);
    assert_int_equal(plan(&is_new), PLAN_START);
    assert_true(sidecar.other_cluster_is_recorded && fake.record.cluster.value == 0xbad);
}

/* -- removed -- */

static void leave_the_list(void)
{
    sidecar.membership = MEMBERSHIP_NONE;
    for (size_t i = 1; i < sidecar.usher.view.list.count; i++)
        sidecar.usher.view.list.members[i - 1] = sidecar.usher.view.list.members[i];
    sidecar.usher.view.list.count--;
}

static void who_is_not_listed_any_more_is_held_back(void **state)
{
    bool is_new;

    (void)state;
    leave_the_list();
    sidecar_keep(&sidecar);
    assert_true(notes().left.cluster.value == FAKE_CLUSTER && notes().left.member.value == 1);
    assert_int_equal(plan(&is_new), PLAN_REMOVED);
    assert_true(sidecar.was_removed && !sidecar.has_left);
    assert_true(plan_was_removed(&fake.settings)); /* also after a restart of this container */
}

static void our_own_removal_is_a_leaving(void **state)
{
    (void)state;
    leave_the_list();
    sidecar.removal_was_asked = true;
    sidecar_keep(&sidecar);
    assert_true(sidecar.has_left && !sidecar.was_removed && notes().left.member.value == 1);
}

/* Stale or foreign lists prove nothing. */
static void a_list_that_is_not_ours_removes_nobody(void **state)
{
    (void)state;
    leave_the_list();
    sidecar.usher.view.live = LIVE_NO_QUORUM;
    sidecar_keep(&sidecar);
    sidecar.usher.view.live = LIVE_REACHABLE;
    sidecar.usher.view.cluster.value = 0xbad;
    sidecar_keep(&sidecar);
    assert_true(!sidecar.was_removed && !sidecar.has_left && !scratch_exists(scratch_path("%s/launch", fake.settings.plan_dir)));
}

/* The mark comes first: a plan that says so without it would be forgotten with the pod. */
static void without_the_mark_nothing_turns(void **state)
{
    (void)state;
    scratch_mkdir(scratch_path("%s/usher.json", fake.settings.data_dir));
    leave_the_list();
    sidecar_keep(&sidecar);
    assert_true(!sidecar.was_removed && !plan_was_removed(&fake.settings));
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, scratch_remove)
    static const struct CMUnitTest tests[] = {
        TEST(a_voter_is_noted_with_the_others),
        TEST(a_learner_is_no_voter),
        TEST(a_founding_is_settled),
        TEST(without_a_wal_nothing_is_settled),
        TEST(nothing_is_kept_of_what_was_not_seen),
        TEST(what_stands_there_is_not_written_again),
        TEST(a_list_that_changes_is_recorded_at_once),
        TEST(it_is_looked_at_again_within_two_hours),
        TEST(a_record_that_cannot_be_written_is_tried_again),
        TEST(nobody_who_leaves_waits_for_it),
        TEST(a_second_founding_holds_its_etcd_back),
        TEST(and_stays_held_back_while_nobody_can_read_it),
        TEST(a_member_of_old_serves_on),
        TEST(who_is_not_listed_any_more_is_held_back),
        TEST(our_own_removal_is_a_leaving),
        TEST(a_list_that_is_not_ours_removes_nobody),
        TEST(without_the_mark_nothing_turns),
    };
    return cmocka_run_group_tests_name("sidecar_keep", tests, NULL, NULL);
}
