/* Whom the janitor takes out, and when (DESIGN 4.3): a row is what differs from a dead member that is due. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "usher/core/janitor_decision.h"

enum { CLUSTER = 0xc1, DEAD = 3, OTHER = 4, AFTER_MS = 600000, MEMBERS = 4 };

static struct cluster_view view;
static struct janitor_facts facts;

/* Members 1 to 4, we are the first and lead; three voters must stay; the third is dead. */
static void begin(void)
{
    memset(&view, 0, sizeof view);
    view.live = LIVE_REACHABLE;
    view.cluster.value = CLUSTER;
    for (size_t i = 0; i < MEMBERS; i++) {
        view.list.members[i].id.value = i + 1;
        view.list.members[i].client_urls.count = 1;
    }
    view.list.count = MEMBERS;
    facts = (struct janitor_facts){
        .dead = {.view = &view, .gauge = GAUGE_DOWN, .now_ms = AFTER_MS}, .ours = {1}, .leader = {1}, .min_voters = 3};
    facts.is_down[DEAD - 1] = true;
    for (size_t i = 0; i < MEMBERS; i++)
        facts.dead.health.is_healthy[i] = i != DEAD - 1;
}

static void plain(void) {}
static void answers(void) { facts.is_down[DEAD - 1] = false; }
static void too_few_would_stay(void) { facts.min_voters = 4; }
static void a_learner_is_no_voter(void) { facts.min_voters = 4, view.list.members[DEAD - 1].is_learner = true; }
static void learners_are_not_kept_voters(void) { view.list.members[1].is_learner = true; }
static void never_started(void) { view.list.members[DEAD - 1].client_urls.count = 0; }
static void we_do_not_lead(void) { facts.leader.value = 2; }
static void nobody_leads(void) { facts.leader.value = 0; }
static void nobody_knows_us(void) { facts.leader.value = facts.ours.value = 0; }
static void we_are_no_voter(void) { view.list.members[0].is_learner = true; }
static void we_are_not_listed(void) { facts.ours.value = facts.leader.value = 9; }
static void it_is_ourselves(void) { facts.ours.value = facts.leader.value = DEAD; }
static void no_barrier_read(void) { view.live = LIVE_NO_QUORUM; }
static void two_are_down(void) { facts.is_down[OTHER - 1] = true, facts.dead.health.is_healthy[OTHER - 1] = false; }
static void an_earlier_one_is_down_too(void) { facts.is_down[1] = true, facts.dead.health.is_healthy[1] = false; }
static void connected(void) { facts.dead.gauge = GAUGE_CONNECTED; }
static void gauges_unread(void) { facts.dead.gauge = GAUGE_UNKNOWN; }
static void not_yet(void) { facts.dead.now_ms = AFTER_MS - 1; }
static void too_few_are_healthy(void) { facts.dead.health.is_healthy[1] = facts.dead.health.is_healthy[3] = false; }
static void nobody_is_healthy(void) { facts.dead.health = (struct quorum_health){0}; }
static void the_last_two(void) { view.list.count = 3, view.list.members[1].is_learner = true, facts.min_voters = 0; }
static void the_last_voter(void)
{
    view.list.count = 3, facts.min_voters = 0, view.list.members[0].is_learner = view.list.members[1].is_learner = true;
}

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
    ROW(plain, DEAD, DEAD_REMOVE),
    ROW(answers, 0, DEAD_UNKNOWN),
    ROW(too_few_would_stay, 0, DEAD_UNKNOWN),
    ROW(a_learner_is_no_voter, DEAD, DEAD_REMOVE),
    ROW(learners_are_not_kept_voters, 0, DEAD_UNKNOWN),
    ROW(never_started, DEAD, DEAD_REMOVE),
    ROW(we_do_not_lead, 0, DEAD_UNKNOWN),
    ROW(nobody_leads, 0, DEAD_UNKNOWN),
    ROW(nobody_knows_us, 0, DEAD_UNKNOWN),
    ROW(we_are_no_voter, 0, DEAD_UNKNOWN),
    ROW(we_are_not_listed, 0, DEAD_UNKNOWN),
    ROW(it_is_ourselves, 0, DEAD_UNKNOWN),
    ROW(no_barrier_read, 0, DEAD_UNKNOWN),
    ROW(two_are_down, DEAD, DEAD_REMOVE),               /* two of three are healthy after it */
    ROW(an_earlier_one_is_down_too, DEAD, DEAD_REMOVE), /* the watch holds on to whom it has seen down for so long */
    ROW(connected, DEAD, DEAD_UNKNOWN),
    ROW(gauges_unread, DEAD, DEAD_READ_GAUGES),
    ROW(not_yet, DEAD, DEAD_WAIT),
    ROW(too_few_are_healthy, DEAD, DEAD_WAIT),
    ROW(nobody_is_healthy, DEAD, DEAD_WAIT),
    ROW(the_last_two, DEAD, DEAD_REMOVE),
    ROW(the_last_voter, 0, DEAD_UNKNOWN),
};

static void each_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct dead_watch watch = {.target = {DEAD}, .was_seen = true, .seen_ms = AFTER_MS - 1000};
        struct member_id target;
        begin();
        rows[i].bend();
        target = janitor_choose(&watch, &facts);
        if (target.value != rows[i].chosen)
            fail_msg("%s chooses %d", rows[i].name, (int)target.value);
        if (janitor_decide(&watch, target, &facts, AFTER_MS).action != rows[i].action)
            fail_msg("%s decides otherwise", rows[i].name);
    }
}

static void the_first_one_without_a_watch(void **state)
{
    (void)state;
    begin();
    two_are_down();
    assert_int_equal(janitor_choose(&(struct dead_watch){0}, &facts).value, DEAD);
}

/* Another target, a moment of life, or a long silence of our own: the time starts anew. */
static void it_takes_an_unbroken_row(void **state)
{
    struct dead_watch watch = {0};
    const struct member_id dead = {DEAD}, other = {OTHER};

    (void)state;
    begin();
    facts.dead.now_ms = 0;
    assert_int_equal(janitor_decide(&watch, dead, &facts, AFTER_MS).action, DEAD_WAIT);
    facts.dead.now_ms = 30000;
    assert_int_equal(janitor_decide(&watch, other, &facts, AFTER_MS).action, DEAD_WAIT);
    for (int64_t now_ms = 60000; now_ms < AFTER_MS + 60000; now_ms += 30000) {
        facts.dead.now_ms = now_ms;
        assert_int_equal(janitor_decide(&watch, dead, &facts, AFTER_MS).action, DEAD_WAIT);
    }
    facts.dead.now_ms = AFTER_MS + 60000 - 30000 + DEAD_GAP_MS + 1;
    assert_int_equal(janitor_decide(&watch, dead, &facts, AFTER_MS).action, DEAD_WAIT); /* nobody knows what was in between */
    assert_int_equal(watch.since_ms, facts.dead.now_ms);
    assert_int_equal(janitor_decide(&watch, (struct member_id){0}, &facts, AFTER_MS).action, DEAD_UNKNOWN);
    assert_false(watch.was_seen);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row),
        cmocka_unit_test(the_first_one_without_a_watch),
        cmocka_unit_test(it_takes_an_unbroken_row),
    };
    return cmocka_run_group_tests_name("janitor_decision", tests, NULL, NULL);
}
