/* What the Kubernetes API's word proves, a row a case: how the facts differ from a pod that a scale-down took away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "usher/core/leave_proof.h"

struct bench {
    struct pod_facts pod;
    struct stateful_set_facts set;
    const char *our_uid;
};

static struct bench scaled_down(void)
{
    return (struct bench){
        .pod = {.answer = API_FOUND,
                .uid = "pod-uid",
                .is_deleted = true,
                .set_name = "etcd",
                .set_uid = "set-uid",
                .ordinal = 2,
                .data_volume = VOLUME_LASTS,
                .wal_volume = VOLUME_LASTS},
        .set = {.answer = API_FOUND, .name = "etcd", .uid = "set-uid", .replicas = 2, .created = 3},
        .our_uid = "pod-uid",
    };
}

static void plain(struct bench *b) { (void)b; }
static void pod_unknown(struct bench *b) { b->pod.answer = API_UNKNOWN; }
static void pod_not_found(struct bench *b) { b->pod.answer = API_NOT_FOUND; }
static void another_pod(struct bench *b) { b->our_uid = "earlier-uid"; }
static void uid_not_known(struct bench *b) { b->our_uid = "", b->pod.uid[0] = '\0'; }
static void not_deleted(struct bench *b) { b->pod.is_deleted = false; }
static void set_unknown(struct bench *b) { b->set.answer = API_UNKNOWN; }
static void set_not_found(struct bench *b) { b->set.answer = API_NOT_FOUND; }
static void another_set(struct bench *b) { snprintf(b->set.uid, UID_BYTES, "new-uid"); }
static void orphaned(struct bench *b) { b->pod.set_uid[0] = b->set.uid[0] = '\0'; }
static void set_is_deleted(struct bench *b) { b->set.is_deleted = true; }
static void wanted(struct bench *b) { b->pod.ordinal = 1; }
static void first_wanted(struct bench *b) { b->pod.ordinal = 0; }
static void below_start(struct bench *b) { b->set.start = 3, b->set.replicas = 3; }
static void at_start(struct bench *b) { b->set.start = 2; }
static void last_of_start(struct bench *b) { b->set.start = 1, b->pod.ordinal = 2; }
static void behind_start(struct bench *b) { b->set.start = 1, b->pod.ordinal = 3; }
static void no_ordinal(struct bench *b) { b->pod.ordinal = -1; }
static void paused(struct bench *b) { b->set.replicas = 0; }
static void replicas_unknown(struct bench *b) { b->set.replicas = -1; }
static void data_goes(struct bench *b) { wanted(b), b->pod.data_volume = b->pod.wal_volume = VOLUME_GOES_WITH_POD; }
static void data_goes_set_unknown(struct bench *b) { data_goes(b), b->set.answer = API_UNKNOWN; }
static void data_goes_not_deleted(struct bench *b) { data_goes(b), b->pod.is_deleted = false; }
static void data_goes_wal_lasts(struct bench *b) { data_goes(b), b->pod.wal_volume = VOLUME_LASTS; }
static void volume_unknown(struct bench *b) { wanted(b), b->pod.data_volume = b->pod.wal_volume = VOLUME_UNKNOWN; }

static const struct row {
    const char *name;
    void (*bend)(struct bench *bench);
    enum leave_proof proof;
} rows[] = {
#define ROW(bend, proof)                                                                                                                   \
    {                                                                                                                                      \
#bend, bend, proof                                                                                                                 \
    }
    ROW(plain, PROOF_SEAT_GIVEN_UP),
    ROW(pod_unknown, PROOF_UNKNOWN),
    ROW(pod_not_found, PROOF_UNKNOWN),
    ROW(another_pod, PROOF_UNKNOWN),
    ROW(uid_not_known, PROOF_UNKNOWN),
    ROW(not_deleted, PROOF_NONE),
    ROW(set_unknown, PROOF_UNKNOWN),
    ROW(set_not_found, PROOF_UNKNOWN),
    ROW(another_set, PROOF_UNKNOWN),
    ROW(orphaned, PROOF_UNKNOWN),
    ROW(set_is_deleted, PROOF_NONE),
    ROW(wanted, PROOF_NONE),
    ROW(first_wanted, PROOF_NONE),
    ROW(below_start, PROOF_SEAT_GIVEN_UP),
    ROW(at_start, PROOF_NONE),
    ROW(last_of_start, PROOF_NONE),
    ROW(behind_start, PROOF_SEAT_GIVEN_UP),
    ROW(no_ordinal, PROOF_UNKNOWN),
    ROW(paused, PROOF_PAUSED),
    ROW(replicas_unknown, PROOF_UNKNOWN),
    ROW(data_goes, PROOF_SEAT_GIVEN_UP),
    ROW(data_goes_set_unknown, PROOF_SEAT_GIVEN_UP),
    ROW(data_goes_not_deleted, PROOF_NONE),
    ROW(data_goes_wal_lasts, PROOF_NONE),
    ROW(volume_unknown, PROOF_NONE),
};

static void each_row_proves(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bench bench = scaled_down();
        enum leave_proof proof;
        rows[i].bend(&bench);
        proof = leave_prove(&bench.pod, &bench.set, bench.our_uid);
        if (proof != rows[i].proof)
            fail_msg("%s: %d", rows[i].name, (int)proof);
    }
}

static void nothing_proves_nothing(void **state)
{
    const struct pod_facts no_pod = {0};
    const struct stateful_set_facts no_set = {0};

    (void)state;
    assert_int_equal(leave_prove(&no_pod, &no_set, ""), PROOF_UNKNOWN);
    assert_int_equal(leave_pod_is_deleted(&no_pod, ""), TRI_UNKNOWN);
    assert_int_equal(stateful_set_gave_up(&no_set, 0), TRI_UNKNOWN);
}

static void ordinals(void **state)
{
    (void)state;
    assert_int_equal(stateful_set_ordinal("etcd", "etcd-0"), 0);
    assert_int_equal(stateful_set_ordinal("etcd", "etcd-12"), 12);
    assert_int_equal(stateful_set_ordinal("etcd", "etcd-"), -1);
    assert_int_equal(stateful_set_ordinal("etcd", "etcd-x"), -1);
    assert_int_equal(stateful_set_ordinal("etcd", "etcd-01"), -1);
    assert_int_equal(stateful_set_ordinal("etcd", "etcd-1-2"), -1);
    assert_int_equal(stateful_set_ordinal("etcd-1", "etcd-1-2"), 2);
    assert_int_equal(stateful_set_ordinal("etc", "etcd-0"), -1);
    assert_int_equal(stateful_set_ordinal("", "-0"), -1);
    assert_int_equal(stateful_set_ordinal("etcd", "etcd-99999999999999999999"), -1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_proves),
        cmocka_unit_test(nothing_proves_nothing),
        cmocka_unit_test(ordinals),
    };
    return cmocka_run_group_tests_name("leave_proof", tests, NULL, NULL);
}
