/* Which dead member's seat was given up, and when it is taken out (DESIGN 4.3): a row is what differs from a ghost that is due. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "usher/core/ghost_decision.h"

enum { CLUSTER = 0xc1, GHOST = 3, AFTER_MS = 300000, MEMBERS = 4 };

static struct cluster_view view;
static struct set_record record;
static struct ghost_facts facts;

/* Members 1 to 4 in slots etcd-0 to etcd-3; we are the first; replicas is 2; the third is down and its pod is gone, the fourth lives yet. */
static void begin(void)
{
    memset(&view, 0, sizeof view);
    memset(&record, 0, sizeof record);
    view.live = LIVE_REACHABLE;
    view.cluster.value = record.cluster.value = CLUSTER;
    record.state = RECORD_CLUSTER;
    for (size_t i = 0; i < MEMBERS; i++) {
        view.list.members[i].id.value = record.slots[i].id.value = i + 1;
        view.list.members[i].client_urls.count = 1;
        snprintf(record.slots[i].name, NAME_BYTES, "etcd-%zu", i);
    }
    view.list.count = record.slot_count = MEMBERS;
    facts = (struct ghost_facts){
        .dead = {.view = &view, .gauge = GAUGE_DOWN, .now_ms = AFTER_MS},
        .record = &record,
        .ours = {1},
        .our_uid = "pod-uid",
        .own_pod = {.answer = API_FOUND, .uid = "pod-uid", .set_name = "etcd", .set_uid = "set-uid"},
        .set = {.answer = API_FOUND, .name = "etcd", .uid = "set-uid", .replicas = 2},
        .pod = API_NOT_FOUND,
    };
    facts.is_down[2] = true;
    facts.dead.health.is_healthy[0] = facts.dead.health.is_healthy[1] = facts.dead.health.is_healthy[3] = true;
}

static void plain(void) {}
static void answers(void) { facts.is_down[2] = false; }
static void wanted(void) { facts.set.replicas = 3; }
static void below_start(void) { facts.set.start = 0, facts.set.replicas = 4, facts.is_down[2] = true; }
static void paused(void) { facts.set.replicas = 0; }
static void replicas_unknown(void) { facts.set.replicas = -1; }
static void set_deleted(void) { facts.set.is_deleted = true; }
static void set_missing(void) { facts.set.answer = API_NOT_FOUND; }
static void set_unknown(void) { facts.set.answer = API_UNKNOWN; }
static void another_set(void) { snprintf(facts.set.uid, UID_BYTES, "new-uid"); }
static void another_name(void) { snprintf(facts.set.name, NAME_BYTES, "other"); }
static void own_pod_unknown(void) { facts.own_pod.answer = API_UNKNOWN; }
static void own_pod_ends(void) { facts.own_pod.is_deleted = true; }
static void own_pod_of_another_life(void) { facts.our_uid = "earlier"; }
static void own_uid_not_known(void) { facts.our_uid = "", facts.own_pod.uid[0] = '\0'; }
static void own_pod_orphaned(void) { facts.own_pod.set_uid[0] = facts.set.uid[0] = '\0'; }
static void own_seat_given_up(void) { facts.own_pod.ordinal = 2; }
static void own_ordinal_unknown(void) { facts.own_pod.ordinal = -1; }
static void record_unreadable(void) { record.state = RECORD_UNREADABLE; }
static void record_of_another_cluster(void) { record.cluster.value = CLUSTER + 1; }
static void not_of_our_record(void) { record.slots[2].id.value = 9; }
static void slot_of_another_set(void) { snprintf(record.slots[2].name, NAME_BYTES, "old-2"); }
static void slot_with_no_number(void) { snprintf(record.slots[2].name, NAME_BYTES, "etcd-2x"); }
static void two_slots_one_wanted(void) { record.slots[1].id.value = GHOST; }
static void two_slots_one_elsewhere(void) { record.slots[3].id.value = GHOST, snprintf(record.slots[3].name, NAME_BYTES, "old-3"); }
static void no_barrier_read(void) { view.live = LIVE_NO_QUORUM; }
static void we_are_no_voter(void) { view.list.members[0].is_learner = true; }
static void we_are_not_listed(void) { facts.ours.value = 9; }
static void it_is_ourselves(void) { facts.ours.value = GHOST; }
static void ghost_learner(void) { view.list.members[2].is_learner = true; }
static void never_started(void) { view.list.members[2].client_urls.count = 0; }
static void start_moved_up(void) { facts.set.start = 3, facts.set.replicas = 1, facts.own_pod.ordinal = 3, facts.ours.value = 4; }
static void pod_exists(void) { facts.pod = API_FOUND; }
static void pod_unknown(void) { facts.pod = API_UNKNOWN; }
static void connected(void) { facts.dead.gauge = GAUGE_CONNECTED; }
static void gauges_unread(void) { facts.dead.gauge = GAUGE_UNKNOWN; }
static void not_yet(void) { facts.dead.now_ms = AFTER_MS - 1; }
static void too_few_left(void) { facts.dead.health.is_healthy[1] = facts.dead.health.is_healthy[3] = false; }
static void nobody_healthy(void) { facts.dead.health = (struct quorum_health){0}; }

static const struct row {
    const char *name;
    void (*bend)(void);
    uint64_t chosen;
    enum dead_action action;
} rows[] = {
#define ROW(bend, chosen, action)                                                                                                          \
    {                                                                                                                                      \
#bend, bend, chosen, action                                                                                                        \
    }
    ROW(plain, GHOST, DEAD_REMOVE),
    ROW(answers, 0, DEAD_UNKNOWN),
    ROW(wanted, 0, DEAD_UNKNOWN),
    ROW(below_start, 0, DEAD_UNKNOWN),
    ROW(paused, 0, DEAD_UNKNOWN),
    ROW(replicas_unknown, 0, DEAD_UNKNOWN),
    ROW(set_deleted, 0, DEAD_UNKNOWN),
    ROW(set_missing, 0, DEAD_UNKNOWN),
    ROW(set_unknown, 0, DEAD_UNKNOWN),
    ROW(another_set, 0, DEAD_UNKNOWN),
    ROW(another_name, 0, DEAD_UNKNOWN),
    ROW(own_pod_unknown, 0, DEAD_UNKNOWN),
    ROW(own_pod_ends, 0, DEAD_UNKNOWN),
    ROW(own_pod_of_another_life, 0, DEAD_UNKNOWN),
    ROW(own_uid_not_known, 0, DEAD_UNKNOWN),
    ROW(own_pod_orphaned, 0, DEAD_UNKNOWN),
    ROW(own_seat_given_up, 0, DEAD_UNKNOWN),
    ROW(own_ordinal_unknown, 0, DEAD_UNKNOWN),
    ROW(record_unreadable, 0, DEAD_UNKNOWN),
    ROW(record_of_another_cluster, 0, DEAD_UNKNOWN),
    ROW(not_of_our_record, 0, DEAD_UNKNOWN),
    ROW(slot_of_another_set, 0, DEAD_UNKNOWN),
    ROW(slot_with_no_number, 0, DEAD_UNKNOWN),
    ROW(two_slots_one_wanted, 0, DEAD_UNKNOWN),
    ROW(two_slots_one_elsewhere, 0, DEAD_UNKNOWN),
    ROW(no_barrier_read, 0, DEAD_UNKNOWN),
    ROW(we_are_no_voter, 0, DEAD_UNKNOWN),
    ROW(we_are_not_listed, 0, DEAD_UNKNOWN),
    ROW(it_is_ourselves, 0, DEAD_UNKNOWN),
    ROW(ghost_learner, GHOST, DEAD_REMOVE),
    ROW(never_started, GHOST, DEAD_REMOVE),
    ROW(start_moved_up, GHOST, DEAD_REMOVE),
    ROW(pod_exists, GHOST, DEAD_UNKNOWN),
    ROW(pod_unknown, GHOST, DEAD_WAIT),
    ROW(connected, GHOST, DEAD_UNKNOWN),
    ROW(gauges_unread, GHOST, DEAD_READ_GAUGES),
    ROW(not_yet, GHOST, DEAD_WAIT),
    ROW(too_few_left, GHOST, DEAD_WAIT),
    ROW(nobody_healthy, GHOST, DEAD_WAIT),
};

static void each_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct dead_watch watch = {.target = {GHOST}, .was_seen = true, .seen_ms = AFTER_MS - 1000};
        const char *slot = NULL;
        struct member_id target;
        begin();
        rows[i].bend();
        target = ghost_choose(&facts, &slot);
        if (target.value != rows[i].chosen || (slot != NULL) != (rows[i].chosen != 0))
            fail_msg("%s chooses %d", rows[i].name, (int)target.value);
        if (slot != NULL)
            assert_string_equal(slot, "etcd-2");
        if (ghost_decide(&watch, target, &facts, AFTER_MS).action != rows[i].action)
            fail_msg("%s decides otherwise", rows[i].name);
    }
}

static enum dead_action at(struct dead_watch *watch, int64_t now_ms)
{
    facts.dead.now_ms = now_ms;
    return ghost_decide(watch, (struct member_id){GHOST}, &facts, AFTER_MS).action;
}

static void it_takes_an_unbroken_row(void **state)
{
    struct dead_watch watch = {0};
    int64_t now_ms = 1000;

    (void)state;
    begin();
    for (; now_ms < 1000 + AFTER_MS; now_ms += 30000)
        assert_int_equal(at(&watch, now_ms), DEAD_WAIT);
    facts.pod = API_FOUND; /* it came back for a moment */
    assert_int_equal(at(&watch, now_ms), DEAD_UNKNOWN);
    facts.pod = API_NOT_FOUND;
    for (int64_t again_ms = now_ms; now_ms < again_ms + AFTER_MS; now_ms += 30000)
        assert_int_equal(at(&watch, now_ms), DEAD_WAIT);
    assert_int_equal(at(&watch, now_ms), DEAD_REMOVE);
}

static void a_hiccup_costs_no_time(void **state)
{
    struct dead_watch watch = {0};

    (void)state;
    begin();
    for (int64_t now_ms = 0; now_ms < AFTER_MS; now_ms += 30000) {
        facts.pod = now_ms % 60000 == 0 ? API_NOT_FOUND : API_UNKNOWN;
        assert_int_equal(at(&watch, now_ms), DEAD_WAIT);
    }
    facts.pod = API_UNKNOWN;
    assert_int_equal(at(&watch, AFTER_MS), DEAD_WAIT); /* but nothing is done without an answer */
    facts.pod = API_NOT_FOUND;
    assert_int_equal(at(&watch, AFTER_MS + 1), DEAD_REMOVE);
}

static void a_long_silence_starts_anew(void **state)
{
    struct dead_watch watch = {0};

    (void)state;
    begin();
    assert_int_equal(at(&watch, 0), DEAD_WAIT);
    assert_int_equal(at(&watch, AFTER_MS), DEAD_WAIT);
    assert_int_equal(at(&watch, AFTER_MS + DEAD_GAP_MS), DEAD_WAIT);
}

static void another_target_starts_anew(void **state)
{
    struct dead_watch watch = {.target = {GHOST + 1}, .was_seen = true, .seen_ms = AFTER_MS - 1};

    (void)state;
    begin();
    assert_int_equal(at(&watch, AFTER_MS), DEAD_WAIT);
    assert_int_equal(watch.target.value, GHOST);
}

static void nothing_known_is_nothing_done(void **state)
{
    struct dead_watch watch = {0};
    const struct cluster_view no_view = {0};
    const struct set_record no_record = {0};
    const struct ghost_facts no_facts = {.dead = {.view = &no_view}, .record = &no_record, .our_uid = ""};
    const char *slot = NULL;

    (void)state;
    assert_int_equal(ghost_choose(&no_facts, &slot).value, 0);
    assert_int_equal(ghost_decide(&watch, (struct member_id){0}, &no_facts, 0).action, DEAD_UNKNOWN);
    assert_int_equal(ghost_decide(&watch, (struct member_id){GHOST}, &no_facts, 0).action, DEAD_WAIT);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row),
        cmocka_unit_test(it_takes_an_unbroken_row),
        cmocka_unit_test(a_hiccup_costs_no_time),
        cmocka_unit_test(a_long_silence_starts_anew),
        cmocka_unit_test(another_target_starts_anew),
        cmocka_unit_test(nothing_known_is_nothing_done),
    };
    return cmocka_run_group_tests_name("ghost_decision", tests, NULL, NULL);
}
