#include "scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
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

static int remove_one(const char *path, const struct stat *entry, int type, struct FTW *where)
{
    (void)entry;
    (void)type;
    (void)where;
    return remove(path);
}

int scratch_make(void **state)
{
    const char *base = getenv("TMPDIR");
    char *path = NULL;

    if (asprintf(&path, "%s/usher-unit-XXXXXX", base != NULL ? base : "/tmp") < 0)
        return -1;
    *state = path;
    return mkdtemp(path) != NULL ? 0 : -1;
}

int scratch_remove(void **state)
{
    int result = nftw(*state, remove_one, 16, FTW_DEPTH | FTW_PHYS);

    free(*state);
    return result;
}

const char *scratch_path(const char *format, ...)
{
    static char paths[64][1024];
    static unsigned turn;
    char *out = paths[turn++ % 64];
    va_list values;

    va_start(values, format);
    vsnprintf(out, sizeof paths[0], format, values);
    va_end(values);
    return out;
}

void scratch_mkdir(const char *path)
{
    char part[4096];

    snprintf(part, sizeof part, "%s", path);
    for (char *slash = strchr(part + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash != NULL)
            *slash = '\0';
        if (mkdir(part, 0755) != 0 && errno != EEXIST)
            fail_msg("mkdir %s: %s", part, strerror(errno));
        if (slash == NULL)
            return;
        *slash = '/';
    }
}

void scratch_write(const char *path, const void *bytes, size_t length)
{
    char parent[4096];
    int fd;

    snprintf(parent, sizeof parent, "%.*s", (int)(strrchr(path, '/') - path), path);
    scratch_mkdir(parent);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, bytes, length) != (ssize_t)length)
        fail_msg("write %s: %s", path, strerror(errno));
    close(fd);
}

size_t scratch_read(const char *path, char *out, size_t out_bytes)
{
    FILE *file = fopen(path, "re");
    size_t length;

    if (file == NULL) {
        fail_msg("open %s: %s", path, strerror(errno));
        return 0;
    }
    length = fread(out, 1, out_bytes - 1, file);
    assert_true(fgetc(file) == EOF);
    fclose(file);
    out[length] = '\0';
    return length;
}

bool scratch_exists(const char *path)
{
    struct stat entry;
    return lstat(path, &entry) == 0;
}

/* out_first (may be NULL) gets the name of the first one. */
static unsigned count_entries(const char *directory, const char *prefix, char *out_first, size_t first_bytes)
{
    DIR *open_directory = opendir(directory);
    const struct dirent *entry;
    unsigned count = 0;

    if (open_directory == NULL)
        return 0;
    while ((entry = readdir(open_directory)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 || strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
            continue;
        if (count++ == 0 && out_first != NULL)
            snprintf(out_first, first_bytes, "%s", entry->d_name);
    }
    closedir(open_directory);
    return count;
}

unsigned scratch_count(const char *directory, const char *prefix) { return count_entries(directory, prefix, NULL, 0); }

mode_t scratch_mode(const char *path)
{
    struct stat entry;

    assert_int_equal(stat(path, &entry), 0);
    return entry.st_mode & 07777;
}

const char *scratch_only(const char *directory, const char *prefix)
{
    char name[256] = "";

    assert_int_equal(count_entries(directory, prefix, name, sizeof name), 1);
    return scratch_path("%s/%s", directory, name);
}
