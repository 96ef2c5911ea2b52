#include "usher/host/text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

enum text_file_state text_file_read(const char *path, size_t max_bytes, struct bounded_text *out_text, struct usher_error *err)
{
    int fd USHER_CLEANUP(close_fd) = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char buffer[4096];
    struct stat entry;
    ssize_t count;

    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return TEXT_FILE_ABSENT;
    if (fd < 0) {
        usher_error_errno(err, errno, "cannot open %s", path);
        return TEXT_FILE_UNREADABLE;
    }
    /* A pipe or a device would read as an empty file. */
    if (fstat(fd, &entry) == 0 && !S_ISREG(entry.st_mode)) {
        usher_error_set(err, "%s is not a regular file", path);
        return TEXT_FILE_UNREADABLE;
    }
    bounded_text_reset(out_text);
    while ((count = read(fd, buffer, sizeof buffer)) != 0) {
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0) {
            usher_error_errno(err, errno, "cannot read %s", path);
            return TEXT_FILE_UNREADABLE;
        }
        if (out_text->length_bytes + (size_t)count > max_bytes || !bounded_text_add(out_text, buffer, (size_t)count)) {
            usher_error_set(err, "%s is longer than %zu bytes", path, max_bytes);
            return TEXT_FILE_UNREADABLE;
        }
    }
    return TEXT_FILE_READ;
}

static bool write_all(int fd, const char *text, size_t length_bytes)
{
    while (length_bytes > 0) {
        ssize_t count = write(fd, text, length_bytes);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        text += count;
        length_bytes -= (size_t)count;
    }
    return true;
}

static bool sync_directory_of(const char *path)
{
    char directory[4096];
    const char *slash = strrchr(path, '/');
    int fd USHER_CLEANUP(close_fd) = -1;

    if (slash == NULL)
        snprintf(directory, sizeof directory, ".");
    else
        snprintf(directory, sizeof directory, "%.*s", slash == path ? 1 : (int)(slash - path), path);
    fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 && fsync(fd) == 0;
}

static int make_temporary(const char *path, char temporary[4096], struct usher_error *err)
{
    int fd, length = snprintf(temporary, 4096, "%s.XXXXXX", path);

    if (length < 0 || length >= 4096) {
        usher_error_set(err, "the path is too long: %s", path);
        return -1;
    }
    fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        usher_error_errno(err, errno, "cannot write %s", path);
    return fd;
}

bool text_file_can_write(const char *path, size_t length_bytes, struct usher_error *err)
{
    static const char zeros[4096];
    char temporary[4096];
    int fd USHER_CLEANUP(close_fd) = make_temporary(path, temporary, err);
    bool is_written = fd >= 0;

    if (fd < 0)
        return false;
    for (size_t done = 0; done < length_bytes && is_written; done += sizeof zeros)
        is_written = write_all(fd, zeros, sizeof zeros);
    if (!is_written)
        usher_error_errno(err, errno, "cannot write %s", path);
    unlink(temporary);
    return is_written;
}

bool text_file_write(const char *path, const char *text, size_t length_bytes, mode_t mode, bool durable, struct usher_error *err)
{
    char temporary[4096];
    int fd USHER_CLEANUP(close_fd) = make_temporary(path, temporary, err);

    if (fd < 0)
        return false;
    if (!write_all(fd, text, length_bytes) || fchmod(fd, mode) != 0 || (durable && fsync(fd) != 0) || rename(temporary, path) != 0) {
        usher_error_errno(err, errno, "cannot write %s", path);
        unlink(temporary);
        return false;
    }
    if (durable && !sync_directory_of(path))
        return usher_error_errno(err, errno, "cannot make the writing of %s durable", path);
    return true;
}

bool text_file_remove(const char *path, struct usher_error *err)
{
    if (unlink(path) != 0 && errno != ENOENT)
        return usher_error_errno(err, errno, "cannot remove %s", path);
    return true;
}
