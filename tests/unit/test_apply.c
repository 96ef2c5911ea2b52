/* One decision carried out: what is called, where, what is noted first, and what each way that a call can end means. Data directories are real. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "fake_world.h"
#include "scratch.h"
#include "usher/host/usher_file.h"
#include "usher/member/apply.h"

enum { OURS = 1, LEADER = 2, ADDED = 0xadd };

static struct fake_world fake;
static struct usher usher;
static struct usher_error err;
static int64_t again_in_ms;

/* Three voters that answer, the second leads; we are the first slot, and whether we are a member is the test's affair. */
static int set_up(void **state)
{
    if (scratch_make(state) != 0)
        return -1;
    fake_world_init(&fake, *state, 3);
    for (size_t i = 0; i < fake.view.endpoint_count; i++)
        fake.view.endpoints[i].leader.value = LEADER;
    usher_init(&usher, &fake.settings, &fake.world, &fake.store);
    usher.view = fake.view;
    usher.record = fake.record;
    fake.answer.added.value = ADDED;
    again_in_ms = -1;
    err = (struct usher_error){0};
    return 0;
}

static enum apply_result apply(enum join_action action, uint64_t target)
{
    struct join_decision decision = {.action = action, .reason = REASON_ADD_LEARNER, .target = {target}, .cluster = {FAKE_CLUSTER}};
    return apply_join(&usher, &decision, &again_in_ms, &err);
}

static struct usher_file notes(void)
{
    struct usher_file file = {0};
    assert_int_equal(usher_file_read(fake.settings.data_dir, &file, &err), USHER_FILE_READ);
    return file;
}

/* -- add -- */

static void an_add_is_noted_and_recorded(void **state)
{
    (void)state;
    assert_int_equal(apply(JOIN_ADD, 0), APPLY_DONE);
    assert_int_equal(fake.adds, 1);
    assert_string_equal(fake.written_to, "http://1"); /* the leader */
    assert_true(notes().join_record.member.value == ADDED && notes().join_record.cluster.value == FAKE_CLUSTER);
    assert_string_equal(notes().slot, "etcd-0");
    assert_true(fake.record_swaps == 1 && fake.record.slots[0].id.value == ADDED);
    assert_string_equal(fake.last_event, "LearnerAdded");
    assert_true(usher.counters.adds == 1 && again_in_ms == 0);
}

/* The join record decides; the set record can be written later, by the sidecar. */
static void an_add_stands_without_the_set_record(void **state)
{
    (void)state;
    fake.swap_fails = true;
    assert_int_equal(apply(JOIN_ADD, 0), APPLY_DONE);
    assert_int_equal(notes().join_record.member.value, ADDED);
    assert_int_equal(usher.added.value, ADDED);
}

static void nothing_is_added_that_could_not_be_noted(void **state)
{
    (void)state;
    snprintf(fake.settings.data_dir, PATH_BYTES, "%s/missing", (const char *)*state);
    assert_int_equal(apply(JOIN_ADD, 0), APPLY_FAILED);
    assert_true(fake.adds == 0 && again_in_ms == 1000 && err.text[0] != '\0');
}

static void nobody_to_ask_is_a_wait(void **state)
{
    (void)state;
    for (size_t i = 0; i < usher.view.endpoint_count; i++)
        usher.view.endpoints[i].state = ENDPOINT_UNREACHABLE;
    assert_int_equal(apply(JOIN_ADD, 0), APPLY_REFUSED);
    assert_int_equal(apply(JOIN_REMOVE, 3), APPLY_REFUSED);
    assert_int_equal(apply(JOIN_UPDATE_URLS, OURS), APPLY_REFUSED);
    assert_true(fake.adds + fake.removals + fake.updates == 0 && again_in_ms == JOIN_AGAIN_SOON_MS);
}

/* -- how a call ends, whichever it is -- */

struct ending {
    const char *name;
    enum call_outcome outcome;
    enum etcd_refusal refusal;
    uint64_t cluster;
    enum apply_result result;
    const char *said;
};

static const struct ending endings[] = {
    {"done", CALL_OK, REFUSAL_UNKNOWN, FAKE_CLUSTER, APPLY_DONE, ""},
    {"done, by a server that names no cluster", CALL_OK, REFUSAL_UNKNOWN, 0, APPLY_DONE, ""},
    {"done, in another cluster", CALL_OK, REFUSAL_UNKNOWN, 0xbad, APPLY_AMBIGUOUS, "was not accepted"},
    {"refused", CALL_REFUSED, REFUSAL_UNHEALTHY_CLUSTER, FAKE_CLUSTER, APPLY_REFUSED, "etcd's own words"},
    {"not sent", CALL_NOT_SENT, REFUSAL_UNKNOWN, 0, APPLY_REFUSED, "etcd's own words"},
    {"lost", CALL_UNKNOWN, REFUSAL_UNKNOWN, 0, APPLY_AMBIGUOUS, "etcd's own words"},
};

static void each_ending_is_told_apart(void **state)
{
    static const enum join_action actions[] = {JOIN_ADD, JOIN_REMOVE, JOIN_UPDATE_URLS};

    (void)state;
    for (size_t a = 0; a < sizeof actions / sizeof actions[0]; a++)
        for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
            enum apply_result result;
            fake.answer = (struct etcd_answer){endings[i].outcome, endings[i].refusal, {endings[i].cluster}, {0}, {ADDED}, ""};
            if (endings[i].outcome != CALL_OK)
                snprintf(fake.answer.message, sizeof fake.answer.message, "etcd's own words");
            err = (struct usher_error){0};
            result = apply(actions[a], 3);
            if (result != endings[i].result || strstr(err.text, endings[i].said) == NULL)
                fail_msg("%s, %s: %d, %s", join_action_name(actions[a]), endings[i].name, (int)result, err.text);
            if ((result == APPLY_DONE) != (again_in_ms == 0))
                fail_msg("%s, %s: again in %lld ms", join_action_name(actions[a]), endings[i].name, (long long)again_in_ms);
        }
}

/* An entry whose ID we do not know is nobody's: the list shows it to the next turn. */
static void an_add_of_unknown_outcome_is_not_ours(void **state)
{
    struct usher_file file = {0};

    (void)state;
    fake.answer.outcome = CALL_UNKNOWN;
    assert_int_equal(apply(JOIN_ADD, 0), APPLY_AMBIGUOUS);
    assert_true(usher.added.value == 0 && fake.record_swaps == 0 && fake.events == 0 && usher.counters.adds == 0);
    assert_int_equal(usher_file_read(fake.settings.data_dir, &file, &err), USHER_FILE_ABSENT);
}

static void waits_grow_until_a_call_goes_through(void **state)
{
    unsigned attempts;

    (void)state;
    fake.answer.outcome = CALL_REFUSED;
    fake.answer.refusal = REFUSAL_TOO_MANY_LEARNERS;
    for (attempts = 0; attempts < 5; attempts++)
        assert_int_equal(apply(JOIN_ADD, 0), APPLY_REFUSED);
    assert_int_equal(usher.attempts, attempts);
    fake.answer.outcome = CALL_OK;
    assert_int_equal(apply(JOIN_ADD, 0), APPLY_DONE);
    assert_int_equal(usher.attempts, 0);
}

/* -- remove, update -- */

static void the_removed_is_not_the_one_who_is_asked(void **state)
{
    (void)state;
    assert_int_equal(apply(JOIN_REMOVE, LEADER), APPLY_DONE);
    assert_true(fake.removed.value == LEADER && usher.counters.removals == 1);
    assert_string_not_equal(fake.written_to, "http://1");
    assert_true(usher.our_removal_at_ms >= 0); /* an add waits a second for it */
}

static void gone_already_is_gone(void **state)
{
    (void)state;
    fake.answer.outcome = CALL_REFUSED;
    fake.answer.refusal = REFUSAL_MEMBER_NOT_FOUND;
    assert_int_equal(apply(JOIN_REMOVE, 3), APPLY_DONE);
}

static void a_removal_that_was_not_sent_delays_no_add(void **state)
{
    (void)state;
    fake.answer.outcome = CALL_NOT_SENT;
    assert_int_equal(apply(JOIN_REMOVE, 3), APPLY_REFUSED);
    assert_int_equal(usher.our_removal_at_ms, -1);
    fake.answer.outcome = CALL_UNKNOWN; /* but one that may have been applied does */
    assert_int_equal(apply(JOIN_REMOVE, 3), APPLY_AMBIGUOUS);
    assert_true(usher.our_removal_at_ms >= 0);
}

static void a_permit_goes_with_the_removal(void **state)
{
    struct join_decision decision = {.action = JOIN_REMOVE, .reason = REASON_REPLACE_LOST, .target = {3}, .cluster = {FAKE_CLUSTER}};

    (void)state;
    fake.record.permits.count = 1;
    fake.record.permits.permits[0] = (struct permit){.kind = PERMIT_REPLACE, .source = PERMIT_FROM_RECORD, .name = "3"};
    decision.used_permit = fake.record.permits.permits[0];
    fake.answer.outcome = CALL_REFUSED;
    assert_int_equal(apply_join(&usher, &decision, &again_in_ms, &err), APPLY_REFUSED);
    assert_int_equal(fake.record.permits.count, 1); /* still needed */
    fake.answer.outcome = CALL_OK;
    assert_int_equal(apply_join(&usher, &decision, &again_in_ms, &err), APPLY_DONE);
    assert_int_equal(fake.record.permits.count, 0);
}

/* -- the data -- */

static void lay_data(void)
{
    scratch_write(scratch_path("%s/member/snap/db", fake.settings.data_dir), "x", 1);
    scratch_write(scratch_path("%s/member/wal/0000000000000000-0000000000000000.wal", fake.settings.data_dir), "x", 1);
}

static void mark_left_keeps_the_ids(void **state)
{
    (void)state;
    usher.facts.wal.cluster.value = FAKE_CLUSTER;
    usher.facts.wal.member.value = 7;
    assert_int_equal(apply(JOIN_MARK_LEFT, 7), APPLY_DONE);
    assert_true(notes().left.cluster.value == FAKE_CLUSTER && notes().left.member.value == 7);
}

static void an_archive_ends_the_old_life(void **state)
{
    struct usher_file file;

    (void)state;
    lay_data();
    snprintf(usher.notes.nonce, NONCE_BYTES, "0123");
    usher.notes.join_record.member.value = 7;
    usher.notes.was_voter = true;
    assert_int_equal(apply(JOIN_ARCHIVE, 7), APPLY_DONE);
    file = notes();
    assert_true(file.nonce[0] == '\0' && file.join_record.member.value == 0 && !file.was_voter);
    assert_false(scratch_exists(scratch_path("%s/member", fake.settings.data_dir)));
    assert_string_equal(fake.last_event, "StaleDataArchived");
    assert_true(usher.counters.archives == 1 && scratch_exists(scratch_path("%s/launch", fake.settings.plan_dir))); /* etcd is held back */
}

/* In the order of DESIGN's ARCHIVE: a data directory whose notes cannot be rewritten stays where it is. */
static void no_archive_before_the_notes(void **state)
{
    (void)state;
    lay_data();
    scratch_mkdir(scratch_path("%s/usher.json", fake.settings.data_dir));
    assert_int_equal(apply(JOIN_ARCHIVE, 7), APPLY_FAILED);
    assert_true(scratch_exists(scratch_path("%s/member/snap/db", fake.settings.data_dir)));
}

static void remains_of_our_own_start_end_no_life(void **state)
{
    (void)state;
    scratch_write(scratch_path("%s/member/snap/db", fake.settings.data_dir), "x", 1);
    usher.notes.join_record.cluster.value = FAKE_CLUSTER;
    usher.notes.join_record.member.value = 7;
    assert_true(apply_notes(&usher, &err));
    assert_int_equal(apply(JOIN_DELETE_REMAINS, 0), APPLY_DONE);
    assert_false(scratch_exists(scratch_path("%s/member", fake.settings.data_dir)));
    assert_int_equal(notes().join_record.member.value, 7);
}

static void remains_with_a_wal_are_no_remains(void **state)
{
    (void)state;
    lay_data();
    assert_int_equal(apply(JOIN_DELETE_REMAINS, 0), APPLY_FAILED);
    assert_true(scratch_exists(scratch_path("%s/member/snap/db", fake.settings.data_dir)));
    assert_int_equal(apply(JOIN_DROP, 7), APPLY_DONE); /* by permit */
    assert_false(scratch_exists(scratch_path("%s/member", fake.settings.data_dir)));
}

/* -- asked to stop -- */

/* The list has our entry as the fourth. */
static void add_ours(bool is_learner, bool is_started)
{
    struct member *ours = &fake.view.list.members[fake.view.list.count++];

    ours->id.value = ADDED;
    ours->is_learner = is_learner;
    ours->client_urls.count = is_started ? 1 : 0;
    usher.added.value = ADDED;
}

static void an_own_learner_that_never_started_is_taken_back(void **state)
{
    (void)state;
    add_ours(true, false);
    assert_true(apply_take_back(&usher, deadline_in_ms(1000), &err));
    assert_true(fake.removals == 1 && fake.removed.value == ADDED);
}

static void nothing_else_is_taken_back(void **state)
{
    (void)state;
    assert_true(apply_take_back(&usher, deadline_in_ms(1000), &err)); /* nothing was added */
    add_ours(true, true);
    assert_false(apply_take_back(&usher, deadline_in_ms(1000), &err));
    fake.view.list.count--;
    add_ours(false, false);
    assert_false(apply_take_back(&usher, deadline_in_ms(1000), &err));
    fake.view.list.count--;
    assert_true(apply_take_back(&usher, deadline_in_ms(1000), &err)); /* somebody else has removed it */
    add_ours(true, false);
    fake.view.live = LIVE_NO_QUORUM;
    assert_false(apply_take_back(&usher, deadline_in_ms(1000), &err));
    assert_int_equal(fake.removals, 0);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, scratch_remove)
    static const struct CMUnitTest tests[] = {
        TEST(an_add_is_noted_and_recorded),
        TEST(an_add_stands_without_the_set_record),
        TEST(nothing_is_added_that_could_not_be_noted),
        TEST(nobody_to_ask_is_a_wait),
        TEST(each_ending_is_told_apart),
        TEST(an_add_of_unknown_outcome_is_not_ours),
        TEST(waits_grow_until_a_call_goes_through),
        TEST(the_removed_is_not_the_one_who_is_asked),
        TEST(gone_already_is_gone),
        TEST(a_removal_that_was_not_sent_delays_no_add),
        TEST(a_permit_goes_with_the_removal),
        TEST(mark_left_keeps_the_ids),
        TEST(an_archive_ends_the_old_life),
        TEST(no_archive_before_the_notes),
        TEST(remains_of_our_own_start_end_no_life),
        TEST(remains_with_a_wal_are_no_remains),
        TEST(an_own_learner_that_never_started_is_taken_back),
        TEST(nothing_else_is_taken_back),
    };
    return cmocka_run_group_tests_name("apply", tests, NULL, NULL);
}
