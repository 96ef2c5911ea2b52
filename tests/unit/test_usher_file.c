/* usher.json: what this volume remembers comes back whole, or is said to be unreadable. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "scratch.h"
#include "usher/host/usher_file.h"

static struct usher_file notes, back;

static void fill(void)
{
    memset(&notes, 0, sizeof notes);
    snprintf(notes.pod_namespace, sizeof notes.pod_namespace, "ns");
    snprintf(notes.slot, sizeof notes.slot, "etcd-\xc3\xa4-\"1\"");
    snprintf(notes.nonce, sizeof notes.nonce, "0123456789abcdef0123456789abcdef");
    notes.join_record.cluster.value = notes.left.cluster.value = UINT64_MAX;
    notes.join_record.member.value = 1;
    notes.left.member.value = 0x8000000000000000;
    notes.cluster.value = 0xc1;
    notes.nonce_was_used = notes.was_voter = true;
    for (size_t i = 0; i < REMEMBERED_MAX; i++)
        snprintf(notes.endpoints[notes.endpoint_count++], URL_BYTES, "http://e%zu:2379", i);
    for (size_t i = 0; i < MEMBERS_MAX; i++)
        notes.voters[notes.voter_count++].value = i + 1;
}

static void what_is_written_comes_back(void **state)
{
    struct usher_error err = {0};

    fill();
    assert_int_equal(usher_file_read(*state, &back, &err), USHER_FILE_ABSENT);
    assert_true(usher_file_write(*state, &notes, &err));
    assert_int_equal(scratch_mode(scratch_path("%s/usher.json", (const char *)*state)), 0640);
    memset(&back, 0, sizeof back);
    assert_int_equal(usher_file_read(*state, &back, &err), USHER_FILE_READ);
    assert_memory_equal(&back, &notes, sizeof notes);
    memset(&notes, 0, sizeof notes); /* nothing known yet */
    assert_true(usher_file_write(*state, &notes, &err));
    assert_int_equal(usher_file_read(*state, &back, &err), USHER_FILE_READ);
    assert_memory_equal(&back, &notes, sizeof notes);
}

static void what_cannot_be_written_whole_is_not_written(void **state)
{
    struct usher_error err = {0};

    fill();
    assert_true(usher_file_write(*state, &notes, &err));
    snprintf(notes.slot, sizeof notes.slot, "\xff");
    assert_false(usher_file_write(*state, &notes, &err));
    assert_non_null(strstr(err.text, "not UTF-8"));
    fill();
    snprintf(notes.endpoints[3], URL_BYTES, "\xff");
    assert_false(usher_file_write(*state, &notes, &err)); /* not: without it */
    fill();
    notes.left.cluster.value = 0;
    assert_false(usher_file_write(*state, &notes, &err)); /* half a mark is none that could be read again */
    assert_int_equal(usher_file_read(*state, &back, &err), USHER_FILE_READ);
    fill();
    assert_memory_equal(&back, &notes, sizeof notes);
    assert_false(usher_file_write(scratch_path("%s/absent", (const char *)*state), &notes, &err));
    assert_non_null(strstr(err.text, "the usher needs write permission on the data directory"));
    assert_int_equal(err.exit, USHER_EXIT_FAILED);
}

static void damaged_notes_are_unreadable_never_absent(void **state)
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"", "usher.json is not JSON"},
        {"{\"version\": 1", "usher.json is not JSON"},
        {"[]", "usher.json is not JSON: no object"},
        {"{}", "has a version that this program does not know"},
        {"{\"version\": 2}", "has a version that this program does not know"},
        {"{\"version\": \"1\"}", "has a version that this program does not know"},
        {"{\"version\": 1, \"version\": 1}", "usher.json is not JSON: duplicate"},
        {"{\"version\": 1, \"slot\": 7}", "holds a value of a wrong kind"},
        {"{\"version\": 1, \"slot\": null}", "holds a value of a wrong kind"},
        {"{\"version\": 1, \"nonce\": \"0123456789abcdef0123456789abcdef0\"}", "holds a value of a wrong kind"},
        {"{\"version\": 1, \"cluster-id\": \"0\"}", "holds a value of a wrong kind"},
        {"{\"version\": 1, \"cluster-id\": 12}", "holds a value of a wrong kind"},
        {"{\"version\": 1, \"join-record\": 5}", "holds a value of a wrong kind"},
        {"{\"version\": 1, \"left\": \"abc\"}", "holds a value of a wrong kind"},
        {"{\"version\": 1, \"left\": {\"member-id\": \"x\"}}", "holds a value of a wrong kind"},
        {"{\"version\": 1, \"left\": {}}", "holds a value of a wrong kind"},
        {"{\"version\": 1, \"left\": {\"member-id\": \"1\"}}", "holds a value of a wrong kind"},
        {"{\"version\": 1, \"left\": {\"cluster-id\": \"1\"}}", "holds a value of a wrong kind"},
        {"{\"version\": 1, \"join-record\": {\"cluster-id\": \"1\"}}", "holds a value of a wrong kind"},
        {"{\"version\": 1, \"nonce-used\": \"true\"}", "holds a value of a wrong kind"},
        {"{\"version\": 1, \"was-voter\": 1}", "holds a value of a wrong kind"},
        {"{\"version\": 1, \"endpoints\": \"http://a:1\"}", "holds a value of a wrong kind"},
        {"{\"version\": 1, \"endpoints\": [1]}", "holds a value of a wrong kind"},
        {"{\"version\": 1, \"voters\": {\"a\": \"1\"}}", "holds a value of a wrong kind"},
        {"{\"version\": 1, \"voters\": [\"0\"]}", "holds a value of a wrong kind"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct usher_error err = {.text = ""};
        fill();
        back = notes;
        scratch_write(scratch_path("%s/usher.json", (const char *)*state), rows[i].text, strlen(rows[i].text));
        if (usher_file_read(*state, &back, &err) != USHER_FILE_UNREADABLE || strstr(err.text, rows[i].message) == NULL)
            fail_msg("%s: \"%s\"", rows[i].text, err.text);
        assert_memory_equal(&back, &notes, sizeof notes);
    }
}

static void unknown_keys_are_no_harm_and_size_has_an_end(void **state)
{
    static const char text[] = "{\"version\": 1, \"later\": {\"x\": [1]}, \"slot\": \"s\"}";
    const char *path = scratch_path("%s/usher.json", (const char *)*state);
    struct usher_error err = {0};
    char *large = calloc(1, 100000);

    assert_non_null(large);
    scratch_write(path, text, sizeof text - 1);
    assert_int_equal(usher_file_read(*state, &back, &err), USHER_FILE_READ);
    assert_string_equal(back.slot, "s");
    memset(large, ' ', 100000);
    scratch_write(path, large, 100000);
    free(large);
    assert_int_equal(usher_file_read(*state, &back, &err), USHER_FILE_UNREADABLE);
    assert_non_null(strstr(err.text, "usher.json is longer than 65536 bytes"));
    unlink(path);
    scratch_mkdir(path);
    assert_int_equal(usher_file_read(*state, &back, &err), USHER_FILE_UNREADABLE);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)
int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(what_is_written_comes_back),
        ROW(what_cannot_be_written_whole_is_not_written),
        ROW(damaged_notes_are_unreadable_never_absent),
        ROW(unknown_keys_are_no_harm_and_size_has_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
