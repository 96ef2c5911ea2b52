/* The set record as JSON and in a shared file: unreadable is never empty, one writer wins, nothing of others is lost. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "scratch.h"
#include "usher/host/record_file.h"
#include "usher/host/record_json.h"

static struct set_record record, other;
enum { GENEROUS_MS = 60 * 1000 };

static bool read_text(const char *text, struct usher_error *err)
{
    *err = (struct usher_error){.text = ""};
    return record_json_read(text, strlen(text), &record, err);
}

static void full_records_come_back(void **state)
{
    struct usher_error err = {0};
    struct bounded_text text;

    (void)state;
    memset(&record, 0, sizeof record);
    memset(&other, 0, sizeof other);
    snprintf(record.claim.slot, NAME_BYTES, "etcd-0");
    snprintf(record.claim.nonce, NONCE_BYTES, "0123456789abcdef0123456789abcdef");
    snprintf(record.claim.time, sizeof record.claim.time, "2026-01-02T03:04:05Z");
    record.cluster.value = UINT64_MAX;
    for (size_t i = 0; i < SLOTS_MAX; i++) {
        snprintf(record.slots[record.slot_count].name, NAME_BYTES, "slot-%zu", i);
        record.slots[record.slot_count++].id.value = i + 1;
    }
    for (size_t i = 0; i < REMEMBERED_MAX; i++)
        snprintf(record.endpoints[record.endpoint_count++], URL_BYTES, "http://e%zu:1", i);
    for (size_t i = 0; i < FORGOTTEN_MAX; i++)
        record.forgotten[record.forgotten_count++].value = i + 100;
    permit_list_parse(&record.permits, "replace=abc, start=etcd-0", PERMIT_FROM_RECORD);
    set_record_settle(&record);
    bounded_text_init(&text, RECORD_FILE_BYTES);
    assert_true(record_json_write(&record, NULL, 0, &text, &err));
    assert_true(record_json_read(bounded_text_c(&text), text.length_bytes, &other, &err));
    assert_memory_equal(&other, &record, sizeof record);
    bounded_text_done(&text);
}

static void damaged_records_are_refused_whole(void **state)
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"{", "the set record is not a JSON object"},
        {"[]", "the set record is not a JSON object: another kind of value"},
        {"{\"claim\": {}, \"claim\": {}}", "duplicate"},
        {"{\"claim\": \"etcd-0\"}", "\"claim\" has a value of a wrong kind"},
        {"{\"claim\": {\"slot\": 3}}", "\"slot\" has a value of a wrong kind"},
        {"{\"claim\": {\"nonce\": \"n\"}}", "\"claim\" has a value of a wrong kind"},
        {"{\"claim\": {\"Slot\": \"a\", \"nonce\": \"n\"}, \"cluster-id\": \"ab\"}", "\"claim\" has a value of a wrong kind"},
        {"{\"claim\": {}}", "\"claim\" has a value of a wrong kind"},
        {"{\"cluster-id\": 7}", "\"cluster-id\" has a value of a wrong kind"},
        {"{\"cluster-id\": \"0\"}", "\"cluster-id\" has a value of a wrong kind"},
        {"{\"cluster-id\": \"\"}", "\"cluster-id\" has a value of a wrong kind"},
        {"{\"cluster-id\": null}", "\"cluster-id\" has a value of a wrong kind"},
        {"{\"slots\": []}", "\"slots\" has a value of a wrong kind"},
        {"{\"slots\": {\"a\": \"xyz\"}}", "\"slots\" has a value of a wrong kind"},
        {"{\"endpoints\": {}}", "\"endpoints\" has a value of a wrong kind"},
        {"{\"endpoints\": [null]}", "\"endpoints\" has a value of a wrong kind"},
        {"{\"forgotten\": [\"0\"]}", "\"forgotten\" has a value of a wrong kind"},
        {"{\"permit\": [\"start=a\"]}", "\"permit\" has a value of a wrong kind"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct usher_error err;
        memset(&record, 7, sizeof record);
        other = record;
        if (read_text(rows[i].text, &err) || strstr(err.text, rows[i].message) == NULL)
            fail_msg("%s: \"%s\"", rows[i].text, err.text);
        assert_memory_equal(&record, &other, sizeof record);
    }
}

static void the_state_follows_from_the_contents(void **state)
{
    struct usher_error err;

    (void)state;
    assert_true(read_text("{}", &err) && record.state == RECORD_EMPTY);
    assert_true(read_text("{\"claim\": {\"slot\": \"a\", \"nonce\": \"n\"}}", &err) && record.state == RECORD_CLAIMED);
    assert_true(read_text("{\"cluster-id\": \"ab\", \"claim\": {\"slot\": \"a\"}}", &err) && record.state == RECORD_CLUSTER);
    assert_true(read_text("{\"permit\": \"nonsense\"}", &err) && record.permits.has_bad_entry);
}

/* A claim that got lost on the way to the file would let a second founder in. */
static void nothing_is_left_out_in_silence(void **state)
{
    struct bounded_text text;

    (void)state;
    bounded_text_init(&text, RECORD_FILE_BYTES);
    for (int row = 0; row < 4; row++) {
        struct usher_error err = {.text = ""};
        memset(&record, 0, sizeof record);
        if (row == 0)
            snprintf(record.claim.slot, NAME_BYTES, "\xff");
        if (row == 1)
            snprintf(record.slots[record.slot_count++].name, NAME_BYTES, "\xff");
        if (row == 2)
            snprintf(record.endpoints[record.endpoint_count++], URL_BYTES, "\xff");
        if (row == 3)
            permit_list_parse(&record.permits, "start=\xff", PERMIT_FROM_RECORD);
        if (record_json_write(&record, NULL, 0, &text, &err))
            fail_msg("row %d: %s", row, bounded_text_c(&text));
        assert_non_null(strstr(err.text, "not UTF-8"));
    }
    bounded_text_done(&text);
}

static void unreadable_is_never_empty(void **state)
{
    const char *path = scratch_path("%s/shared/record", (const char *)*state);
    struct deadline soon = deadline_in_ms(GENEROUS_MS);
    struct usher_error err = {0};

    assert_false(record_file_read(path, soon, &record, &err)); /* not mounted */
    assert_non_null(strstr(err.text, "set record /"));
    assert_non_null(strstr(err.text, "/shared cannot be read (not mounted?)"));
    scratch_mkdir(scratch_path("%s/shared", (const char *)*state));
    assert_true(record_file_read(path, soon, &record, &err));
    assert_int_equal(record.state, RECORD_EMPTY);
    assert_false(record_file_read(path, deadline_in_ms(-1), &record, &err));
    scratch_write(path, "", 0); /* cut short, not absent */
    assert_false(record_file_read(path, soon, &record, &err));
    assert_non_null(strstr(err.text, "holds nothing"));
    scratch_write(path, "{}", 1);
    assert_false(record_file_read(path, soon, &record, &err));
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_false(record_file_read(path, soon, &record, &err));
    unlink(path);
    assert_int_equal(symlink("record", path), 0);
    assert_false(record_file_read(path, soon, &record, &err));
    unlink(path);
    scratch_mkdir(path);
    assert_false(record_file_read(path, soon, &record, &err));
    assert_false(record_file_read(scratch_path("%s/below", path), soon, &record, NULL) && record.state != RECORD_EMPTY);
}

static void a_swap_needs_what_was_read(void **state)
{
    const char *path = scratch_path("%s/record", (const char *)*state);
    struct deadline soon = deadline_in_ms(GENEROUS_MS);
    struct usher_error err = {0};
    bool is_conflict = true;
    struct set_record *stale = calloc(1, sizeof *stale);

    assert_non_null(stale);
    assert_true(record_file_read(path, soon, &record, &err));
    *stale = record;
    set_record_claim(&record, "etcd-0", "0123456789abcdef0123456789abcdef", "now");
    assert_true(record_file_swap(path, &record, soon, &is_conflict, &err));
    assert_false(is_conflict);
    assert_int_equal(scratch_mode(path), 0660);
    set_record_claim(stale, "etcd-1", "fedcba9876543210fedcba9876543210", "now");
    assert_false(record_file_swap(path, stale, soon, &is_conflict, &err));
    assert_true(is_conflict);
    assert_non_null(strstr(err.text, "somebody else wrote the set record first"));
    assert_true(record_file_read(path, soon, stale, &err));
    assert_string_equal(stale->claim.slot, "etcd-0");
    assert_int_equal(stale->state, RECORD_CLAIMED);
    /* A file that appeared, or was cut, since we read: never written over. */
    scratch_write(path, "", 0);
    assert_false(record_file_swap(path, stale, soon, &is_conflict, &err));
    stale->version[0] = '\0';
    assert_false(record_file_swap(path, stale, soon, &is_conflict, &err));
    unlink(path);
    assert_false(record_file_swap(path, stale, soon, &is_conflict, &err)); /* gone since */
    assert_true(is_conflict);
    free(stale);
}

static void keys_of_others_are_kept(void **state)
{
    static const char text[] = "{\"note\": \"from ops\", \"later\": {\"x\": [1, 2]}, \"slots\": {\"old\": \"1\"}, \"permit\": \"start=a\"}";
    const char *path = scratch_path("%s/record", (const char *)*state);
    struct deadline soon = deadline_in_ms(GENEROUS_MS);
    struct usher_error err = {0};
    bool is_conflict = true;
    char after[4096];

    scratch_write(path, text, sizeof text - 1);
    assert_true(record_file_read(path, soon, &record, &err));
    record.permits.count = 0;
    assert_true(set_record_adopt(&record, (struct cluster_id){0xc}, "new", (struct member_id){2}, NULL));
    assert_true(record_file_swap(path, &record, soon, &is_conflict, &err));
    scratch_read(path, after, sizeof after);
    assert_non_null(strstr(after, "\"note\": \"from ops\""));
    assert_non_null(strstr(after, "\"later\""));
    assert_non_null(strstr(after, "\"old\": \"1\""));
    assert_non_null(strstr(after, "\"new\": \"2\""));
    assert_non_null(strstr(after, "\"cluster-id\": \"c\""));
    assert_null(strstr(after, "permit"));
}

static void a_held_lock_ends_at_the_deadline(void **state)
{
    const char *path = scratch_path("%s/record", (const char *)*state);
    int lock = open(scratch_path("%s.lock", path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct usher_error err = {0};
    bool is_conflict = true;
    int64_t before_ms = monotonic_ms();

    assert_true(lock >= 0 && flock(lock, LOCK_EX) == 0);
    assert_true(record_file_read(path, deadline_in_ms(GENEROUS_MS), &record, &err));
    assert_false(record_file_swap(path, &record, deadline_in_ms(50), &is_conflict, &err));
    assert_true(monotonic_ms() - before_ms >= 50);
    assert_false(is_conflict);
    assert_non_null(strstr(err.text, "cannot lock"));
    assert_false(scratch_exists(path));
    close(lock);
    assert_true(record_file_swap(path, &record, deadline_in_ms(GENEROUS_MS), &is_conflict, &err));
}

enum { WRITERS = 4, ROUNDS = 12 };

/* Adds ROUNDS slots of its own by read, edit, swap. Its own process: locks are between processes. */
static int write_slots(const char *path, int writer)
{
    struct deadline soon = deadline_in_ms(GENEROUS_MS);

    for (int round = 0; round < ROUNDS;) {
        struct usher_error err;
        bool is_conflict = false;
        if (!record_file_read(path, soon, &record, &err))
            return 1;
        snprintf(record.slots[record.slot_count].name, NAME_BYTES, "w%d-%d", writer, round);
        record.slots[record.slot_count++].id.value = (uint64_t)(writer * ROUNDS + round + 1);
        if (record_file_swap(path, &record, soon, &is_conflict, &err))
            round++;
        else if (!is_conflict)
            return 2;
    }
    return 0;
}

static void writers_at_once_lose_nothing(void **state)
{
    const char *path = scratch_path("%s/record", (const char *)*state);
    pid_t children[WRITERS];
    struct usher_error err = {0};

    for (int i = 0; i < WRITERS; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0)
            _exit(write_slots(path, i));
    }
    for (int i = 0; i < WRITERS; i++) {
        int status = -1;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    assert_true(record_file_read(path, deadline_in_ms(GENEROUS_MS), &record, &err));
    assert_int_equal(record.slot_count, WRITERS * ROUNDS);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(full_records_come_back),
        cmocka_unit_test(damaged_records_are_refused_whole),
        cmocka_unit_test(the_state_follows_from_the_contents),
        cmocka_unit_test(nothing_is_left_out_in_silence),
        ROW(unreadable_is_never_empty),
        ROW(a_swap_needs_what_was_read),
        ROW(keys_of_others_are_kept),
        ROW(a_held_lock_ends_at_the_deadline),
        ROW(writers_at_once_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
