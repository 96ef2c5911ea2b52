#include "usher/host/record_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "usher/host/record_json.h"
#include "usher/host/text_file.h"

/* FNV-1a and the length: enough to see that somebody else wrote. Nobody has to be kept from forging it, whoever can write the file can do anything;
 * and the first digest of OpenSSL costs init 1 ms of loading providers. */
static void fingerprint(const char *bytes, size_t length, char out_version[64])
{
    uint64_t hash = 14695981039346656037ULL;

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * 1099511628211ULL;
    snprintf(out_version, 64, "%zu-%016" PRIx64, length, hash);
}

static bool directory_is_there(const char *path, struct usher_error *err)
{
    char directory[4096];
    const char *slash = strrchr(path, '/');

    snprintf(directory, sizeof directory, "%.*s", slash == NULL || slash == path ? 1 : (int)(slash - path), slash == NULL ? "." : path);
    if (access(directory, R_OK | X_OK) != 0)
        return usher_error_errno(err, errno, "the set record's directory %s cannot be read (not mounted?)", directory);
    return true;
}

/* The bytes as they stand; empty for an absent file in a directory that is there. */
static bool read_bytes(const char *path, struct bounded_text *out_text, char out_version[64], struct usher_error *err)
{
    switch (text_file_read(path, RECORD_FILE_BYTES, out_text, err)) {
    case TEXT_FILE_READ:
        if (out_text->length_bytes == 0) /* cut short by whoever wrote it: what stood there is not known */
            return usher_error_set(err, "the file is there, but holds nothing; remove it only if this set has never founded a cluster");
        break;
    case TEXT_FILE_ABSENT:
        if (!directory_is_there(path, err))
            return false;
        bounded_text_reset(out_text);
        break;
    case TEXT_FILE_UNREADABLE:
    case TEXT_FILE_UNKNOWN:
        return false;
    }
    fingerprint(bounded_text_c(out_text), out_text->length_bytes, out_version);
    return true;
}

bool record_file_read(const char *path, struct deadline deadline, struct set_record *out, struct usher_error *err)
{
    struct bounded_text text;
    char version[64] = "";
    bool is_read;

    if (deadline_is_over(deadline))
        return usher_error_set(err, "no time left to read the set record");
    bounded_text_init(&text, RECORD_FILE_BYTES);
    is_read = read_bytes(path, &text, version, err);
    if (is_read && text.length_bytes == 0)
        *out = (struct set_record){.state = RECORD_EMPTY};
    else
        is_read = is_read && record_json_read(bounded_text_c(&text), text.length_bytes, out, err);
    if (is_read)
        memcpy(out->version, version, sizeof version);
    bounded_text_done(&text);
    return is_read || usher_error_wrap(err, "set record %s", path);
}

/* The lock's descriptor, -1 when it cannot be had in time. */
static int lock_beside(const char *path, struct deadline deadline, struct usher_error *err)
{
    char lock_path[4096];
    struct timespec pause = {.tv_nsec = 5 * 1000 * 1000};
    int fd;

    snprintf(lock_path, sizeof lock_path, "%s.lock", path);
    fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0660);
    if (fd < 0) {
        usher_error_errno(err, errno, "cannot open the lock %s", lock_path);
        return -1;
    }
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if ((errno != EWOULDBLOCK && errno != EINTR) || deadline_is_over(deadline)) {
            usher_error_errno(err, errno, "cannot lock %s", lock_path);
            close(fd);
            return -1;
        }
        nanosleep(&pause, NULL);
    }
    return fd;
}

static bool compare_and_write(const char *path, const struct set_record *record, bool *out_conflict, struct usher_error *err)
{
    struct bounded_text old_text, new_text;
    char version[64] = "";
    bool is_written = false;

    bounded_text_init(&old_text, RECORD_FILE_BYTES);
    bounded_text_init(&new_text, RECORD_FILE_BYTES);
    if (read_bytes(path, &old_text, version, err)) {
        *out_conflict = strcmp(version, record->version) != 0;
        if (*out_conflict)
            usher_error_set(err, "somebody else wrote the set record first");
        else
            is_written = record_json_write(record, bounded_text_c(&old_text), old_text.length_bytes, &new_text, err) &&
                         text_file_write(path, bounded_text_c(&new_text), new_text.length_bytes, 0660, true, err);
    }
    bounded_text_done(&old_text);
    bounded_text_done(&new_text);
    return is_written;
}

bool record_file_swap(const char *path, const struct set_record *record, struct deadline deadline, bool *out_conflict,
                      struct usher_error *err)
{
    int lock = lock_beside(path, deadline, err);
    bool is_written;

    *out_conflict = false;
    if (lock < 0)
        return false;
    is_written = compare_and_write(path, record, out_conflict, err);
    close(lock);
    return is_written;
}
