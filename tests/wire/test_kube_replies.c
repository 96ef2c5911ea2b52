/* What a real Kubernetes API server answered (kube/, made by record_kube.py in a lab), each through the reader that is for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "usher/kube/kube_objects.h"
#include "usher/kube/kube_record.h"

#define DATA_DIR "/var/lib/etcd"

struct recorded {
    json_t *root, *body;
    const char *path;
    long status;
};

static struct recorded load(const char *name)
{
    struct recorded recorded = {0};
    char path[512];

    snprintf(path, sizeof path, "%s/kube/%s.json", USHER_WIRE_DIR, name);
    recorded.root = json_load_file(path, 0, NULL);
    if (recorded.root == NULL)
        fail_msg("%s is missing: tests/wire/record_kube.py makes it", path);
    recorded.path = json_string_value(json_object_get(recorded.root, "path"));
    recorded.status = (long)json_integer_value(json_object_get(recorded.root, "status"));
    recorded.body = json_loads(json_string_value(json_object_get(recorded.root, "body")), JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(recorded.body);
    return recorded;
}

static void done(struct recorded *recorded)
{
    json_decref(recorded->body);
    json_decref(recorded->root);
}

static struct pod_facts pod(const char *name)
{
    struct recorded recorded = load(name);
    struct pod_facts facts;

    kube_pod_from_json(recorded.body, DATA_DIR, "", 0, &facts);
    done(&recorded);
    return facts;
}

static struct stateful_set_facts set(const char *name)
{
    struct recorded recorded = load(name);
    struct stateful_set_facts facts;

    kube_stateful_set_from_json(recorded.body, &facts);
    done(&recorded);
    return facts;
}

static void pods(void **state)
{
    struct pod_facts facts = pod("pod"), ending = pod("pod-terminating"), orphan = pod("pod-orphaned");

    (void)state;
    assert_true(facts.answer == API_FOUND && !facts.is_deleted && facts.grace_left_ms == -1);
    assert_string_equal(facts.set_name, "etcd");
    assert_string_equal(facts.set_uid, set("statefulset").uid);
    assert_int_equal(facts.ordinal, 1);
    assert_int_equal(facts.data_volume, VOLUME_LASTS);
    assert_int_equal(facts.wal_volume, VOLUME_LASTS);
    assert_true(ending.answer == API_FOUND && ending.is_deleted);
    assert_string_equal(ending.uid, facts.uid);
    assert_int_equal(ending.grace_left_ms, 30000); /* of a clock that stands in 1970: the whole grace period */
    assert_true(orphan.answer == API_FOUND && !orphan.is_deleted);
    assert_string_equal(orphan.set_uid, "");
}

static void stateful_sets(void **state)
{
    struct stateful_set_facts facts = set("statefulset"), scaled = set("statefulset-scaled"), deleted = set("statefulset-deleted");

    (void)state;
    assert_true(facts.answer == API_FOUND && !facts.is_deleted && facts.replicas == 2 && facts.created == 2 && facts.start == 0);
    assert_true(scaled.answer == API_FOUND && scaled.replicas == 1 && scaled.created == 2);
    assert_true(deleted.answer == API_FOUND && deleted.is_deleted);
}

static void what_they_prove(void **state)
{
    struct pod_facts facts = pod("pod"), ending = pod("pod-terminating"), orphan = pod("pod-orphaned");
    struct stateful_set_facts before = set("statefulset"), scaled = set("statefulset-scaled"), deleted = set("statefulset-deleted");

    (void)state;
    assert_int_equal(leave_prove(&facts, &scaled, facts.uid), PROOF_NONE);
    assert_int_equal(leave_prove(&ending, &before, facts.uid), PROOF_NONE);
    assert_int_equal(leave_prove(&ending, &scaled, facts.uid), PROOF_SEAT_GIVEN_UP);
    assert_int_equal(leave_prove(&ending, &scaled, orphan.uid), PROOF_UNKNOWN);
    assert_int_equal(leave_prove(&ending, &deleted, facts.uid), PROOF_NONE);
    orphan.is_deleted = true;
    assert_int_equal(leave_prove(&orphan, &scaled, orphan.uid), PROOF_UNKNOWN);
}

static bool record(const char *name, struct set_record *out)
{
    struct recorded recorded = load(name);
    struct usher_error err = {0};
    bool is_read = kube_record_from_json(recorded.body, out, &err);

    done(&recorded);
    return is_read;
}

static void records(void **state)
{
    struct set_record out, written;

    (void)state;
    assert_true(record("configmap-empty", &out) && out.state == RECORD_EMPTY);
    assert_true(record("configmap", &out) && out.state == RECORD_CLUSTER && out.slot_count == 2 && out.endpoint_count == 2);
    assert_true(member_id_is_known(set_record_slot(&out, "etcd-1")));
    assert_true(record("configmap-written", &written) && written.state == RECORD_CLUSTER);
    assert_string_not_equal(out.version, written.version);
}

/* Nothing else that the server says is taken for a pod, a set or a record. */
static void everything_else_says_nothing(void **state)
{
    static const char *const names[] = {
        "configmap-missing", "configmap-conflict", "pod-missing",  "pod-gone", "pods",         "statefulset-missing", "no-such-resource",
        "no-such-namespace", "forbidden",          "unauthorized", "event",    "event-exists", "event-elsewhere"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct set_record out;
        if (pod(names[i]).answer != API_UNKNOWN || set(names[i]).answer != API_UNKNOWN || record(names[i], &out))
            fail_msg("%s", names[i]);
    }
}

static void which_404_means_missing(void **state)
{
    static const struct {
        const char *name;
        long status;
        bool is_missing;
    } rows[] = {
        {"pod-missing", 404, true},         {"pod-gone", 404, true},
        {"configmap-missing", 404, true},   {"statefulset-missing", 404, true},
        {"no-such-namespace", 404, true},   {"no-such-resource", 404, false},
        {"forbidden", 403, false},          {"unauthorized", 401, false},
        {"configmap-conflict", 409, false}, {"pod", 200, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct recorded recorded = load(rows[i].name);
        assert_int_equal(recorded.status, rows[i].status);
        if (kube_says_missing(recorded.body, recorded.path) != rows[i].is_missing)
            fail_msg("%s", rows[i].name);
        done(&recorded);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(pods),
        cmocka_unit_test(stateful_sets),
        cmocka_unit_test(records),
        cmocka_unit_test(what_they_prove),
        cmocka_unit_test(everything_else_says_nothing),
        cmocka_unit_test(which_404_means_missing),
    };
    return cmocka_run_group_tests_name("kube_replies", tests, NULL, NULL);
}
