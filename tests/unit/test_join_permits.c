/* What a refusal offers is what would let it pass: no permit against a sign of life, and a name for data that has no ID. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "join_bench.h"

/* Our slot's member has started before, this volume is empty, and it is ten seconds on. */
static struct bench *lost(enum gauge_verdict gauge)
{
    struct bench *bench = bench_new();
    bench_listed(bench);
    bench_recorded(bench);
    bench->facts.our_gauge = gauge;
    bench->facts.looked_for_ms = JOIN_LOOK_MS;
    return bench;
}

static void no_permit_is_offered_against_a_sign_of_life(void **state)
{
    struct bench *bench = lost(GAUGE_CONNECTED);
    struct join_decision decision = join_decide(&bench->facts);

    (void)state;
    assert_int_equal(decision.reason, REASON_LOST_UNPROVEN);
    assert_int_equal(decision.would_help.kind, PERMIT_UNKNOWN);
    bench_permit(bench, "replace=a0");
    assert_int_equal(join_decide(&bench->facts).reason, REASON_LOST_UNPROVEN);
    free(bench);
}

static void the_policy_offers_none_against_a_sign_of_life_either(void **state)
{
    struct bench *bench = lost(GAUGE_CONNECTED);
    struct join_decision decision;

    (void)state;
    bench->facts.settings.lost_data = DATA_POLICY_REFUSE;
    decision = join_decide(&bench->facts);
    assert_int_equal(decision.reason, REASON_LOST_REFUSED);
    assert_int_equal(decision.would_help.kind, PERMIT_UNKNOWN);
    free(bench);
}

static void an_unknown_gauge_is_outweighed_by_the_permit_that_is_offered(void **state)
{
    struct bench *bench = lost(GAUGE_UNKNOWN);
    struct join_decision decision = join_decide(&bench->facts);

    (void)state;
    assert_int_equal(decision.would_help.kind, PERMIT_REPLACE);
    assert_true(decision.would_help.id == BENCH_OURS);
    bench_permit(bench, "replace=a0");
    assert_int_equal(join_decide(&bench->facts).action, JOIN_REMOVE);
    free(bench);
}

static void remains_without_room_are_dropped_by_the_slot_s_name(void **state)
{
    struct bench *bench = bench_new();
    struct join_decision decision;

    (void)state;
    bench->facts.wal.state = WAL_REMAINS;
    bench->facts.free_bytes = 10;
    bench->view.endpoints[0].db_size_bytes = 11;
    decision = join_decide(&bench->facts);
    assert_int_equal(decision.reason, REASON_NO_SPACE_TO_ARCHIVE);
    assert_int_equal(decision.would_help.kind, PERMIT_DROP);
    assert_string_equal(decision.would_help.name, "pod-0");
    bench_permit(bench, "drop=pod-1");
    assert_int_equal(join_decide(&bench->facts).action, JOIN_REFUSE);
    bench_permit(bench, "drop=pod-0");
    assert_int_equal(join_decide(&bench->facts).action, JOIN_DROP);
    free(bench);
}

static void data_with_an_id_is_not_dropped_by_a_name(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_with_data(bench);
    bench->facts.volume.left.cluster.value = BENCH_CLUSTER;
    bench->facts.volume.left.member.value = BENCH_OURS;
    bench->facts.free_bytes = 10;
    bench->view.endpoints[0].db_size_bytes = 11;
    bench_permit(bench, "drop=pod-0");
    assert_int_equal(join_decide(&bench->facts).action, JOIN_REFUSE);
    bench_permit(bench, "drop=a0");
    assert_int_equal(join_decide(&bench->facts).action, JOIN_DROP);
    free(bench);
}

static void an_unreadable_record_grants_nothing(void **state)
{
    struct bench *bench = lost(GAUGE_UNKNOWN);

    (void)state;
    permit_list_parse(&bench->record.permits, "replace=a0", PERMIT_FROM_RECORD);
    assert_int_equal(join_decide(&bench->facts).action, JOIN_REMOVE);
    bench->record.state = RECORD_UNREADABLE;
    assert_int_equal(join_decide(&bench->facts).action, JOIN_REFUSE);
    free(bench);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_permit_is_offered_against_a_sign_of_life),
        cmocka_unit_test(the_policy_offers_none_against_a_sign_of_life_either),
        cmocka_unit_test(an_unknown_gauge_is_outweighed_by_the_permit_that_is_offered),
        cmocka_unit_test(remains_without_room_are_dropped_by_the_slot_s_name),
        cmocka_unit_test(data_with_an_id_is_not_dropped_by_a_name),
        cmocka_unit_test(an_unreadable_record_grants_nothing),
    };
    return cmocka_run_group_tests_name("join_permits", tests, NULL, NULL);
}
