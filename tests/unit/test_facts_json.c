/* Saved facts: what comes back decides the same; a broken file is named by its first bad value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "join_bench.h"
#include "usher/member/facts_json.h"

static struct facts_storage storage;
static struct join_facts back;

static void read_back(const struct join_facts *facts)
{
    struct usher_error err = {.text = ""};
    struct bounded_text text, again;

    bounded_text_init(&text, 1 << 20);
    bounded_text_init(&again, 1 << 20);
    if (!facts_json_write(facts, &text, &err) || !facts_json_read(bounded_text_c(&text), text.length_bytes, &storage, &back, &err))
        fail_msg("%s", err.text);
    assert_true(facts_json_write(&back, &again, &err)); /* nothing got lost on the way */
    assert_string_equal(bounded_text_c(&again), bounded_text_c(&text));
    bounded_text_done(&text);
    bounded_text_done(&again);
}

static void zeroed_facts_stay_unknown(void **state)
{
    static const struct join_facts nothing;

    (void)state;
    read_back(&nothing);
    assert_null(back.view);
    assert_null(back.record);
    assert_int_equal(join_decide(&back).action, join_decide(&nothing).action);
}

static void fill(struct bench *bench)
{
    struct join_facts *facts = &bench->facts;

    facts->has_plan = facts->pod_turned_removed = true;
    facts->data_place = PLACE_WAL_ELSEWHERE;
    facts->wal = (struct wal_facts){.state = WAL_IDS, .cluster = {UINT64_MAX}, .member = {1}};
    facts->volume.left.cluster.value = facts->volume.join_record.cluster.value = 7;
    facts->volume.left.member.value = facts->volume.join_record.member.value = 8;
    bench_set(facts->volume.owner_slot, NAME_BYTES, "another");
    bench_set(facts->volume.nonce, NONCE_BYTES, "0123456789abcdef0123456789abcdef");
    facts->volume.nonce_was_used = facts->volume.has_trace = true;
    facts->our_gauge = GAUGE_CONNECTED;
    facts->looked_for_ms = 12345;
    facts->free_bytes = INT64_MAX;
    permit_list_parse(&facts->file_permits, "archive=ab, start=pod-0", PERMIT_FROM_FILE);
    bench->record.state = RECORD_CLUSTER;
    bench->record.cluster.value = BENCH_CLUSTER;
    bench_set(bench->record.claim.slot, NAME_BYTES, "pod-1");
    bench->record.slot_count = bench->record.forgotten_count = 1;
    bench_set(bench->record.slots[0].name, NAME_BYTES, "pod-1");
    bench->record.slots[0].id.value = BENCH_OURS + 1;
    bench->record.forgotten[0].value = BENCH_OTHER_CLUSTER;
    permit_list_parse(&bench->record.permits, "forget=c2", PERMIT_FROM_RECORD);
}

static void full_facts_come_back(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    fill(bench);
    read_back(&bench->facts);
    assert_true(back.wal.cluster.value == UINT64_MAX && back.free_bytes == INT64_MAX);
    assert_string_equal(back.volume.owner_slot, "another");
    assert_int_equal(back.view->list.count, bench->view.list.count);
    assert_int_equal(back.view->endpoint_count, bench->view.endpoint_count);
    assert_int_equal(back.record->slots[0].id.value, BENCH_OURS + 1);
    assert_int_equal(back.record->permits.permits[0].source, PERMIT_FROM_RECORD);
    assert_int_equal(back.file_permits.permits[1].source, PERMIT_FROM_FILE);
    free(bench);
}

/* What a peer sent may be any bytes: the row stays, the decision is the same. */
static void foreign_bytes_cost_no_row(void **state)
{
    struct bench *bench = bench_new();
    struct endpoint_view *endpoint = bench_endpoint(bench, 0, 0, ENDPOINT_UNREACHABLE);

    (void)state;
    bench_set(endpoint->problem, sizeof endpoint->problem, "HTTP 502: \xff\xfe");
    read_back(&bench->facts);
    assert_int_equal(back.view->endpoint_count, bench->view.endpoint_count);
    assert_string_equal(back.view->endpoints[back.view->endpoint_count - 1].problem, "(not UTF-8)");
    assert_int_equal(join_decide(&back).reason, join_decide(&bench->facts).reason);
    free(bench);
}

/* Two long names that differ only at their ends stay two, or are refused. */
static void a_long_slot_name_is_not_cut(void **state)
{
    struct bounded_text text;
    struct usher_error err = {.text = ""};

    (void)state;
    bounded_text_init(&text, 4096);
    bounded_text_add_c(&text, "{\"version\": 1, \"record\": {\"slots\": {\"");
    for (size_t i = 0; i < NAME_BYTES; i++)
        bounded_text_add_c(&text, "x");
    bounded_text_add_c(&text, "\": \"a\"}}}");
    assert_false(facts_json_read(bounded_text_c(&text), text.length_bytes, &storage, &back, &err));
    assert_non_null(strstr(err.text, "\"slots\" must be an object whose names are of ordinary length"));
    bounded_text_done(&text);
    memset(&back, 0xff, sizeof back);
    assert_false(facts_json_read("[", 1, &storage, &back, &err));
    assert_true(back.view == NULL && back.wal.state == WAL_UNKNOWN); /* nothing of what stood there before */
}

static void broken_files_name_their_first_bad_value(void **state)
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"", "not a snapshot: '[' or '{' expected"},
        {"{\"version\": 1,\n\n \"wal\" 3}", "(line 3)"},
        {"[1]", "not a snapshot: no object"},
        {"{}", "\"version\" must be 1"},
        {"{\"version\": 2}", "\"version\" must be 1"},
        {"{\"version\": 1, \"wal\": \"eaten\"}", "\"wal\" must be one of the words that a snapshot uses: "},
        {"{\"version\": 1, \"wal\": 3}", "\"wal\" must be one of the words that a snapshot uses: "},
        {"{\"version\": 1, \"wal-cluster\": \"xyz\"}", "\"wal-cluster\" must be an ID in hex"},
        {"{\"version\": 1, \"has-plan\": \"no\"}", "\"has-plan\" must be true or false"},
        {"{\"version\": 1, \"free-bytes\": 1.5}", "\"free-bytes\" must be a whole number"},
        {"{\"version\": 1, \"file-permits\": [1]}", "\"file-permits\" must be a list of permits"},
        {"{\"version\": 1, \"file-permits\": \"start=a\"}", "\"file-permits\" must be a list of at most 16 permits"},
        {"{\"version\": 1, \"view\": []}", "\"view\" must be an object"},
        {"{\"version\": 1, \"record\": \"x\"}", "\"record\" must be an object"},
        {"{\"version\": 1, \"volume\": 7}", "\"volume\" must be an object"},
        {"{\"version\": 1, \"settings\": 7}", "\"settings\" must be an object"},
        {"{\"version\": 1, \"view\": {\"members\": {\"a\": 1}}}", "\"members\" must be a list of at most"},
        {"{\"version\": 1, \"view\": {\"members\": [7]}}", "\"members\" must be a list of objects"},
        {"{\"version\": 1, \"view\": {\"members\": [{\"peer-urls\": \"x\"}]}}", "\"peer-urls\" must be a list of at most 8 URLs"},
        {"{\"version\": 1, \"view\": {\"endpoints\": [{\"state\": \"dead\"}]}}", "\"state\" must be one of the words"},
        {"{\"version\": 1, \"record\": {\"slots\": []}}", "\"slots\" must be an object"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct usher_error err = {.text = ""};
        if (facts_json_read(rows[i].text, strlen(rows[i].text), &storage, &back, &err) || strstr(err.text, rows[i].message) == NULL)
            fail_msg("%s: \"%s\"", rows[i].text, err.text);
    }
}

/* Any file of ordinary shape, cut or damaged anywhere: an answer or a refusal, never harm (the sanitizers look on). */
static void damaged_files_do_no_harm(void **state)
{
    struct usher_error err = {.text = ""};
    struct bench *bench = bench_new();
    struct bounded_text text;

    (void)state;
    fill(bench);
    bounded_text_init(&text, 1 << 20);
    assert_true(facts_json_write(&bench->facts, &text, &err));
    for (size_t i = 0; i < text.length_bytes; i += 3) {
        static const char odd[] = "{}[]\",:0x";
        char kept = text.data[i];
        if (facts_json_read(text.data, i, &storage, &back, &err))
            fail_msg("cut at %zu", i);
        text.data[i] = odd[i % (sizeof odd - 1)];
        if (facts_json_read(text.data, text.length_bytes, &storage, &back, &err))
            (void)join_decide(&back);
        text.data[i] = kept;
    }
    bounded_text_done(&text);
    free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zeroed_facts_stay_unknown),
        cmocka_unit_test(full_facts_come_back),
        cmocka_unit_test(foreign_bytes_cost_no_row),
        cmocka_unit_test(a_long_slot_name_is_not_cut),
        cmocka_unit_test(broken_files_name_their_first_bad_value),
        cmocka_unit_test(damaged_files_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
