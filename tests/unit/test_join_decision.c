/* Every row of the join table, and what may not happen beside it. One row a case: how the facts differ from a fresh pod beside a healthy
 * cluster, and the one action with its reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "join_bench.h"

struct row {
    const char *name;
    void (*bend)(struct bench *bench);
    enum join_action action;
    enum reason reason;
};

/* -- guards -- */
static void zeroed(struct bench *b) { memset(&b->facts, 0, sizeof b->facts); }
static void etcd_lives(struct bench *b) { b->facts.etcd_lives_here = TRI_YES, b->facts.has_plan = true; }
static void etcd_lives_unplanned(struct bench *b) { b->facts.etcd_lives_here = TRI_YES; }
static void etcd_unknown(struct bench *b) { b->facts.etcd_lives_here = TRI_UNKNOWN; }
static void pod_removed(struct bench *b) { b->facts.pod_turned_removed = true; }
static void pod_removed_always(struct bench *b) { pod_removed(b), b->facts.settings.rejoin = REJOIN_ALWAYS; }
static void place_missing(struct bench *b) { b->facts.data_place = PLACE_MISSING; }
static void place_unmounted(struct bench *b) { b->facts.data_place = PLACE_NOT_MOUNTED; }
static void place_elsewhere(struct bench *b) { b->facts.data_place = PLACE_WAL_ELSEWHERE; }
static void place_unknown(struct bench *b) { b->facts.data_place = PLACE_UNKNOWN; }
static void wal_unknown(struct bench *b) { b->facts.wal.state = WAL_UNKNOWN; }
static void not_looked(struct bench *b) { b->facts.view = NULL; }
static void data(struct bench *b) { bench_with_data(b), bench_listed(b); }
static void foreign_by_record(struct bench *b) { data(b), bench_recorded(b), b->record.cluster.value = BENCH_OTHER_CLUSTER; }
static void foreign_unreachable(struct bench *b) { foreign_by_record(b), bench_unreachable(b); }
static void foreign_by_expected(struct bench *b) { data(b), b->facts.settings.expected_cluster.value = BENCH_OTHER_CLUSTER; }
static void foreign_slot(struct bench *b) { data(b), b->facts.volume.is_another_slots = TRI_YES; }
static void foreign_slot_empty(struct bench *b) { b->facts.volume.is_another_slots = TRI_YES; }
static void foreign_archive_permit(struct bench *b) { foreign_slot(b), bench_permit(b, "archive=a0"); }
static void foreign_wrong_permit(struct bench *b) { foreign_slot(b), bench_permit(b, "archive=a1"); }
static void foreign_start_permit(struct bench *b) { foreign_slot(b), bench_permit(b, "start=00000000000000A0"); }
static void forgotten(struct bench *b) { data(b), b->record.forgotten_count = 1, b->record.forgotten[0].value = BENCH_CLUSTER; }
static void unreadable_record_is_no_ground(struct bench *b) { foreign_by_record(b), b->record.state = RECORD_UNREADABLE; }
static void two_clusters(struct bench *b) { b->view.endpoints[1].cluster.value = BENCH_OTHER_CLUSTER; }
static void other_than_recorded(struct bench *b) { bench_recorded(b), b->record.cluster.value = BENCH_OTHER_CLUSTER; }
static void other_than_recorded_forget(struct bench *b) { other_than_recorded(b), bench_permit(b, "forget=c2"); }
static void stray_seed_with_data(struct bench *b) { data(b), two_clusters(b); }
static void stray_seed_with_record(struct bench *b) { stray_seed_with_data(b), bench_recorded(b); }
static void stray_remembered(struct bench *b) { data(b), two_clusters(b), b->view.endpoints[1].is_remembered = true; }
static void stray_forgotten(struct bench *b)
{
    stray_seed_with_record(b);
    b->record.forgotten_count = 1, b->record.forgotten[0].value = BENCH_OTHER_CLUSTER;
}
static void stray_forgotten_remembered(struct bench *b) { stray_forgotten(b), b->view.endpoints[1].is_remembered = true; }

/* -- data with ids -- */
static void data_unreachable(struct bench *b) { data(b), bench_unreachable(b); }
static void data_no_quorum(struct bench *b) { data(b), bench_no_quorum(b); }
static void data_no_quorum_copy(struct bench *b)
{
    data_no_quorum(b);
    b->view.endpoints[0].member.value = BENCH_OURS, b->view.endpoints[0].cluster.value = BENCH_CLUSTER;
}
static void mark(struct bench *b) { b->facts.volume.left.cluster.value = BENCH_CLUSTER, b->facts.volume.left.member.value = BENCH_OURS; }
static void dead_unreachable(struct bench *b) { data_unreachable(b), mark(b); }
static void older_mark(struct bench *b) { dead_unreachable(b), b->facts.volume.left.member.value = 0xdead; }
static void copy_answers(struct bench *b) { data(b), bench_endpoint(b, BENCH_OURS, BENCH_CLUSTER, ENDPOINT_SERVING); }
static void copy_answers_permit(struct bench *b) { copy_answers(b), bench_permit(b, "start=a0"); }
static void copy_connected(struct bench *b) { data(b), b->facts.our_gauge = GAUGE_CONNECTED; }
static void copy_connected_long(struct bench *b) { copy_connected(b), b->facts.looked_for_ms = JOIN_LOOK_MS; }
static void copy_connected_permit(struct bench *b) { copy_connected_long(b), bench_permit(b, "start=a0"); }
static void url_changed(struct bench *b) { data(b), bench_set(b->facts.settings.peer_urls.url[0], URL_BYTES, "http://new:2380"); }
static void url_changed_learner(struct bench *b) { url_changed(b), b->view.list.members[3].is_learner = true; }
static void url_of_another(struct bench *b) { data(b), bench_set(b->facts.settings.peer_urls.url[0], URL_BYTES, "http://pod-1:2380"); }
static void url_one_of_two(struct bench *b)
{
    data(b), b->facts.settings.peer_urls.count = 2;
    bench_set(b->facts.settings.peer_urls.url[1], URL_BYTES, "http://second:2380");
}
static void removed(struct bench *b) { bench_with_data(b); }
static void removed_marked(struct bench *b) { removed(b), mark(b); }
static void removed_never(struct bench *b) { removed_marked(b), b->facts.settings.rejoin = REJOIN_NEVER; }
static void removed_refuse(struct bench *b) { removed_marked(b), b->facts.settings.stale_data = DATA_POLICY_REFUSE; }
static void removed_refuse_permit(struct bench *b) { removed_refuse(b), bench_permit(b, "archive=a0"); }
static void removed_no_space(struct bench *b) { removed_marked(b), b->facts.free_bytes = 10, b->view.endpoints[0].db_size_bytes = 11; }
static void removed_drop(struct bench *b) { removed_no_space(b), bench_permit(b, "drop=a0"); }

/* -- unreadable and remains -- */
static void torn(struct bench *b) { b->facts.wal.state = WAL_TORN; }
static void torn_archive(struct bench *b) { torn(b), b->facts.settings.unreadable_data = DATA_POLICY_ACT; }
static void torn_permit(struct bench *b) { torn(b), bench_permit(b, "archive=pod-0"); }
static void unreadable(struct bench *b) { b->facts.wal.state = WAL_UNREADABLE; }
static void unreadable_archive(struct bench *b) { unreadable(b), b->facts.settings.unreadable_data = DATA_POLICY_ACT; }
static void unreadable_permit(struct bench *b) { unreadable(b), bench_permit(b, "archive=pod-0"); }
static void remains(struct bench *b) { b->facts.wal.state = WAL_REMAINS; }
static void unstarted(struct bench *b) { bench_listed(b)->client_urls.count = 0; }
static void own_record(struct bench *b)
{
    b->facts.volume.join_record.cluster.value = BENCH_CLUSTER, b->facts.volume.join_record.member.value = BENCH_OURS;
    b->facts.volume.has_trace = true;
}
static void remains_own_join(struct bench *b) { remains(b), unstarted(b), own_record(b); }
static void remains_started(struct bench *b) { remains(b), bench_listed(b), own_record(b); }
static void remains_nonce(struct bench *b) { remains(b), bench_unreachable(b), bench_set(b->facts.volume.nonce, NONCE_BYTES, "n1"); }
static void remains_used_nonce(struct bench *b) { remains_nonce(b), b->facts.volume.nonce_was_used = true; }
static void remains_no_quorum(struct bench *b) { remains(b), bench_no_quorum(b); }

/* -- empty volume, cluster reachable -- */
static void fresh(struct bench *b) { (void)b; }
static void fresh_bad_notes(struct bench *b) { b->facts.volume.is_readable = TRI_NO; }
static void fresh_after_removal(struct bench *b) { b->facts.since_our_removal_ms = JOIN_AFTER_REMOVAL_MS - 1; }
static void fresh_record_unreadable(struct bench *b) { b->record.state = RECORD_UNREADABLE; }
static void own_unstarted(struct bench *b) { unstarted(b), own_record(b); }
static void own_unstarted_url_moved(struct bench *b)
{
    own_unstarted(b), bench_recorded(b);
    bench_set(b->facts.settings.peer_urls.url[0], URL_BYTES, "http://moved:2380");
}
static void own_unstarted_answers(struct bench *b) { own_unstarted(b), bench_endpoint(b, BENCH_OURS, BENCH_CLUSTER, ENDPOINT_LEARNER); }
static void others_unstarted(struct bench *b) { unstarted(b); }
static void others_unstarted_quorum(struct bench *b) { unstarted(b), b->facts.removal_keeps_quorum = TRI_NO; }
static void twin(struct bench *b) { bench_listed(b), bench_endpoint(b, BENCH_OURS, BENCH_CLUSTER, ENDPOINT_SERVING); }
static void twin_permit(struct bench *b) { twin(b), bench_permit(b, "replace=a0"); }
static void lost(struct bench *b) { bench_listed(b), bench_recorded(b), b->facts.our_gauge = GAUGE_DOWN; }
static void lost_no_record(struct bench *b) { lost(b), b->record.slot_count = 0; }
static void lost_no_gauge(struct bench *b) { lost(b), b->facts.our_gauge = GAUGE_UNKNOWN; }
static void lost_no_gauge_long(struct bench *b) { lost_no_gauge(b), b->facts.looked_for_ms = JOIN_LOOK_MS; }
static void lost_connected_long(struct bench *b) { lost_no_gauge_long(b), b->facts.our_gauge = GAUGE_CONNECTED; }
static void lost_permit(struct bench *b) { lost_no_gauge_long(b), bench_permit(b, "replace=a0"); }
static void lost_permit_connected(struct bench *b) { lost_connected_long(b), bench_permit(b, "replace=a0"); }
static void lost_refuse(struct bench *b) { lost(b), b->facts.settings.lost_data = DATA_POLICY_REFUSE; }
static void lost_quorum(struct bench *b) { lost(b), b->facts.removal_keeps_quorum = TRI_NO; }
static void lost_quorum_unknown(struct bench *b) { lost(b), b->facts.removal_keeps_quorum = TRI_UNKNOWN; }
static void lost_record_unreadable(struct bench *b) { lost(b), b->record.state = RECORD_UNREADABLE; }
static void two_by_url(struct bench *b)
{
    bench_listed(b), b->facts.settings.peer_urls.count = 2;
    bench_set(b->facts.settings.peer_urls.url[1], URL_BYTES, "http://pod-1:2380");
}
static void url_and_record_differ(struct bench *b) { bench_listed(b), bench_recorded(b), b->record.slots[0].id.value = BENCH_OURS + 1; }
static void no_quorum(struct bench *b) { bench_no_quorum(b); }

static void no_quorum_refused(struct bench *b) { no_quorum(b), b->view.endpoint_count = 1, b->view.endpoints[0].state = ENDPOINT_REFUSES; }
static void no_quorum_unknown(struct bench *b) { no_quorum(b), b->view.endpoint_count = 1, b->view.endpoints[0].state = ENDPOINT_UNKNOWN; }

/* -- founding -- */
static void alone(struct bench *b) { bench_unreachable(b); }
static void alone_never(struct bench *b) { alone(b), b->facts.settings.bootstrap = BOOTSTRAP_NEVER; }
static void alone_trace(struct bench *b) { alone(b), b->facts.volume.has_trace = true; }
static void alone_nonce_used(struct bench *b)
{
    alone(b), bench_set(b->facts.volume.nonce, NONCE_BYTES, "n1"), b->facts.volume.nonce_was_used = true;
}
static void alone_bad_notes(struct bench *b) { alone(b), b->facts.volume.is_readable = TRI_NO; }
static void alone_record_unreadable(struct bench *b) { alone(b), b->record.state = RECORD_UNREADABLE; }
static void alone_record_null(struct bench *b) { alone(b), b->facts.record = NULL; }
static void alone_recorded(struct bench *b) { alone(b), bench_recorded(b); }
static void alone_recorded_forget(struct bench *b) { alone_recorded(b), bench_permit(b, "forget=c1"); }
static void alone_recorded_forget_other(struct bench *b) { alone_recorded(b), bench_permit(b, "forget=c2"); }
static void claim(struct bench *b, const char *slot, const char *nonce)
{
    b->record.state = RECORD_CLAIMED;
    bench_set(b->record.claim.slot, NAME_BYTES, slot), bench_set(b->record.claim.nonce, NONCE_BYTES, nonce);
}
static void alone_claimed(struct bench *b) { alone(b), claim(b, "pod-0", "n1"), bench_set(b->facts.volume.nonce, NONCE_BYTES, "n1"); }
static void alone_claimed_used(struct bench *b) { alone_claimed(b), b->facts.volume.nonce_was_used = true; }
static void alone_claimed_lost(struct bench *b) { alone(b), claim(b, "pod-0", "n1"); }
static void alone_claimed_other(struct bench *b) { alone(b), claim(b, "pod-1", "n1"); }
static void alone_claimed_other_same_nonce(struct bench *b) { alone_claimed(b), claim(b, "pod-1", "n1"); }
static void alone_claimed_forget(struct bench *b) { alone_claimed_other(b), bench_permit(b, "forget=n1"); }
static void alone_expected(struct bench *b) { alone(b), b->facts.settings.expected_cluster.value = BENCH_CLUSTER; }
static void alone_tls(struct bench *b) { alone(b), b->view.endpoints[0].state = ENDPOINT_REFUSES; }
static void alone_unasked(struct bench *b) { alone(b), b->view.endpoints[0].state = ENDPOINT_UNKNOWN; }
static void once(struct bench *b)
{
    alone(b), b->facts.settings.bootstrap = BOOTSTRAP_ONCE, b->facts.settings.has_set_record = false;
    b->record.state = RECORD_NOT_CONFIGURED, bench_set(b->facts.settings.bootstrap_once_name, NAME_BYTES, "pod-0");
}
static void once_other(struct bench *b) { once(b), bench_set(b->facts.settings.bootstrap_once_name, NAME_BYTES, "pod-1"); }
static void once_recorded(struct bench *b) { once(b), b->facts.settings.has_set_record = true, bench_recorded(b); }
static void once_record_unreadable(struct bench *b)
{
    once(b), b->facts.settings.has_set_record = true, b->record.state = RECORD_UNREADABLE;
}
static void once_trace(struct bench *b) { once(b), b->facts.volume.has_trace = true; }

/* (clang-format takes the braces for a block.) */
/* clang-format off */
#define ROW(bend, action, reason) {#bend, bend, JOIN_##action, REASON_##reason}
/* clang-format on */

static const struct row rows[] = {
    ROW(zeroed, WAIT, FACTS_INCOMPLETE),
    ROW(etcd_lives, KEEP, ETCD_LIVES),
    ROW(etcd_lives_unplanned, WAIT, ETCD_LIVES_UNPLANNED),
    ROW(etcd_unknown, WAIT, FACTS_INCOMPLETE),
    ROW(pod_removed, HOLD_REMOVED, POD_WAS_REMOVED),
    ROW(pod_removed_always, ADD, ADD_LEARNER),
    ROW(place_missing, REFUSE, DATA_DIR_MISSING),
    ROW(place_unmounted, REFUSE, DATA_DIR_NOT_MOUNTED),
    ROW(place_elsewhere, REFUSE, WAL_ELSEWHERE),
    ROW(place_unknown, WAIT, FACTS_INCOMPLETE),
    ROW(wal_unknown, WAIT, FACTS_INCOMPLETE),
    ROW(not_looked, WAIT, FACTS_INCOMPLETE),
    ROW(foreign_by_record, REFUSE, FOREIGN_CLUSTER),
    ROW(foreign_unreachable, REFUSE, FOREIGN_CLUSTER),
    ROW(foreign_by_expected, REFUSE, FOREIGN_CLUSTER),
    ROW(foreign_slot, REFUSE, FOREIGN_SLOT),
    ROW(foreign_slot_empty, REFUSE, FOREIGN_SLOT),
    ROW(foreign_archive_permit, ARCHIVE, ARCHIVE_BY_PERMIT),
    ROW(foreign_wrong_permit, REFUSE, FOREIGN_SLOT),
    ROW(foreign_start_permit, START, START_LISTED),
    ROW(forgotten, REFUSE, FORGOTTEN_CLUSTER),
    ROW(unreadable_record_is_no_ground, START, START_LISTED),
    ROW(two_clusters, REFUSE, CLUSTERS_DISAGREE),
    ROW(other_than_recorded, REFUSE, CLUSTERS_DISAGREE),
    ROW(other_than_recorded_forget, FORGET, FORGET),
    ROW(stray_seed_with_data, REFUSE, CLUSTERS_DISAGREE),
    ROW(stray_seed_with_record, START, START_LISTED),
    ROW(stray_remembered, START, START_LISTED),
    ROW(stray_forgotten, REFUSE, CLUSTERS_DISAGREE),
    ROW(stray_forgotten_remembered, START, START_LISTED),
    ROW(data, START, START_LISTED),
    ROW(data_unreachable, START, START_UNSEEN),
    ROW(data_no_quorum, START, START_UNSEEN),
    ROW(data_no_quorum_copy, REFUSE, COPY_LIVES),
    ROW(dead_unreachable, WAIT, DEAD_DATA_WAITS),
    ROW(older_mark, START, START_UNSEEN),
    ROW(copy_answers, REFUSE, COPY_LIVES),
    ROW(copy_answers_permit, START, START_LISTED),
    ROW(copy_connected, WAIT, COPY_CONNECTED_WAIT),
    ROW(copy_connected_long, REFUSE, COPY_CONNECTED),
    ROW(copy_connected_permit, START, START_LISTED),
    ROW(url_changed, UPDATE_URLS, UPDATE_URLS),
    ROW(url_changed_learner, REMOVE, LEARNER_URLS_CHANGED),
    ROW(url_of_another, REFUSE, URL_HELD_BY_OTHER),
    ROW(url_one_of_two, START, START_LISTED),
    ROW(removed, MARK_LEFT, MARK_LEFT),
    ROW(removed_marked, ARCHIVE, ARCHIVE_STALE),
    ROW(removed_never, HOLD_REMOVED, REJOIN_NEVER),
    ROW(removed_refuse, REFUSE, STALE_REFUSED),
    ROW(removed_refuse_permit, ARCHIVE, ARCHIVE_STALE),
    ROW(removed_no_space, REFUSE, NO_SPACE_TO_ARCHIVE),
    ROW(removed_drop, DROP, DROP_BY_PERMIT),
    ROW(torn, REFUSE, DATA_TORN),
    ROW(torn_archive, ARCHIVE, ARCHIVE_UNREADABLE),
    ROW(torn_permit, ARCHIVE, ARCHIVE_UNREADABLE),
    ROW(unreadable, REFUSE, DATA_UNREADABLE),
    ROW(unreadable_archive, REFUSE, DATA_UNREADABLE),
    ROW(unreadable_permit, ARCHIVE, ARCHIVE_UNREADABLE),
    ROW(remains, ARCHIVE, ARCHIVE_REMAINS),
    ROW(remains_own_join, DELETE_REMAINS, DELETE_OWN_REMAINS),
    ROW(remains_started, ARCHIVE, ARCHIVE_REMAINS),
    ROW(remains_nonce, DELETE_REMAINS, DELETE_OWN_REMAINS),
    ROW(remains_used_nonce, WAIT, REMAINS_WAIT),
    ROW(remains_no_quorum, WAIT, REMAINS_WAIT),
    ROW(fresh, ADD, ADD_LEARNER),
    ROW(fresh_bad_notes, WAIT, NOTES_UNREADABLE),
    ROW(fresh_after_removal, WAIT, REMOVAL_SPACING),
    ROW(fresh_record_unreadable, ADD, ADD_LEARNER),
    ROW(own_unstarted, START_JOINING, START_JOINING),
    ROW(own_unstarted_url_moved, REMOVE, REPLACE_UNSTARTED),
    ROW(own_unstarted_answers, REFUSE, LIVE_TWIN),
    ROW(others_unstarted, REMOVE, REPLACE_UNSTARTED),
    ROW(others_unstarted_quorum, WAIT, QUORUM_FORBIDS),
    ROW(twin, REFUSE, LIVE_TWIN),
    ROW(twin_permit, REFUSE, LIVE_TWIN),
    ROW(lost, REMOVE, REPLACE_LOST),
    ROW(lost_no_record, WAIT, LOST_UNPROVEN_WAIT),
    ROW(lost_no_gauge, WAIT, LOST_UNPROVEN_WAIT),
    ROW(lost_no_gauge_long, REFUSE, LOST_UNPROVEN),
    ROW(lost_connected_long, REFUSE, LOST_UNPROVEN),
    ROW(lost_permit, REMOVE, REPLACE_LOST),
    ROW(lost_permit_connected, REFUSE, LOST_UNPROVEN),
    ROW(lost_refuse, REFUSE, LOST_REFUSED),
    ROW(lost_quorum, WAIT, QUORUM_FORBIDS),
    ROW(lost_quorum_unknown, WAIT, QUORUM_FORBIDS),
    ROW(lost_record_unreadable, WAIT, LOST_UNPROVEN_WAIT),
    ROW(two_by_url, REFUSE, TWO_ENTRIES),
    ROW(url_and_record_differ, REFUSE, TWO_ENTRIES),
    ROW(no_quorum, WAIT, NO_QUORUM_WAIT),
    ROW(no_quorum_refused, WAIT, SOMETHING_ANSWERS),
    ROW(no_quorum_unknown, WAIT, ENDPOINTS_UNKNOWN),
    ROW(alone, CLAIM, CLAIM),
    ROW(alone_never, WAIT, WAIT_FOR_CLUSTER),
    ROW(alone_trace, WAIT, VOLUME_HAS_TRACE),
    ROW(alone_nonce_used, WAIT, NONCE_USED),
    ROW(alone_bad_notes, WAIT, NOTES_UNREADABLE),
    ROW(alone_record_unreadable, WAIT, RECORD_NOT_READABLE),
    ROW(alone_record_null, WAIT, RECORD_NOT_READABLE),
    ROW(alone_recorded, WAIT, RECORD_HAS_CLUSTER),
    ROW(alone_recorded_forget, FORGET, FORGET),
    ROW(alone_recorded_forget_other, WAIT, RECORD_HAS_CLUSTER),
    ROW(alone_claimed, FOUND, FOUND),
    ROW(alone_claimed_used, WAIT, NONCE_USED),
    ROW(alone_claimed_lost, WAIT, CLAIM_WITHOUT_NONCE),
    ROW(alone_claimed_other, WAIT, CLAIMED_BY_OTHER),
    ROW(alone_claimed_other_same_nonce, WAIT, CLAIMED_BY_OTHER),
    ROW(alone_claimed_forget, FORGET, FORGET),
    ROW(alone_expected, WAIT, WAIT_FOR_CLUSTER),
    ROW(alone_tls, WAIT, SOMETHING_ANSWERS),
    ROW(alone_unasked, WAIT, SOMETHING_ANSWERS),
    ROW(once, FOUND, FOUND),
    ROW(once_other, WAIT, NOT_THE_ONE),
    ROW(once_recorded, WAIT, RECORD_HAS_CLUSTER),
    ROW(once_record_unreadable, WAIT, RECORD_NOT_READABLE),
    ROW(once_trace, WAIT, VOLUME_HAS_TRACE),
};

static void each_row_decides(void **state)
{
    const struct row *row = *state;
    struct bench *bench = bench_new();
    struct join_decision decision;

    row->bend(bench);
    decision = join_decide(&bench->facts);
    if (decision.action != row->action || decision.reason != row->reason)
        print_error("%s: %s (%s), expected %s (%s)\n", row->name, join_action_name(decision.action), reason_name(decision.reason),
                    join_action_name(row->action), reason_name(row->reason));
    assert_int_equal(decision.action, row->action);
    assert_int_equal(decision.reason, row->reason);
    if (decision.action == JOIN_WAIT)
        assert_true(decision.again_in_ms > 0);
    free(bench);
}

static void removals_name_a_member(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bench *bench = bench_new();
        struct join_decision decision;
        rows[i].bend(bench);
        decision = join_decide(&bench->facts);
        if (decision.action == JOIN_REMOVE || decision.action == JOIN_UPDATE_URLS || decision.action == JOIN_START_JOINING)
            assert_true(decision.target.value == BENCH_OURS);
        free(bench);
    }
}

/* A refusal that a permit lets pass says which, by kind and name. */
static void refusals_name_their_permit(void **state)
{
    static const struct {
        void (*bend)(struct bench *);
        enum permit_kind kind;
        uint64_t id;
        const char *name;
    } cases[] = {
        {foreign_slot, PERMIT_ARCHIVE, BENCH_OURS, ""},      {foreign_slot_empty, PERMIT_ARCHIVE, 0, "pod-0"},
        {copy_connected_long, PERMIT_START, BENCH_OURS, ""}, {lost_no_gauge_long, PERMIT_REPLACE, BENCH_OURS, ""},
        {removed_no_space, PERMIT_DROP, BENCH_OURS, ""},     {alone_recorded, PERMIT_FORGET, BENCH_CLUSTER, ""},
        {alone_claimed_other, PERMIT_FORGET, 0, "n1"},       {unreadable, PERMIT_ARCHIVE, 0, "pod-0"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bench *bench = bench_new();
        struct join_decision decision;
        cases[i].bend(bench);
        decision = join_decide(&bench->facts);
        assert_int_equal(decision.would_help.kind, cases[i].kind);
        assert_true(decision.would_help.id == cases[i].id);
        assert_string_equal(decision.would_help.name, cases[i].name);
        free(bench);
    }
}

/* What was done upon a permit names it, so that it is taken out: it is for once. */
static void used_permits_are_named(void **state)
{
    static const struct {
        void (*bend)(struct bench *);
        enum permit_kind kind;
    } cases[] = {
        {removed_refuse_permit, PERMIT_ARCHIVE}, {removed_drop, PERMIT_DROP},         {torn_permit, PERMIT_ARCHIVE},
        {unreadable_permit, PERMIT_ARCHIVE},     {copy_answers_permit, PERMIT_START}, {removed_marked, PERMIT_UNKNOWN},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bench *bench = bench_new();
        cases[i].bend(bench);
        assert_int_equal(join_decide(&bench->facts).used_permit.kind, cases[i].kind);
        free(bench);
    }
}

/* With a WAL the entry is the one that it names, whoever has our URL. */
static void our_entry_is_the_wals(void **state)
{
    struct bench *bench = bench_new();
    struct member *named;

    (void)state;
    data(bench);
    assert_int_equal(our_entry_find(&bench->facts).state, OUR_ENTRY_STARTED);
    named = bench_member(bench, 0xb0, 7);
    bench->facts.wal.member.value = 0xb0;
    assert_ptr_equal(our_entry_find(&bench->facts).member, named);
    bench->facts.wal.member.value = 0xb1;
    assert_int_equal(our_entry_find(&bench->facts).state, OUR_ENTRY_ABSENT);
    bench->view.live = LIVE_NO_QUORUM;
    assert_int_equal(our_entry_find(&bench->facts).state, OUR_ENTRY_UNKNOWN);
    free(bench);
}

/* Each action has a name of its own, and those that change nothing are these. */
static void actions_are_told_apart(void **state)
{
    static const char *const names[] = {"unknown",       "wait",        "refuse",    "keep",    "hold-removed", "start",
                                        "start-joining", "update-urls", "mark-left", "archive", "drop",         "delete-remains",
                                        "add",           "remove",      "claim",     "found",   "forget"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        enum join_action action = (enum join_action)i;
        bool changes_nothing = action <= JOIN_START_JOINING;
        assert_string_equal(join_action_name(action), names[i]);
        assert_int_equal(join_action_mutates(action), !changes_nothing);
    }
    assert_string_equal(join_action_name((enum join_action)(JOIN_FORGET + 1)), "unknown");
    assert_false(join_action_mutates((enum join_action)(JOIN_FORGET + 1)));
}

int main(void)
{
    static struct CMUnitTest tests[sizeof rows / sizeof rows[0] + 5];
    size_t count = 0;

    for (; count < sizeof rows / sizeof rows[0]; count++)
        tests[count] = (struct CMUnitTest){rows[count].name, each_row_decides, NULL, NULL, (void *)(uintptr_t)&rows[count]};
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(removals_name_a_member);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(refusals_name_their_permit);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(used_permits_are_named);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(our_entry_is_the_wals);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(actions_are_told_apart);
    return cmocka_run_group_tests_name("join_decision", tests, NULL, NULL);
}
