/* Who wrote a WAL: headers by real etcd 3.4 to 3.7 (wal-headers/, made by make-wal-headers), torn and hostile ones; what a directory is
 * called. */
#include <dirent.h>
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
#include <unistd.h>

#include <cmocka.h>

#include "scratch.h"
#include "usher/host/wal_header.h"

#define HEADERS USHER_TESTS_DIR "/unit/wal-headers"
enum { KEPT_BYTES = 512, HEADERS_MAX = 16 };

static struct header {
    char name[256];
    uint8_t bytes[KEPT_BYTES];
    size_t length;
    uint64_t cluster, member;
} headers[HEADERS_MAX];
static size_t header_count;

static int read_headers(void **state)
{
    DIR *directory = opendir(HEADERS);
    const struct dirent *entry;

    (void)state;
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        struct header *header = &headers[header_count];
        char member[20], cluster[20];
        FILE *file;
        if (sscanf(entry->d_name, "%*[0-9.]-%16[0-9a-f]-%16[0-9a-f].wal", member, cluster) != 2)
            continue;
        assert_true(header_count < HEADERS_MAX);
        assert_true(id_from_hex(member, &header->member) && id_from_hex(cluster, &header->cluster));
        snprintf(header->name, sizeof header->name, "%s", entry->d_name);
        file = fopen(scratch_path(HEADERS "/%s", entry->d_name), "re");
        assert_non_null(file);
        header->length = fread(header->bytes, 1, sizeof header->bytes, file);
        fclose(file);
        header_count++;
    }
    closedir(directory);
    return header_count >= 4 ? 0 : -1; /* 3.4, 3.5, 3.6, 3.7 */
}

/* Through a copy of exactly this length, so that a sanitizer sees a read behind its end. */
static bool parse(const uint8_t *bytes, size_t length, struct cluster_id *out_cluster, struct member_id *out_member,
                  struct usher_error *err)
{
    uint8_t *copy = malloc(length > 0 ? length : 1);
    bool is_parsed;

    assert_non_null(copy);
    memcpy(copy, bytes, length);
    is_parsed = wal_header_parse(copy, length, out_cluster, out_member, err);
    free(copy);
    return is_parsed;
}

static void real_headers_name_their_member(void **state)
{
    (void)state;
    for (size_t i = 0; i < header_count; i++) {
        struct cluster_id cluster = {0};
        struct member_id member = {0};
        struct usher_error err = {0};
        if (!parse(headers[i].bytes, headers[i].length, &cluster, &member, &err))
            fail_msg("%s: %s", headers[i].name, err.text);
        if (cluster.value != headers[i].cluster || member.value != headers[i].member)
            fail_msg("%s: read as member %llx of cluster %llx", headers[i].name, (unsigned long long)member.value,
                     (unsigned long long)cluster.value);
    }
}

static size_t frame_bytes(const uint8_t *bytes)
{
    size_t pad = (bytes[7] & 0x80) != 0 ? bytes[7] & 7 : 0;
    return 8 + ((size_t)bytes[0] | (size_t)bytes[1] << 8) + pad;
}

/* Cut anywhere before the end of its second record: torn, and the outputs stay untouched. */
static void a_cut_header_is_torn(void **state)
{
    (void)state;
    for (size_t i = 0; i < header_count; i++) {
        size_t first = frame_bytes(headers[i].bytes), both = first + frame_bytes(headers[i].bytes + first);
        assert_true(both < headers[i].length);
        for (size_t length = 0; length < headers[i].length; length++) {
            struct cluster_id cluster = {7};
            struct member_id member = {7};
            struct usher_error err = {0};
            bool is_parsed = parse(headers[i].bytes, length, &cluster, &member, &err);
            if (is_parsed != (length >= both))
                fail_msg("%s cut at %zu of %zu", headers[i].name, length, both);
            if (!is_parsed)
                assert_true(cluster.value == 7 && member.value == 7 && err.text[0] != '\0');
        }
    }
}

/* No single damaged byte may turn one member into another: it is torn, or it says what it said. */
static void a_flipped_bit_never_makes_another_member(void **state)
{
    (void)state;
    for (size_t i = 0; i < header_count; i++)
        for (size_t at = 0; at < 64; at++)
            for (unsigned bit = 0; bit < 8; bit++) {
                struct cluster_id cluster = {0};
                struct member_id member = {0};
                struct usher_error err = {0};
                uint8_t bytes[KEPT_BYTES];
                memcpy(bytes, headers[i].bytes, sizeof bytes);
                bytes[at] ^= (uint8_t)(1u << bit);
                if (parse(bytes, headers[i].length, &cluster, &member, &err) &&
                    (cluster.value != headers[i].cluster || member.value != headers[i].member))
                    fail_msg("%s: byte %zu, bit %u: another member", headers[i].name, at, bit);
            }
}

static void noise_is_torn(void **state)
{
    uint32_t seed = 12345;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        struct cluster_id cluster = {0};
        struct member_id member = {0};
        struct usher_error err = {0};
        uint8_t bytes[96];
        bool has_frame = round % 2 == 0;
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24);
        if (has_frame) { /* a plausible length gets it past the first gate */
            memset(bytes, 0, 8);
            bytes[0] = (uint8_t)(seed >> 8 & 31);
            bytes[8] = 0x08, bytes[9] = 4;
        }
        if (parse(bytes, sizeof bytes, &cluster, &member, &err))
            fail_msg("round %d was taken for a WAL", round);
    }
}

static void lay_wal(const char *data_dir, const char *name, size_t header)
{
    scratch_write(scratch_path("%s/member/wal/%s", data_dir, name), headers[header].bytes, headers[header].length);
}

static void lay_db(const char *data_dir) { scratch_write(scratch_path("%s/member/snap/db", data_dir), "db", 2); }

static void assert_state(const char *data_dir, const char *wal_dir, enum wal_state expected, const char *words)
{
    struct usher_error err = {.text = ""};
    struct wal_facts facts;

    wal_header_read(data_dir, wal_dir, &facts, &err);
    if (facts.state != expected || strstr(err.text, words) == NULL)
        fail_msg("state %d instead of %d: \"%s\"", (int)facts.state, (int)expected, err.text);
    if (expected != WAL_IDS)
        assert_true(facts.cluster.value == 0 && facts.member.value == 0);
    assert_null(strstr(err.text, "Success"));
}

static void a_directory_is_called_what_it_is(void **state)
{
    const char *data_dir = *state;
    struct usher_error err = {0};
    struct wal_facts facts;

    assert_state(data_dir, NULL, WAL_NONE, "");
    assert_state(scratch_path("%s/absent", data_dir), NULL, WAL_NONE, "");
    scratch_mkdir(scratch_path("%s/member/snap", data_dir));
    scratch_mkdir(scratch_path("%s/member/wal", data_dir));
    assert_state(data_dir, "", WAL_NONE, "");
    scratch_write(scratch_path("%s/member/wal/0.tmp", data_dir), "x", 1); /* etcd's preallocated next segment alone */
    assert_state(data_dir, "", WAL_NONE, "");
    lay_db(data_dir);
    assert_state(data_dir, "", WAL_REMAINS, "there is no WAL");
    lay_wal(data_dir, "0000000000000001-0000000000000002.wal", 1);
    lay_wal(data_dir, "0000000000000000-0000000000000000.wal", 0);
    wal_header_read(data_dir, "", &facts, &err);
    assert_int_equal(facts.state, WAL_IDS); /* the lowest name counts */
    assert_true(facts.member.value == headers[0].member && facts.cluster.value == headers[0].cluster);
    unlink(scratch_path("%s/member/snap/db", data_dir));
    assert_state(data_dir, "", WAL_UNREADABLE, "names a member, but");
    lay_db(data_dir);
    scratch_write(scratch_path("%s/member/wal/0000000000000000-0000000000000000.wal", data_dir), "", 0);
    assert_state(data_dir, "", WAL_TORN, "0000000000000000-0000000000000000.wal: it does not begin with a WAL's checksum record");
}

static void a_separate_wal_directory_is_read(void **state)
{
    const char *data_dir = scratch_path("%s/data", (const char *)*state), *wal_dir = scratch_path("%s/wal", (const char *)*state);

    scratch_write(scratch_path("%s/0.wal", wal_dir), headers[0].bytes, headers[0].length);
    assert_state(data_dir, wal_dir, WAL_UNREADABLE, "/data/member/snap/db is missing");
    lay_db(data_dir);
    assert_state(data_dir, wal_dir, WAL_IDS, "");
    assert_state(data_dir, "", WAL_REMAINS, "there is no WAL");
}

/* Root reads everything, so what cannot be looked into is made by links and by files where folders should be. */
static void unreadable_is_never_none(void **state)
{
    const char *data_dir = *state, *wal = scratch_path("%s/member/wal", data_dir), *member = scratch_path("%s/member", data_dir);

    scratch_mkdir(scratch_path("%s/snap", member));
    assert_int_equal(symlink("wal", wal), 0); /* a loop */
    assert_state(data_dir, "", WAL_UNREADABLE, "Too many levels of symbolic links");
    unlink(wal);
    assert_int_equal(symlink("/nonexistent/volume", wal), 0); /* the volume is not mounted: its WAL is not gone */
    assert_state(data_dir, "", WAL_UNREADABLE, "cannot look into");
    lay_db(data_dir);
    assert_state(data_dir, "", WAL_UNREADABLE, "cannot look into");
    unlink(wal);
    scratch_write(wal, "a file", 6);
    assert_state(data_dir, "", WAL_UNREADABLE, "Not a directory");
    unlink(wal);
    assert_int_equal(mkfifo(scratch_path("%s/pipe", data_dir), 0600), 0);
    scratch_mkdir(wal);
    assert_int_equal(rename(scratch_path("%s/pipe", data_dir), scratch_path("%s/0.wal", wal)), 0);
    assert_state(data_dir, "", WAL_TORN, "0.wal"); /* and does not hang */
    unlink(scratch_path("%s/0.wal", wal));
    scratch_mkdir(scratch_path("%s/0.wal", wal));
    assert_state(data_dir, "", WAL_UNREADABLE, "Is a directory");
    assert_state(scratch_path("%s/link/data", data_dir), "", WAL_NONE, "");
    assert_int_equal(symlink("/nonexistent", scratch_path("%s/other", data_dir)), 0);
    scratch_mkdir(scratch_path("%s/third", data_dir));
    assert_int_equal(symlink("/nonexistent", scratch_path("%s/third/member", data_dir)), 0);
    assert_state(scratch_path("%s/third", data_dir), "", WAL_UNREADABLE, "/third/member");
}

static void a_wal_elsewhere_is_found(void **state)
{
    static const char *const places[] = {"data/wal/0.wal",   "data/member/wal/0.wal",      "wal/0.wal",
                                         "member/wal/0.wal", "data/etcd/member/wal/0.wal", "data/x/wal/0.wal"};
    const char *root = *state, *data_dir = scratch_path("%s/data", root);
    char found[512] = "";

    scratch_mkdir(data_dir);
    assert_false(wal_lies_elsewhere(data_dir, "", found, sizeof found));
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        char path[512];
        bool is_configured = i == 1;
        snprintf(path, sizeof path, "%s/%s", root, places[i]);
        scratch_write(path, "x", 1);
        if (wal_lies_elsewhere(data_dir, "", found, sizeof found) == is_configured)
            fail_msg("%s", places[i]);
        if (!is_configured)
            assert_string_equal(found, path);
        unlink(path);
    }
    scratch_write(scratch_path("%s/usher-archive-1-left-a/member/wal/0.wal", data_dir), "x", 1);
    assert_false(wal_lies_elsewhere(data_dir, "", found, sizeof found));
    scratch_write(scratch_path("%s/data/wal/0.wal", root), "x", 1);
    assert_false(wal_lies_elsewhere(data_dir, scratch_path("%s/wal", data_dir), found, sizeof found));
}

static void a_held_lock_is_seen(void **state)
{
    const char *data_dir = *state;
    int fd;

    assert_int_equal(wal_etcd_holds_lock(data_dir), TRI_NO);
    lay_db(data_dir);
    assert_int_equal(wal_etcd_holds_lock(data_dir), TRI_NO);
    fd = open(scratch_path("%s/member/snap/db", data_dir), O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0);
    assert_int_equal(wal_etcd_holds_lock(data_dir), TRI_YES);
    close(fd);
    assert_int_equal(wal_etcd_holds_lock(data_dir), TRI_NO);
    unlink(scratch_path("%s/member/snap/db", data_dir));
    assert_int_equal(symlink("db", scratch_path("%s/member/snap/db", data_dir)), 0);
    assert_int_equal(wal_etcd_holds_lock(data_dir), TRI_UNKNOWN);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_headers_name_their_member),
        cmocka_unit_test(a_cut_header_is_torn),
        cmocka_unit_test(a_flipped_bit_never_makes_another_member),
        cmocka_unit_test(noise_is_torn),
        ROW(a_directory_is_called_what_it_is),
        ROW(a_separate_wal_directory_is_read),
        ROW(unreadable_is_never_none),
        ROW(a_wal_elsewhere_is_found),
        ROW(a_held_lock_is_seen),
    };
    return cmocka_run_group_tests(tests, read_headers, NULL);
}
