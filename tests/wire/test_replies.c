/* What etcd 3.4 to 3.7 really answered (replies/, made by record.py), each through the reader that is for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "usher/etcd/etcd_wire.h"

struct recorded {
    json_t *root;
    const char *body;
    size_t bytes;
    int status;
};

static struct recorded load_reply(const char *version, const char *name)
{
    struct recorded reply = {0};
    char path[512];

    snprintf(path, sizeof path, "%s/replies/%s/%s.json", USHER_WIRE_DIR, version, name);
    reply.root = json_load_file(path, 0, NULL);
    if (reply.root == NULL)
        fail_msg("%s is missing: tests/wire/record.py makes it", path);
    reply.body = json_string_value(json_object_get(reply.root, "body"));
    reply.bytes = json_string_length(json_object_get(reply.root, "body"));
    reply.status = (int)json_integer_value(json_object_get(reply.root, "status"));
    assert_non_null(reply.body);
    return reply;
}

static const char *version_of(void **state) { return *state; }

static void refusals_are_told_apart(void **state)
{
    static const struct {
        const char *name;
        enum etcd_refusal refusal;
        bool is_ambiguous; /* of a write */
    } rows[] = {
        {"bad-urls", REFUSAL_BAD_URLS, false},
        {"peer-url-exists", REFUSAL_PEER_URL_EXISTS, false},
        {"too-many-learners", REFUSAL_TOO_MANY_LEARNERS, false},
        {"promote-not-ready", REFUSAL_LEARNER_NOT_READY, false},
        {"promote-again", REFUSAL_NOT_A_LEARNER, false},
        {"promote-unknown", REFUSAL_MEMBER_NOT_FOUND, false},
        {"remove-unknown", REFUSAL_MEMBER_NOT_FOUND, false},
        {"learner-refuses-range", REFUSAL_NOT_FOR_LEARNER, false},
        {"learner-refuses-list", REFUSAL_NOT_FOR_LEARNER, false},
        {"unhealthy-cluster", REFUSAL_UNHEALTHY_CLUSTER, false},
        {"not-enough-started", REFUSAL_NOT_ENOUGH_STARTED, false},
        {"not-leader", REFUSAL_NOT_LEADER, false},
        {"bad-transferee", REFUSAL_BAD_TRANSFEREE, false},
        {"no-quorum-range", REFUSAL_TIMED_OUT, true},
        {"no-quorum-add", REFUSAL_UNHEALTHY_CLUSTER, false},
        {"auth-not-enabled", REFUSAL_AUTH_NOT_ENABLED, false},
        {"auth-failed", REFUSAL_AUTH_FAILED, false},
        {"user-empty", REFUSAL_USER_EMPTY, false},
        {"bad-token", REFUSAL_BAD_TOKEN, false},
        {"permission-denied", REFUSAL_PERMISSION_DENIED, false},
        {"barrier-denied", REFUSAL_PERMISSION_DENIED, false},
        {"no-space", REFUSAL_NO_SPACE, false},
        {"unknown-path", REFUSAL_UNKNOWN, true}, /* no etcd, or one without its gateway */
        {"wrong-method", REFUSAL_UNKNOWN, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct recorded reply = load_reply(version_of(state), rows[i].name);
        char message[PROBLEM_BYTES];
        enum etcd_refusal refusal = etcd_wire_read_refusal(reply.body, reply.bytes, message, sizeof message);
        if (refusal != rows[i].refusal || reply.status == 200 || message[0] == '\0')
            fail_msg("%s: refusal %d from '%s'", rows[i].name, (int)refusal, message);
        if (etcd_refusal_is_ambiguous(refusal) != rows[i].is_ambiguous)
            fail_msg("%s: is the outcome of a write open after '%s'?", rows[i].name, message);
        json_decref(reply.root);
    }
}

static void lists_are_read_whole(void **state)
{
    static const struct {
        const char *name;
        size_t count, learners, unstarted;
    } rows[] = {{"list-one", 1, 0, 0}, {"list-unstarted", 2, 1, 1}, {"list-two", 2, 0, 0}, {"auth-list", 1, 0, 0}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct recorded reply = load_reply(version_of(state), rows[i].name);
        struct etcd_header header = {{0}, {0}};
        struct member_list list = {0};
        struct usher_error err = {0};
        size_t learners = 0, unstarted = 0;
        if (!etcd_wire_read_list(reply.body, reply.bytes, &header, &list, &err))
            fail_msg("%s: %s", rows[i].name, err.text);
        for (size_t j = 0; j < list.count; j++) {
            learners += list.members[j].is_learner;
            unstarted += list.members[j].client_urls.count == 0;
            assert_int_equal(list.members[j].peer_urls.count, 1);
        }
        assert_int_equal(list.count, rows[i].count);
        assert_int_equal(learners, rows[i].learners);
        assert_int_equal(unstarted, rows[i].unstarted);
        assert_true(cluster_id_is_known(header.cluster));
        assert_non_null(member_list_find(&list, header.member)); /* who answered is in the list */
        json_decref(reply.root);
    }
}

static struct etcd_status read_status(const char *version, const char *name)
{
    struct recorded reply = load_reply(version, name);
    struct etcd_status status = {0};
    struct usher_error err = {0};

    if (!etcd_wire_read_status(reply.body, reply.bytes, &status, &err))
        fail_msg("%s: %s", name, err.text);
    json_decref(reply.root);
    assert_int_equal(strncmp(status.version, version, strlen(version)), 0);
    assert_true(cluster_id_is_known(status.cluster) && member_id_is_known(status.member));
    assert_true(status.raft_term > 0 && status.raft_index >= status.raft_applied_index && status.raft_applied_index > 0);
    assert_true(status.db_size_bytes > 0);
    return status;
}

static void statuses_are_read(void **state)
{
    struct etcd_status voter = read_status(version_of(state), "status-voter"), learner = read_status(version_of(state), "status-learner");
    struct etcd_status lonely = read_status(version_of(state), "status-no-leader");
    struct etcd_status full = read_status(version_of(state), "status-no-space");

    assert_false(voter.is_learner);
    assert_true(member_id_equals(voter.leader, voter.member));
    assert_string_equal(voter.errors, "");
    assert_true(learner.is_learner);
    assert_true(member_id_equals(learner.leader, voter.member) && cluster_id_equals(learner.cluster, voter.cluster));
    assert_false(member_id_is_known(lonely.leader));
    assert_string_equal(lonely.errors, "etcdserver: no leader");
    assert_non_null(strstr(full.errors, "NOSPACE"));
    (void)read_status(version_of(state), "auth-status");
}

static void added_members_are_named(void **state)
{
    static const char *const names[] = {"add-learner", "add-voter"};

    for (size_t i = 0; i < 2; i++) {
        struct recorded reply = load_reply(version_of(state), names[i]);
        struct etcd_header header = {{0}, {0}};
        struct member_id added = {0};
        assert_true(etcd_wire_read_added(reply.body, reply.bytes, &header, &added, NULL));
        assert_true(member_id_is_known(added) && !member_id_equals(added, header.member));
        json_decref(reply.root);
    }
}

static void writes_that_went_well(void **state)
{
    static const struct {
        const char *name;
        bool has_header;
    } rows[] = {{"range", true}, {"promote-ok", true}, {"remove-ok", true}, {"transfer-ok", false}}; /* MoveLeader fills no header */

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct recorded reply = load_reply(version_of(state), rows[i].name);
        struct etcd_header header = {{0}, {0}};
        assert_int_equal(reply.status, 200);
        assert_int_equal(etcd_wire_read_header(reply.body, reply.bytes, &header, NULL), rows[i].has_header);
        assert_int_equal(cluster_id_is_known(header.cluster), rows[i].has_header);
        assert_true(etcd_wire_is_object(reply.body, reply.bytes));
        json_decref(reply.root);
    }
}

static void tokens_are_read(void **state)
{
    struct recorded reply = load_reply(version_of(state), "authenticate-ok");
    char token[64] = "untouched", small[4] = "old";

    assert_false(etcd_wire_read_token(reply.body, reply.bytes, small, sizeof small, NULL));
    assert_string_equal(small, "old");
    assert_true(etcd_wire_read_token(reply.body, reply.bytes, token, sizeof token, NULL));
    assert_string_not_equal(token, "untouched");
    json_decref(reply.root);
}

static void gauges_are_about_one_member(void **state)
{
    struct recorded metrics = load_reply(version_of(state), "metrics"), remote = load_reply(version_of(state), "metrics-remote");
    struct member_id target = {strtoull(remote.body, NULL, 10)};
    struct gauge_reading reading = {0}, stranger = {0};

    etcd_wire_read_gauges(metrics.body, metrics.bytes, target, &reading);
    assert_true(reading.was_read && reading.shows_connected && reading.has_received_bytes);
    assert_true(reading.received_bytes > 0);
    etcd_wire_read_gauges(metrics.body, metrics.bytes, (struct member_id){target.value + 1}, &stranger);
    assert_true(stranger.was_read);
    assert_false(stranger.shows_connected || stranger.has_received_bytes);
    json_decref(metrics.root);
    json_decref(remote.root);
}

/* Whatever has been read by the time that it is enough: the reading is that of the whole. In whatever order a server has its metrics. */
static void gauges_need_no_rest(void **state)
{
    static const char *const before[] = {"", "# TYPE etcd_server_has_leader gauge\netcd_server_has_leader 1\n"};
    struct recorded metrics = load_reply(version_of(state), "metrics"), remote = load_reply(version_of(state), "metrics-remote");
    struct member_id target = {strtoull(remote.body, NULL, 10)};

    for (size_t i = 0; i < sizeof before / sizeof before[0]; i++) {
        struct gauge_reading whole = {0};
        struct bounded_text text;
        size_t enough = 0;
        bounded_text_init(&text, metrics.bytes + 256);
        bounded_text_printf(&text, "\n%s%.*s\n# HELP grpc_server_handled_total Most of it.\n", before[i], (int)metrics.bytes, metrics.body);
        etcd_wire_read_gauges(bounded_text_c(&text), text.length_bytes, target, &whole);
        assert_true(whole.shows_connected && whole.has_received_bytes);
        for (size_t bytes = 0; bytes <= text.length_bytes; bytes++) {
            struct gauge_reading reading = {0};
            if (!etcd_wire_has_gauges(bounded_text_c(&text), bytes))
                continue;
            enough++;
            etcd_wire_read_gauges(bounded_text_c(&text), bytes, target, &reading);
            assert_true(reading.was_read && reading.shows_connected && reading.received_bytes == whole.received_bytes);
        }
        assert_true(enough > 0 && enough < text.length_bytes);
        bounded_text_done(&text);
    }
    json_decref(metrics.root);
    json_decref(remote.root);
}

#define OF_VERSION(test, version)                                                                                                          \
    {                                                                                                                                      \
        version " " #test, test, NULL, NULL, (void *)(uintptr_t)version                                                                    \
    }
#define ALL_OF(version)                                                                                                                    \
    OF_VERSION(refusals_are_told_apart, version), OF_VERSION(lists_are_read_whole, version), OF_VERSION(statuses_are_read, version),       \
        OF_VERSION(added_members_are_named, version), OF_VERSION(writes_that_went_well, version), OF_VERSION(tokens_are_read, version),    \
        OF_VERSION(gauges_are_about_one_member, version), OF_VERSION(gauges_need_no_rest, version)

int main(void)
{
    static const struct CMUnitTest tests[] = {ALL_OF("3.4"), ALL_OF("3.5"), ALL_OF("3.6"), ALL_OF("3.7")};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
