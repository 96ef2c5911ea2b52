/* Every error text that etcd's sources know, in the bodies of both gateways; and what no etcd ever says: nothing of it may be half believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "usher/etcd/etcd_wire.h"
#include "usher/host/bounded_text.h"

#define HEADER "\"header\":{\"cluster_id\":\"9\",\"member_id\":\"1\"}"
#define MEMBER(id) "{\"ID\":" id ",\"name\":\"a\",\"peerURLs\":[\"http://a:2380\"],\"clientURLs\":[\"http://a:2379\"]}"
#define LIST(members) "{" HEADER ",\"members\":[" members "]}"

static const struct {
    const char *message;
    enum etcd_refusal refusal;
    bool is_ambiguous;
} texts[] = {
    {"etcdserver: rpc not supported for learner", REFUSAL_NOT_FOR_LEARNER, false},
    {"etcdserver: too many learner members in cluster", REFUSAL_TOO_MANY_LEARNERS, false},
    {"etcdserver: member ID already exist", REFUSAL_ID_EXISTS, false},
    {"etcdserver: Peer URLs already exists", REFUSAL_PEER_URL_EXISTS, false},
    {"etcdserver: can only promote a learner member which is in sync with leader", REFUSAL_LEARNER_NOT_READY, false},
    {"etcdserver: can only promote a learner member", REFUSAL_NOT_A_LEARNER, false},
    {"etcdserver: re-configuration failed due to not enough started members", REFUSAL_NOT_ENOUGH_STARTED, false},
    {"etcdserver: unhealthy cluster", REFUSAL_UNHEALTHY_CLUSTER, false},
    {"etcdserver: member not found", REFUSAL_MEMBER_NOT_FOUND, false},
    {"etcdserver: given member URLs are invalid", REFUSAL_BAD_URLS, false},
    {"etcdserver: no leader", REFUSAL_NO_LEADER, true},
    {"etcdserver: leader changed", REFUSAL_LEADER_CHANGED, true},
    {"etcdserver: request timed out", REFUSAL_TIMED_OUT, true},
    {"etcdserver: request timed out, possibly due to previous leader failure", REFUSAL_TIMED_OUT, true},
    {"etcdserver: request timed out, possibly due to connection lost", REFUSAL_TIMED_OUT, true},
    {"etcdserver: request timed out, waiting for the applied index took too long", REFUSAL_TIMED_OUT, true},
    {"etcdserver: server stopped", REFUSAL_STOPPED, true},
    {"context deadline exceeded", REFUSAL_TIMED_OUT, true},
    {"context canceled", REFUSAL_TIMED_OUT, true},
    {"stream terminated by RST_STREAM with error code: CANCEL", REFUSAL_TIMED_OUT, true},
    {"etcdserver: not leader", REFUSAL_NOT_LEADER, false},
    {"etcdserver: bad leader transferee", REFUSAL_BAD_TRANSFEREE, false},
    {"etcdserver: cluster ID mismatch", REFUSAL_CLUSTER_ID_MISMATCH, false},
    {"etcdserver: user name is empty", REFUSAL_USER_EMPTY, false},
    {"auth: user name is empty", REFUSAL_USER_EMPTY, false},
    {"etcdserver: invalid auth token", REFUSAL_BAD_TOKEN, false},
    {"etcdserver: permission denied", REFUSAL_PERMISSION_DENIED, false},
    {"etcdserver: authentication failed, invalid user ID or password", REFUSAL_AUTH_FAILED, false},
    {"etcdserver: authentication is not enabled", REFUSAL_AUTH_NOT_ENABLED, false},
    {"etcdserver: mvcc: database space exceeded", REFUSAL_NO_SPACE, false},
    {"etcdserver: corrupt cluster", REFUSAL_CORRUPT, false},
    {"write tcp 127.0.0.1:42: write: broken pipe", REFUSAL_GATEWAY, true},
    {"connection error: desc = \\\"transport: authentication handshake failed\\\"", REFUSAL_GATEWAY, true},
    {"something that etcd 9 may say", REFUSAL_UNKNOWN, true},
};

static void each_text_in_each_body(void **state)
{
    static const char *const bodies[] = {
        "{\"error\":\"%s\",\"message\":\"%s\",\"code\":9}",                    /* 3.4, 3.5 */
        "{\"code\":9, \"message\":\"%s\", \"details\":[]}",                    /* 3.6, 3.7 */
        "{\"error\":{\"grpc_code\":14,\"http_code\":503,\"message\":\"%s\"}}", /* streams of 3.4, 3.5 */
        "{\"error\":\"%s\",\"code\":9}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        for (size_t j = 0; j < sizeof bodies / sizeof bodies[0]; j++) {
            struct bounded_text body;
            char message[PROBLEM_BYTES];
            enum etcd_refusal refusal;
            bounded_text_init(&body, 4096);
            for (const char *at = bodies[j]; *at != '\0'; at++) {
                if (at[0] == '%' && at[1] == 's') {
                    assert_true(bounded_text_add_c(&body, texts[i].message));
                    at++;
                } else {
                    assert_true(bounded_text_add(&body, at, 1));
                }
            }
            refusal = etcd_wire_read_refusal(bounded_text_c(&body), body.length_bytes, message, sizeof message);
            if (refusal != texts[i].refusal || etcd_refusal_is_ambiguous(refusal) != texts[i].is_ambiguous)
                fail_msg("%s: refusal %d", bounded_text_c(&body), (int)refusal);
            bounded_text_done(&body);
        }
    }
}

static void a_client_certificate_with_a_name(void **state)
{
    static const char body[] = "CommonName of client sending a request against gateway will be ignored and not used as expected";
    char message[PROBLEM_BYTES];

    (void)state;
    assert_int_equal(etcd_wire_read_refusal(body, sizeof body - 1, message, sizeof message), REFUSAL_CN_GATEWAY);
    assert_string_equal(message, body);
}

/* A proxy in between is not etcd: its words are no refusal that one may act upon. */
static void a_page_with_the_words_of_etcd(void **state)
{
    static const char *const pages[] = {"<html>403: permission denied</html>", "member not found",
                                        "{\"reason\":\"Peer URLs already exists\"}", "<p>502: the request timed out</p>"};
    char message[PROBLEM_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++)
        assert_int_equal(etcd_wire_read_refusal(pages[i], strlen(pages[i]), message, sizeof message), REFUSAL_UNKNOWN);
}

/* The body stands in memory of exactly its size: a reader that goes on after its end is seen by the sanitizer. */
static char *exact_copy(const char *text, size_t bytes)
{
    char *copy = malloc(bytes > 0 ? bytes : 1);

    assert_non_null(copy);
    memcpy(copy, text, bytes);
    return copy;
}

/* Nothing but the truth: all readers say no, and leave what they were given as it was. */
static void assert_rejected(const char *what, const char *text, size_t bytes)
{
    char *copy = exact_copy(text, bytes);
    struct etcd_header header = {{77}, {78}};
    struct member_list *list = calloc(1, sizeof *list);
    struct etcd_status status = {.raft_index = 79};
    struct member_id added = {80};
    struct usher_error err = {0};
    char token[16] = "untouched";

    assert_non_null(list);
    list->count = 3;
    if (etcd_wire_read_list(copy, bytes, &header, list, &err))
        fail_msg("%s: taken as a member list", what);
    if (err.text[0] == '\0')
        fail_msg("%s: no word about why the list was not taken", what);
    assert_int_equal(list->count, 3);
    if (etcd_wire_read_status(copy, bytes, &status, &err))
        fail_msg("%s: taken as a status", what);
    if (etcd_wire_read_added(copy, bytes, &header, &added, &err))
        fail_msg("%s: taken as a reply to member add", what);
    if (etcd_wire_read_token(copy, bytes, token, sizeof token, &err))
        fail_msg("%s: taken as a token", what);
    assert_true(header.cluster.value == 77 && header.member.value == 78 && status.raft_index == 79 && added.value == 80);
    assert_string_equal(token, "untouched");
    free(list);
    free(copy);
}

static void what_no_etcd_says(void **state)
{
    static const struct {
        const char *what, *text;
    } rows[] = {
        {"empty", ""},
        {"blank", " \n"},
        {"HTML", "<html><body><h1>502 Bad Gateway</h1></body></html>"},
        {"null", "null"},
        {"an array", "[" LIST(MEMBER("\"1\"")) "]"},
        {"a string", "\"members\""},
        {"two documents", LIST(MEMBER("\"1\"")) "{}"},
        {"no header", "{\"members\":[" MEMBER("\"1\"") "]}"},
        {"header of a wrong kind", "{\"header\":\"x\",\"members\":[" MEMBER("\"1\"") "]}"},
        {"no cluster", "{\"header\":{\"member_id\":\"1\"},\"members\":[" MEMBER("\"1\"") "]}"},
        {"cluster 0", "{\"header\":{\"cluster_id\":\"0\",\"member_id\":\"1\"},\"members\":[" MEMBER("\"1\"") "]}"},
        {"cluster as a number", "{\"header\":{\"cluster_id\":9,\"member_id\":\"1\"},\"members\":[" MEMBER("\"1\"") "]}"},
        {"a cluster of 2^64",
         "{\"header\":{\"cluster_id\":\"18446744073709551616\",\"member_id\":\"1\"},\"members\":[" MEMBER("\"1\"") "]}"},
        {"two headers", "{" HEADER "," HEADER ",\"members\":[" MEMBER("\"1\"") "]}"},
        {"invalid UTF-8", "{" HEADER ",\"members\":[" MEMBER("\"1\"") "],\"token\":\"\xff\"}"},
        {"a zero byte", "{" HEADER ",\"token\":\"a\\u0000b\"}"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_rejected(rows[i].what, rows[i].text, strlen(rows[i].text));
}

static void lists_that_lie(void **state)
{
    static const struct {
        const char *what, *text;
    } rows[] = {
        {"no members", "{" HEADER "}"},
        {"an empty list", LIST("")},
        {"members of a wrong kind", "{" HEADER ",\"members\":{}}"},
        {"a member of a wrong kind", LIST("7")},
        {"ID 0", LIST(MEMBER("\"0\""))},
        {"no ID", LIST("{\"peerURLs\":[\"http://a:2380\"]}")},
        {"ID as a number", LIST(MEMBER("1"))},
        {"negative ID", LIST(MEMBER("\"-1\""))},
        {"ID with a blank", LIST(MEMBER("\" 1\""))},
        {"ID in hex", LIST(MEMBER("\"0x1\""))},
        {"ID of 2^64", LIST(MEMBER("\"18446744073709551616\""))},
        {"one ID twice", LIST(MEMBER("\"1\"") "," MEMBER("\"2\"") "," MEMBER("\"1\""))},
        {"one key twice", LIST("{\"ID\":\"1\",\"ID\":\"2\",\"peerURLs\":[\"http://a:2380\"]}")},
        {"no peer URL", LIST("{\"ID\":\"1\"}")},
        {"an empty peer URL", LIST("{\"ID\":\"1\",\"peerURLs\":[\"\"]}")},
        {"a peer URL as a number", LIST("{\"ID\":\"1\",\"peerURLs\":[1]}")},
        {"peer URLs as text", LIST("{\"ID\":\"1\",\"peerURLs\":\"http://a:2380\"}")},
        {"two peer URLs in one", LIST("{\"ID\":\"1\",\"peerURLs\":[\"http://a:2380,x=http://b:2380\"]}")},
        {"a peer URL with a line's end", LIST("{\"ID\":\"1\",\"peerURLs\":[\"http://a:2380\\nstate=start\"]}")},
        {"a peer URL with a blank", LIST("{\"ID\":\"1\",\"peerURLs\":[\"http://a :2380\"]}")},
        {"a client URL with a delete", LIST("{\"ID\":\"1\",\"peerURLs\":[\"http://a:2380\"],\"clientURLs\":[\"http://a\\u007f:1\"]}")},
        {"client URLs of a wrong kind", LIST("{\"ID\":\"1\",\"peerURLs\":[\"http://a:2380\"],\"clientURLs\":7}")},
        {"learner as text", LIST("{\"ID\":\"1\",\"peerURLs\":[\"http://a:2380\"],\"isLearner\":\"true\"}")},
        {"learner as a number", LIST("{\"ID\":\"1\",\"peerURLs\":[\"http://a:2380\"],\"isLearner\":1}")},
        {"a name of a wrong kind", LIST("{\"ID\":\"1\",\"name\":{},\"peerURLs\":[\"http://a:2380\"]}")},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct member_list list = {.count = 5};
        struct etcd_header header = {{77}, {78}};
        struct usher_error err = {0};
        if (etcd_wire_read_list(rows[i].text, strlen(rows[i].text), &header, &list, &err) || list.count != 5 || header.cluster.value != 77)
            fail_msg("%s: taken, or touched", rows[i].what);
        assert_true(err.text[0] != '\0');
    }
}

static void every_cut_of_a_list(void **state)
{
    static const char whole[] = LIST(MEMBER("\"1\"") "," MEMBER("\"2\""));
    struct member_list list = {0};
    struct etcd_header header = {{0}, {0}};

    (void)state;
    for (size_t bytes = 0; bytes < sizeof whole - 1; bytes++)
        assert_rejected("cut short", whole, bytes);
    assert_true(etcd_wire_read_list(whole, sizeof whole - 1, &header, &list, NULL));
    assert_int_equal(list.count, 2);
}

static void ids_above_2_to_the_63(void **state)
{
    static const char text[] = LIST(MEMBER("\"18446744073709551615\"") "," MEMBER("\"9223372036854775808\""));
    struct member_list list = {0};
    struct etcd_header header = {{0}, {0}};

    (void)state;
    assert_true(etcd_wire_read_list(text, sizeof text - 1, &header, &list, NULL));
    assert_true(list.members[0].id.value == UINT64_MAX && list.members[1].id.value == UINT64_C(1) << 63);
}

static void repeat(struct bounded_text *text, const char *part, size_t times)
{
    for (size_t i = 0; i < times; i++)
        assert_true(bounded_text_add_c(text, part));
}

static void deep_nesting(void **state)
{
    struct bounded_text text;
    char message[PROBLEM_BYTES];

    (void)state;
    bounded_text_init(&text, 8 * 1024 * 1024);
    assert_true(bounded_text_add_c(&text, "{" HEADER ",\"members\":"));
    repeat(&text, "[", 1000 * 1000);
    assert_rejected("a million brackets", bounded_text_c(&text), text.length_bytes);
    repeat(&text, "]", 1000 * 1000);
    assert_true(bounded_text_add_c(&text, "}"));
    assert_rejected("a million brackets, closed", bounded_text_c(&text), text.length_bytes);
    assert_int_equal(etcd_wire_read_refusal(bounded_text_c(&text), text.length_bytes, message, sizeof message), REFUSAL_UNKNOWN);
    bounded_text_done(&text);
}

static void list_of(struct bounded_text *text, size_t members, size_t urls)
{
    bounded_text_reset(text);
    assert_true(bounded_text_add_c(text, "{" HEADER ",\"members\":["));
    for (size_t i = 0; i < members; i++) {
        assert_true(bounded_text_printf(text, "%s{\"ID\":\"%zu\",\"peerURLs\":[", i > 0 ? "," : "", i + 1));
        for (size_t j = 0; j < urls; j++)
            assert_true(bounded_text_printf(text, "%s\"http://m%zu-%zu:2380\"", j > 0 ? "," : "", i, j));
        assert_true(bounded_text_add_c(text, "]}"));
    }
    assert_true(bounded_text_add_c(text, "]}"));
}

static void assert_list_rejected(const char *what, const struct bounded_text *text)
{
    struct member_list *list = calloc(1, sizeof *list);
    struct etcd_header header = {{77}, {78}};

    assert_non_null(list);
    if (etcd_wire_read_list(bounded_text_c(text), text->length_bytes, &header, list, NULL) || list->count != 0)
        fail_msg("%s: taken, or touched", what);
    free(list);
}

static void too_many(void **state)
{
    struct bounded_text text;
    struct member_list *list = calloc(1, sizeof *list);
    struct etcd_header header = {{0}, {0}};

    (void)state;
    assert_non_null(list);
    bounded_text_init(&text, 4 * 1024 * 1024);
    list_of(&text, MEMBERS_MAX, MEMBER_URLS_MAX);
    assert_true(etcd_wire_read_list(bounded_text_c(&text), text.length_bytes, &header, list, NULL));
    assert_int_equal(list->count, MEMBERS_MAX);
    list_of(&text, MEMBERS_MAX + 1, 1);
    assert_list_rejected("one member too many", &text);
    list_of(&text, 1, MEMBER_URLS_MAX + 1);
    assert_list_rejected("one URL too many", &text);
    bounded_text_reset(&text);
    assert_true(bounded_text_add_c(&text, "{" HEADER ",\"members\":[{\"ID\":\"1\",\"peerURLs\":[\"http://"));
    repeat(&text, "a", URL_BYTES);
    assert_true(bounded_text_add_c(&text, ":2380\"]}]}"));
    assert_list_rejected("a URL that is too long", &text);
    bounded_text_done(&text);
    free(list);
}

static void statuses_that_lie(void **state)
{
    static const char *const rows[] = {
        "{\"version\":\"3.5.0\",\"leader\":\"1\"}",
        "{" HEADER ",\"leader\":1}",
        "{" HEADER ",\"raftIndex\":\"x\"}",
        "{" HEADER ",\"raftAppliedIndex\":\"1.5\"}",
        "{" HEADER ",\"isLearner\":\"false\"}",
        "{" HEADER ",\"dbSize\":\"-1\"}",
        "{" HEADER ",\"dbSize\":\"18446744073709551615\"}",
        "{" HEADER ",\"version\":3}",
        "{" HEADER ",\"version\":\"3.5.0-with-a-very-long-name-that-goes-on-and-on-and-on-and-on-and-on-and-on-and-on-and-on-and-on\"}",
    };
    struct etcd_status status = {.raft_index = 79};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (etcd_wire_read_status(rows[i], strlen(rows[i]), &status, NULL) || status.raft_index != 79)
            fail_msg("taken, or touched: %s", rows[i]);
}

/* A list of errors, however long, is cut, not refused. */
static void a_status_full_of_errors(void **state)
{
    struct bounded_text text;
    struct etcd_status status = {0};

    (void)state;
    bounded_text_init(&text, 65536);
    assert_true(bounded_text_add_c(&text, "{" HEADER ",\"errors\":[7"));
    repeat(&text, ",\"memberID:1 alarm:NOSPACE \"", 200);
    assert_true(bounded_text_add_c(&text, "]}"));
    assert_true(etcd_wire_read_status(bounded_text_c(&text), text.length_bytes, &status, NULL));
    assert_non_null(strstr(status.errors, "NOSPACE"));
    assert_true(strlen(status.errors) < sizeof status.errors);
    bounded_text_done(&text);
}

/* Refusals of any length: the message is cut, nothing behind the body is read, control characters do not reach a log. */
static void refusals_that_are_no_json(void **state)
{
    char body[600], message[PROBLEM_BYTES], small[8];

    (void)state;
    memset(body, 'x', sizeof body);
    body[1] = '\n';
    for (size_t bytes = 0; bytes <= sizeof body; bytes++) {
        char *copy = exact_copy(body, bytes);
        assert_int_equal(etcd_wire_read_refusal(copy, bytes, message, sizeof message), REFUSAL_UNKNOWN);
        if (strlen(message) > bytes || (bytes < 200 && strlen(message) != bytes) || strchr(message, '\n') != NULL)
            fail_msg("a body of %zu bytes gave a message of %zu", bytes, strlen(message));
        (void)etcd_wire_read_refusal(copy, bytes, small, sizeof small);
        assert_true(strlen(small) < sizeof small);
        free(copy);
    }
}

static void gauges_that_lie(void **state)
{
    static const struct {
        const char *what, *text;
        bool was_read, connected, has_bytes;
    } rows[] = {
        {"empty", "", false, false, false},
        {"HTML", "<html>\n</html>\n", false, false, false},
        {"another server's", "process_cpu_seconds_total 1\n", false, false, false},
        {"connected", "etcd_network_active_peers{Local=\"1\",Remote=\"ab\"} 1\netcd_server_has_leader 1\n", true, true, false},
        {"no newline at the end", "etcd_server_has_leader 1\netcd_network_active_peers{Local=\"1\",Remote=\"ab\"} 1", true, true, false},
        {"0", "etcd_server_has_leader 1\netcd_network_active_peers{Local=\"1\",Remote=\"ab\"} 0\n", true, false, false},
        {"another", "etcd_server_has_leader 1\netcd_network_active_peers{Local=\"ab\",Remote=\"cab\"} 1\n", true, false, false},
        {"a longer ID", "etcd_server_has_leader 1\netcd_network_active_peers{Local=\"1\",Remote=\"abc\"} 1\n", true, false, false},
        {"received", "etcd_server_has_leader 1\netcd_network_peer_received_bytes_total{From=\"ab\"} 1.5e+06\n", true, false, true},
        {"no value", "etcd_server_has_leader 1\netcd_network_active_peers{Remote=\"ab\"}\n", false, false, false},
        {"a blank for a value", "etcd_server_has_leader 1\netcd_network_active_peers{Remote=\"ab\"} \n", false, false, false},
        {"a word for a value", "etcd_server_has_leader 1\netcd_network_active_peers{Remote=\"ab\"} none\n", false, false, false},
        {"not a number", "etcd_server_has_leader 1\netcd_network_active_peers{Remote=\"ab\"} NaN\n", false, false, false},
        {"less than none", "etcd_server_has_leader 1\netcd_network_active_peers{Remote=\"ab\"} -1\n", false, false, false},
        {"another's is a word", "etcd_server_has_leader 1\netcd_network_active_peers{Remote=\"c\"} none\n", true, false, false},
        {"bytes that are a word", "etcd_server_has_leader 1\netcd_network_peer_received_bytes_total{From=\"ab\"} many\n", true, false,
         false},
        {"bytes beyond all", "etcd_server_has_leader 1\netcd_network_peer_received_bytes_total{From=\"ab\"} +Inf\n", true, false, false},
    };
    struct bounded_text text;
    struct gauge_reading reading = {0};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *copy = exact_copy(rows[i].text, strlen(rows[i].text));
        reading = (struct gauge_reading){0};
        etcd_wire_read_gauges(copy, strlen(rows[i].text), (struct member_id){0xab}, &reading);
        if (reading.was_read != rows[i].was_read || reading.shows_connected != rows[i].connected ||
            reading.has_received_bytes != rows[i].has_bytes)
            fail_msg("%s: read %d, connected %d, bytes %d", rows[i].what, reading.was_read, reading.shows_connected,
                     reading.has_received_bytes);
        free(copy);
    }
    bounded_text_init(&text, 1024 * 1024);
    repeat(&text, "etcd_network_active_peers{Remote=\"ab\"", 2000);         /* one endless line */
    assert_true(bounded_text_add_c(&text, "\netcd_server_has_leader 1\n")); /* etcd's, but who knows what the line said */
    reading = (struct gauge_reading){0};
    etcd_wire_read_gauges(bounded_text_c(&text), text.length_bytes, (struct member_id){0xab}, &reading);
    assert_false(reading.was_read || reading.shows_connected);
    bounded_text_done(&text);
}

static void urls_are_written_as_json(void **state)
{
    struct url_list urls = {.count = 2, .url = {"http://a:2380", "http://\"b\\:2380"}};
    struct bounded_text body;

    (void)state;
    bounded_text_init(&body, 4096);
    etcd_wire_write_urls(&body, "{\"peerURLs\":", &urls, "}");
    assert_string_equal(bounded_text_c(&body), "{\"peerURLs\":[\"http://a:2380\",\"http://\\\"b\\\\:2380\"]}");
    bounded_text_done(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_text_in_each_body),
        cmocka_unit_test(a_client_certificate_with_a_name),
        cmocka_unit_test(what_no_etcd_says),
        cmocka_unit_test(lists_that_lie),
        cmocka_unit_test(every_cut_of_a_list),
        cmocka_unit_test(ids_above_2_to_the_63),
        cmocka_unit_test(deep_nesting),
        cmocka_unit_test(too_many),
        cmocka_unit_test(statuses_that_lie),
        cmocka_unit_test(a_status_full_of_errors),
        cmocka_unit_test(refusals_that_are_no_json),
        cmocka_unit_test(gauges_that_lie),
        cmocka_unit_test(urls_are_written_as_json),
        cmocka_unit_test(a_page_with_the_words_of_etcd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
