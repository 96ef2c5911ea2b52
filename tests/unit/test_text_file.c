/* Small files: absent, read and unreadable are three answers; a write is whole or not there. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "scratch.h"
#include "usher/host/text_file.h"

static enum text_file_state read_state(const char *path, size_t max_bytes, struct usher_error *err)
{
    struct bounded_text text;
    enum text_file_state state;

    bounded_text_init(&text, max_bytes);
    state = text_file_read(path, max_bytes, &text, err);
    bounded_text_done(&text);
    return state;
}

static void unreadable_is_never_absent(void **state)
{
    const char *folder = *state, *path = scratch_path("%s/file", folder);
    struct usher_error err = {0};

    assert_int_equal(read_state(path, 10, &err), TEXT_FILE_ABSENT);
    scratch_write(path, "0123456789", 10);
    assert_int_equal(read_state(path, 10, &err), TEXT_FILE_READ);
    assert_int_equal(read_state(scratch_path("%s/below", path), 10, &err), TEXT_FILE_ABSENT); /* ENOTDIR */
    assert_int_equal(read_state(path, 9, &err), TEXT_FILE_UNREADABLE);
    assert_non_null(strstr(err.text, "/file is longer than 9 bytes"));
    assert_int_equal(read_state(folder, 10, &err), TEXT_FILE_UNREADABLE);
    path = scratch_path("%s/loop", folder);
    assert_int_equal(symlink("loop", path), 0);
    assert_int_equal(read_state(path, 10, &err), TEXT_FILE_UNREADABLE);
    assert_non_null(strstr(err.text, "Too many levels of symbolic links"));
}

/* A pipe or /dev/null would read as an empty file, and an empty file means something to its readers. */
static void only_regular_files_are_read(void **state)
{
    const char *path = scratch_path("%s/pipe", (const char *)*state);
    struct usher_error err = {0};

    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(read_state(path, 10, &err), TEXT_FILE_UNREADABLE);
    assert_non_null(strstr(err.text, "is not a regular file"));
    assert_int_equal(read_state("/dev/null", 10, &err), TEXT_FILE_UNREADABLE);
}

static void a_write_is_whole_and_has_its_mode(void **state)
{
    const char *folder = *state, *path = scratch_path("%s/file", folder);
    struct usher_error err = {0};
    char text[64];
    mode_t old_mask = umask(0077);

    assert_true(text_file_write(path, "first", 5, 0664, true, &err));
    assert_int_equal(scratch_mode(path), 0664); /* no umask */
    assert_true(text_file_write(path, "a\0b", 3, 0600, false, &err));
    assert_int_equal(scratch_mode(path), 0600);
    assert_int_equal(scratch_read(path, text, sizeof text), 3);
    assert_memory_equal(text, "a\0b", 3);
    assert_int_equal(scratch_count(folder, ""), 1); /* no temporary name is left */
    umask(old_mask);
}

static void a_failed_write_leaves_nothing_behind(void **state)
{
    const char *folder = *state, *taken = scratch_path("%s/taken", folder);
    struct usher_error err = {0};
    char longest[4200];

    scratch_write(scratch_path("%s/inside", taken), "x", 1);
    assert_false(text_file_write(taken, "text", 4, 0644, true, &err)); /* rename onto a folder */
    assert_non_null(strstr(err.text, "cannot write"));
    assert_int_equal(scratch_count(folder, ""), 1);
    assert_false(text_file_write(scratch_path("%s/no/such/folder/file", folder), "text", 4, 0644, true, &err));
    assert_non_null(strstr(err.text, "No such file or directory"));
    memset(longest, 'x', sizeof longest - 1);
    longest[0] = '/';
    longest[sizeof longest - 1] = '\0';
    assert_false(text_file_write(longest, "text", 4, 0644, true, &err));
    assert_non_null(strstr(err.text, "too long"));
}

static void trying_a_write_leaves_nothing_behind(void **state)
{
    const char *folder = *state, *path = scratch_path("%s/file", folder);
    struct usher_error err = {0};

    assert_true(text_file_can_write(path, 64 * 1024, &err));
    assert_int_equal(scratch_count(folder, ""), 0);
    assert_false(text_file_can_write(scratch_path("%s/no/such/folder/file", folder), 1, &err));
    assert_non_null(strstr(err.text, "No such file or directory"));
    scratch_write(path, "x", 1);
    assert_true(text_file_can_write(path, 1, &err));
    assert_int_equal(scratch_count(folder, ""), 1);
}

/* A file that may not grow, as on a full disk. */
static void a_write_that_would_not_fit_is_known(void **state)
{
    const char *folder = *state;
    void (*old_handler)(int) = signal(SIGXFSZ, SIG_IGN);
    struct usher_error err = {0};
    struct rlimit old, small;
    bool can_write;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = (struct rlimit){4096, old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    can_write = text_file_can_write(scratch_path("%s/file", folder), 64 * 1024, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, old_handler);
    assert_false(can_write);
    assert_non_null(strstr(err.text, "cannot write"));
    assert_int_equal(scratch_count(folder, ""), 0);
}

static void removing_what_is_absent_is_done(void **state)
{
    const char *folder = *state, *path = scratch_path("%s/file", folder);
    struct usher_error err = {0};

    assert_true(text_file_remove(path, &err));
    scratch_write(path, "x", 1);
    assert_true(text_file_remove(path, &err));
    assert_false(scratch_exists(path));
    assert_false(text_file_remove(folder, &err));
    assert_non_null(strstr(err.text, "cannot remove"));
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)
int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(unreadable_is_never_absent),           ROW(only_regular_files_are_read),     ROW(a_write_is_whole_and_has_its_mode),
        ROW(a_failed_write_leaves_nothing_behind), ROW(removing_what_is_absent_is_done), ROW(trying_a_write_leaves_nothing_behind),
        ROW(a_write_that_would_not_fit_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
