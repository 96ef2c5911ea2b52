/* Pods, StatefulSets and ConfigMaps as the API server writes them, and as it must never be believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "usher/kube/kube_objects.h"
#include "usher/kube/kube_record.h"

static json_t *parse(const char *text)
{
    json_error_t problem;
    json_t *object = json_loads(text, 0, &problem);

    if (object == NULL)
        fail_msg("%s: %s", problem.text, text);
    return object;
}

#define POD_HEAD                                                                                                                           \
    "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"etcd-2\",\"uid\":\"u2\",\"labels\":{\"apps.kubernetes.io/"           \
    "pod-index\":\"2\"},"                                                                                                                  \
    "\"ownerReferences\":[{\"apiVersion\":\"apps/v1\",\"kind\":\"StatefulSet\",\"name\":\"etcd\",\"uid\":\"s1\",\"controller\":true}]"
#define DELETED ",\"deletionTimestamp\":\"2026-11-25T10:00:30Z\",\"deletionGracePeriodSeconds\":60"
#define SPEC(volume)                                                                                                                       \
    "},\"spec\":{\"containers\":[{\"name\":\"etcd\",\"volumeMounts\":[{\"name\":\"plan\",\"mountPath\":\"/run/etcd-usher\"},"              \
    "{\"name\":\"data\",\"mountPath\":\"/var/lib/etcd/\"}]},{\"name\":\"usher\",\"volumeMounts\":[{\"name\":\"data\",\"mountPath\":"       \
    "\"/var/lib/etcd\"}]}],\"volumes\":[{\"name\":\"plan\",\"emptyDir\":{}},{\"name\":\"data\"," volume "}]}}"
#define CLAIM "\"persistentVolumeClaim\":{\"claimName\":\"data-etcd-2\"}"

enum { NOW_S = 1795600800 }; /* 2026-11-25T10:00:00Z */

static struct pod_facts pod(const char *text, const char *data_dir, const char *wal_dir)
{
    json_t *object = parse(text);
    struct pod_facts facts;

    kube_pod_from_json(object, data_dir, wal_dir, NOW_S, &facts);
    json_decref(object);
    return facts;
}

static void a_pod_that_lives(void **state)
{
    struct pod_facts facts = pod(POD_HEAD SPEC(CLAIM), "/var/lib/etcd", "");

    (void)state;
    assert_int_equal(facts.answer, API_FOUND);
    assert_string_equal(facts.uid, "u2");
    assert_string_equal(facts.set_name, "etcd");
    assert_string_equal(facts.set_uid, "s1");
    assert_int_equal(facts.ordinal, 2);
    assert_false(facts.is_deleted);
    assert_int_equal(facts.grace_left_ms, -1);
    assert_int_equal(facts.data_volume, VOLUME_LASTS);
    assert_int_equal(facts.wal_volume, VOLUME_LASTS);
}

static void a_pod_that_ends(void **state)
{
    struct pod_facts facts = pod(POD_HEAD DELETED SPEC(CLAIM), "/var/lib/etcd/data", "");

    (void)state;
    assert_true(facts.is_deleted);
    assert_int_equal(facts.grace_left_ms, 30000);
    assert_int_equal(facts.data_volume, VOLUME_LASTS);
}

static void volumes(void **state)
{
    (void)state;
    assert_int_equal(pod(POD_HEAD SPEC("\"emptyDir\":{\"medium\":\"Memory\"}"), "/var/lib/etcd", "").data_volume, VOLUME_GOES_WITH_POD);
    assert_int_equal(pod(POD_HEAD SPEC("\"ephemeral\":{}"), "/var/lib/etcd", "").data_volume, VOLUME_GOES_WITH_POD);
    assert_int_equal(pod(POD_HEAD SPEC("\"hostPath\":{\"path\":\"/x\"}"), "/var/lib/etcd", "").data_volume, VOLUME_LASTS);
    assert_int_equal(pod(POD_HEAD SPEC(CLAIM), "/elsewhere", "").data_volume, VOLUME_UNKNOWN);
    assert_int_equal(pod(POD_HEAD SPEC(CLAIM), "/var/lib/etcd2", "").data_volume, VOLUME_UNKNOWN);
    assert_int_equal(pod(POD_HEAD SPEC(CLAIM), "/var/lib/etcd", "/run/etcd-usher/wal").wal_volume, VOLUME_GOES_WITH_POD);
    assert_int_equal(pod(POD_HEAD SPEC(CLAIM), "/var/lib/etcd", "/wal").wal_volume, VOLUME_UNKNOWN);
}

#define MOUNT(volume, path) "{\"volumeMounts\":[{\"name\":\"" volume "\",\"mountPath\":\"" path "\"}]}"
#define TWO(one, other)                                                                                                                    \
    POD_HEAD "},\"spec\":{\"containers\":[" one "],\"initContainers\":[" other "],\"volumes\":[{\"name\":\"data\"," CLAIM                  \
             "},{\"name\":\"tmp\",\"emptyDir\":{}}]}}"

/* One container's scratch folder is no word about another's claim. */
static void containers_that_disagree(void **state)
{
    (void)state;
    assert_int_equal(pod(TWO(MOUNT("data", "/d"), MOUNT("tmp", "/d")), "/d", "").data_volume, VOLUME_UNKNOWN);
    assert_int_equal(pod(TWO(MOUNT("tmp", "/d"), MOUNT("data", "/d")), "/d", "").data_volume, VOLUME_UNKNOWN);
    assert_int_equal(pod(TWO(MOUNT("tmp", "/d"), MOUNT("data", "/")), "/d", "").data_volume, VOLUME_UNKNOWN);
    assert_int_equal(pod(TWO(MOUNT("tmp", "/d"), MOUNT("tmp", "/d/e")), "/d", "").data_volume, VOLUME_GOES_WITH_POD);
    assert_int_equal(pod(TWO(MOUNT("tmp", "/d"), MOUNT("nowhere", "/x")), "/d", "").data_volume, VOLUME_GOES_WITH_POD);
    assert_int_equal(pod(TWO(MOUNT("nowhere", "/d"), MOUNT("tmp", "/x")), "/d", "").data_volume, VOLUME_UNKNOWN);
}

#define NAMED(name, label)                                                                                                                 \
    "{\"kind\":\"Pod\",\"metadata\":{\"name\":\"" name "\",\"uid\":\"u2\"," label "\"ownerReferences\":[{\"apiVersion\":\"apps/v1\","      \
    "\"kind\":\"StatefulSet\",\"name\":\"etcd\",\"uid\":\"s1\",\"controller\":true}]},\"spec\":{}}"
#define LABEL(index) "\"labels\":{\"apps.kubernetes.io/pod-index\":\"" index "\"},"

/* The controller goes by the name. A person can write a label, and must not give a seat up by that. */
static void ordinals(void **state)
{
    (void)state;
    assert_int_equal(pod(NAMED("etcd-2", LABEL("2")), "/d", "").ordinal, 2);
    assert_int_equal(pod(NAMED("etcd-2", ""), "/d", "").ordinal, 2);
    assert_int_equal(pod(NAMED("etcd-2", LABEL("7")), "/d", "").ordinal, -1);
    assert_int_equal(pod(NAMED("etcd-2", LABEL("x")), "/d", "").ordinal, -1);
    assert_int_equal(pod(NAMED("other-2", LABEL("2")), "/d", "").ordinal, -1);
}

/* Half a deletion is none, and a clock or a grace period that is off bounds nothing away. */
static void deletions(void **state)
{
    struct pod_facts facts = pod(POD_HEAD ",\"deletionTimestamp\":null" SPEC(CLAIM), "/var/lib/etcd", "");

    (void)state;
    assert_true(facts.answer == API_FOUND && !facts.is_deleted);
    assert_false(pod(POD_HEAD ",\"deletionTimestamp\":\"\"" SPEC(CLAIM), "/var/lib/etcd", "").is_deleted);
    facts = pod(POD_HEAD ",\"deletionTimestamp\":\"2026-11-25T09:00:00Z\",\"deletionGracePeriodSeconds\":60" SPEC(CLAIM), "/d", "");
    assert_true(facts.is_deleted && facts.grace_left_ms == 60000);
    facts = pod(POD_HEAD ",\"deletionTimestamp\":\"2027-11-25T10:00:00Z\",\"deletionGracePeriodSeconds\":60" SPEC(CLAIM), "/d", "");
    assert_true(facts.is_deleted && facts.grace_left_ms == 60000);
    facts = pod(POD_HEAD ",\"deletionTimestamp\":\"2026-11-25T09:00:00Z\",\"deletionGracePeriodSeconds\":9223372036854775807" SPEC(CLAIM),
                "/d", "");
    assert_true(facts.is_deleted && facts.grace_left_ms == -1);
}

static void what_is_no_pod(void **state)
{
    (void)state;
    assert_int_equal(pod("{}", "/d", "").answer, API_UNKNOWN);
    assert_int_equal(pod("{\"kind\":\"Status\",\"metadata\":{\"uid\":\"u\"},\"spec\":{}}", "/d", "").answer, API_UNKNOWN);
    assert_int_equal(pod("{\"kind\":\"Pod\",\"metadata\":{},\"spec\":{}}", "/d", "").answer, API_UNKNOWN);
    assert_int_equal(pod("{\"kind\":\"Pod\",\"metadata\":{\"uid\":\"u\"}}", "/d", "").answer, API_UNKNOWN);
    assert_int_equal(pod("{\"kind\":\"Pod\",\"metadata\":{\"uid\":\"u\"},\"spec\":{}}", "/d", "").ordinal, -1);
}

static struct stateful_set_facts set(const char *text)
{
    json_t *object = parse(text);
    struct stateful_set_facts facts;

    kube_stateful_set_from_json(object, &facts);
    json_decref(object);
    return facts;
}

static void stateful_sets(void **state)
{
    struct stateful_set_facts facts =
        set("{\"kind\":\"StatefulSet\",\"metadata\":{\"name\":\"etcd\",\"uid\":\"s1\"},\"spec\":{\"replicas\":3,"
            "\"ordinals\":{\"start\":2}},\"status\":{\"replicas\":5}}");

    (void)state;
    assert_int_equal(facts.answer, API_FOUND);
    assert_int_equal(facts.replicas, 3);
    assert_int_equal(facts.start, 2);
    assert_int_equal(facts.created, 5);
    assert_false(facts.is_deleted);
    facts = set(
        "{\"kind\":\"StatefulSet\",\"metadata\":{\"name\":\"etcd\",\"uid\":\"s1\",\"deletionTimestamp\":\"x\"},\"spec\":{\"replicas\":0}}");
    assert_true(facts.is_deleted && facts.answer == API_FOUND && facts.start == 0 && facts.created == -1);
    assert_int_equal(set("{\"kind\":\"StatefulSet\",\"metadata\":{\"name\":\"e\",\"uid\":\"s\"},\"spec\":{}}").answer, API_UNKNOWN);
    assert_int_equal(set("{\"kind\":\"StatefulSet\",\"metadata\":{\"name\":\"e\",\"uid\":\"s\"},\"spec\":{\"replicas\":\"3\"}}").answer,
                     API_UNKNOWN);
    assert_int_equal(set("{\"kind\":\"StatefulSet\",\"metadata\":{\"name\":\"e\",\"uid\":\"s\"},\"spec\":{\"replicas\":-1}}").answer,
                     API_UNKNOWN);
    assert_int_equal(set("{\"kind\":\"StatefulSet\",\"metadata\":{\"name\":\"e\"},\"spec\":{\"replicas\":1}}").answer, API_UNKNOWN);
    assert_int_equal(set("{\"kind\":\"Deployment\",\"metadata\":{\"name\":\"e\",\"uid\":\"s\"},\"spec\":{\"replicas\":1}}").answer,
                     API_UNKNOWN);
}

static bool record(const char *text, struct set_record *out)
{
    json_t *object = parse(text);
    struct usher_error err = {0};
    bool is_read = kube_record_from_json(object, out, &err);

    assert_true(is_read || err.text[0] != '\0');
    json_decref(object);
    return is_read;
}

#define MAP(annotations, data) "{\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"r\",\"resourceVersion\":\"7\"" annotations "}" data "}"
#define ANNOTATED ",\"annotations\":{\"etcd-usher.io/cluster-id\":\"c1\"}"

static void records(void **state)
{
    struct set_record out;

    (void)state;
    assert_true(record(MAP("", ""), &out) && out.state == RECORD_EMPTY);
    assert_string_equal(out.version, "7");
    assert_true(record(MAP("", ",\"data\":{}"), &out) && out.state == RECORD_EMPTY);
    assert_true(record(MAP("", ",\"data\":{\"cluster-id\":\"\",\"permit\":\"\"}"), &out) && out.state == RECORD_EMPTY);
    assert_true(record(MAP(ANNOTATED, ""), &out) && out.state == RECORD_CLUSTER && out.cluster.value == 0xc1);
    assert_true(record(
        MAP(ANNOTATED, ",\"data\":{\"cluster-id\":\"c1\",\"slots\":\"{\\\"etcd-0\\\":\\\"a0\\\"}\",\"permit\":\"replace=a0\"}"), &out));
    assert_true(out.state == RECORD_CLUSTER && out.slot_count == 1 && out.permits.count == 1);
    assert_true(record(MAP("", ",\"data\":{\"claim\":\"{\\\"slot\\\":\\\"etcd-0\\\",\\\"nonce\\\":\\\"n\\\"}\"}"), &out));
    assert_int_equal(out.state, RECORD_CLAIMED);
    assert_false(record(MAP(ANNOTATED, ",\"data\":{\"cluster-id\":\"c2\"}"), &out));
    assert_false(record(MAP("", ",\"data\":{\"cluster-id\":\"not hex\"}"), &out));
    assert_false(record(MAP("", ",\"data\":{\"slots\":\"{\"}"), &out));
    assert_false(record(MAP(",\"annotations\":{\"etcd-usher.io/cluster-id\":\"zz\"}", ""), &out));
    assert_false(record(MAP(",\"annotations\":{\"etcd-usher.io/cluster-id\":193}", ""), &out));
    assert_false(record(MAP(",\"annotations\":{\"etcd-usher.io/cluster-id\":null}", ""), &out));
    assert_false(record(MAP(",\"annotations\":[\"etcd-usher.io/cluster-id\"]", ""), &out));
    assert_true(record(MAP(",\"annotations\":null", ""), &out) && out.state == RECORD_EMPTY);
    assert_false(record("{\"kind\":\"ConfigMap\",\"metadata\":{}}", &out)); /* nothing to compare with */
}

static void a_record_goes_there_and_back(void **state)
{
    json_t *map = parse(MAP("", ",\"data\":{\"note\":\"of a person\"}"));
    struct set_record out, back;
    struct usher_error err = {0};

    (void)state;
    assert_true(kube_record_from_json(map, &out, &err));
    assert_true(set_record_claim(&out, "etcd-0", "0123", "2026-11-25T10:00:00Z"));
    assert_true(kube_record_onto_json(&out, map, &err) && kube_record_from_json(map, &back, &err));
    assert_true(back.state == RECORD_CLAIMED && strcmp(back.claim.nonce, "0123") == 0);
    assert_true(set_record_adopt(&back, (struct cluster_id){0xc1}, "etcd-0", (struct member_id){0xa0}, NULL));
    assert_true(kube_record_onto_json(&back, map, &err) && kube_record_from_json(map, &out, &err));
    assert_true(out.state == RECORD_CLUSTER && set_record_slot(&out, "etcd-0").value == 0xa0);
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(json_object_get(map, "metadata"), "annotations"), "etcd-usher.io/cluster-id")),
        "c1");
    assert_string_equal(json_string_value(json_object_get(json_object_get(map, "data"), "note")), "of a person");
    json_object_clear(json_object_get(map, "data")); /* somebody emptied it */
    assert_true(kube_record_from_json(map, &out, &err) && out.state == RECORD_CLUSTER && out.cluster.value == 0xc1);
    assert_true(set_record_forget(&out));
    assert_true(kube_record_onto_json(&out, map, &err) && kube_record_from_json(map, &back, &err));
    assert_true(back.state == RECORD_EMPTY && set_record_forgot(&back, (struct cluster_id){0xc1}));
    json_decref(map);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pod_that_lives), cmocka_unit_test(a_pod_that_ends),
        cmocka_unit_test(volumes),          cmocka_unit_test(containers_that_disagree),
        cmocka_unit_test(ordinals),         cmocka_unit_test(deletions),
        cmocka_unit_test(what_is_no_pod),   cmocka_unit_test(stateful_sets),
        cmocka_unit_test(records),          cmocka_unit_test(a_record_goes_there_and_back),
    };
    return cmocka_run_group_tests_name("kube_objects", tests, NULL, NULL);
}
