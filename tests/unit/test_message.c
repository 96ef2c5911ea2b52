/* What a refusal says: what was seen, what it means, what to do, and the one command that would allow it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "join_bench.h"
#include "usher/member/message.h"

static char text[4096];

static enum join_action say(const struct bench *bench, const struct message_details *details)
{
    struct join_decision decision = join_decide(&bench->facts);

    message_for_join(&bench->facts, &decision, details, text, sizeof text);
    assert_null(strchr(text, '\n'));
    assert_true(strncmp(text, reason_sentence(decision.reason), strlen(reason_sentence(decision.reason))) == 0);
    return decision.action;
}

static void assert_says(const char *words)
{
    if (strstr(text, words) == NULL)
        fail_msg("\"%s\" is missing in: %s", words, text);
}

static const struct message_details details = {.data_dir = "/var/lib/etcd"};

static void data_of_another_cluster(void **state)
{
    struct bench *bench = bench_new();
    struct message_details in_kubernetes = details;

    (void)state;
    bench_with_data(bench);
    bench->facts.wal.cluster.value = BENCH_OTHER_CLUSTER;
    bench_recorded(bench);
    assert_int_equal(say(bench, &details), JOIN_REFUSE);
    assert_says("Seen: data of member a0 of cluster c2");
    assert_says("the set record names cluster c1");
    assert_says("the cluster answers [http://endpoint-1:2379: serving, member a1 of cluster c1");
    assert_says(". Next: ");
    assert_says(". To allow it once: echo 'archive=a0' > '/var/lib/etcd/usher-permit'");
    in_kubernetes.set_record = "configmap:etcd-usher";
    in_kubernetes.pod_namespace = "db";
    say(bench, &in_kubernetes);
    assert_says(". To allow it once: kubectl -n db patch configmap etcd-usher --type=merge -p 'data: {permit: archive=a0}'");
    free(bench);
}

static void data_that_cannot_be_read(void **state)
{
    struct bench *bench = bench_new();
    struct message_details torn = details;

    (void)state;
    torn.wal_problem = "/var/lib/etcd/member/wal/0.wal: the checksum of its metadata is wrong";
    bench->facts.wal.state = WAL_TORN;
    assert_int_equal(say(bench, &torn), JOIN_REFUSE);
    assert_says("Seen: /var/lib/etcd/member/wal/0.wal: the checksum of its metadata is wrong");
    assert_says("echo 'archive=pod-0' > '/var/lib/etcd/usher-permit'");
    free(bench);
}

static void a_volume_of_another_slot(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench->facts.volume.is_another_slots = TRI_YES;
    bench_set(bench->facts.volume.owner_slot, NAME_BYTES, "pod-9");
    assert_int_equal(say(bench, &details), JOIN_REFUSE);
    assert_says("on a volume of slot \"pod-9\"");
    assert_says("usher-permit'");
    free(bench);
}

static void a_record_that_cannot_be_read(void **state)
{
    struct bench *bench = bench_new();
    struct message_details unread = details;

    (void)state;
    bench_unreachable(bench);
    bench->record.state = RECORD_UNREADABLE;
    unread.record_problem = "cannot open /shared/record: Permission denied";
    assert_int_equal(say(bench, &unread), JOIN_WAIT);
    assert_says("the set record cannot be read (cannot open /shared/record: Permission denied)");
    assert_says("; nobody answers [http://endpoint-1:2379: unreachable; ");
    free(bench);
}

/* A name server that is away is no life at an endpoint. */
static void nobody_could_be_asked(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_unreachable(bench);
    bench->view.live = LIVE_NO_QUORUM;
    bench->view.endpoints[0].state = ENDPOINT_UNKNOWN;
    assert_int_equal(say(bench, &details), JOIN_WAIT);
    assert_says("; nobody answers, and not all could be asked [http://endpoint-1:2379: not known; ");
    bench->view.endpoints[0].state = ENDPOINT_NO_QUORUM;
    assert_int_equal(say(bench, &details), JOIN_WAIT);
    assert_says("; something answers, without a quorum that could be read [http://endpoint-1:2379: no quorum; ");
    free(bench);
}

static void a_wrong_place_and_unreadable_notes(void **state)
{
    struct bench *bench = bench_new();
    struct message_details wrong = details;

    (void)state;
    bench->facts.data_place = PLACE_WAL_ELSEWHERE;
    wrong.place_detail = "/var/lib/etcd/etcd/member/wal/0.wal";
    assert_int_equal(say(bench, &wrong), JOIN_REFUSE);
    assert_says("(/var/lib/etcd/etcd/member/wal/0.wal)");
    bench->facts.data_place = PLACE_GOOD;
    bench->facts.volume.is_readable = TRI_NO;
    wrong.notes_problem = "/var/lib/etcd/usher.json is not JSON";
    (void)say(bench, &wrong);
    assert_says(". usher.json: /var/lib/etcd/usher.json is not JSON");
    free(bench);
}

/* Every endpoint with the longest words that it can have: the text is cut, never overrun, and a small buffer is enough, too. */
static void the_longest_words_are_cut(void **state)
{
    struct bench *bench = bench_new();
    struct join_decision decision;
    struct {
        char text[64], guard[8];
    } small = {.guard = "guarded"};

    (void)state;
    bench_unreachable(bench);
    while (bench->view.endpoint_count < ENDPOINTS_MAX)
        bench_endpoint(bench, UINT64_MAX, UINT64_MAX, ENDPOINT_UNREACHABLE);
    for (size_t i = 0; i < ENDPOINTS_MAX; i++) {
        memset(bench->view.endpoints[i].address, 'a', URL_BYTES - 1);
        memset(bench->view.endpoints[i].problem, 'p', PROBLEM_BYTES - 1);
    }
    decision = join_decide(&bench->facts);
    message_for_join(&bench->facts, &decision, &details, text, sizeof text);
    assert_true(strlen(text) < sizeof text && strlen(text) > 1000);
    message_for_join(&bench->facts, &decision, &details, small.text, sizeof small.text);
    assert_int_equal(strlen(small.text), sizeof small.text - 1);
    assert_string_equal(small.guard, "guarded");
    free(bench);
}

/* However much was seen: the command that a person needs is said whole. */
static void what_to_do_is_never_cut(void **state)
{
    static const char command[] = ". To allow it once: echo 'archive=a0' > '/var/lib/etcd/usher-permit'";
    struct bench *bench = bench_new();
    struct join_decision decision;
    char words[2048];

    (void)state;
    bench_with_data(bench);
    bench->facts.wal.cluster.value = BENCH_OTHER_CLUSTER;
    bench_recorded(bench);
    while (bench->view.endpoint_count < ENDPOINTS_MAX)
        bench_endpoint(bench, UINT64_MAX, UINT64_MAX, ENDPOINT_UNREACHABLE);
    for (size_t i = 0; i < ENDPOINTS_MAX; i++)
        memset(bench->view.endpoints[i].address, 'a', URL_BYTES - 1);
    decision = join_decide(&bench->facts);
    message_for_join(&bench->facts, &decision, &details, words, sizeof words);
    assert_int_equal(strlen(words), sizeof words - 1);
    assert_string_equal(words + strlen(words) - (sizeof command - 1), command);
    free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_of_another_cluster),   cmocka_unit_test(data_that_cannot_be_read),
        cmocka_unit_test(a_volume_of_another_slot),  cmocka_unit_test(a_record_that_cannot_be_read),
        cmocka_unit_test(nobody_could_be_asked),     cmocka_unit_test(a_wrong_place_and_unreadable_notes),
        cmocka_unit_test(the_longest_words_are_cut), cmocka_unit_test(what_to_do_is_never_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
