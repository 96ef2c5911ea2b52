/* What is done to the data directory: moved aside whole, never touched while an etcd holds it, thinned without losing what was to stay. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "scratch.h"
#include "usher/host/data_dir.h"

static const struct member_id id = {0xabc};

static void lay_member(const char *data_dir)
{
    scratch_write(scratch_path("%s/member/wal/0.wal", data_dir), "wal", 3);
    scratch_write(scratch_path("%s/member/snap/db", data_dir), "db", 2);
}

static void an_archive_is_one_rename(void **state)
{
    const char *data_dir = *state;
    struct usher_error err = {0};
    char path[512] = "";
    struct stat before, after;

    lay_member(data_dir);
    assert_int_equal(stat(scratch_path("%s/member", data_dir), &before), 0);
    assert_false(data_dir_has_archive(data_dir));
    assert_true(data_dir_archive(data_dir, "", "left", id, path, sizeof path, &err));
    assert_true(data_dir_has_archive(data_dir));
    assert_false(scratch_exists(scratch_path("%s/member", data_dir)));
    assert_string_equal(path, scratch_only(data_dir, USHER_ARCHIVE_PREFIX));
    assert_string_equal(path + strlen(path) - 9, "-left-abc");
    assert_int_equal(stat(scratch_path("%s/member", path), &after), 0);
    assert_true(before.st_ino == after.st_ino); /* moved, not copied */
    assert_int_equal(scratch_mode(path), 0700);
    /* A second one in the same second gets another name. */
    lay_member(data_dir);
    assert_true(data_dir_archive(data_dir, "", "left", id, path, sizeof path, &err));
    lay_member(data_dir);
    assert_true(data_dir_archive(data_dir, "", "left", id, path, sizeof path, &err));
    assert_int_equal(scratch_count(data_dir, USHER_ARCHIVE_PREFIX), 3);
    assert_true(scratch_exists(scratch_path("%s/member/wal/0.wal", path)));
}

static void a_separate_wal_moves_last_and_inside_its_volume(void **state)
{
    const char *data_dir = scratch_path("%s/data", (const char *)*state), *wal_dir = scratch_path("%s/wal", (const char *)*state);
    struct usher_error err = {0};
    char path[512] = "";
    const char *moved;

    scratch_write(scratch_path("%s/member/snap/db", data_dir), "db", 2);
    scratch_write(scratch_path("%s/0.wal", wal_dir), "wal", 3);
    scratch_write(scratch_path("%s/1.wal", wal_dir), "wal", 3);
    scratch_mkdir(scratch_path("%s/lost+found", wal_dir));
    assert_true(data_dir_archive(data_dir, wal_dir, "stale", id, path, sizeof path, &err));
    assert_true(scratch_exists(scratch_path("%s/member/snap/db", path)));
    moved = scratch_only(wal_dir, USHER_ARCHIVE_PREFIX);
    assert_string_equal(strrchr(moved, '/'), strrchr(path, '/')); /* the same name on both volumes */
    assert_int_equal(scratch_count(moved, ""), 2);
    assert_int_equal(scratch_count(wal_dir, ""), 2); /* the archive and lost+found */
    /* A WAL alone (a crash in between, or a lost data volume) can be archived, too. */
    scratch_write(scratch_path("%s/2.wal", wal_dir), "wal", 3);
    assert_true(data_dir_archive(data_dir, wal_dir, "stale", id, path, sizeof path, &err));
    assert_int_equal(scratch_count(wal_dir, USHER_ARCHIVE_PREFIX), 2);
}

static void a_running_etcd_is_left_alone(void **state)
{
    const char *data_dir = *state;
    struct usher_error err = {0};
    char path[512] = "untouched";
    int fd;

    lay_member(data_dir);
    fd = open(scratch_path("%s/member/snap/db", data_dir), O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0);
    assert_false(data_dir_archive(data_dir, "", "left", id, path, sizeof path, &err));
    assert_non_null(strstr(err.text, "member/snap/db is in use, so the data is not touched"));
    assert_string_equal(path, "untouched");
    assert_false(data_dir_has_archive(data_dir));
    assert_false(data_dir_delete_member(data_dir, "", true, &err));
    assert_true(scratch_exists(scratch_path("%s/member/wal/0.wal", data_dir)));
    close(fd);
    assert_true(data_dir_archive(data_dir, "", "left", id, path, sizeof path, &err));
}

static void what_cannot_be_locked_is_not_touched(void **state)
{
    const char *data_dir = *state;
    struct usher_error err = {0};
    char path[512];

    scratch_mkdir(scratch_path("%s/member/snap", data_dir));
    assert_int_equal(symlink("db", scratch_path("%s/member/snap/db", data_dir)), 0);
    assert_false(data_dir_archive(data_dir, "", "left", id, path, sizeof path, &err));
    assert_non_null(strstr(err.text, "cannot open"));
    assert_non_null(strstr(err.text, "so the data is not touched"));
    assert_true(scratch_exists(scratch_path("%s/member/snap/db", data_dir)));
}

static void deleting_needs_that_no_wal_lies_there(void **state)
{
    const char *data_dir = scratch_path("%s/data", (const char *)*state), *wal_dir = scratch_path("%s/wal", (const char *)*state);
    struct usher_error err = {0};

    lay_member(data_dir);
    assert_false(data_dir_delete_member(data_dir, "", false, &err));
    assert_non_null(strstr(err.text, "nothing is deleted"));
    assert_true(scratch_exists(scratch_path("%s/member/snap/db", data_dir)));
    unlink(scratch_path("%s/member/wal/0.wal", data_dir));
    scratch_write(scratch_path("%s/0.wal", wal_dir), "wal", 3);
    assert_false(data_dir_delete_member(data_dir, wal_dir, false, &err));
    assert_true(data_dir_delete_member(data_dir, "", false, &err));
    assert_false(scratch_exists(scratch_path("%s/member", data_dir)));
    assert_true(data_dir_delete_member(data_dir, "", false, &err)); /* again: nothing to do */
    /* By permit: with its WAL, wherever that lies; nothing that a link points to. */
    lay_member(data_dir);
    scratch_write(scratch_path("%s/outside/kept", (const char *)*state), "x", 1);
    assert_int_equal(symlink("../../outside", scratch_path("%s/member/link", data_dir)), 0);
    assert_true(data_dir_delete_member(data_dir, wal_dir, true, &err));
    assert_false(scratch_exists(scratch_path("%s/member", data_dir)));
    assert_int_equal(scratch_count(wal_dir, ""), 0);
    assert_true(scratch_exists(scratch_path("%s/outside/kept", (const char *)*state)));
}

static void lay_archive(const char *data_dir, const char *name, bool has_wal)
{
    scratch_write(scratch_path("%s/" USHER_ARCHIVE_PREFIX "%s/member/snap/db", data_dir, name), "db", 2);
    if (has_wal)
        scratch_write(scratch_path("%s/" USHER_ARCHIVE_PREFIX "%s/member/wal/0.wal", data_dir, name), "wal", 3);
}

static bool has_archive(const char *directory, const char *name)
{
    return scratch_exists(scratch_path("%s/" USHER_ARCHIVE_PREFIX "%s", directory, name));
}

static void the_newest_archives_with_a_wal_stay(void **state)
{
    const char *data_dir = *state;
    struct usher_error err = {0};

    lay_archive(data_dir, "20260101T000000Z-left-a", true);
    lay_archive(data_dir, "20260102T000000Z-left-b", true);
    lay_archive(data_dir, "20260103T000000Z-left-c", true);
    lay_archive(data_dir, "20260104T000000Z-torn-d", false);
    scratch_write(scratch_path("%s/usher.json", data_dir), "{}", 2);
    assert_true(data_dir_thin_archives(data_dir, "", 2, &err));
    assert_false(has_archive(data_dir, "20260101T000000Z-left-a"));
    assert_true(has_archive(data_dir, "20260102T000000Z-left-b"));
    assert_true(has_archive(data_dir, "20260103T000000Z-left-c"));
    assert_false(has_archive(data_dir, "20260104T000000Z-torn-d"));
    assert_true(data_dir_thin_archives(data_dir, "", 0, &err));
    assert_int_equal(scratch_count(data_dir, ""), 1); /* usher.json */
    assert_false(data_dir_thin_archives(scratch_path("%s/absent", data_dir), "", 1, &err));
}

/* The two halves of an archive of a separate WAL directory stay together, and go together. */
static void thinning_keeps_the_halves_together(void **state)
{
    const char *data_dir = scratch_path("%s/data", (const char *)*state), *wal_dir = scratch_path("%s/wal", (const char *)*state);
    struct usher_error err = {0};

    for (int i = 1; i <= 3; i++) {
        scratch_write(scratch_path("%s/" USHER_ARCHIVE_PREFIX "2026010%d-left-a/member/snap/db", data_dir, i), "db", 2);
        scratch_write(scratch_path("%s/" USHER_ARCHIVE_PREFIX "2026010%d-left-a/0.wal", wal_dir, i), "wal", 3);
    }
    scratch_write(scratch_path("%s/0.wal", wal_dir), "wal", 3);
    assert_true(data_dir_thin_archives(data_dir, wal_dir, 1, &err));
    assert_true(has_archive(data_dir, "20260103-left-a"));
    assert_true(has_archive(wal_dir, "20260103-left-a"));
    assert_int_equal(scratch_count(data_dir, USHER_ARCHIVE_PREFIX), 1);
    assert_int_equal(scratch_count(wal_dir, USHER_ARCHIVE_PREFIX), 1);
    assert_true(scratch_exists(scratch_path("%s/0.wal", wal_dir)));
}

static void a_wrong_place_is_named(void **state)
{
    const char *root = *state, *data_dir = scratch_path("%s/data", root);
    char detail[512];

    assert_int_equal(data_dir_place(data_dir, "", false, detail, sizeof detail), PLACE_MISSING);
    assert_non_null(strstr(detail, "/data is not a directory"));
    scratch_mkdir(data_dir);
    assert_int_equal(data_dir_place(data_dir, "", false, detail, sizeof detail), PLACE_GOOD);
    assert_string_equal(detail, "");
    assert_int_equal(data_dir_place(data_dir, scratch_path("%s/absent/wal", root), false, detail, sizeof detail), PLACE_MISSING);
    assert_non_null(strstr(detail, "/absent, where --wal-dir lies, is not a directory"));
    assert_int_equal(data_dir_place(data_dir, scratch_path("%s/wal", root), false, detail, sizeof detail), PLACE_GOOD);
    assert_int_equal(data_dir_place("/proc", "", true, detail, sizeof detail), PLACE_GOOD); /* a mount of its own */
    scratch_write(scratch_path("%s/etcd/member/wal/0.wal", data_dir), "x", 1);
    assert_int_equal(data_dir_place(data_dir, "", false, detail, sizeof detail), PLACE_WAL_ELSEWHERE);
    assert_non_null(strstr(detail, "/data/etcd/member/wal/0.wal"));
    assert_true(data_dir_free_bytes(data_dir) > 0);
    assert_int_equal(data_dir_free_bytes(scratch_path("%s/absent", root)), -1);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)
int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(an_archive_is_one_rename),
        ROW(a_separate_wal_moves_last_and_inside_its_volume),
        ROW(a_running_etcd_is_left_alone),
        ROW(what_cannot_be_locked_is_not_touched),
        ROW(deleting_needs_that_no_wal_lies_there),
        ROW(the_newest_archives_with_a_wal_stay),
        ROW(thinning_keeps_the_halves_together),
        ROW(a_wrong_place_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
