/* Life and death by the voters' gauges, over two reads: rows of what each of three voters shows in the first and in the second. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "usher/member/gauge_watch.h"

enum { VOTERS = 3, TARGET = 0xa0 };

/* u unread, 0 shows it down, 1 shows it connected. */
struct fake {
    const char *shows;
    int64_t now_ms;
    uint64_t received_bytes;
};

static void fake_gauges(void *self, const char *const *addresses, size_t count, struct member_id target, struct deadline deadline,
                        struct gauge_reading *out_readings)
{
    const struct fake *fake = self;

    (void)deadline;
    assert_true(target.value == TARGET);
    for (size_t i = 0; i < count; i++) {
        char shown = fake->shows[addresses[i][strlen("http://")] - '0'];
        out_readings[i] = (struct gauge_reading){.was_read = shown != 'u', .shows_connected = shown == '1'};
        out_readings[i].has_received_bytes = shown != 'u';
        out_readings[i].received_bytes = fake->received_bytes;
    }
}

static int64_t fake_now_ms(void *self) { return ((const struct fake *)self)->now_ms; }

/* Voters 1 to 3, the first leads; the target is a voter, too, when `target_is_voter`. */
static struct cluster_view *view_of(const char *version, bool target_is_voter)
{
    struct cluster_view *view = calloc(1, sizeof *view);

    if (view == NULL)
        abort();
    view->live = LIVE_REACHABLE;
    view->cluster.value = 0xc1;
    for (size_t i = 0; i < VOTERS; i++) {
        struct endpoint_view *endpoint = &view->endpoints[view->endpoint_count++];
        snprintf(endpoint->address, URL_BYTES, "http://%zu", i);
        snprintf(endpoint->version, VERSION_BYTES, "%s", version);
        endpoint->cluster.value = 0xc1;
        endpoint->member.value = view->list.members[i].id.value = i + 1;
        endpoint->leader.value = 1;
        view->list.count++;
    }
    view->list.members[view->list.count].id.value = TARGET;
    view->list.members[view->list.count++].is_learner = !target_is_voter;
    return view;
}

struct row {
    const char *first, *second;
    int64_t apart_ms;
    enum gauge_verdict verdict;
};

static const struct row rows[] = {
    {"000", "000", 2000, GAUGE_DOWN},      {"000", "000", 1999, GAUGE_UNKNOWN}, /* too near */
    {"000", "000", 6001, GAUGE_UNKNOWN},                                        /* too far: what was between? */
    {"000", "000", 6000, GAUGE_DOWN},      {"000", "001", 2000, GAUGE_CONNECTED},
    {"001", "000", 2000, GAUGE_UNKNOWN},                                        /* two of four voters: no quorum */
    {"00u", "00u", 2000, GAUGE_UNKNOWN},   {"uuu", "uuu", 2000, GAUGE_UNKNOWN}, /* silence is no death */
    {"uuu", "000", 2000, GAUGE_UNKNOWN},   {"000", "uuu", 2000, GAUGE_UNKNOWN},
    {"u00", "00u", 2000, GAUGE_UNKNOWN}, /* only one was read twice */
    {"uuu", "1uu", 2000, GAUGE_CONNECTED},
};

static enum gauge_verdict watch_twice(struct cluster_view *view, const struct row *row, uint64_t received_between)
{
    struct fake fake = {row->first, 1000, 5};
    struct world world = {.self = &fake, .gauges = fake_gauges, .now_ms = fake_now_ms};
    struct gauge_watch watch;
    enum gauge_verdict first;

    gauge_watch_reset(&watch);
    first = gauge_watch_read(&watch, &world, view, (struct member_id){TARGET}, deadline_in_ms(1000));
    assert_int_not_equal(first, GAUGE_DOWN); /* one read never shows death */
    fake.shows = row->second;
    fake.now_ms += row->apart_ms;
    fake.received_bytes += received_between;
    return gauge_watch_read(&watch, &world, view, (struct member_id){TARGET}, deadline_in_ms(1000));
}

static void each_row_is_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cluster_view *view = view_of("3.5.16", true);
        enum gauge_verdict verdict = watch_twice(view, &rows[i], 0);
        if (verdict != rows[i].verdict)
            fail_msg("%s then %s after %d ms: %d", rows[i].first, rows[i].second, (int)rows[i].apart_ms, (int)verdict);
        free(view);
    }
}

/* Without the target's vote two of three are a quorum. */
static void a_learner_s_death_needs_a_quorum_of_the_voters(void **state)
{
    static const struct row row = {"00u", "00u", 2000, GAUGE_DOWN}, one = {"0uu", "0uu", 2000, GAUGE_UNKNOWN};
    struct cluster_view *view = view_of("3.5.16", false);

    (void)state;
    assert_int_equal(watch_twice(view, &row, 0), GAUGE_DOWN);
    assert_int_equal(watch_twice(view, &one, 0), GAUGE_UNKNOWN);
    free(view);
}

/* From 3.6 on the gauge can leak: a leader that received nothing outweighs it there, and only there. */
static void a_leaking_gauge_is_outweighed_by_silence_at_the_leader(void **state)
{
    static const struct row row = {"111", "111", 2000, GAUGE_DOWN};
    static const struct {
        const char *version;
        uint64_t received;
        enum gauge_verdict verdict;
    } cases[] = {
        {"3.6.4", 0, GAUGE_DOWN},       {"3.7.0", 0, GAUGE_DOWN},       {"3.6.4", 1, GAUGE_CONNECTED},
        {"3.5.16", 0, GAUGE_CONNECTED}, {"3.4.23", 0, GAUGE_CONNECTED}, {"", 0, GAUGE_CONNECTED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cluster_view *view = view_of(cases[i].version, true);
        assert_int_equal(watch_twice(view, &row, cases[i].received), cases[i].verdict);
        free(view);
    }
}

static void let_lead(struct cluster_view *view, uint64_t leader, uint64_t raft_term)
{
    for (size_t i = 0; i < VOTERS; i++) {
        view->endpoints[i].leader.value = leader;
        view->endpoints[i].raft_term = raft_term;
    }
}

/* Followers hear little of each other: the silence of a time in which others led says nothing. */
static void silence_counts_within_one_term(void **state)
{
    struct fake fake = {"111", 1000, 5};
    struct world world = {.self = &fake, .gauges = fake_gauges, .now_ms = fake_now_ms};
    struct cluster_view *view = view_of("3.6.4", true);
    struct gauge_watch watch;
    static const struct {
        uint64_t leader, raft_term;
        enum gauge_verdict verdict;
    } steps[] = {
        {1, 7, GAUGE_CONNECTED},                           /* the first read */
        {2, 8, GAUGE_CONNECTED},                           /* who leads only now */
        {2, 8, GAUGE_DOWN},      {2, 10, GAUGE_CONNECTED}, /* the same one again, and another in between */
        {2, 10, GAUGE_DOWN},
    };

    (void)state;
    gauge_watch_reset(&watch);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        let_lead(view, steps[i].leader, steps[i].raft_term);
        assert_int_equal(gauge_watch_read(&watch, &world, view, (struct member_id){TARGET}, deadline_in_ms(1000)), steps[i].verdict);
        fake.now_ms += GAUGE_APART_MS;
    }
    free(view);
}

/* A leader that was cut off goes on thinking that it leads, and so may one of another cluster. */
static void the_newest_term_leads(void **state)
{
    struct cluster_view *view = view_of("3.6.4", true);
    struct gauge_asked *asked = calloc(1, sizeof *asked);

    (void)state;
    if (asked == NULL)
        abort();
    let_lead(view, 2, 8);
    view->endpoints[0].leader.value = 1;
    view->endpoints[0].raft_term = 7;
    view->endpoints[2].leader.value = 3;
    view->endpoints[2].raft_term = 9;
    view->endpoints[2].cluster.value = 0xbad;
    gauge_choose(asked, view, (struct member_id){TARGET});
    assert_true(asked->raft_term == 8 && !asked->is_leader[0] && asked->is_leader[1]);
    free(asked);
    free(view);
}

/* Who advertises somebody else's address, ours say, has not been asked. */
static void one_etcd_s_word_counts_once(void **state)
{
    static const struct row row = {"000", "000", 2000, GAUGE_UNKNOWN};
    struct cluster_view *view = view_of("3.5.16", true);

    (void)state;
    view->endpoint_count = 1;
    for (size_t i = 1; i < VOTERS; i++) {
        view->list.members[i].client_urls.count = 1;
        snprintf(view->list.members[i].client_urls.url[0], URL_BYTES, "http://0/");
    }
    assert_int_equal(watch_twice(view, &row, 0), row.verdict);
    free(view);
}

static void without_a_list_nothing_is_known(void **state)
{
    struct cluster_view *view = view_of("3.5.16", true);

    (void)state;
    view->live = LIVE_NO_QUORUM;
    assert_int_equal(watch_twice(view, &rows[0], 0), GAUGE_UNKNOWN);
    free(view);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_is_judged),
        cmocka_unit_test(a_learner_s_death_needs_a_quorum_of_the_voters),
        cmocka_unit_test(a_leaking_gauge_is_outweighed_by_silence_at_the_leader),
        cmocka_unit_test(silence_counts_within_one_term),
        cmocka_unit_test(the_newest_term_leads),
        cmocka_unit_test(one_etcd_s_word_counts_once),
        cmocka_unit_test(without_a_list_nothing_is_known),
    };
    return cmocka_run_group_tests_name("gauge_watch", tests, NULL, NULL);
}
