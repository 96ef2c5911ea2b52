#include "usher/host/data_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "usher/host/bounded_text.h"
#include "usher/host/text_file.h"
#include "usher/host/wal_header.h"

enum { PATH_TEXT_BYTES = 4096 };

static bool is_directory(const char *path)
{
    struct stat entry;
    return stat(path, &entry) == 0 && S_ISDIR(entry.st_mode);
}

/* On a volume: the longest mount point above the path is not the container's own root. A small file that the kernel writes: read whole. */
static bool is_on_mounted_volume(const char *path)
{
    char resolved[PATH_TEXT_BYTES], line[PATH_TEXT_BYTES * 2];
    size_t longest = 0;
    FILE *mounts;

    if (realpath(path, resolved) == NULL)
        return false;
    mounts = fopen("/proc/self/mountinfo", "re");
    if (mounts == NULL)
        return true; /* cannot tell: not a reason to refuse */
    while (fgets(line, sizeof line, mounts) != NULL) {
        char point[PATH_TEXT_BYTES];
        size_t length;
        if (sscanf(line, "%*s %*s %*s %*s %4095s", point) != 1)
            continue;
        length = strlen(point);
        if (length > 1 && strncmp(resolved, point, length) == 0 && (resolved[length] == '/' || resolved[length] == '\0') &&
            length > longest)
            longest = length;
    }
    fclose(mounts);
    return longest > 0;
}

enum data_place data_dir_place(const char *data_dir, const char *wal_dir, bool needs_mount, char *out_detail, size_t detail_bytes)
{
    out_detail[0] = '\0';
    if (!is_directory(data_dir)) {
        snprintf(out_detail, detail_bytes, "%s is not a directory", data_dir);
        return PLACE_MISSING;
    }
    if (wal_dir != NULL && wal_dir[0] != '\0') {
        char parent[PATH_TEXT_BYTES];
        const char *slash = strrchr(wal_dir, '/');
        snprintf(parent, sizeof parent, "%.*s", slash == NULL || slash == wal_dir ? 1 : (int)(slash - wal_dir),
                 slash == NULL ? "." : wal_dir);
        if (!is_directory(parent)) {
            snprintf(out_detail, detail_bytes, "%s, where --wal-dir lies, is not a directory", parent);
            return PLACE_MISSING;
        }
    }
    if (needs_mount && !is_on_mounted_volume(data_dir)) {
        snprintf(out_detail, detail_bytes, "%s is in the container's own file system", data_dir);
        return PLACE_NOT_MOUNTED;
    }
    if (wal_lies_elsewhere(data_dir, wal_dir, out_detail, detail_bytes))
        return PLACE_WAL_ELSEWHERE;
    return PLACE_GOOD;
}

int64_t data_dir_free_bytes(const char *data_dir)
{
    struct statvfs volume;

    if (statvfs(data_dir, &volume) != 0)
        return -1;
    return (int64_t)(volume.f_bavail * volume.f_frsize);
}

int64_t data_dir_snap_bytes(const char *data_dir)
{
    char path[PATH_TEXT_BYTES];
    DIR *directory;
    const struct dirent *entry;
    int64_t sum = 0;

    (void)snprintf(path, sizeof path, "%s/member/snap", data_dir);
    directory = opendir(path);
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        struct stat file;
        if (fstatat(dirfd(directory), entry->d_name, &file, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(file.st_mode))
            sum += (int64_t)(file.st_blocks * 512 < file.st_size ? file.st_blocks * 512 : file.st_size); /* a new database has holes */
    }
    if (directory != NULL)
        (void)closedir(directory);
    return sum;
}

static int is_archive(const struct dirent *entry)
{
    return strncmp(entry->d_name, USHER_ARCHIVE_PREFIX, strlen(USHER_ARCHIVE_PREFIX)) == 0;
}

static int newest_first(const struct dirent **a, const struct dirent **b) { return strcmp((*b)->d_name, (*a)->d_name); }

/* Names begin with the time, so sorting by name is sorting by age. Frees nothing on failure (-1). */
static int list_archives(const char *data_dir, struct dirent ***out_entries)
{
    return scandir(data_dir, out_entries, is_archive, newest_first);
}

static void free_entries(struct dirent **entries, int count)
{
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
}

bool data_dir_has_archive(const char *data_dir)
{
    struct dirent **entries = NULL;
    int count = list_archives(data_dir, &entries);

    if (count >= 0)
        free_entries(entries, count);
    return count > 0;
}

static bool sync_directory(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool is_done = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0)
        close(fd);
    return is_done;
}

/* Holds the lock that etcd takes on its database. -1 with err: an etcd holds it. -2: there is no database. */
static int lock_database(const char *data_dir, struct usher_error *err)
{
    char path[PATH_TEXT_BYTES];
    int fd;

    snprintf(path, sizeof path, "%s/member/snap/db", data_dir);
    fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return -2;
    if (fd < 0) {
        usher_error_errno(err, errno, "cannot open %s, so the data is not touched", path);
        return -1;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        usher_error_errno(err, errno, "%s is in use, so the data is not touched", path);
        close(fd);
        return -1;
    }
    return fd;
}

static void name_archive(const char *data_dir, const char *why, struct member_id id, char out[PATH_TEXT_BYTES])
{
    char hex[ID_TEXT_BYTES] = "unknown", stamp[32] = "";
    time_t now = time(NULL);
    struct tm parts;

    if (member_id_is_known(id))
        id_to_hex(id.value, hex);
    if (gmtime_r(&now, &parts) == NULL || strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &parts) == 0)
        snprintf(stamp, sizeof stamp, "%lld", (long long)now);
    snprintf(out, PATH_TEXT_BYTES, "%s/" USHER_ARCHIVE_PREFIX "%s-%s-%s", data_dir, stamp, why, hex);
    for (unsigned n = 2; access(out, F_OK) == 0 && n < 100; n++)
        snprintf(out, PATH_TEXT_BYTES, "%s/" USHER_ARCHIVE_PREFIX "%s-%s-%s-%u", data_dir, stamp, why, hex, n);
}

/* A separate WAL directory may be its own mount: its files go into <wal_dir>/usher-archive-..., one by one, after the snap. A crash in
 * between leaves ids without snap/db: "unreadable", never "none". */
static bool archive_wal_dir(const char *wal_dir, const char *archive_name, struct usher_error *err)
{
    char target[PATH_TEXT_BYTES];
    const struct dirent *entry;
    DIR *directory = opendir(wal_dir);

    if (directory == NULL)
        return errno == ENOENT || usher_error_errno(err, errno, "cannot look into %s", wal_dir);
    snprintf(target, sizeof target, "%s/%s", wal_dir, archive_name);
    if (mkdir(target, 0700) != 0 && errno != EEXIST) {
        closedir(directory);
        return usher_error_errno(err, errno, "cannot make %s", target);
    }
    while ((entry = readdir(directory)) != NULL) {
        char from[PATH_TEXT_BYTES * 2], to[PATH_TEXT_BYTES * 2];
        if (entry->d_name[0] == '.' || is_archive(entry) || strcmp(entry->d_name, "lost+found") == 0)
            continue;
        snprintf(from, sizeof from, "%s/%s", wal_dir, entry->d_name);
        snprintf(to, sizeof to, "%s/%s", target, entry->d_name);
        if (rename(from, to) != 0) {
            closedir(directory);
            return usher_error_errno(err, errno, "cannot move %s", from);
        }
    }
    closedir(directory);
    return sync_directory(wal_dir) || usher_error_errno(err, errno, "cannot make the moving of %s durable", wal_dir);
}

static bool has_separate_wal(const char *data_dir, const char *wal_dir)
{
    size_t length = strlen(data_dir);

    return wal_dir != NULL && wal_dir[0] != '\0' &&
           !(strncmp(wal_dir, data_dir, length) == 0 && strncmp(wal_dir + length, "/member/", 8) == 0);
}

bool data_dir_archive(const char *data_dir, const char *wal_dir, const char *why, struct member_id id, char *out_archive_path,
                      size_t path_bytes, struct usher_error *err)
{
    char archive[PATH_TEXT_BYTES], member[PATH_TEXT_BYTES], target[PATH_TEXT_BYTES + 16];
    int lock = lock_database(data_dir, err);
    bool is_done;

    if (lock == -1)
        return false;
    name_archive(data_dir, why, id, archive);
    snprintf(member, sizeof member, "%s/member", data_dir);
    snprintf(target, sizeof target, "%s/member", archive);
    is_done = mkdir(archive, 0700) == 0 && (rename(member, target) == 0 || errno == ENOENT) && sync_directory(data_dir);
    if (!is_done)
        usher_error_errno(err, errno, "cannot move %s to %s", member, archive);
    is_done = is_done && (!has_separate_wal(data_dir, wal_dir) || archive_wal_dir(wal_dir, strrchr(archive, '/') + 1, err));
    if (lock >= 0)
        close(lock);
    if (is_done)
        snprintf(out_archive_path, path_bytes, "%s", archive);
    return is_done;
}

static int remove_entry(const char *path, const struct stat *entry, int type, struct FTW *where)
{
    (void)entry;
    (void)type;
    (void)where;
    return remove(path);
}

static bool remove_tree(const char *path, struct usher_error *err)
{
    if (access(path, F_OK) != 0 && errno == ENOENT)
        return true;
    if (nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0)
        return usher_error_errno(err, errno, "cannot delete %s", path);
    return true;
}

bool data_dir_delete_member(const char *data_dir, const char *wal_dir, bool even_with_wal, struct usher_error *err)
{
    char member[PATH_TEXT_BYTES];
    struct wal_facts wal;
    bool is_done;
    int lock;

    wal_header_read(data_dir, wal_dir, &wal, NULL);
    if (!even_with_wal && wal.state != WAL_REMAINS && wal.state != WAL_NONE)
        return usher_error_set(err, "a WAL lies in %s by now: nothing is deleted", data_dir);
    lock = lock_database(data_dir, err);
    if (lock == -1)
        return false;
    snprintf(member, sizeof member, "%s/member", data_dir);
    is_done = remove_tree(member, err);
    if (is_done && even_with_wal && has_separate_wal(data_dir, wal_dir)) {
        char name[] = "usher-archive-dropped";
        char target[PATH_TEXT_BYTES];
        snprintf(target, sizeof target, "%s/%s", wal_dir, name);
        is_done = archive_wal_dir(wal_dir, name, err) && remove_tree(target, err);
    }
    if (lock >= 0)
        close(lock);
    return is_done;
}

/* wal_half: where the archive's WAL lies when the WAL directory is a separate one; "" = inside the archive. */
static bool archive_has_wal(const char *archive, const char *wal_half)
{
    struct wal_facts wal;

    wal_header_read(archive, wal_half, &wal, NULL);
    return wal.state == WAL_IDS || wal.state == WAL_TORN || wal.state == WAL_UNREADABLE;
}

static bool thin_one(const char *data_dir, const char *wal_dir, const char *name, unsigned keep, unsigned *kept, struct usher_error *err)
{
    char archive[PATH_TEXT_BYTES * 2], wal_half[PATH_TEXT_BYTES * 2] = "";

    snprintf(archive, sizeof archive, "%s/%s", data_dir, name);
    if (has_separate_wal(data_dir, wal_dir))
        snprintf(wal_half, sizeof wal_half, "%s/%s", wal_dir, name);
    /* Without its half there: one from before the WAL directory was a separate one. */
    if (*kept < keep && (archive_has_wal(archive, "") || (wal_half[0] != '\0' && archive_has_wal(archive, wal_half)))) {
        ++*kept;
        return true;
    }
    return (wal_half[0] == '\0' || remove_tree(wal_half, err)) && remove_tree(archive, err);
}

bool data_dir_thin_archives(const char *data_dir, const char *wal_dir, unsigned keep, struct usher_error *err)
{
    struct dirent **entries = NULL;
    int count = list_archives(data_dir, &entries);
    unsigned kept = 0;
    bool is_done = true;

    if (count < 0)
        return usher_error_errno(err, errno, "cannot look into %s", data_dir);
    for (int i = 0; i < count && is_done; i++)
        is_done = thin_one(data_dir, wal_dir, entries[i]->d_name, keep, &kept, err);
    free_entries(entries, count);
    return is_done;
}
