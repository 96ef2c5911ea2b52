/* Leaving, a row a case: how the facts differ from a healthy set of three whose pod was ordered to leave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "usher/core/leave_decision.h"

enum { OURS = 0xa0, FIRST = 0xa1, SECOND = 0xa2 };

struct bench {
    struct leave_facts facts;
    struct cluster_view view;
    struct set_record record;
    struct stateful_set_facts set;
    struct url_list peer_urls;
};

static void add(struct bench *bench, uint64_t id, const char *name)
{
    size_t at = bench->view.list.count++;
    struct member *member = &bench->view.list.members[at];
    struct endpoint_view *endpoint = &bench->view.endpoints[bench->view.endpoint_count++];

    member->id.value = id;
    member->client_urls.count = 1;
    snprintf(member->name, NAME_BYTES, "%s", name);
    bench->facts.health.is_healthy[at] = true;
    member->peer_urls.count = 1;
    snprintf(member->peer_urls.url[0], URL_BYTES, "http://%s.other:2380", name);
    endpoint->state = ENDPOINT_SERVING;
    endpoint->cluster.value = 0xc1;
    endpoint->member.value = id;
    endpoint->raft_index = endpoint->raft_applied_index = 5000;
}

static struct bench *bench_new(void)
{
    struct bench *bench = calloc(1, sizeof *bench);

    if (bench == NULL)
        abort();
    bench->view.live = LIVE_REACHABLE;
    bench->view.cluster.value = bench->facts.cluster.value = bench->record.cluster.value = 0xc1;
    bench->record.state = RECORD_CLUSTER;
    bench->record.slot_count = 1;
    bench->record.slots[0].id.value = OURS;
    snprintf(bench->record.slots[0].name, NAME_BYTES, "pod-0");
    bench->set = (struct stateful_set_facts){.answer = API_FOUND, .name = "pod", .uid = "u", .created = 1};
    bench->facts.set = &bench->set;
    bench->peer_urls.count = 1;
    snprintf(bench->peer_urls.url[0], URL_BYTES, "http://pod-0.peers:2380");
    bench->facts.peer_urls = &bench->peer_urls;
    bench->facts.view = &bench->view;
    bench->facts.record = &bench->record;
    bench->facts.ours.value = OURS;
    bench->facts.leader.value = FIRST;
    bench->facts.policy = LEAVE_ASKED;
    bench->facts.asked = LEAVE_ASKED_ORDER;
    add(bench, FIRST, "pod-5");
    add(bench, SECOND, "pod-1");
    add(bench, OURS, "pod-0");
    return bench;
}

struct row {
    const char *name;
    void (*bend)(struct bench *bench);
    enum leave_action action;
    enum reason reason;
    uint64_t target;
};

static void plain(struct bench *b) { (void)b; }
static void zeroed(struct bench *b) { memset(&b->facts, 0, sizeof b->facts); }
static void not_asked(struct bench *b) { b->facts.asked = LEAVE_NOT_ASKED; }
static void never(struct bench *b) { b->facts.policy = LEAVE_NEVER; }
static void asked_by_hook(struct bench *b) { b->facts.asked = LEAVE_ASKED_HOOK; }
static void always_hook(struct bench *b) { asked_by_hook(b), b->facts.policy = LEAVE_ALWAYS; }
static void always_http(struct bench *b) { b->facts.asked = LEAVE_ASKED_HTTP, b->facts.policy = LEAVE_ALWAYS; }
static void always_http_deleted(struct bench *b) { always_http(b), b->facts.pod_is_deleted = TRI_YES; }
static void always_http_port_closed(struct bench *b) { always_http(b), b->facts.client_port_accepts = TRI_NO; }
static void always_signal(struct bench *b) { b->facts.asked = LEAVE_ASKED_SIGNAL, b->facts.policy = LEAVE_ALWAYS; }
static void always_signal_port_open(struct bench *b) { always_signal(b), b->facts.client_port_accepts = TRI_YES; }
static void always_signal_port_closed(struct bench *b) { always_signal(b), b->facts.client_port_accepts = TRI_NO; }
static void always_signal_deadline(struct bench *b) { always_signal(b), b->facts.is_deadline_over = true; }
static void proven(struct bench *b) { asked_by_hook(b), b->facts.policy = LEAVE_PROVEN, b->facts.proof = PROOF_SEAT_GIVEN_UP; }
static void proven_unknown(struct bench *b) { proven(b), b->facts.proof = PROOF_UNKNOWN; }
static void proven_comes_back(struct bench *b) { proven(b), b->facts.proof = PROOF_NONE; }
static void paused(struct bench *b)
{
    proven(b), b->facts.proof = PROOF_PAUSED, b->record.slot_count = 3, b->record.slots[1].id.value = FIRST,
               b->record.slots[2].id.value = SECOND;
}
static void paused_others_carry(struct bench *b) { proven(b), b->facts.proof = PROOF_PAUSED; }
static void paused_others_too_weak(struct bench *b) { paused_others_carry(b), b->facts.health.is_healthy[0] = false; }
static void paused_set_unknown(struct bench *b) { paused_others_carry(b), b->facts.set = NULL; }
static void paused_pods_uncounted(struct bench *b) { paused_others_carry(b), b->set.created = -1; }
static void paused_pod_not_recorded(struct bench *b) { paused_others_carry(b), b->set.created = 2; }
static void paused_ours_not_recorded(struct bench *b) { paused_others_carry(b), b->facts.ordinal = 1; }
static void paused_before_the_set(struct bench *b) { paused_others_carry(b), b->set.start = 1; }
static void paused_sibling_not_recorded(struct bench *b)
{
    paused_others_carry(b), snprintf(b->view.list.members[0].peer_urls.url[0], URL_BYTES, "http://pod-5.peers:2380"),
        b->facts.health.is_healthy[1] = false;
}
static void paused_no_record(struct bench *b) { paused_others_carry(b), b->facts.record = NULL; }
static void paused_record_unreadable(struct bench *b) { paused_others_carry(b), b->record.state = RECORD_UNREADABLE; }
static void paused_learners_do_not_carry(struct bench *b)
{
    paused_others_carry(b), b->view.list.members[0].is_learner = b->view.list.members[1].is_learner = true;
}
static void not_looked(struct bench *b) { b->facts.view = NULL; }
static void no_quorum(struct bench *b) { b->view.live = LIVE_NO_QUORUM; }
static void no_quorum_deadline(struct bench *b) { no_quorum(b), b->facts.is_deadline_over = true; }
static void no_quorum_last_voter(struct bench *b) { no_quorum(b), b->facts.was_last_voter = true; }
static void list_is_old(struct bench *b) { b->facts.list_age_ms = LEAVE_LIST_FRESH_MS + 1; }
static void list_is_old_deadline(struct bench *b) { list_is_old(b), b->facts.is_deadline_over = true; }
static void list_is_old_and_lacks_us(struct bench *b) { list_is_old(b), b->view.list.count = 2; }
static void list_is_old_enough(struct bench *b) { b->facts.list_age_ms = LEAVE_LIST_FRESH_MS; }
static void other_cluster(struct bench *b) { b->view.cluster.value = 0xc2; }
static void own_id_unknown(struct bench *b) { b->facts.ours.value = 0; }
static void gone(struct bench *b) { b->view.list.count = 2; }
static void learner(struct bench *b) { b->view.list.members[2].is_learner = true; }
static void last_voter(struct bench *b) { b->view.list.members[0].is_learner = b->view.list.members[1].is_learner = true; }
static void another_is_down(struct bench *b) { b->facts.health.is_healthy[1] = false; }
static void another_is_down_deadline(struct bench *b) { another_is_down(b), b->facts.is_deadline_over = true; }
static void leads(struct bench *b) { b->facts.leader.value = OURS; }
static void leads_low_ordinal_is_down(struct bench *b) { leads(b), add(b, 0xa3, "pod-7"), b->facts.health.is_healthy[1] = false; }
static void leads_preference(struct bench *b)
{
    leads(b), b->facts.preference_count = 1, snprintf(b->facts.preferences[0], NAME_BYTES, "pod-5");
}
static void leads_preference_by_id(struct bench *b)
{
    leads(b), b->facts.preference_count = 1, snprintf(b->facts.preferences[0], NAME_BYTES, "A1");
}
static void leads_outsiders_first(struct bench *b) { leads(b), b->record.slot_count = 2, b->record.slots[1].id.value = SECOND; }
static void leads_nobody_caught_up(struct bench *b)
{
    leads(b), b->view.endpoints[0].raft_applied_index = b->view.endpoints[1].raft_applied_index = 100;
}
static void leads_one_caught_up(struct bench *b) { leads(b), b->view.endpoints[1].raft_applied_index = 100; }
static void leads_unstarted(struct bench *b) { leads(b), b->view.list.members[1].client_urls.count = 0; }
static void leads_learner(struct bench *b) { leads(b), add(b, 0xa3, "pod-0"), b->view.list.members[3].is_learner = true; }
static void leads_tried_enough(struct bench *b) { leads(b), b->facts.leader_moves_tried = LEADER_MOVES_MAX; }

#define ROW(bend, action, reason, target)                                                                                                  \
    {                                                                                                                                      \
#bend, bend, LEAVE_##action, REASON_##reason, target                                                                               \
    }
static const struct row rows[] = {
    ROW(plain, REMOVE, LEAVE_REMOVE, OURS),
    ROW(zeroed, STAY, STAY_NOT_ASKED, 0),
    ROW(not_asked, STAY, STAY_NOT_ASKED, 0),
    ROW(never, STAY, STAY_NEVER, 0),
    ROW(asked_by_hook, STAY, STAY_NOT_ORDERED, 0),
    ROW(always_hook, REMOVE, LEAVE_REMOVE, OURS),
    ROW(always_http, STAY, STAY_NOT_DELETED, 0),
    ROW(always_http_deleted, REMOVE, LEAVE_REMOVE, OURS),
    ROW(always_http_port_closed, STAY, STAY_NOT_DELETED, 0),
    ROW(always_signal, WAIT, STAY_ETCD_RUNS, 0),
    ROW(always_signal_port_open, WAIT, STAY_ETCD_RUNS, 0),
    ROW(always_signal_port_closed, REMOVE, LEAVE_REMOVE, OURS),
    ROW(always_signal_deadline, STAY, STAY_ETCD_RUNS, 0),
    ROW(proven, REMOVE, LEAVE_REMOVE, OURS),
    ROW(proven_unknown, STAY, STAY_UNPROVEN, 0),
    ROW(proven_comes_back, STAY, STAY_COMES_BACK, 0),
    ROW(paused, STAY, STAY_PAUSED, 0),
    ROW(paused_others_carry, REMOVE, LEAVE_REMOVE, OURS),
    ROW(paused_others_too_weak, STAY, STAY_PAUSED, 0),
    ROW(paused_set_unknown, STAY, STAY_PAUSED, 0),
    ROW(paused_pods_uncounted, STAY, STAY_PAUSED, 0),
    ROW(paused_pod_not_recorded, STAY, STAY_PAUSED, 0),
    ROW(paused_ours_not_recorded, STAY, STAY_PAUSED, 0),
    ROW(paused_before_the_set, STAY, STAY_PAUSED, 0),
    ROW(paused_sibling_not_recorded, STAY, STAY_PAUSED, 0),
    ROW(paused_no_record, STAY, STAY_PAUSED, 0),
    ROW(paused_record_unreadable, STAY, STAY_PAUSED, 0),
    ROW(paused_learners_do_not_carry, STAY, STAY_PAUSED, 0),
    ROW(not_looked, WAIT, LEAVE_NO_QUORUM, 0),
    ROW(no_quorum, WAIT, LEAVE_NO_QUORUM, 0),
    ROW(no_quorum_deadline, STAY, LEAVE_NO_QUORUM, 0),
    ROW(no_quorum_last_voter, STAY, STAY_LAST_VOTER, 0),
    ROW(list_is_old, WAIT, LEAVE_LIST_OLD, 0),
    ROW(list_is_old_deadline, STAY, LEAVE_LIST_OLD, 0),
    ROW(list_is_old_and_lacks_us, GONE, LEFT, 0),
    ROW(list_is_old_enough, REMOVE, LEAVE_REMOVE, OURS),
    ROW(other_cluster, WAIT, LEAVE_NO_QUORUM, 0),
    ROW(own_id_unknown, WAIT, LEAVE_NO_QUORUM, 0),
    ROW(gone, GONE, LEFT, 0),
    ROW(learner, REMOVE, LEAVE_LEARNER, OURS),
    ROW(last_voter, STAY, STAY_LAST_VOTER, 0),
    ROW(another_is_down, WAIT, LEAVE_QUORUM, 0),
    ROW(another_is_down_deadline, STAY, LEAVE_QUORUM, 0),
    ROW(leads, MOVE_LEADER, LEAVE_MOVE_LEADER, SECOND),
    ROW(leads_low_ordinal_is_down, MOVE_LEADER, LEAVE_MOVE_LEADER, FIRST),
    ROW(leads_preference, MOVE_LEADER, LEAVE_MOVE_LEADER, FIRST),
    ROW(leads_preference_by_id, MOVE_LEADER, LEAVE_MOVE_LEADER, FIRST),
    ROW(leads_outsiders_first, MOVE_LEADER, LEAVE_MOVE_LEADER, FIRST),
    ROW(leads_nobody_caught_up, REMOVE, LEAVE_REMOVE, OURS),
    ROW(leads_one_caught_up, MOVE_LEADER, LEAVE_MOVE_LEADER, FIRST),
    ROW(leads_unstarted, MOVE_LEADER, LEAVE_MOVE_LEADER, FIRST),
    ROW(leads_learner, MOVE_LEADER, LEAVE_MOVE_LEADER, SECOND),
    ROW(leads_tried_enough, REMOVE, LEAVE_REMOVE, OURS),
};

static void each_row_decides(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bench *bench = bench_new();
        struct leave_decision decision;
        rows[i].bend(bench);
        decision = leave_decide(&bench->facts);
        if (decision.action != rows[i].action || decision.reason != rows[i].reason || decision.target.value != rows[i].target)
            fail_msg("%s: %d, %s, %llx", rows[i].name, (int)decision.action, reason_name(decision.reason),
                     (unsigned long long)decision.target.value);
        assert_true((decision.action == LEAVE_WAIT) == (decision.again_in_ms > 0));
        free(bench);
    }
}

static void a_look_that_failed_is_taken_again_first(void **state)
{
    (void)state;
    assert_false(leave_can_be_judged(LIVE_UNKNOWN, false));
    assert_true(leave_can_be_judged(LIVE_UNKNOWN, true));
    assert_true(leave_can_be_judged(LIVE_REACHABLE, false));
    assert_true(leave_can_be_judged(LIVE_NO_QUORUM, false) && leave_can_be_judged(LIVE_UNREACHABLE, false));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(each_row_decides),
                                              cmocka_unit_test(a_look_that_failed_is_taken_again_first)};
    return cmocka_run_group_tests_name("leave_decision", tests, NULL, NULL);
}
